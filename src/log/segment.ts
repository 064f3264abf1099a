import { LogError, type LogRecord } from './log.ts';

/**
 * A segment: the records of one group commit (or a part of it) side by side in one LMDB value, keyed by the first one's
 * sequence number. One value instead of one a record halves the pages written and doubles the appends a second.
 *
 *   0  u32  format (1)
 *   4  u32  number of records
 *   8  …    each record: u32 length, then its bytes      (little-endian throughout)
 */
export const SEGMENT_HEADER_BYTES = 8;
const RECORD_HEADER_BYTES = 4;
const FORMAT = 1;

/** Bytes a payload takes in a segment. */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + payloadBytes;
}

/** Collects records into one buffer; the copy made here is the only one on the way to the disk. */
export class SegmentBuilder {
  readonly firstSeq: number;
  count = 0;
  #buffer: Uint8Array;
  #view: DataView;
  #end = SEGMENT_HEADER_BYTES;

  /** Takes ownership of the buffer. */
  constructor(firstSeq: number, buffer: Uint8Array) {
    this.firstSeq = firstSeq;
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  hasRoomFor(payloadBytes: number): boolean {
    return this.#end + recordBytes(payloadBytes) <= this.#buffer.byteLength;
  }

  add(payload: Uint8Array): void {
    this.#view.setUint32(this.#end, payload.byteLength, true);
    this.#buffer.set(payload, this.#end + RECORD_HEADER_BYTES);
    this.#end += recordBytes(payload.byteLength);
    this.count++;
  }

  /** The segment's bytes, a view of its buffer. */
  seal(): Uint8Array {
    this.#view.setUint32(0, FORMAT, true);
    this.#view.setUint32(4, this.count, true);
    return this.#buffer.subarray(0, this.#end);
  }

  /** The buffer, to be used for another segment once this one is durable. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }
}

/** Walks the records of one segment. Bytes that are no segment throw `log_corrupt`: LMDB gave back what we never wrote. */
export class SegmentCursor {
  readonly endSeq: number;
  seq: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = SEGMENT_HEADER_BYTES;

  constructor(firstSeq: number, bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.seq = firstSeq;
    if (bytes.byteLength < SEGMENT_HEADER_BYTES || this.#view.getUint32(0, true) !== FORMAT) throw corrupt(firstSeq);
    this.endSeq = firstSeq + this.#view.getUint32(4, true);
  }

  /** The next record's payload length, or null at the end. */
  nextBytes(): number | null {
    if (this.seq === this.endSeq) {
      if (this.#at !== this.#bytes.byteLength) throw corrupt(this.seq);
      return null;
    }
    if (this.#at + RECORD_HEADER_BYTES > this.#bytes.byteLength) throw corrupt(this.seq);
    const length = this.#view.getUint32(this.#at, true);
    if (this.#at + recordBytes(length) > this.#bytes.byteLength) throw corrupt(this.seq);
    return length;
  }

  /** Takes the next record (there must be one); its payload is a view of the segment's bytes. */
  take(payloadBytes: number): LogRecord {
    const start = this.#at + RECORD_HEADER_BYTES;
    this.#at = start + payloadBytes;
    return { seq: this.seq++, payload: this.#bytes.subarray(start, this.#at) };
  }
}

function corrupt(seq: number): LogError {
  return new LogError('log_corrupt', `the log's segment at record ${seq} is damaged`);
}
