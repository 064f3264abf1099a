/** A request's body as bytes: limits are checked while it comes in and while it is inflated, never afterwards. */
import { gunzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { ProblemError } from '../problems/problem.ts';
import { BODY_BYTES_MAX } from '../kernel/decoder.ts';
import type { BodyBudget, Holding } from '../http/body-budget.ts';

/** Bytes of bodies that may be in memory at once, over all connections; several ingest workers share them out. */
export const BODIES_BYTES_MAX = 256 * 1024 * 1024;
/** Bodies being inflated at once, each into up to BODY_BYTES_MAX that the budget learns of when they are known; more than libuv's threads. */
const INFLATING_MAX = 8;
/**
 * The rest of a refused body is read and dropped up to here before the answer goes out: who is cut off while sending hears a reset instead of
 * the reason.
 */
const DROPPED_BYTES_MAX = 64 * 1024 * 1024;

function tooLarge(): ProblemError {
  return new ProblemError('body_too_large', 'a body of samples has at most 8 MiB, inflated');
}

export interface BodyToRead {
  /** Its length, 0 if it does not say. */
  readonly announced: number;
  readonly gzip: boolean;
  /** The id of the key that it comes with. */
  readonly holder: string;
}

/** Throws what a body would be refused with by what is said of it alone. */
export function checkAnnounced({ announced, holder }: BodyToRead, budget: BodyBudget): void {
  if (announced > BODY_BYTES_MAX) throw tooLarge();
  budget.check(holder, announced);
}

/** Reads a body up to the limit; what it holds is in the budget until `release` is called. */
export async function readBody(
  stream: Readable,
  { announced, gzip, holder }: BodyToRead,
  budget: BodyBudget,
): Promise<{ chunks: readonly Buffer[]; release: () => void }> {
  const holding: Holding = { holder, bytes: 0, whole: false, giveUp: () => undefined };
  const release = (): void => {
    budget.give(holding);
  };
  try {
    const chunks = await collect(stream, announced, holding, budget);
    holding.whole = true;
    if (!gzip) return { chunks, release };
    const inflated = await inTurn(holder, () => inflate(Buffer.concat(chunks)));
    release();
    budget.take(holding, inflated.length);
    return { chunks: [inflated], release };
  } catch (error) {
    release();
    throw error;
  }
}

/** By events: an iterator over the stream costs as much as the rest of a small request's way to the kernel. */
function collect(stream: Readable, announced: number, holding: Holding, budget: BodyBudget): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    let refusal: Error | undefined;
    let over = false;
    const refuse = (why: Error): void => {
      refusal = why;
      chunks = [];
      budget.give(holding);
    };
    holding.giveUp = refuse;
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
          budget.take(holding, chunk.length);
          chunks.push(chunk);
        } catch (error) {
          refuse(error as ProblemError);
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
/** Who waits for a turn, by holder; the holders take turns, so that one with very many bodies is one of them. */
const queues = new Map<string, (() => void)[]>();

/** Inflates a few bodies at a time: however many small ones wait, only these can turn out to be large. */
async function inTurn(holder: string, inflateOne: () => Promise<Buffer>): Promise<Buffer> {
  if (inflating === INFLATING_MAX) {
    await new Promise<void>((resolve) => {
      const queue = queues.get(holder);
      if (queue === undefined) queues.set(holder, [resolve]);
      else queue.push(resolve);
    });
  } else inflating++;
  try {
    return await inflateOne();
  } finally {
    // the turn is handed on, not given back: nobody can slip in between
    const next = nextInTurn();
    if (next === undefined) inflating--;
    else next();
  }
}

function nextInTurn(): (() => void) | undefined {
  for (const [holder, queue] of queues) {
    queues.delete(holder);
    const next = queue.shift();
    // to the end of the line
    if (queue.length > 0) queues.set(holder, queue);
    return next;
  }
  return undefined;
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
