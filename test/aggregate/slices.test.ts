import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoints } from '../../src/aggregate/checkpoint.ts';
import type { SliceBounds } from '../../src/aggregate/repair-context.ts';
import { readWaiting } from '../../src/aggregate/waiting-table.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import type { Store } from '../../src/store/store.ts';
import type { Fleet } from '../model/generate.ts';
import { unlikeModel } from '../support/expected.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { Crash, failingStore } from '../support/failing-store.ts';
import { emptyStore, memoryCheckpoints, readStored, startAggregator, storeCatalog, markCatalog } from '../support/product.ts';
import { type Random, below, pick, randomOf } from '../support/random.ts';
import { Installation, happenings } from '../support/restarts.ts';
import { seeds } from '../support/seeds.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Gaps that no slice writes in one piece. */
const GAPS_MS = [HOUR_MS + 1, 5 * HOUR_MS, DAY_MS + 7, 3 * DAY_MS];
const NO_VM_WAITS = { vms: 0, minutes: 0, samples: 0 };

let test: TestStore;
let store: Store;
let folder: string;
const decoder = new Decoder();

beforeAll(async () => {
  test = await openTestStore();
  store = test.store;
});
afterAll(() => test.remove());

beforeEach(async () => {
  await emptyStore(store);
  folder = await mkdtemp(join(tmpdir(), 'uptally-slices-'));
  return () => rm(folder, { recursive: true, force: true });
});

function smallSlices(random: Random): { slice: SliceBounds; minutesAStep: number } {
  const slice = { vms: pick(random, [1, 2, 5]), minutes: pick(random, [400, 2000, 5000]), samples: pick(random, [5, 20, 60]) };
  return { slice, minutesAStep: pick(random, [0, 15, 100, 5000]) };
}

/** Fleets whose samples lie far apart, some of which come long after later ones. */
function gappedFleet(seed: number, fleets: number, random: Random): Fleet {
  const stalenessMs = pick(random, [60_000, 90_001, HOUR_MS, 5 * HOUR_MS, DAY_MS]);
  const fleet = fleetGroup(seed, fleets, { gapsMs: GAPS_MS, options: { stalenessMs } });
  const log = [...fleet.log];
  for (let i = 0; i < log.length / 10; i++) {
    const [late] = log.splice(below(random, log.length), 1);
    if (late !== undefined) log.splice(below(random, log.length + 1), 0, late);
  }
  return { ...fleet, log };
}

describe('repair in slices', () => {
  it.each(seeds(4))('stores what the model says, whatever a slice and a step may do (group %i)', async (seed) => {
    const random = randomOf(seed);
    const fleet = gappedFleet(700 + seed, 6, random);
    const seq = await storeCatalog(store, fleet.catalog);
    const log = groupLog(decoder, fleet, random, 8);
    markCatalog(log, seq);
    const setup = { store, log, checkpoints: memoryCheckpoints(), options: fleet.options, ...smallSlices(random) };
    const aggregator = await startAggregator(setup);
    let waited = 0;
    for (log.limit = 1; log.limit < log.records.length; log.limit += 1 + below(random, 20)) {
      await aggregator.step();
      waited = Math.max(waited, aggregator.progress().waiting.vms);
    }
    log.limit = Infinity;
    while (await aggregator.step());
    expect(waited).toBeGreaterThan(0);
    expect(unlikeModel(fleet, await readStored(store), aggregator.progress())).toEqual([]);
    expect(aggregator.progress().waiting).toEqual(NO_VM_WAITS);
    expect(await readWaiting(store)).toEqual([]);
  });

  it.each(seeds(3))('goes on after a stop between any two slices (group %i)', async (seed) => {
    const random = randomOf(seed);
    const fleet = gappedFleet(800 + seed, 4, random);
    const records = groupLog(decoder, fleet, random, 6).records.map((record) => record.payload);
    const checkpoints = openCheckpoints(folder, { at: () => undefined });
    const setup = { store, checkpoints, fleet, happenings: happenings(records, fleet, random, 2), ...smallSlices(random) };
    const installation = new Installation(setup);
    while (!installation.isOver) {
      const aggregator = await installation.open();
      for (let round = below(random, 3); round >= 0; round--) {
        await installation.grow(1 + below(random, 40), random() < 0.2);
        await installation.steps(aggregator, random, below(random, 4));
        for (let slices = below(random, 6); slices > 0; slices--) await aggregator.repair();
        if (random() < 0.5) await aggregator.checkpoint();
        for (let slices = below(random, 3); slices > 0; slices--) await aggregator.repair();
      }
    }
    const last = await installation.open();
    await installation.finish(last);
    expect(unlikeModel(fleet, await readStored(store), last.progress())).toEqual([]);
    expect(await readWaiting(store)).toEqual([]);
  });

  it.each(seeds(2))(
    'goes on from the archive alone where checkpoints are lost and the log was trimmed (group %i)',
    async (seed) => {
      const random = randomOf(seed);
      const fleet = gappedFleet(900 + seed, 4, random);
      const records = groupLog(decoder, fleet, random, 6).records.map((record) => record.payload);
      const setup = { store, fleet, happenings: happenings(records, fleet, random, 0), ...smallSlices(random) };
      const states = memoryCheckpoints();
      const installation = new Installation({ ...setup, checkpoints: states });
      for (let round = 0; !installation.isOver; round++) {
        const aggregator = await installation.open();
        await installation.grow(round === 3 ? 1e9 : 30 + below(random, 40));
        await installation.steps(aggregator, random, 1 + below(random, 4));
        for (let slices = below(random, 3); slices > 0; slices--) await aggregator.repair();
        const trimmable = await aggregator.checkpoint();
        if (trimmable !== undefined) installation.log.trim(trimmable);
        for (let slices = below(random, 3); slices > 0; slices--) await aggregator.repair();
        if (random() < 0.7) states.states.clear();
      }
      const last = await installation.open();
      await installation.finish(last);
      expect(unlikeModel(fleet, await readStored(store), last.progress())).toEqual([]);
      expect(await readWaiting(store)).toEqual([]);
    },
  );

  it('is put right after a crash at whichever write it comes', async () => {
    let n = 3;
    for (let crashed = true; crashed; n += 11) {
      await emptyStore(store);
      const random = randomOf(5);
      const fleet = gappedFleet(1000, 5, random);
      const records = groupLog(decoder, fleet, random, 6).records.map((record) => record.payload);
      const states = memoryCheckpoints();
      const slice = { vms: 2, minutes: 3000, samples: 40 };
      const all = happenings(records, fleet, random, 0);
      const installation = new Installation({ store, checkpoints: states, fleet, happenings: all, slice, minutesAStep: 50 });
      const failing = failingStore(store, n);
      await installation.grow(1e9);
      crashed = false;
      const crashing = async (): Promise<void> => {
        const aggregator = await installation.open(failing.store);
        for (let i = 0; i < 6; i++) {
          await installation.steps(aggregator, random, 1);
          await aggregator.repair();
          if (i % 2 === 1) await aggregator.checkpoint();
        }
        await installation.finish(aggregator);
      };
      await crashing().catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        crashed = true;
      });
      await failing.stopped();
      const next = await installation.open();
      await installation.finish(next);
      expect(unlikeModel(fleet, await readStored(store), next.progress())).toEqual([]);
      expect(await readWaiting(store)).toEqual([]);
    }
    expect(n).toBeGreaterThan(50);
  });
});
