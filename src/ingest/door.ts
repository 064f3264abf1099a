/**
 * The door: decoded samples go into the log, and the answer is given when they are durable. It says no, before anything is written, when
 * the aggregator is too far behind or when names would not fit (`admission.ts`).
 */
import type { Key, Sender } from '../http/keys.ts';
import { ProblemError } from '../problems/problem.ts';
import { type BodyFormat, FRAMES_BYTES_MAX } from '../kernel/decoder.ts';
import type { LogWriter } from '../log/log.ts';
import { framesOf, SAMPLES_HEAD_BYTES_MAX, samplesRecord, tickRecord } from '../log/record.ts';
import { Admission, type AdmissionOptions, type NameKeeper } from './admission.ts';
import type { AgentsSeen } from './agents-seen.ts';
import { hear } from './heard.ts';
import { Judge, type JudgeOptions, logProblem, Refusals, type SampleDoor } from './judge.ts';
import type { Receipt } from './receivers/shared/receiver.ts';

/** Samples that may wait for the aggregator. They are on disk; the bound keeps a restart and the answers of the API timely. */
export const LAG_SAMPLES_MAX = 5_000_000;
/** How long a sender waits for an aggregator that is so far behind: longer than for what passes with the next request. */
const BEHIND_RETRY_SECONDS = 5;

/** The aggregator, as far as a door looks at it. */
export interface AggregatorBehind extends NameKeeper {
  /** Why it takes nothing in any more; undefined when it does. */
  halted(): { readonly detail: string } | undefined;
  /** The log has grown. */
  wake(): void;
}

export interface DoorOptions extends JudgeOptions, AdmissionOptions {
  /** Is told who had samples accepted. */
  readonly agents?: AgentsSeen;
  readonly log: LogWriter;
  readonly aggregator: AggregatorBehind;
}

/** A body that was decoded and judged; `record` holds what was accepted of it, in the log's form (`samplesRecord`). */
export interface JudgedBatch {
  readonly accepted: number;
  /** Left out when nothing was accepted. */
  readonly record?: Uint8Array;
  readonly rejectedByCode: readonly number[];
}

export class Door implements SampleDoor {
  readonly #options: DoorOptions;
  readonly #judge: Judge;
  readonly #admission: Admission;
  readonly #refusals = new Refusals();
  /** The record under way: the log has copied it when append returns. */
  readonly #record = Buffer.allocUnsafeSlow(FRAMES_BYTES_MAX + SAMPLES_HEAD_BYTES_MAX);

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#judge = new Judge(options);
    this.#admission = new Admission(options);
  }

  async take(body: readonly Uint8Array[], format: BodyFormat, key: Key): Promise<Receipt> {
    this.refuseNow();
    return this.#judge.take(body, format, key, ({ accepted, frames, rejectedByCode }) =>
      this.#store(
        accepted === 0
          ? { accepted, rejectedByCode }
          : { accepted, rejectedByCode, record: samplesRecord(key.name, accepted, frames, this.#record) },
        key,
      ),
    );
  }

  /** Takes what another process has decoded. Resolves when it is durable; throws as `take` does, with nothing written. */
  async takeJudged(batch: JudgedBatch, sender: Sender): Promise<void> {
    this.refuseNow();
    await this.#store(batch, sender);
  }

  /** The mark of an entry of the catalog that forgets names is about to be appended. */
  forget(catalogSeq: bigint): void {
    this.#admission.forget(catalogSeq);
  }

  /** Puts the clock and the refusals since the last tick into the log. */
  tick(): Promise<void> {
    return this.#refusals.handOver((refused) => this.#append(tickRecord(this.#options.now(), refused), 0));
  }

  /** The record is only read until the first await, and copied when it is needed after that. */
  async #store({ accepted, record, rejectedByCode }: JudgedBatch, sender: Sender): Promise<void> {
    hear(this.#options.clock, sender.name, record === undefined ? undefined : framesOf(record), rejectedByCode);
    if (record !== undefined) {
      await this.#admission.admit(
        accepted,
        framesOf(record),
        sender,
        () => this.#append(record, accepted),
        () => {
          const kept = Buffer.from(record);
          return () => this.#append(kept, accepted);
        },
      );
      this.#options.agents?.saw(sender.name, this.#options.now());
    }
    // not before: who is told to send the same again has its bad samples counted then
    this.#refusals.count(rejectedByCode);
  }

  async #append(record: Uint8Array, samples: number): Promise<void> {
    try {
      await this.#options.log.append(record, samples);
    } catch (error) {
      throw logProblem(error);
    }
    this.#options.aggregator.wake();
  }

  /** Throws while the aggregator is too far behind, or does not go on. */
  refuseNow(): void {
    const halted = this.#options.aggregator.halted();
    if (halted !== undefined) throw new ProblemError('log_corrupt', halted.detail);
    if (this.#admission.pending <= LAG_SAMPLES_MAX) return;
    throw new ProblemError(
      'too_many_requests',
      'the aggregator is behind; the samples were not taken',
      {},
      { 'retry-after': String(BEHIND_RETRY_SECONDS) },
    );
  }
}
