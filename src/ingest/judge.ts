/** Judging a body of samples: decoded once, counted by what became of it. Where the accepted ones go is the door's business. */
import type { Key } from '../http/keys.ts';
import { REJECTION_CODES } from '../samples/rejection.ts';
import { ProblemError } from '../problems/problem.ts';
import { otherwiseWritten } from '../domain/signature.ts';
import type { Faults } from '../process/faults.ts';
import { type BodyFormat, type Decoded, Decoder } from '../kernel/decoder.ts';
import { LogError, type LogErrorCode } from '../log/log.ts';
import type { ProductClock } from '../process/product-clock.ts';
import type { Receipt } from './receivers/shared/receiver.ts';
import { DAY_MS } from '../domain/zone.ts';

/** What takes the bodies of all receivers. */
export interface SampleDoor {
  /** Takes a body. Resolves when the accepted samples are durable; throws a ProblemError with nothing written. */
  take(body: readonly Uint8Array[], format: BodyFormat, key: Key): Promise<Receipt>;
  /** Throws what every body would be refused with at the moment: who asks first need not send it. */
  refuseNow?(): void;
}

export interface JudgeOptions {
  readonly now: () => number;
  /** 0: samples of any age */
  readonly retentionDays: number;
  readonly faults: Faults;
  /** Told what senders take for now. */
  readonly clock?: ProductClock | undefined;
}

/** What is wrong with a body that its decoder can't take apart. */
const MALFORMED: Readonly<Record<BodyFormat, string>> = {
  ndjson: 'the body is not NDJSON',
  json: 'the body is not a JSON document that is a sample or an array of samples',
  binary: 'the body is not of the format application/vnd.uptally.samples (schemas/samples-binary.md); nothing of it was taken',
};

/** A body taken apart; `frames` are a view that the next body overwrites. */
export type Judged = Extract<Decoded, { readonly outcome: 'decoded' }>;

export class Judge {
  readonly #options: JudgeOptions;
  readonly #decoder = new Decoder();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /**
   * Decodes a body, has what came of it stored, and answers it.
   * @param store resolves when the accepted samples are durable and the refused ones counted
   */
  async take(
    body: readonly Uint8Array[],
    format: BodyFormat,
    key: Key,
    store: (judged: Judged) => Promise<void>,
  ): Promise<Receipt> {
    const { now, retentionDays, faults } = this.#options;
    const nowMs = now();
    const decoded = this.#decoder.decode(body, format, {
      nowMs,
      oldestMs: retentionDays === 0 ? 0 : nowMs - retentionDays * DAY_MS,
      patterns: key.vms,
    });
    if (decoded.outcome !== 'decoded') {
      throw decoded.outcome === 'too_many_samples'
        ? new ProblemError('too_many_samples', 'a request holds at most 50,000 samples')
        : new ProblemError('bad_request', `${MALFORMED[format]}${otherwiseWritten(body)}`);
    }
    const { accepted, rejected, errors, rejectedByCode } = decoded;
    await store(decoded);
    if (accepted > 0) faults.at('before-answer');
    return { accepted, rejected, errors, rejectedByCode };
  }
}

/** The samples refused since the last tick. */
export class Refusals {
  readonly #refused = REJECTION_CODES.map(() => 0);

  count(byCode: readonly number[]): void {
    for (const [code, n] of byCode.entries()) this.#refused[code] = (this.#refused[code] ?? 0) + n;
  }

  /** Hands the refusals since the last time to `record`, by code; what it could not record counts the next time. */
  async handOver(record: (refused: readonly number[]) => Promise<void>): Promise<void> {
    const refused = this.#refused.splice(0, Infinity, ...REJECTION_CODES.map(() => 0));
    try {
      await record(refused);
    } catch (error) {
      this.count(refused);
      throw error;
    }
  }
}

/** Nothing was written, and nothing that the sender does changes that. */
const NOT_TAKEN: ReadonlySet<LogErrorCode> = new Set(['log_unavailable', 'log_mismatch']);

/** What a sender is told of a log that failed: the same again is harmless, whatever became of this one. */
export function logProblem(error: unknown): unknown {
  if (!(error instanceof LogError)) return error;
  const detail = NOT_TAKEN.has(error.code)
    ? `the samples were not taken: ${error.message}. Keep them, and send the same again later`
    : `the samples may not be durable: ${error.message}; send the same again`;
  return new ProblemError('log_unavailable', detail);
}
