/**
 * The door: decoded samples go into the log, and the answer is given when they are durable. It says no, before anything is written, when
 * the aggregator is too far behind or when names would not fit.
 */
import type { AggregatorThread } from '../aggregate/thread.ts';
import type { Key } from '../catalog/keys.ts';
import { ProblemError } from '../errors.ts';
import { type BodyFormat, FRAMES_BYTES_MAX } from '../kernel/decoder.ts';
import type { LogWriter } from '../log/log.ts';
import { framesOf, SAMPLES_HEAD_BYTES_MAX, samplesRecord, tickRecord } from '../log/record.ts';
import { KnownNames } from './known-names.ts';
import { Judge, type JudgeOptions, logProblem, type Receipt, Refusals, type SampleDoor } from './judge.ts';

/** Samples that may wait for the aggregator. They are on disk; the bound keeps a restart and the answers of the API timely. */
export const LAG_SAMPLES_MAX = 5_000_000;

export interface DoorOptions extends JudgeOptions {
  readonly log: LogWriter;
  readonly aggregator: AggregatorThread;
  readonly vmsMax: number;
  readonly nicsMax: number;
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
  readonly #known = new KnownNames();
  readonly #refusals = new Refusals();
  /** The record under way: the log has copied it when append returns. */
  readonly #record = Buffer.allocUnsafeSlow(FRAMES_BYTES_MAX + SAMPLES_HEAD_BYTES_MAX);
  /** Samples handed to the log and not yet durable. */
  #inFlight = 0;
  /** Requests that need the aggregator's word about their names: all that wait are answered by one. */
  #waiting: Waiting[] = [];
  #checking = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#judge = new Judge(options);
  }

  async take(body: readonly Uint8Array[], format: BodyFormat, key: Key): Promise<Receipt> {
    this.#refuseWhenBehind();
    return this.#judge.take(body, format, key, ({ accepted, frames, rejectedByCode }) =>
      this.#store(
        accepted === 0
          ? { accepted, rejectedByCode }
          : { accepted, rejectedByCode, record: samplesRecord(key.name, accepted, frames, this.#record) },
      ),
    );
  }

  /** Takes what another process has decoded. Resolves when it is durable; throws as `take` does, with nothing written. */
  async takeJudged(batch: JudgedBatch): Promise<void> {
    this.#refuseWhenBehind();
    await this.#store(batch);
  }

  /** Puts the clock and the refusals since the last tick into the log. */
  tick(): Promise<void> {
    return this.#refusals.handOver((refused) => this.#append(tickRecord(this.#options.now(), refused), 0));
  }

  /** The record is only read until the first await, and copied when it is needed after that. */
  async #store({ accepted, record, rejectedByCode }: JudgedBatch): Promise<void> {
    if (record !== undefined) {
      this.#inFlight += accepted;
      try {
        if (!this.#fitsForSure() && !this.#known.has(framesOf(record)))
          await this.#checkNames(new Uint8Array(framesOf(record)), Buffer.from(record), accepted);
        else await this.#append(record, accepted);
      } finally {
        this.#inFlight -= accepted;
      }
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

  /** Samples in the log, or on their way into it, that the kernel has not taken in. */
  get #pending(): number {
    const { log, aggregator } = this.#options;
    return Number(log.samplesAppended - aggregator.progress().aggregatedSamples) + this.#inFlight;
  }

  #refuseWhenBehind(): void {
    if (this.#pending <= LAG_SAMPLES_MAX) return;
    throw new ProblemError(
      'too_many_requests',
      'the aggregator is behind; the samples were not taken',
      {},
      { 'retry-after': '5' },
    );
  }

  /** Would everything that is under way fit even if every sample named a new VM and a new interface? */
  #fitsForSure(): boolean {
    const { aggregator, vmsMax, nicsMax } = this.#options;
    const { vmSlots, nicSlots } = aggregator.progress();
    return vmSlots + this.#pending <= vmsMax && nicSlots + this.#pending <= nicsMax;
  }

  /**
   * Close to the capacity, or so far ahead of the aggregator that all of it might be new: what names nothing new goes in at once, since a
   * name that is known stays known. The rest waits, together with all others that do, until the kernel has seen what came before, and is
   * asked again.
   */
  async #checkNames(frames: Uint8Array, record: Uint8Array, accepted: number): Promise<void> {
    const names = await this.#options.aggregator.newNames(frames);
    if (names.vms === 0 && names.nics === 0) {
      this.#known.add(frames);
      await this.#append(record, accepted);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ frames, record, accepted, resolve, reject });
      if (!this.#checking) void this.#checkWaiting();
    });
  }

  async #checkWaiting(): Promise<void> {
    this.#checking = true;
    while (this.#waiting.length > 0) {
      const round = this.#waiting.splice(0);
      try {
        await this.#checkRound(round);
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#checking = false;
  }

  async #checkRound(round: readonly Waiting[]): Promise<void> {
    const { log, aggregator, vmsMax, nicsMax } = this.#options;
    const head = log.headSeq;
    await aggregator.until((progress) => progress.aggregatedSeq >= head - 1);
    const names = await Promise.all(round.map(({ frames }) => aggregator.newNames(frames)));
    const { vmSlots, nicSlots } = aggregator.progress();
    let [vms, nics] = [vmSlots, nicSlots];
    const again: Waiting[] = [];
    for (const [i, request] of round.entries()) {
      const added = names[i] ?? { vms: 0, nics: 0 };
      if (vms + added.vms <= vmsMax && nics + added.nics <= nicsMax) {
        vms += added.vms;
        nics += added.nics;
        this.#append(request.record, request.accepted).then(request.resolve, request.reject);
      } else if (vms > vmSlots || nics > nicSlots) {
        // perhaps it names what others of this round bring in: then it fits, in the next one
        again.push(request);
      } else {
        request.reject(
          new ProblemError(
            'capacity_full',
            `the samples name ${added.vms} new VMs and ${added.nics} new interfaces, and there is room for ${Math.max(0, vmsMax - vmSlots)} and ${Math.max(0, nicsMax - nicSlots)}: raise UPTALLY_MAX_VMS or UPTALLY_MAX_NICS`,
            {},
            { 'retry-after': '60' },
          ),
        );
      }
    }
    this.#waiting.unshift(...again);
  }
}

/** A request that names what the kernel does not know, near the capacity. */
interface Waiting {
  readonly frames: Uint8Array;
  readonly record: Uint8Array;
  readonly accepted: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
