/**
 * The door: decoded samples go into the log, and the answer is given when they are durable. It says no, before anything is written, when
 * the aggregator is too far behind or when names would not fit.
 */
import type { AggregatorThread } from '../aggregate/thread.ts';
import type { Key } from '../catalog/keys.ts';
import { ProblemError } from '../errors.ts';
import type { Faults } from '../faults.ts';
import { REJECTION_CODES, type Rejection } from '../domain/rejection.ts';
import { type BodyFormat, Decoder, FRAMES_BYTES_MAX } from '../kernel/decoder.ts';
import { LogError, type LogWriter } from '../log/log.ts';
import { SAMPLES_HEAD_BYTES_MAX, samplesRecord, tickRecord } from '../log/record.ts';

/** Samples that may wait for the aggregator. They are on disk; the bound keeps a restart and the answers of the API timely. */
export const LAG_SAMPLES_MAX = 5_000_000;

export interface DoorOptions {
  readonly log: LogWriter;
  readonly aggregator: AggregatorThread;
  readonly now: () => number;
  /** 0: samples of any age */
  readonly retentionDays: number;
  readonly vmsMax: number;
  readonly nicsMax: number;
  readonly faults: Faults;
}

export interface Receipt {
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly Rejection[];
}

const DAY_MS = 86_400_000;

/** What is wrong with a body that its decoder can't take apart. */
const MALFORMED: Readonly<Record<BodyFormat, string>> = {
  ndjson: 'the body is not NDJSON',
  json: 'the body is not a JSON document that is a sample or an array of samples',
  binary: 'the body is not of the format application/vnd.uptally.samples (schemas/samples-binary.md); nothing of it was taken',
};

export class Door {
  readonly #options: DoorOptions;
  readonly #decoder = new Decoder();
  /** The record under way: the log has copied it when append returns. */
  readonly #record = Buffer.allocUnsafeSlow(FRAMES_BYTES_MAX + SAMPLES_HEAD_BYTES_MAX);
  readonly #refused = REJECTION_CODES.map(() => 0);
  /** Samples handed to the log and not yet durable. */
  #inFlight = 0;
  /** Requests that need the aggregator's word about their names: all that wait are answered by one. */
  #waiting: Waiting[] = [];
  #checking = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Takes a body. Resolves when the accepted samples are durable; throws a ProblemError with nothing written. */
  async take(body: readonly Uint8Array[], format: BodyFormat, key: Key): Promise<Receipt> {
    const { now, retentionDays, faults } = this.#options;
    this.#refuseWhenBehind();
    const nowMs = now();
    const decoded = this.#decoder.decode(body, format, {
      nowMs,
      oldestMs: retentionDays === 0 ? 0 : nowMs - retentionDays * DAY_MS,
      patterns: key.vms,
    });
    if (decoded.outcome !== 'decoded') {
      throw decoded.outcome === 'too_many_samples'
        ? new ProblemError('too_many_samples', 'a request holds at most 50,000 samples')
        : new ProblemError('bad_request', MALFORMED[format]);
    }
    const { accepted, rejected, errors, rejectedByCode } = decoded;
    if (accepted === 0) {
      this.#countRefused(rejectedByCode);
      return { accepted, rejected, errors };
    }
    const record = samplesRecord(key.name, accepted, decoded.frames, this.#record);
    this.#inFlight += accepted;
    try {
      if (!this.#fitsForSure()) await this.#checkNames(new Uint8Array(decoded.frames), Buffer.from(record), accepted);
      else await this.#append(record, accepted);
    } finally {
      this.#inFlight -= accepted;
    }
    // not before: who is told to send the same again has its bad samples counted then
    this.#countRefused(rejectedByCode);
    faults.at('before-answer');
    return { accepted, rejected, errors };
  }

  #countRefused(byCode: readonly number[]): void {
    for (const [code, n] of byCode.entries()) this.#refused[code] = (this.#refused[code] ?? 0) + n;
  }

  /** Puts the clock and the refusals since the last tick into the log. */
  async tick(): Promise<void> {
    const refused = this.#refused.splice(0, Infinity, ...REJECTION_CODES.map(() => 0));
    try {
      await this.#append(tickRecord(this.#options.now(), refused), 0);
    } catch (error) {
      this.#countRefused(refused);
      throw error;
    }
  }

  async #append(record: Uint8Array, samples: number): Promise<void> {
    try {
      await this.#options.log.append(record, samples);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      throw new ProblemError(
        'log_unavailable',
        `the samples may not be durable: ${error.message}; send the same again`,
        {},
        { 'retry-after': '5' },
      );
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
   * Close to the capacity: what names nothing new goes in at once, since a name that is known stays known. The rest waits, together with
   * all others that do, until the kernel has seen what came before, and is asked again.
   */
  async #checkNames(frames: Uint8Array, record: Uint8Array, accepted: number): Promise<void> {
    const names = await this.#options.aggregator.newNames(frames);
    if (names.vms === 0 && names.nics === 0) {
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
