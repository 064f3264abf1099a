/**
 * The door before a Kafka log: accepted samples go to the partitions of their VMs, and the answer is given when the brokers have
 * acknowledged all of them. It judges by the brokers' clock. How far the aggregators are concerns it only where names may be new
 * (`partitions/admission.ts`): the log keeps what they have not taken.
 */
import type { Key } from '../http/keys.ts';
import type { BodyFormat } from '../kernel/decoder.ts';
import type { KafkaWriter } from '../log/kafka/writer.ts';
import { catalogRecord, tickRecord } from '../log/record.ts';
import type { AgentsSeen } from './agents-seen.ts';
import { hear, highestIn } from './heard.ts';
import { Judge, type JudgeOptions, logProblem, Refusals, type SampleDoor } from './judge.ts';
import type { PartitionAdmission } from './partitions/admission.ts';
import type { Receipt } from './receivers/shared/receiver.ts';

export interface KafkaDoorOptions extends JudgeOptions {
  readonly log: KafkaWriter;
  readonly admission: PartitionAdmission;
  /** Samples tell the time: ticks carry the highest ts accepted. */
  readonly eventClock: boolean;
  /** Is told who had samples accepted. */
  readonly agents?: AgentsSeen;
}

export class KafkaDoor implements SampleDoor {
  readonly #options: KafkaDoorOptions;
  readonly #judge: Judge;
  readonly #refusals = new Refusals();
  /** The highest ts that is known to be in the log, of whichever process. */
  #highestMs = 0;
  #markedSeq = -1n;

  constructor(options: KafkaDoorOptions) {
    this.#options = options;
    const { log, now } = options;
    this.#judge = new Judge({ ...options, now: () => now() + log.clockOffsetMs });
  }

  async take(body: readonly Uint8Array[], format: BodyFormat, key: Key): Promise<Receipt> {
    const { log, admission, eventClock } = this.#options;
    // before anything is decoded: there may be no telling what time it is
    this.refuseNow();
    return this.#judge.take(body, format, key, async ({ accepted, frames, rejectedByCode }) => {
      hear(this.#options.clock, key.name, frames, rejectedByCode);
      if (accepted > 0) {
        const highestMs = eventClock ? highestIn(frames) : 0;
        await admission.admit(frames, key, (admitted) =>
          log.appendSamples(key.name, admitted).catch((error: unknown) => {
            throw logProblem(error);
          }),
        );
        this.reached(highestMs);
        this.#options.agents?.saw(key.name, this.#options.now());
      }
      this.#refusals.count(rejectedByCode);
    });
  }

  /** Throws while the brokers do not acknowledge. */
  refuseNow(): void {
    const { unavailable } = this.#options.log;
    if (unavailable !== undefined) throw logProblem(unavailable);
  }

  /** Samples up to this instant have been accepted somewhere. */
  reached(tsMs: number): void {
    this.#highestMs = Math.max(this.#highestMs, tsMs);
  }

  /** Puts a tick into every partition; the first one's has the refusals since the tick before. */
  tick(): Promise<void> {
    const { log, now, eventClock } = this.#options;
    // where the time of day counts, the brokers' takes the place of this one when the tick is read, unless it has leapt
    const clockMs = eventClock ? this.#highestMs : now() + log.clockOffsetMs;
    const isEvent = eventClock && clockMs > 0;
    const kind = log.knowsBrokersClock ? 'compared' : 'own';
    return this.#refusals.handOver((refused) =>
      log.appendToAll((partition) => tickRecord(clockMs, partition === 0 ? refused : [], isEvent ? 'event' : kind)),
    );
  }

  /** Tells every partition that the catalog has got this far, unless this process has done so already. */
  async mark(catalogSeq: bigint): Promise<void> {
    if (catalogSeq <= this.#markedSeq) return;
    const record = catalogRecord(catalogSeq);
    await this.#options.log.appendToAll(() => record);
    this.#markedSeq = catalogSeq;
  }
}
