/** Reading a segment, record by record, and putting right what one flipped bit has done to it. */
import { advance, type Chain, checkText, type LogMark, sumOf } from './check.ts';
import { LogError, type LogRecord } from './log.ts';
import { bitsBetween, flipFromEnd, flippedBit } from './mend.ts';
import {
  SEGMENT_HEADER_BYTES,
  HEADER_SUM_AT,
  RECORD_HEADER_BYTES,
  CHECK_BYTES,
  FORMAT,
  FORMAT_1,
  FORMAT_1_HEADER_BYTES,
  FORMAT_1_RECORD_HEADER_BYTES,
  padded,
  wordsOf,
} from './segment.ts';

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

function corrupt(seq: number, reason: string): LogError {
  return new LogError('log_corrupt', `record ${seq} of the log is damaged: ${reason}`);
}
