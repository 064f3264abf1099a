import { describe, expect, it } from 'vitest';
import { CAUSES, CONDITIONS } from '../../src/domain/condition.ts';
import { BatchWriter, type BatchRecord } from '../../src/samples/batch-writer.ts';
import { type BinarySample, readBinary } from '../support/binary-samples.ts';
import { below, pick, type Random, randomOf } from '../support/random.ts';

/** A record of any kind; counters of any size, exactly. */
function drawn(random: Random): BatchRecord {
  const counter = (): number | bigint => pick(random, [0, 1, 127, 128, 2 ** 31, 2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 64n - 1n]);
  const [rx, tx] = pick(random, [
    [counter(), counter()],
    [counter(), null],
    [null, counter()],
    [null, null],
  ] as const);
  const atMs = pick(random, [1, 1_767_225_600_000, 4_102_444_799_999, below(random, 2 ** 40)]);
  const counted = rx !== null || tx !== null;
  return {
    ...{
      vm: `vm-${below(random, 5)}`,
      nic: pick(random, ['', 'eth0', 'eth1']),
      host: pick(random, ['', 'pve1', 'vm-1']),
      atMs,
      rx,
      tx,
    },
    epoch: pick(random, [0, 7, 2 ** 32 - 1]),
    startedAtMs: pick(random, [null, 0, Math.max(0, atMs - 1)]),
    state: counted ? pick(random, ['up', 'none', ...CAUSES]) : pick(random, ['up', ...CAUSES]),
    holdS: pick(random, [null, 1, 3600]),
    linkMbps: pick(random, [null, 1, 1_000_000]),
    sum: random() < 0.5,
  };
}

/** What a reader of the format sees of a record. */
function asRead({ vm, nic, host, atMs, rx, tx, epoch, startedAtMs, state, holdS, linkMbps, sum }: BatchRecord): BinarySample {
  return {
    ...{ vm, nic, tsMs: BigInt(atMs), epoch: BigInt(epoch) },
    counters: rx === null && tx === null ? null : { rx: BigInt(rx ?? 0), tx: BigInt(tx ?? 0) },
    condition: state === 'none' ? 0 : CONDITIONS.indexOf(state),
    ...(startedAtMs === null ? {} : { startedMs: BigInt(startedAtMs) }),
    ...(linkMbps === null ? {} : { linkMbps: BigInt(linkMbps) }),
    ...(sum ? { isSum: true as const } : {}),
    ...(state === 'none' ? { saysNoState: true as const } : {}),
    ...(holdS === null ? {} : { holdS: BigInt(holdS) }),
    ...(host === '' ? {} : { host }),
    ...((rx === null) === (tx === null) ? {} : { part: rx === null ? ('tx' as const) : ('rx' as const) }),
  };
}

describe('a body that is written record by record', () => {
  it('is read by who knows the format alone as what was written (300 bodies)', () => {
    const random = randomOf(5);
    for (let i = 0; i < 300; i++) {
      const records = Array.from({ length: below(random, 60) }, () => drawn(random));
      const writer = new BatchWriter();
      for (const record of records) writer.add(record);
      expect(writer.samples).toBe(records.length);
      expect(readBinary(Buffer.concat(writer.body()))).toEqual(records.map(asRead));
    }
  });

  it('grows as far as it has to', () => {
    const writer = new BatchWriter();
    const record = drawn(randomOf(6));
    for (let i = 0; i < 20_000; i++) writer.add({ ...record, vm: `vm-${i}` });
    expect(readBinary(Buffer.concat(writer.body()))).toHaveLength(20_000);
  });
});
