/** Samples in the binary format (schemas/samples-binary.md): a table of names, then a few bytes a sample. */
import { BatchWriter } from './batch-writer.ts';
import type { Observation, Reading } from './reading.ts';

const MAGIC = Buffer.from('UPS\x01', 'latin1');
const COUNTERS = 8;
const WITH_EPOCH = 16;
const MORE = 32;
/** Of what a record says more: started_at, link_mbps, hold_s and host, which have a number each. */
const MORE_NUMBERS = [1, 2, 16, 32];

/** Whether a body is of the binary format, by its first bytes; NDJSON, gzipped or not, never begins so. */
export function isBinary(body: Uint8Array): boolean {
  return body.length >= MAGIC.length && MAGIC.every((byte, i) => body[i] === byte);
}

/** The samples of a reading, in its order. Names are as the server takes them: ASCII, at most 64 characters. */
export function encodeBinary({ atMs, observations }: Reading): Buffer {
  return encodeBinaryAt(observations.map((observation) => ({ atMs, ...observation })));
}

/** The same for samples of any instants. */
export function encodeBinaryAt(samples: readonly (Observation & { readonly atMs: number })[]): Buffer {
  const writer = new BatchWriter();
  for (const { atMs, vm, nic, host, counters, downCause, saysNoState } of samples) {
    writer.add({
      ...{ vm, nic, host: host ?? '', atMs, rx: counters?.rxBytes ?? null, tx: counters?.txBytes ?? null },
      ...{ epoch: counters?.epoch ?? 0, startedAtMs: counters?.startedAtMs ?? null },
      ...{
        state: saysNoState === true ? 'none' : (downCause ?? 'up'),
        holdS: null,
        linkMbps: null,
        sum: counters?.isSum === true,
      },
    });
  }
  return Buffer.concat(writer.body());
}

interface RawRecord {
  readonly flags: number;
  readonly vm: bigint;
  readonly nic: bigint;
  readonly ts: bigint;
  /** What follows the instant, as it stands. */
  readonly rest: Uint8Array;
}

/** The two halves of a body by its records, each with the whole table of names; null when there are fewer than two. */
export function splitBinary(
  body: Uint8Array,
): readonly [{ readonly body: Buffer; readonly samples: number }, { readonly body: Buffer; readonly samples: number }] | null {
  let at = MAGIC.length;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = body[at++];
      if (byte === undefined) throw new RangeError('a body of samples ends in the middle');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  for (let names = varint(); names > 0n; names--) at += 1 + (body[at] ?? 0);
  const head = body.subarray(0, at);
  const records: RawRecord[] = [];
  let ts = 0n;
  while (at < body.length) {
    const flags = body[at++] ?? 0;
    const [vm, nic, zigzag] = [varint(), varint(), varint()];
    ts = BigInt.asIntN(64, ts + (zigzag % 2n === 0n ? zigzag / 2n : -(zigzag + 1n) / 2n));
    const from = at;
    const further = ((flags & COUNTERS) === 0 ? 0 : 2) + ((flags & WITH_EPOCH) === 0 ? 0 : 1);
    for (let i = 0; i < further; i++) varint();
    if ((flags & MORE) !== 0) {
      const says = body[at++] ?? 0;
      for (const bit of MORE_NUMBERS) if ((says & bit) !== 0) varint();
    }
    records.push({ flags, vm, nic, ts, rest: body.subarray(from, at) });
  }
  if (records.length < 2) return null;
  const middle = Math.ceil(records.length / 2);
  const part = (some: readonly RawRecord[]): { body: Buffer; samples: number } => {
    let before = 0n;
    const bytes = some.map((record) => {
      const start: number[] = [record.flags];
      pushVarint(start, record.vm);
      pushVarint(start, record.nic);
      const step = BigInt.asIntN(64, record.ts - before);
      pushVarint(start, step >= 0n ? 2n * step : -2n * step - 1n);
      before = record.ts;
      return Buffer.concat([Buffer.from(start), record.rest]);
    });
    return { body: Buffer.concat([head, ...bytes]), samples: some.length };
  };
  return [part(records.slice(0, middle)), part(records.slice(middle))];
}

function pushVarint(bytes: number[], value: bigint): void {
  while (value >= 0x80n) {
    bytes.push(Number(value & 0x7fn) | 0x80);
    value >>= 7n;
  }
  bytes.push(Number(value));
}
