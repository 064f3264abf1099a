import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Aggregator } from '../../src/aggregate/aggregator.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import type { Store } from '../../src/store/store.ts';
import type { Fleet } from '../model/generate.ts';
import { unlikeModel } from '../support/expected.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import {
  type MemoryLog,
  emptyStore,
  markCatalog,
  memoryCheckpoints,
  readStored,
  startAggregator,
  storeCatalog,
} from '../support/product.ts';
import { below, randomOf } from '../support/random.ts';
import { seeds } from '../support/seeds.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

const FLEETS_A_GROUP = 40;

let test: TestStore;
let store: Store;
const decoder = new Decoder();

beforeAll(async () => {
  test = await openTestStore();
  store = test.store;
});
afterAll(() => test.remove());

function groupOf(seed: number): Fleet {
  return fleetGroup(seed, FLEETS_A_GROUP);
}

async function prepared(fleet: Fleet, seed: number, sizeMax: number): Promise<MemoryLog> {
  await emptyStore(store);
  const seq = await storeCatalog(store, fleet.catalog);
  const log = groupLog(decoder, fleet, randomOf(seed), sizeMax);
  markCatalog(log, seq);
  return log;
}

async function expectAsModel(fleet: Fleet, aggregator: Aggregator): Promise<void> {
  expect(unlikeModel(fleet, await readStored(store), aggregator.progress())).toEqual([]);
}

describe(`what is stored is what the model says, ${FLEETS_A_GROUP} fleets at a time`, () => {
  it.each(seeds(5))('in one step (group %i)', async (seed) => {
    const fleet = groupOf(seed);
    const log = await prepared(fleet, seed, 100);
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
    while (await aggregator.step());
    await expectAsModel(fleet, aggregator);
  });

  it.each(seeds(5))('in steps of any size (group %i)', async (seed) => {
    const fleet = groupOf(seed);
    const log = await prepared(fleet, seed + 1, 1 + (seed % 10));
    const random = randomOf(seed);
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
    const size = log.records.length / (5 + below(random, 20));
    for (log.limit = 1; log.limit < log.records.length; log.limit += 1 + below(random, 2 * size)) await aggregator.step();
    log.limit = Infinity;
    while (await aggregator.step());
    await expectAsModel(fleet, aggregator);
  });
});
