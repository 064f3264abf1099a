/** Samples in the binary format (schemas/samples-binary.md): a table of names, then a few bytes a sample. */
import { CONDITIONS } from '../domain/condition.ts';
import type { Observation, Reading } from './reading.ts';

const MAGIC = Buffer.from('UPS\x01', 'latin1');
const COUNTERS = 8;
const WITH_EPOCH = 16;

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
  const places = new Map<string, number>();
  const place = (name: string): number => {
    const known = places.get(name);
    if (known !== undefined) return known;
    places.set(name, places.size);
    return places.size - 1;
  };
  const records: number[] = [];
  let before = 0n;
  for (const { atMs, vm, nic, counters, downCause } of samples) {
    const epoch = counters?.epoch ?? 0;
    const condition = CONDITIONS.indexOf(downCause ?? 'up');
    records.push(condition | (counters === null ? 0 : COUNTERS) | (epoch === 0 ? 0 : WITH_EPOCH));
    pushVarint(records, BigInt(place(vm)));
    pushVarint(records, nic === '' ? 0n : BigInt(place(nic) + 1));
    const step = BigInt(atMs) - before;
    pushVarint(records, step >= 0n ? 2n * step : -2n * step - 1n);
    before = BigInt(atMs);
    if (counters !== null) {
      pushVarint(records, counters.rxBytes);
      pushVarint(records, counters.txBytes);
    }
    if (epoch !== 0) pushVarint(records, BigInt(epoch));
  }
  const head: number[] = [];
  pushVarint(head, BigInt(places.size));
  for (const name of places.keys()) {
    head.push(name.length);
    for (let i = 0; i < name.length; i++) head.push(name.charCodeAt(i));
  }
  return Buffer.concat([MAGIC, Buffer.from(head), Buffer.from(records)]);
}

function pushVarint(bytes: number[], value: bigint): void {
  while (value >= 0x80n) {
    bytes.push(Number(value & 0x7fn) | 0x80);
    value >>= 7n;
  }
  bytes.push(Number(value));
}
