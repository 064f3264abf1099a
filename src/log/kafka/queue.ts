/**
 * One partition's messages on their way from the consumer to the aggregator, cut into steps. Where a step ends follows from the log alone
 * (its records and the brokers' times), never from when they arrive here: whoever reads the partition, and however often, makes the same steps
 * and so the same rows under the same versions.
 */
import { KIND_CATALOG, KIND_TICK, LAYOUT as L } from '../../kernel/layout.ts';
import type { LogReader, LogRecord } from '../log.ts';
import { samplesIn, tickClockOf } from '../record.ts';
import { checkOrigin, type Expected, recordsOf } from './message.ts';

/** A step ends with the first tick this long after its first message … */
export const STEP_MS = 400;
/** … or when it has grown to this … */
const STEP_BYTES = 4 * 1024 * 1024;
const STEP_MESSAGES = 4096;
// … or with a change of the catalog. All of these are part of what rows mean to a reader that goes on from another's checkpoint.

/** Bytes held from which on no more should be fetched, and below which it goes on. */
const HELD_BYTES_HIGH = 24 * 1024 * 1024;
const HELD_BYTES_LOW = 8 * 1024 * 1024;

interface Step {
  readonly firstSeq: number;
  readonly startMs: number;
  lastSeq: number;
  bytes: number;
  samples: number;
  messages: number;
  readonly records: LogRecord[];
}

/** The oldest message a partition still has, and the one that comes next: positions, or offsets where brokers say them. */
export interface Bounds {
  readonly low: number;
  readonly head: number;
}

export class PartitionQueue implements LogReader {
  #bounds: Bounds;
  readonly #expected: Expected | undefined;
  /** the position of the next message to come */
  #next = 0;
  readonly #whole: Step[] = [];
  #open: Step | undefined;
  #heldBytes = 0;
  #heldSamples = 0;

  /** @param expected the log that messages must be of; left out, they are not asked */
  constructor(bounds: Bounds, expected?: Expected) {
    this.#bounds = bounds;
    this.#expected = expected;
  }

  /** Begins with this offset; what was held is dropped. */
  begin(seq: number): void {
    this.#next = seq;
    this.#whole.length = 0;
    this.#open = undefined;
    this.#heldBytes = 0;
    this.#heldSamples = 0;
  }

  /**
   * Takes the message at `next`. @param appendedMs the brokers' time, which is what its ticks say. Throws `log_corrupt` or `log_mismatch`, with
   * nothing taken.
   */
  push(appendedMs: number, message: Uint8Array): void {
    const records = recordsOf(message, this.#next);
    if (this.#expected !== undefined) checkOrigin(message, this.#next, this.#expected);
    this.#take(appendedMs, message.byteLength, records);
  }

  /** Takes the message at `next` for one without records: it was let pass. */
  pass(appendedMs: number): void {
    this.#take(appendedMs, 0, []);
  }

  #take(appendedMs: number, bytes: number, records: readonly LogRecord[]): void {
    const seq = this.#next;
    const step = (this.#open ??= {
      firstSeq: seq,
      startMs: appendedMs,
      lastSeq: seq,
      bytes: 0,
      samples: 0,
      messages: 0,
      records: [],
    });
    let ends = false;
    for (const record of records) {
      if (record.payload[0] === KIND_TICK) {
        setClock(record.payload, appendedMs);
        // the brokers' clock may go back when another broker takes over
        ends ||= Math.abs(appendedMs - step.startMs) >= STEP_MS;
      } else if (record.payload[0] === KIND_CATALOG) ends = true;
      else {
        step.samples += samplesIn(record.payload);
        this.#heldSamples += samplesIn(record.payload);
      }
      step.records.push(record);
    }
    step.lastSeq = seq;
    step.bytes += bytes;
    step.messages++;
    this.#next = seq + 1;
    this.#heldBytes += bytes;
    this.#bounds = { low: this.#bounds.low, head: Math.max(this.#bounds.head, this.#next) };
    if (!ends && step.bytes < STEP_BYTES && step.messages < STEP_MESSAGES) return;
    this.#whole.push(step);
    this.#open = undefined;
  }

  /** The records of the next whole step, none while it is not complete; what lies before is let go. */
  read(fromSeq: number): LogRecord[] {
    for (let first = this.#whole[0]; first !== undefined && first.firstSeq < fromSeq; first = this.#whole[0]) {
      this.#whole.shift();
      this.#heldBytes -= first.bytes;
      this.#heldSamples -= first.samples;
    }
    const [step] = this.#whole;
    if (step !== undefined && step.firstSeq !== fromSeq) throw new Error(`a step begins at ${step.firstSeq}, not at ${fromSeq}`);
    return step?.records ?? [];
  }

  /** What the brokers have said since. */
  known(bounds: Partial<Bounds>): void {
    this.#bounds = { low: bounds.low ?? this.#bounds.low, head: Math.max(bounds.head ?? 0, this.#bounds.head) };
  }

  get firstSeq(): number | null {
    return this.#bounds.low < this.#bounds.head ? this.#bounds.low : null;
  }

  headSeq(): number {
    return this.#bounds.head;
  }

  get nextSeq(): number {
    return this.#next;
  }

  /** Samples fetched and not yet taken in. */
  get heldSamples(): number {
    return this.#heldSamples;
  }

  /** Messages are held that no tick has followed yet. */
  get waitsForTick(): boolean {
    return this.#open !== undefined;
  }

  get isFull(): boolean {
    return this.#heldBytes > HELD_BYTES_HIGH;
  }

  get hasRoom(): boolean {
    return this.#heldBytes < HELD_BYTES_LOW;
  }

  close(): void {
    this.begin(this.#next);
  }
}

/** A tick that is this much off the brokers' time was written by a process that knew it: their clock has leapt, or waited for long. */
const LEAP_MS = 60_000;

/**
 * The clock of a tick is the brokers', unless it tells the highest ts. One that was compared with theirs when it was written is kept where theirs is ahead
 * of it by a leap: all readers see the same, now and in a replay.
 */
function setClock(tick: Uint8Array, appendedMs: number): void {
  const clock = tickClockOf(tick);
  if (clock === 'event') return;
  const view = new DataView(tick.buffer, tick.byteOffset);
  const isLeap = clock === 'compared' && appendedMs - Number(view.getBigInt64(L.RECORD_CLOCK, true)) > LEAP_MS;
  if (!isLeap) view.setBigInt64(L.RECORD_CLOCK, BigInt(appendedMs), true);
  // what the kernel is told is a time of day, whoever said it
  tick[L.RECORD_EVENT] = 0;
}
