import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import type { Store } from '../../src/store/store.ts';
import { type Fleet, seededFleet } from '../model/generate.ts';
import { comparable, expectedRows } from '../support/expected.ts';
import {
  type MemoryLog,
  emptyStore,
  logOf,
  markCatalog,
  memoryCheckpoints,
  readStored,
  startAggregator,
  storeCatalog,
  withoutEnds,
} from '../support/product.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

/** UPTALLY_TEST_SEEDS=100-200 tries other fleets than the usual ones. */
function seeds(usual: number): number[] {
  const [from, until] = (process.env['UPTALLY_TEST_SEEDS'] ?? `1-${usual}`).split('-').map(Number);
  return Array.from({ length: (until ?? usual) - (from ?? 1) + 1 }, (_, i) => (from ?? 1) + i);
}

let test: TestStore;
let store: Store;
const decoder = new Decoder();

beforeAll(async () => {
  test = await openTestStore();
  store = test.store;
});
afterAll(() => test.remove());

const seededFleetWithout = (seed: number): Fleet => withoutEnds(seededFleet(seed));

async function prepared(fleet: Fleet, sizes: readonly number[]): Promise<MemoryLog> {
  await emptyStore(store);
  const seq = await storeCatalog(store, fleet.catalog);
  const log = logOf(decoder, fleet.log, sizes, fleet.options);
  markCatalog(log, seq);
  return log;
}

async function expectAsModel(fleet: Fleet): Promise<void> {
  const { counts, ...rows } = expectedRows(fleet);
  const stored = comparable(await readStored(store));
  expect(stored).toEqual(rows);
  expect(counts.accepted).toBe(counts.applied + counts.duplicate + counts.conflict);
}

describe('what is stored is what the model says', () => {
  it.each(seeds(25))('in one step (fleet %i)', async (seed) => {
    const fleet = seededFleetWithout(seed);
    const log = await prepared(fleet, [50_000]);
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
    while (await aggregator.step());
    await expectAsModel(fleet);
    const { counts } = expectedRows(fleet);
    const counters = aggregator.progress().counters;
    expect([counters[0], counters[1], counters[2]]).toEqual([counts.accepted, counts.duplicate, counts.conflict].map(BigInt));
  });

  it.each(seeds(25))('in steps of any size (fleet %i)', async (seed) => {
    const fleet = seededFleetWithout(seed);
    const log = await prepared(fleet, [1 + (seed % 4), 2, 7]);
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
    for (log.limit = 1; log.limit <= log.records.length; log.limit += 1 + ((seed + log.limit) % 3)) await aggregator.step();
    log.limit = Infinity;
    while (await aggregator.step());
    await expectAsModel(fleet);
  });
});
