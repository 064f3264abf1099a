/**
 * Reads the binary format as schemas/samples-binary.md says, and knows nothing of src/: slow, with bigint and a cursor, so that encoder and
 * kernel are each held against the document and not against one another.
 */

export interface BinarySample {
  readonly vm: string;
  readonly nic: string;
  readonly tsMs: bigint;
  readonly counters: { readonly rx: bigint; readonly tx: bigint } | null;
  readonly epoch: bigint;
  readonly condition: number;
  /** What a record says more; left out where it doesn't. */
  readonly startedMs?: bigint;
  readonly linkMbps?: bigint;
  readonly isSum?: true;
  readonly saysNoState?: true;
  readonly holdS?: bigint;
  readonly host?: string;
  readonly part?: 'rx' | 'tx';
}

class Malformed extends Error {}

class Cursor {
  private at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Malformed('the body ends too early');
    this.at++;
    return byte;
  }

  varint(): bigint {
    let value = 0n;
    for (let group = 0n; group < 10n; group++) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << (7n * group);
      if (byte < 128) {
        if (value >= 2n ** 64n) break;
        return value;
      }
    }
    throw new Malformed('a varint of 2⁶⁴ or more');
  }

  text(length: number): string {
    return Array.from({ length }, () => String.fromCharCode(this.byte())).join('');
  }
}

/** The samples of a body as they stand in it, good and bad; null where the structure is broken. */
export function readBinary(body: Uint8Array, namesMax = 150_000n): BinarySample[] | null {
  try {
    return read(new Cursor(body), namesMax);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function read(cursor: Cursor, namesMax: bigint): BinarySample[] {
  if (cursor.text(4) !== 'UPS\x01') throw new Malformed('another magic');
  const count = cursor.varint();
  if (count > namesMax) throw new Malformed('too many names');
  const names: string[] = [];
  for (let i = 0n; i < count; i++) names.push(cursor.text(cursor.byte()));
  const nameAt = (place: bigint): string => {
    const name = names[Number(place)];
    if (name === undefined) throw new Malformed('a place that is not in the table');
    return name;
  };
  const samples: BinarySample[] = [];
  let tsMs = 0n;
  while (!cursor.done) {
    const flags = cursor.byte();
    if (flags >= 64) throw new Malformed('a reserved flag');
    const vm = nameAt(cursor.varint());
    const nicPlace = cursor.varint();
    const nic = nicPlace === 0n ? '' : nameAt(nicPlace - 1n);
    const step = cursor.varint();
    tsMs = BigInt.asIntN(64, tsMs + (step % 2n === 0n ? step / 2n : -(step + 1n) / 2n));
    const counters = (flags & 8) === 0 ? null : { rx: cursor.varint(), tx: cursor.varint() };
    const epoch = (flags & 16) === 0 ? 0n : cursor.varint();
    const more = (flags & 32) === 0 ? {} : readMore(cursor, tsMs, flags & 7, nameAt);
    samples.push({ vm, nic, tsMs, counters, epoch, condition: flags & 7, ...more });
  }
  return samples;
}

function readMore(cursor: Cursor, tsMs: bigint, condition: number, nameAt: (place: bigint) => string): Partial<BinarySample> {
  const says = cursor.byte();
  if (says >= 192) throw new Malformed('two halves in one');
  if ((says & 8) !== 0 && condition !== 0) throw new Malformed('a condition of a sample that says no state');
  return {
    ...((says & 1) === 0 ? {} : { startedMs: tsMs - cursor.varint() }),
    ...((says & 2) === 0 ? {} : { linkMbps: cursor.varint() }),
    ...((says & 4) === 0 ? {} : { isSum: true }),
    ...((says & 8) === 0 ? {} : { saysNoState: true }),
    ...((says & 16) === 0 ? {} : { holdS: cursor.varint() }),
    ...((says & 32) === 0 ? {} : { host: nameAt(cursor.varint()) }),
    ...(says < 64 ? {} : { part: says < 128 ? 'rx' : 'tx' }),
  };
}

/** The rules of a sample that this format leaves to its values: null, or code and field. */
export function binaryVerdict(
  sample: BinarySample,
  { nowMs, oldestMs, allowed }: { nowMs: number; oldestMs: number; allowed?: (vm: string) => boolean },
): string | null {
  if (!/^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,64}$/.test(sample.vm)) return 'bad_vm vm';
  if (sample.tsMs > BigInt(nowMs) + 300_000n) return 'ts_in_future ts';
  if (sample.tsMs < 0n || sample.tsMs < BigInt(oldestMs)) return 'ts_too_old ts';
  if (!/^[A-Za-z0-9._:-]{0,32}$/.test(sample.nic)) return 'bad_nic nic';
  if (!/^[A-Za-z0-9._:-]{0,64}$/.test(sample.host ?? '')) return 'bad_host host';
  if (sample.part !== undefined && sample.counters === null) return `missing_field ${sample.part}_bytes`;
  if (sample.part === 'rx' && sample.counters?.tx !== 0n) return 'bad_counter tx_bytes';
  if (sample.part === 'tx' && sample.counters?.rx !== 0n) return 'bad_counter rx_bytes';
  if (sample.epoch >= 2n ** 32n) return 'bad_epoch epoch';
  const { startedMs = 0n, linkMbps = 1n, holdS = 1n } = sample;
  if (sample.startedMs !== undefined && (startedMs < 0n || startedMs >= sample.tsMs)) return 'bad_started_at started_at';
  if (sample.saysNoState === true && sample.counters === null) return 'missing_field rx_bytes';
  if (holdS < 1n || holdS > 3600n) return 'bad_hold hold_s';
  if (linkMbps < 1n || linkMbps > 1_000_000n) return 'bad_link link_mbps';
  return allowed === undefined || allowed(sample.vm) ? null : 'vm_not_allowed vm';
}
