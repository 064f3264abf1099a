import { type Chain, checkText } from './check.ts';
import type { Segment } from './lmdb.ts';
import type { LogError } from './log.ts';
import { recordBytes, SEGMENT_HEADER_BYTES, SegmentBuilder } from './segment.ts';

/** Larger segments gain nothing and cost more to read for one record. */
const SEGMENT_BYTES = 256 * 1024;
/** lmdb maps values of 16 MiB and more instead of copying them; stay clear of that. */
export const RECORD_BYTES_MAX = 15 * 2 ** 20;
/** Buffers kept for reuse: a group on its way and one collecting, at full load. */
const BUFFERS_KEPT_MAX = 32;

interface Waiter {
  readonly resolve: (seq: number) => void;
  readonly reject: (error: LogError) => void;
}

/** The buffers of segments that are durable, for the segments to come. */
export class SegmentBuffers {
  readonly #free: Uint8Array[] = [];

  take(bytes: number): Uint8Array {
    if (bytes > SEGMENT_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_BYTES);
  }

  /** Only for a group that is durable: LMDB's thread reads these bytes until then. */
  giveBack(group: AppendGroup): void {
    for (const buffer of group.buffers()) {
      if (buffer.byteLength === SEGMENT_BYTES && this.#free.length < BUFFERS_KEPT_MAX) this.#free.push(buffer);
    }
  }
}

/** The appends that share one transaction. */
export class AppendGroup {
  bytes = 0;
  samples = 0;
  settled = false;
  endSeq: number;
  cancelDeadline: () => void = () => undefined;
  /** The log's chain after the last record. */
  check: string;
  readonly #firstSeq: number;
  readonly #samplesBefore: bigint;
  readonly #chain: Chain;
  readonly #buffers: SegmentBuffers;
  readonly #segments: SegmentBuilder[] = [];
  readonly #waiters: Waiter[] = [];

  /** @param chain of the log, carried on by every record */
  constructor(firstSeq: number, samplesBefore: bigint, chain: Chain, buffers: SegmentBuffers) {
    this.#firstSeq = firstSeq;
    this.#samplesBefore = samplesBefore;
    this.#chain = chain;
    this.check = checkText(chain);
    this.endSeq = firstSeq;
    this.#buffers = buffers;
  }

  /** Copies the payload; the promise is settled by `resolve` or `reject`. */
  add(payload: Uint8Array, sampleCount: number): Promise<number> {
    let segment = this.#segments.at(-1);
    if (segment?.hasRoomFor(payload.byteLength) !== true) {
      const buffer = this.#buffers.take(SEGMENT_HEADER_BYTES + recordBytes(payload.byteLength));
      segment = new SegmentBuilder(this.endSeq, this.#samplesBefore + BigInt(this.samples), this.#chain, buffer);
      this.#segments.push(segment);
    }
    segment.add(payload, sampleCount);
    this.endSeq++;
    this.bytes += payload.byteLength;
    this.samples += sampleCount;
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** The segments to be written, complete. */
  seal(): Segment[] {
    this.check = checkText(this.#chain);
    return this.#segments.map((segment) => ({ firstSeq: segment.firstSeq, bytes: segment.seal() }));
  }

  buffers(): Uint8Array[] {
    return this.#segments.map((segment) => segment.buffer);
  }

  resolve(): void {
    this.#settle();
    let seq = this.#firstSeq;
    for (const waiter of this.#waiters) waiter.resolve(seq++);
  }

  reject(error: LogError): void {
    this.#settle();
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #settle(): void {
    this.settled = true;
    this.cancelDeadline();
  }
}
