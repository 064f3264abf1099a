/** A request's body as bytes: limits are checked while it comes in and while it is inflated, never afterwards. */
import { gunzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { ProblemError } from '../errors.ts';
import { BODY_BYTES_MAX } from '../kernel/decoder.ts';

/** Bytes of bodies that may be in memory at once, over all connections; several ingest workers share them out. */
export const BODIES_BYTES_MAX = 256 * 1024 * 1024;
/** Bodies being inflated at once, each into up to BODY_BYTES_MAX that the budget learns of when they are known; more than libuv's threads. */
const INFLATING_MAX = 8;
const RETRY_SOON = { 'retry-after': '1' };
/**
 * The rest of a refused body is read and dropped up to here before the answer goes out: who is cut off while sending hears a reset instead of
 * the reason.
 */
const DROPPED_BYTES_MAX = 64 * 1024 * 1024;

/** Counts the bytes of bodies in memory, and says no before they are too many. */
export class BodyBudget {
  readonly #bytesMax: number;
  #held = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get held(): number {
    return this.#held;
  }

  /** Throws `too_many_requests` when there is no room. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#bytesMax) {
      throw new ProblemError('too_many_requests', 'too many bodies are being received at once', {}, RETRY_SOON);
    }
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

function tooLarge(): ProblemError {
  return new ProblemError('body_too_large', 'a body of samples has at most 8 MiB, inflated');
}

/** Reads a body up to the limit; what it holds is in the budget until `release` is called. @param announced its length, 0 if it does not say */
export async function readBody(
  stream: Readable,
  announced: number,
  gzip: boolean,
  budget: BodyBudget,
): Promise<{ chunks: readonly Buffer[]; release: () => void }> {
  let taken = 0;
  const release = (): void => {
    budget.give(taken);
    taken = 0;
  };
  const take = (bytes: number): void => {
    budget.take(bytes);
    taken += bytes;
  };
  try {
    const chunks = await collect(stream, announced, take, release);
    if (!gzip) return { chunks, release };
    const inflated = await inTurn(() => inflate(Buffer.concat(chunks)));
    release();
    take(inflated.length);
    return { chunks: [inflated], release };
  } catch (error) {
    release();
    throw error;
  }
}

/** By events: an iterator over the stream costs as much as the rest of a small request's way to the kernel. */
function collect(
  stream: Readable,
  announced: number,
  take: (bytes: number) => void,
  release: () => void,
): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    let refusal: Error | undefined;
    let over = false;
    const end = (error?: Error): void => {
      over = true;
      if (error === undefined) resolve(chunks);
      else reject(error);
    };
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (refusal === undefined) {
        try {
          if (Math.max(length, announced) > BODY_BYTES_MAX) throw tooLarge();
          take(chunk.length);
          chunks.push(chunk);
        } catch (error) {
          refusal = error as ProblemError;
          chunks = [];
          release();
        }
      } else if (length > DROPPED_BYTES_MAX) end(refusal);
    });
    stream.on('end', () => {
      end(refusal);
    });
    stream.on('error', end);
    stream.on('close', () => {
      if (!over) end(new ProblemError('bad_request', 'the connection ended before the body did'));
    });
    if (announced > DROPPED_BYTES_MAX) end(tooLarge());
  });
}

let inflating = 0;
const queue: (() => void)[] = [];

/** Inflates a few bodies at a time: however many small ones wait, only these can turn out to be large. */
async function inTurn(inflateOne: () => Promise<Buffer>): Promise<Buffer> {
  if (inflating === INFLATING_MAX) await new Promise<void>((resolve) => queue.push(resolve));
  else inflating++;
  try {
    return await inflateOne();
  } finally {
    // the turn is handed on, not given back: nobody can slip in between
    const next = queue.shift();
    if (next === undefined) inflating--;
    else next();
  }
}

/** Inflates on a thread of libuv's pool; stops at the limit, whatever the bytes would have become. */
function inflate(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: BODY_BYTES_MAX }, (error, inflated) => {
      if (error === null) resolve(inflated);
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') reject(tooLarge());
      else reject(new ProblemError('bad_request', 'the body is not valid gzip'));
    });
  });
}
