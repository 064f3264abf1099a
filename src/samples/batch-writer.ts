/**
 * Writes a body of the binary format (schemas/samples-binary.md) record by record, for whoever translates another protocol: numbers go into bytes as
 * they come, without an object a sample.
 */
import { CONDITIONS, type Cause } from '../domain/condition.ts';

const HEAD = Buffer.from('UPS\x01', 'latin1');
/** A record at its longest: flags, seven numbers of at most ten bytes, what it says more, and three numbers of that. */
const RECORD_BYTES_MAX = 128;
const FIRST_BYTES = 64 * 1024;

const COUNTERS = 8;
const WITH_EPOCH = 16;
const MORE = 32;
const SAYS_STARTED = 1;
const SAYS_LINK = 2;
const SAYS_SUM = 4;
const SAYS_NONE = 8;
const SAYS_HOLD = 16;
const SAYS_HOST = 32;
const SAYS_RX_ALONE = 64;
const SAYS_TX_ALONE = 128;

/** Bits of a record by the state that it tells. */
export const STATE_BITS: Readonly<Record<'up' | 'none' | Cause, number>> = Object.fromEntries([
  ...CONDITIONS.slice(0, 8).map((condition, code) => [condition, code] as const),
  ['none', 0] as const,
]) as Record<'up' | 'none' | Cause, number>;

/** A counter: a safe integer, or a bigint below 2^64. */
export type CounterValue = number | bigint;

export interface BatchRecord {
  readonly vm: string;
  readonly nic: string;
  readonly host: string;
  readonly atMs: number;
  /** null: not told; one alone is a half. */
  readonly rx: CounterValue | null;
  readonly tx: CounterValue | null;
  readonly epoch: number;
  readonly startedAtMs: number | null;
  readonly state: 'up' | 'none' | Cause;
  readonly holdS: number | null;
  readonly linkMbps: number | null;
  readonly sum: boolean;
}

export class BatchWriter {
  readonly #places = new Map<string, number>();
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;
  #beforeMs = 0;
  #samples = 0;
  /** The last host and VM with their places: what comes together is of one host, and often of one VM. */
  #host = '';
  #hostPlace = 0;
  #vm = '';
  #vmPlace = 0;

  /** Records so far. */
  get samples(): number {
    return this.#samples;
  }

  /** Adds a record. Names and instants are as the format holds them: ASCII of at most 255 characters, safe integers. */
  add({ vm, nic, host, atMs, rx, tx, epoch, startedAtMs, state, holdS, linkMbps, sum }: BatchRecord): void {
    if (this.#at + RECORD_BYTES_MAX > this.#bytes.length) this.#grow();
    const says =
      (startedAtMs === null ? 0 : SAYS_STARTED) |
      (linkMbps === null ? 0 : SAYS_LINK) |
      (sum ? SAYS_SUM : 0) |
      (state === 'none' ? SAYS_NONE : 0) |
      (holdS === null ? 0 : SAYS_HOLD) |
      (host === '' ? 0 : SAYS_HOST) |
      (rx !== null && tx === null ? SAYS_RX_ALONE : 0) |
      (rx === null && tx !== null ? SAYS_TX_ALONE : 0);
    const counts = rx !== null || tx !== null;
    this.#bytes[this.#at++] =
      STATE_BITS[state] | (counts ? COUNTERS : 0) | (epoch === 0 ? 0 : WITH_EPOCH) | (says === 0 ? 0 : MORE);
    if (vm !== this.#vm || this.#samples === 0) {
      this.#vm = vm;
      this.#vmPlace = this.#place(vm);
    }
    this.#number(this.#vmPlace);
    this.#number(nic === '' ? 0 : this.#place(nic) + 1);
    const step = atMs - this.#beforeMs;
    this.#beforeMs = atMs;
    this.#number(step >= 0 ? 2 * step : -2 * step - 1);
    if (counts) {
      // a half writes the other one as 0
      this.#counter(rx ?? 0);
      this.#counter(tx ?? 0);
    }
    if (epoch !== 0) this.#number(epoch);
    if (says !== 0) {
      this.#bytes[this.#at++] = says;
      if (startedAtMs !== null) this.#number(Math.max(0, atMs - startedAtMs));
      if (linkMbps !== null) this.#number(linkMbps);
      if (holdS !== null) this.#number(holdS);
      if (host !== '') {
        if (host !== this.#host) {
          this.#host = host;
          this.#hostPlace = this.#place(host);
        }
        this.#number(this.#hostPlace);
      }
    }
    this.#samples++;
  }

  /** The body, in pieces. The writer is not to be used again. */
  body(): readonly Uint8Array[] {
    let bytes = 10;
    for (const name of this.#places.keys()) bytes += 1 + name.length;
    const head = Buffer.allocUnsafe(bytes);
    let at = putNumber(head, 0, this.#places.size);
    for (const name of this.#places.keys()) {
      head[at++] = name.length;
      for (let i = 0; i < name.length; i++) head[at++] = name.charCodeAt(i);
    }
    return [HEAD, head.subarray(0, at), this.#bytes.subarray(0, this.#at)];
  }

  #place(name: string): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(name, place);
    return place;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  #counter(value: CounterValue): void {
    if (typeof value === 'number') {
      this.#number(value);
      return;
    }
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  /** A safe integer as a varint: 31 bits at a time with integer arithmetic, what is larger by division. */
  #number(value: number): void {
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#bytes[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    let small = rest | 0;
    while (small >= 0x80) {
      this.#bytes[this.#at++] = (small & 0x7f) | 0x80;
      small >>>= 7;
    }
    this.#bytes[this.#at++] = small;
  }
}

/** Where the next byte goes. */
function putNumber(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
