import { advance, type Chain, sumOf } from './check.ts';

/**
 * A segment: the records of one group commit (or a part of it) side by side in one LMDB value, keyed by the first one's
 * sequence number. One value instead of one a record halves the pages written and doubles the appends a second.
 *
 *   0  u32  format (2)
 *   4  u32  number of records
 *   8  u64  sequence number of the first
 *  16  u64  samples in all records before it, since the log began
 *  24  u32, u32  the chain (`check.ts`) before it
 *  32  u32  zero
 *  36  u32  CRC-32 of the 36 bytes before
 *  40  …    each record: u32 length, u32 samples in it, u32 samples before it in the segment, u32 zero, its bytes, padded with zeros to 8, then
 *           the chain after it: u32, u32
 *
 * Format 1, of the version before, has 8 bytes of head and each record as u32 length and its bytes, without checks. Little-endian throughout.
 */
export const SEGMENT_HEADER_BYTES = 40;

export const HEADER_SUM_AT = 36;

export const RECORD_HEADER_BYTES = 16;

export const CHECK_BYTES = 8;

export const FORMAT = 2;

export const FORMAT_1 = 1;

export const FORMAT_1_HEADER_BYTES = 8;

export const FORMAT_1_RECORD_HEADER_BYTES = 4;

/** Bytes a payload takes in a segment. */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + padded(payloadBytes) + CHECK_BYTES;
}

export function padded(bytes: number): number {
  // not by bits: a damaged length may have 32 of them
  return Math.ceil(bytes / 8) * 8;
}

/** Collects records into one buffer; the copy made here is the only one on the way to the disk. */
export class SegmentBuilder {
  readonly firstSeq: number;
  count = 0;
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #chain: Chain;
  #samples = 0;
  #end = SEGMENT_HEADER_BYTES;

  /** Takes ownership of the buffer, which begins at a multiple of four. @param chain of the log, carried on by every record */
  constructor(firstSeq: number, samplesBefore: bigint, chain: Chain, buffer: Uint8Array) {
    this.firstSeq = firstSeq;
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.#words = wordsOf(buffer);
    this.#chain = chain;
    this.#view.setUint32(0, FORMAT, true);
    this.#view.setBigUint64(8, BigInt(firstSeq), true);
    this.#view.setBigUint64(16, samplesBefore, true);
    this.#view.setUint32(24, chain.crc, true);
    this.#view.setUint32(28, chain.mix, true);
    this.#view.setUint32(32, 0, true);
  }

  hasRoomFor(payloadBytes: number): boolean {
    return this.#end + recordBytes(payloadBytes) <= this.#buffer.byteLength;
  }

  add(payload: Uint8Array, samples: number): void {
    const start = this.#end;
    const payloadAt = start + RECORD_HEADER_BYTES;
    const end = payloadAt + padded(payload.byteLength);
    this.#view.setUint32(start, payload.byteLength, true);
    this.#view.setUint32(start + 4, samples, true);
    this.#view.setUint32(start + 8, this.#samples, true);
    this.#view.setUint32(start + 12, 0, true);
    this.#samples += samples;
    this.#buffer.set(payload, payloadAt);
    this.#buffer.fill(0, payloadAt + payload.byteLength, end);
    advance(this.#chain, this.#buffer.subarray(start, end), this.#words.subarray(start >>> 2, end >>> 2));
    this.#view.setUint32(end, this.#chain.crc, true);
    this.#view.setUint32(end + 4, this.#chain.mix, true);
    this.#end = end + CHECK_BYTES;
    this.count++;
  }

  /** The segment's bytes, a view of its buffer. */
  seal(): Uint8Array {
    this.#view.setUint32(4, this.count, true);
    this.#view.setUint32(HEADER_SUM_AT, sumOf(this.#buffer.subarray(0, HEADER_SUM_AT)), true);
    return this.#buffer.subarray(0, this.#end);
  }

  /** The buffer, to be used for another segment once this one is durable. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }
}

export function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}
