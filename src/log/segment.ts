import { advance, type Chain, checkText, type LogMark, sumOf } from './check.ts';
import { LogError, type LogRecord } from './log.ts';
import { bitsBetween, flipFromEnd, flippedBit } from './mend.ts';

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
const HEADER_SUM_AT = 36;
const RECORD_HEADER_BYTES = 16;
const CHECK_BYTES = 8;
const FORMAT = 2;
const FORMAT_1 = 1;
const FORMAT_1_HEADER_BYTES = 8;
const FORMAT_1_RECORD_HEADER_BYTES = 4;

/** Bytes a payload takes in a segment. */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + padded(payloadBytes) + CHECK_BYTES;
}

function padded(bytes: number): number {
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

/** Walks the records of one segment. Bytes that are not what was written throw `log_corrupt`: LMDB gave back what we never wrote. */
export class SegmentCursor {
  readonly firstSeq: number;
  readonly endSeq: number;
  seq: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #checked: boolean;
  readonly #chain: Chain = { crc: 0, mix: 0 };
  #samplesBefore = 0n;
  #samples = 0n;
  #at: number;
  /** The next record, once it was found sound. */
  #next: Next | undefined;
  /** Records of which a flipped bit was put right. */
  mended: number[] = [];

  constructor(firstSeq: number, given: Uint8Array) {
    // the sums read whole words
    const bytes = given.byteOffset % 4 === 0 ? given : given.slice();
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#words = wordsOf(bytes);
    this.firstSeq = firstSeq;
    this.seq = firstSeq;
    const format = bytes.byteLength < FORMAT_1_HEADER_BYTES ? 0 : this.#view.getUint32(0, true);
    this.#checked = format !== FORMAT_1;
    if (this.#checked) this.#readHeader();
    this.#at = this.#checked ? SEGMENT_HEADER_BYTES : FORMAT_1_HEADER_BYTES;
    this.endSeq = firstSeq + this.#view.getUint32(4, true);
  }

  #readHeader(): void {
    const { firstSeq } = this;
    if (!this.#headerIsSound() && !this.#mendHeader()) throw corrupt(firstSeq, "its segment's head is not what was written");
    if (this.#view.getBigUint64(8, true) !== BigInt(firstSeq)) throw corrupt(firstSeq, 'another segment stands in its place');
    this.#samplesBefore = this.#view.getBigUint64(16, true);
    this.#samples = this.#samplesBefore;
    this.#chain.crc = this.#view.getUint32(24, true);
    this.#chain.mix = this.#view.getUint32(28, true);
  }

  #headerIsSound(): boolean {
    return (
      this.#bytes.byteLength >= SEGMENT_HEADER_BYTES &&
      this.#view.getUint32(0, true) === FORMAT &&
      sumOf(this.#bytes.subarray(0, HEADER_SUM_AT)) === this.#view.getUint32(HEADER_SUM_AT, true)
    );
  }

  /** The head has one sum only: the sequence number that it must say takes the place of the second. */
  #mendHeader(): boolean {
    if (this.#bytes.byteLength < SEGMENT_HEADER_BYTES) return false;
    const header = this.#bytes.subarray(0, SEGMENT_HEADER_BYTES);
    for (let bit = 0; bit < 8 * SEGMENT_HEADER_BYTES; bit++) {
      flipFromEnd(header, bit);
      if (this.#headerIsSound() && this.#view.getBigUint64(8, true) === BigInt(this.firstSeq)) {
        this.mended.push(this.firstSeq);
        return true;
      }
      flipFromEnd(header, bit);
    }
    return false;
  }

  /** The next record's payload length, or null at the end. The record is sound, or `log_corrupt` is thrown. */
  nextBytes(): number | null {
    if (this.seq === this.endSeq) {
      if (this.#at !== this.#bytes.byteLength) throw corrupt(this.seq - 1, 'bytes follow the last record of its segment');
      return null;
    }
    if (!this.#checked) return this.#nextBytesUnchecked();
    if (this.#next === undefined) {
      const fault = this.#faultOfNext();
      if (fault !== undefined) {
        if (!this.#mend()) throw corrupt(this.seq, fault);
        this.mended.push(this.seq);
      }
    }
    return this.#view.getUint32(this.#at, true);
  }

  #nextBytesUnchecked(): number {
    if (this.#at + FORMAT_1_RECORD_HEADER_BYTES > this.#bytes.byteLength) throw corrupt(this.seq, 'its segment ends before it');
    const length = this.#view.getUint32(this.#at, true);
    if (this.#at + FORMAT_1_RECORD_HEADER_BYTES + length > this.#bytes.byteLength)
      throw corrupt(this.seq, 'its length leads beyond its segment');
    return length;
  }

  /** Why the next record is not what was written; undefined when it is, which is then noted. */
  #faultOfNext(): string | undefined {
    if (this.#at + RECORD_HEADER_BYTES > this.#bytes.byteLength) return 'its segment ends before it';
    const end = this.#at + RECORD_HEADER_BYTES + padded(this.#view.getUint32(this.#at, true));
    if (end + CHECK_BYTES > this.#bytes.byteLength) return 'its length leads beyond its segment';
    const chain = this.#chainOver(end);
    if (chain.crc !== this.#view.getUint32(end, true) || chain.mix !== this.#view.getUint32(end + 4, true))
      return 'its checksum does not fit';
    this.#next = { chain, end };
    return undefined;
  }

  #chainOver(end: number): Chain {
    const chain = { crc: this.#chain.crc, mix: this.#chain.mix };
    advance(chain, this.#bytes.subarray(this.#at, end), this.#words.subarray(this.#at >>> 2, end >>> 2));
    return chain;
  }

  /** Puts one flipped bit of the next record right: of its length, of its checksum, or of anything else. False where it is not one bit. */
  #mend(): boolean {
    if (this.#at + RECORD_HEADER_BYTES > this.#bytes.byteLength) return false;
    const length = this.#bytes.subarray(this.#at, this.#at + 4);
    for (let bit = 0; bit < 32; bit++) {
      flipFromEnd(length, bit);
      if (this.#faultOfNext() === undefined) return true;
      flipFromEnd(length, bit);
    }
    const end = this.#at + RECORD_HEADER_BYTES + padded(this.#view.getUint32(this.#at, true));
    if (end + CHECK_BYTES > this.#bytes.byteLength) return false;
    const { crc, mix } = this.#chainOver(end);
    const written = { crc: this.#view.getUint32(end, true), mix: this.#view.getUint32(end + 4, true) };
    if (bitsBetween(crc, written.crc) + bitsBetween(mix, written.mix) === 1) {
      this.#view.setUint32(end, crc, true);
      this.#view.setUint32(end + 4, mix, true);
      return this.#faultOfNext() === undefined;
    }
    const record = this.#bytes.subarray(this.#at, end);
    const fromEnd = flippedBit(crc ^ written.crc, record.length);
    if (fromEnd < 0) return false;
    flipFromEnd(record, fromEnd);
    if (this.#faultOfNext() === undefined) return true;
    flipFromEnd(record, fromEnd);
    return false;
  }

  /** Takes the next record, which `nextBytes` has told of; its payload is a view of the segment's bytes. */
  take(payloadBytes: number): LogRecord {
    if (!this.#checked) {
      const start = this.#at + FORMAT_1_RECORD_HEADER_BYTES;
      this.#at = start + payloadBytes;
      return { seq: this.seq++, payload: this.#bytes.subarray(start, this.#at) };
    }
    const next = this.#next;
    if (next === undefined) throw new Error('a record is taken after its length was asked for');
    const start = this.#at + RECORD_HEADER_BYTES;
    this.#samples =
      this.#samplesBefore + BigInt(this.#view.getUint32(this.#at + 8, true) + this.#view.getUint32(this.#at + 4, true));
    this.#chain.crc = next.chain.crc;
    this.#chain.mix = next.chain.mix;
    this.#at = next.end + CHECK_BYTES;
    this.#next = undefined;
    return { seq: this.seq++, payload: this.#bytes.subarray(start, start + payloadBytes) };
  }

  /** What the log says of itself before the segment; undefined for one of before there were checks. */
  get markBefore(): LogMark | undefined {
    if (!this.#checked) return undefined;
    const chain = { crc: this.#view.getUint32(24, true), mix: this.#view.getUint32(28, true) };
    return { check: checkText(chain), samples: this.#samplesBefore };
  }

  /** What the log says of itself after the records taken so far; undefined for a segment of before there were checks. */
  get mark(): LogMark | undefined {
    return this.#checked ? { check: checkText(this.#chain), samples: this.#samples } : undefined;
  }

  /**
   * Passes over the next record, which can't be read, by what it says of its length and of the chain after it. False, with nothing passed,
   * where the record after it does not bear that out: then the rest of the segment can't be read either.
   */
  skip(): boolean {
    if (!this.#checked || this.seq + 1 >= this.endSeq) return false;
    const end = this.#at + RECORD_HEADER_BYTES + padded(this.#view.getUint32(this.#at, true));
    if (end + CHECK_BYTES > this.#bytes.byteLength) return false;
    const before = this.#state();
    this.#chain.crc = this.#view.getUint32(end, true);
    this.#chain.mix = this.#view.getUint32(end + 4, true);
    this.#at = end + CHECK_BYTES;
    this.seq++;
    this.#next = undefined;
    try {
      this.nextBytes();
      this.#samples = this.#samplesBefore + BigInt(this.#view.getUint32(this.#at + 8, true));
      return true;
    } catch {
      this.#restore(before);
      return false;
    }
  }

  #state() {
    return { ...this.#chain, at: this.#at, samples: this.#samples, seq: this.seq };
  }

  #restore({ crc, mix, at, samples, seq }: Chain & { at: number; samples: bigint; seq: number }): void {
    this.#chain.crc = crc;
    this.#chain.mix = mix;
    this.#at = at;
    this.#samples = samples;
    this.seq = seq;
    this.#next = undefined;
  }
}

interface Next {
  readonly chain: Chain;
  /** Where its checksum stands. */
  readonly end: number;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}

function corrupt(seq: number, reason: string): LogError {
  return new LogError('log_corrupt', `record ${seq} of the log is damaged: ${reason}`);
}
