import { afterAll, beforeAll, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { VMS_A_CHUNK } from '../../src/aggregate/repair-context.ts';
import type { Store } from '../../src/store/store.ts';
import type { Fleet } from '../model/generate.ts';
import { resolveLog } from '../../src/verify/model/inforce.ts';
import { comparable, differences, expectedRows } from '../support/expected.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { emptyStore, memoryCheckpoints, readStored, startAggregator, type StoredRows } from '../support/product.ts';
import { type Random, below, pick, randomOf, shuffled } from '../support/random.ts';
import { seeds } from '../support/seeds.ts';
import { type TestStore, openTestStore } from '../support/store.ts';
import { without } from '../model/without.ts';

let test: TestStore;
let store: Store;
const decoder = new Decoder();

beforeAll(async () => {
  test = await openTestStore();
  store = test.store;
});
afterAll(() => test.remove());

/** Without conflicts, and of one mind at every instant: all that the contract lets the order of the log decide. */
function ofOneMind(group: Fleet): Fleet {
  const said = new Map<string, Fleet['log'][number]>();
  const log = resolveLog(group.log).inForce.map((sample) => {
    if (sample.saysNoState === true) return sample;
    const key = `${sample.vm} ${sample.tsMs}`;
    const { condition, holdMs } = said.get(key) ?? sample;
    said.set(key, said.get(key) ?? sample);
    return { ...without(sample, 'holdMs'), condition, ...(holdMs === undefined ? {} : { holdMs }) };
  });
  return { ...group, log, catalog: { plans: new Map(), vms: new Map() } };
}

async function run(
  fleet: Fleet,
  random: Random,
  sizeMax: number,
  steps: number,
): Promise<{ rows: StoredRows; duplicates: bigint }> {
  await emptyStore(store);
  const log = groupLog(decoder, fleet, random, sizeMax);
  const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
  for (let i = 1; i < steps; i++) {
    log.limit = Math.ceil((log.records.length * i) / steps);
    await aggregator.step();
  }
  log.limit = Infinity;
  while (await aggregator.step());
  return { rows: comparable(await readStored(store)), duplicates: aggregator.progress().counters[1] ?? 0n };
}

it.each(seeds(4))('neither order, nor repetition, nor records and steps change a row (group %i)', async (seed) => {
  const random = randomOf(seed);
  const fleet = ofOneMind(fleetGroup(400 + seed, 20));
  const expected = expectedRows(fleet);
  const inOrder = await run({ ...fleet, log: fleet.log.toSorted((a, b) => a.tsMs - b.tsMs) }, random, 1000, 1);
  expect(differences(inOrder.rows, expected)).toEqual([]);
  expect(inOrder.duplicates).toBe(0n);

  const permuted = await run({ ...fleet, log: shuffled(random, fleet.log) }, random, 1 + below(random, 20), 4);
  expect(differences(permuted.rows, expected)).toEqual([]);
  expect(permuted.duplicates).toBe(0n);

  const repeats = Array.from({ length: 50 }, () => pick(random, fleet.log));
  const twice = { ...fleet, log: [...shuffled(random, [...fleet.log, ...repeats]), ...fleet.log] };
  const repeated = await run(twice, random, 1 + below(random, 20), 3);
  expect(differences(repeated.rows, expected)).toEqual([]);
  expect(repeated.duplicates).toBe(BigInt(repeats.length + fleet.log.length));
});

it('more VMs with late samples than are repaired together get their rows all the same', async () => {
  const random = randomOf(7);
  const fleet = ofOneMind(fleetGroup(500, 2 * VMS_A_CHUNK, { vmsMax: 1, instantsMax: 6 }));
  const log = shuffled(random, fleet.log);
  const newest = new Map<string, number>();
  const late = new Set<string>();
  for (const { vm, tsMs } of log) {
    if (tsMs < (newest.get(vm) ?? 0)) late.add(vm);
    newest.set(vm, Math.max(tsMs, newest.get(vm) ?? 0));
  }
  expect(late.size).toBeGreaterThan(VMS_A_CHUNK);
  const { rows } = await run({ ...fleet, log }, random, 1000, 1);
  expect(differences(rows, expectedRows(fleet))).toEqual([]);
});
