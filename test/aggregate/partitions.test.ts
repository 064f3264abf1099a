import { afterAll, beforeAll, expect, it } from 'vitest';
import { Aggregator } from '../../src/aggregate/aggregator.ts';
import { OnePartition } from '../../src/aggregate/group/one-partition.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { LAYOUT as L } from '../../src/kernel/layout.ts';
import { partitionOf, vmHash } from '../../src/samples/vm-hash.ts';
import { Batches, Waiter } from '../../src/log/kafka/batches.ts';
import { PartitionQueue } from '../../src/log/kafka/queue.ts';
import { catalogRecord, tickRecord } from '../../src/log/record.ts';
import { MessageBuilder } from '../../src/log/kafka/message.ts';
import type { Fleet } from '../model/generate.ts';
import { comparable, differences, expectedRows } from '../support/expected.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { emptyStore, memoryCheckpoints, readStored, startAggregator, type StoredRows } from '../support/product.ts';
import { type Random, below, randomOf } from '../support/random.ts';
import { sealed } from '../support/kafka-messages.ts';
import { seeds } from '../support/seeds.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

let test: TestStore;
const decoder = new Decoder();
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());

/** The records of an embedded log as the messages that doors would have sent, several records together, with the time each was appended at. */
function messagesOf(records: readonly Uint8Array[], partitions: number, random: Random): { atMs: number; value: Buffer }[][] {
  const messages: { atMs: number; value: Buffer }[][] = Array.from({ length: partitions }, () => []);
  let batches = new Batches(partitions);
  let clockMs = 0;
  const flush = (): void => {
    for (const { partition, builder } of batches.takeAll()) messages[partition]?.push({ atMs: clockMs, value: sealed(builder) });
    batches = new Batches(partitions);
  };
  for (const record of records) {
    const view = Buffer.from(record);
    if (view[0] === 2) {
      flush();
      clockMs = Number(view.readBigInt64LE(L.RECORD_CLOCK));
      for (let p = 0; p < partitions; p++) batches.addRecord(p, view, new Waiter());
      flush();
    } else {
      const agentLength = view.readUInt8(1);
      const framesAt = L.RECORD_HEAD + ((agentLength + 7) & ~7);
      batches.addFrames(view.toString('utf8', L.RECORD_HEAD, L.RECORD_HEAD + agentLength), view.subarray(framesAt), new Waiter());
      if (below(random, 3) === 0) flush();
    }
  }
  flush();
  return messages;
}

/** An aggregator of one partition, and the queue that feeds it. */
async function partitionOfFleet(fleet: Fleet, id: number, partitions: number, head: number, small: object = {}) {
  const { stalenessMs, latenessMs, linkLimitBps, clock } = fleet.options;
  const queue = new PartitionQueue({ low: 0, head });
  const room = { vmsMax: 1000, nicsMax: 4000 };
  const owns = (vm: string): boolean => partitionOf(vmHash(vm), partitions) === id;
  const aggregator = new Aggregator({
    store: test.store,
    log: queue,
    scope: new OnePartition({ store: test.store, log: queue, partition: id, owns, ...room }),
    checkpoints: memoryCheckpoints(),
    constants: { stalenessMs, latenessMs, linkLimitBps, clock },
    ...room,
    faults: { at: () => undefined },
    ...small,
  });
  await aggregator.recover();
  queue.begin(0);
  return { queue, aggregator };
}

