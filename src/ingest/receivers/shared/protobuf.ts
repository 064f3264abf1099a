/**
 * Reads protobuf's wire format strictly: whatever ends in the middle, reaches beyond its message, has a number of more than 64 bits or a
 * group (which nobody sends any more) is malformed as a whole. Nothing is allocated but what is asked for.
 * Source: protobuf.dev, "Encoding".
 */

/** The bytes are not the message that they should be. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedError';
  }
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const DECODER = new TextDecoder('utf-8', { fatal: true });

export class ProtobufReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  /** Of the message that is read. */
  end: number;
  /** The wire type of the field read last. */
  wire = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** The number of the next field of the message; 0 at its end. */
  field(): number {
    if (this.at === this.end) return 0;
    const tag = this.number();
    const field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (field === 0 || field > 0x1fffffff) throw new MalformedError('a field has no number');
    return field;
  }

  /** Begins the message within a field; what it returns ends it (`leave`). */
  enter(): number {
    const length = this.#length();
    const outer = this.end;
    this.end = this.at + length;
    return outer;
  }

  leave(outer: number): void {
    if (this.at !== this.end) throw new MalformedError('a message is longer than it says');
    this.end = outer;
  }

  /** A number up to 2^53; a larger one is malformed, as are lengths and tags of that size. */
  number(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) throw new MalformedError('a number is too large');
        return value;
      }
      scale *= 128;
    }
    throw new MalformedError('a number has more than ten bytes');
  }

  /** A signed number of 64 bits; NaN where no safe integer is it. */
  int64(): number {
    // instants take six bytes
    const { bytes, at } = this;
    if (at + 6 <= this.end) {
      const sixth = bytes[at + 5] ?? 0;
      const low = ((bytes[at] ?? 0) & 0x7f) | (((bytes[at + 1] ?? 0) & 0x7f) << 7) | (((bytes[at + 2] ?? 0) & 0x7f) << 14);
      const high = ((bytes[at + 3] ?? 0) & 0x7f) | (((bytes[at + 4] ?? 0) & 0x7f) << 7) | (sixth << 14);
      const more = (bytes[at] ?? 0) & (bytes[at + 1] ?? 0) & (bytes[at + 2] ?? 0) & (bytes[at + 3] ?? 0) & (bytes[at + 4] ?? 0);
      if (more >= 0x80 && sixth < 0x80) {
        this.at = at + 6;
        return high * 0x200000 + low;
      }
    }
    return this.#longInt64();
  }

  #longInt64(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte();
      if (i < 4) low += (byte & 0x7f) * 2 ** (7 * i);
      else if (i === 4) {
        low += (byte & 0x0f) * 2 ** 28;
        high += (byte & 0x7f) >> 4;
      } else if (i < 9) high += (byte & 0x7f) * 2 ** (7 * i - 32);
      else if (byte > 1) throw new MalformedError('a number has more than 64 bits');
      else high += byte * 2 ** 31;
      if (byte < 0x80) {
        const value = high >= 2 ** 31 ? (high - 2 ** 32) * 2 ** 32 + low : high * 2 ** 32 + low;
        return Number.isSafeInteger(value) ? value : NaN;
      }
    }
    throw new MalformedError('a number has more than ten bytes');
  }

  /** A number of 64 bits, exactly. */
  uint64(): bigint {
    let value = 0n;
    for (let i = 0n; i < 10n; i++) {
      const byte = this.#byte();
      if (i === 9n && byte > 1) throw new MalformedError('a number has more than 64 bits');
      value |= BigInt(byte & 0x7f) << (7n * i);
      if (byte < 0x80) return value;
    }
    throw new MalformedError('a number has more than ten bytes');
  }

  double(): number {
    const at = this.#take(8);
    return this.view.getFloat64(at, true);
  }

  /** The double that begins at a place that was read past. */
  doubleAt(at: number): number {
    return this.view.getFloat64(at, true);
  }

  /** Its bits. */
  bitsAt(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  fixed64(): bigint {
    return this.view.getBigUint64(this.#take(8), true);
  }

  sfixed64(): bigint {
    return this.view.getBigInt64(this.#take(8), true);
  }

  /** Where bytes stand: from `at` before the call's return, so many. */
  skipBytes(): { readonly from: number; readonly to: number } {
    const length = this.#length();
    const from = this.at;
    this.at += length;
    return { from, to: this.at };
  }

  /** Text, which has to be UTF-8. */
  text(): string {
    const { from, to } = this.skipBytes();
    return textOf(this.bytes.subarray(from, to));
  }

  /** Passes over the field read last. */
  skip(): void {
    if (this.wire === VARINT) this.uint64();
    else if (this.wire === FIXED64) this.#take(8);
    else if (this.wire === BYTES) this.skipBytes();
    else if (this.wire === FIXED32) this.#take(4);
    else throw new MalformedError(`a field has wire type ${this.wire}`);
  }

  /** The field read last has to be of this type. */
  expect(wire: number): void {
    if (this.wire !== wire) throw new MalformedError(`a field has wire type ${this.wire} instead of ${wire}`);
  }

  #length(): number {
    const length = this.number();
    if (length > this.end - this.at) throw new MalformedError('a field reaches beyond its message');
    return length;
  }

  #take(bytes: number): number {
    const { at } = this;
    if (bytes > this.end - at) throw new MalformedError('a field reaches beyond its message');
    this.at += bytes;
    return at;
  }

  #byte(): number {
    if (this.at >= this.end) throw new MalformedError('a message ends in the middle');
    return this.bytes[this.at++] ?? 0;
  }
}

/** Throws MalformedError where bytes are no UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new MalformedError('text is not UTF-8');
  }
}