it.each(seeds(1).flatMap((seed) => [1, 3, 8].map((partitions) => [partitions, seed] as const)))(
  'through %i partitions the rows are those of the embedded log, also when two work on each of them (group %i)',
  async (partitions, seed) => {
    const random = randomOf(seed);
    const group = fleetGroup(600 + seed, 8, { options: { clock: 'wall' } });
    const fleet: Fleet = { ...group, catalog: { plans: new Map(), vms: new Map() } };
    const log = groupLog(decoder, fleet, random);
    // the last step ends with a tick a while after the one before
    const clockMs = (fleet.options.clockMs ?? 0) + 1_000;
    log.push(tickRecord(clockMs, []));
    const atClock: Fleet = { ...fleet, options: { ...fleet.options, clockMs } };

    await emptyStore(test.store);
    const embedded = await startAggregator({
      store: test.store,
      log,
      checkpoints: memoryCheckpoints(),
      options: atClock.options,
    });
    while (await embedded.step());
    const rows: StoredRows = comparable(await readStored(test.store));
    expect(differences(rows, expectedRows(atClock))).toEqual([]);

    await emptyStore(test.store);
    const messages = messagesOf(
      log.records.map(({ payload }) => payload),
      partitions,
      random,
    );
    for (const [id, own] of messages.entries()) {
      // one that goes ahead and stops somewhere, one that does all of it, and the first wakes up again in between
      const [ahead, owner] = await Promise.all([0, 1].map(() => partitionOfFleet(fleet, id, partitions, own.length)));
      if (ahead === undefined || owner === undefined) throw new Error('no aggregators');
      for (const { atMs, value } of own) {
        ahead.queue.push(atMs, Buffer.from(value));
        owner.queue.push(atMs, Buffer.from(value));
        if (below(random, 4) === 0) await ahead.aggregator.step();
        if (below(random, 8) === 0) await owner.aggregator.step();
      }
      while (await owner.aggregator.step());
      // what a late writer still writes changes nothing
      await ahead.aggregator.step();
    }
    expect(comparable(await readStored(test.store))).toEqual(rows);
  },
);

it.each(seeds(3))(
  'the slices of a repair go by the log alone: two that work on a partition leave the rows of one (group %i)',
  async (seed) => {
    const random = randomOf(seed);
    const gapsMs = [3_600_001, 18_000_000, 86_400_007];
    const group = fleetGroup(650 + seed, 5, { options: { clock: 'wall' }, gapsMs });
    const late = [...group.log];
    for (let i = 0; i < late.length / 10; i++) late.push(...late.splice(below(random, late.length), 1));
    const fleet: Fleet = { ...group, log: late, catalog: { plans: new Map(), vms: new Map() } };
    const log = groupLog(decoder, fleet, random);
    const clockMs = (fleet.options.clockMs ?? 0) + 1_000;
    log.push(tickRecord(clockMs, []));
    const expected = expectedRows({ ...fleet, options: { ...fleet.options, clockMs } });

    await emptyStore(test.store);
    const payloads = log.records.map(({ payload }) => payload);
    const small = { slice: { vms: 3, minutes: 1500, samples: 25 }, minutesAStep: 60 };
    const { queue, aggregator } = await partitionOfFleet(fleet, 0, 1, 1e6, small);
    const other = await partitionOfFleet(fleet, 0, 1, 1e6, small);
    let waited = 0;
    const both = async (atMs: number, value: Buffer): Promise<void> => {
      for (const each of [queue, other.queue]) each.push(atMs, Buffer.from(value));
      if (below(random, 3) === 0) await other.aggregator.step();
      await aggregator.step();
      waited = Math.max(waited, aggregator.progress().waiting.vms);
    };
    for (const { atMs, value } of messagesOf(payloads, 1, random)[0] ?? []) await both(atMs, value);
    // steps go on without samples, and with them the repair; a partition does nothing between them
    for (let i = 0; i < 500 && aggregator.progress().waiting.vms > 0; i++) {
      expect(await aggregator.repair()).toBe(false);
      const mark = new MessageBuilder();
      mark.add(catalogRecord(0n));
      await both(clockMs, sealed(mark));
    }
    expect(waited).toBeGreaterThan(0);
    expect(aggregator.progress().waiting).toEqual({ vms: 0, minutes: 0, samples: 0 });
    expect(differences(comparable(await readStored(test.store)), expected)).toEqual([]);
    // whoever was behind writes the same rows again
    while (await other.aggregator.step());
    expect(differences(comparable(await readStored(test.store)), expected)).toEqual([]);
  },
);
