import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Aggregator } from '../../src/aggregate/aggregator.ts';
import { countQuarantined } from '../../src/aggregate/quarantined.ts';
import { type CheckpointFolder, openCheckpoints } from '../../src/aggregate/checkpoint.ts';
import { readForgotten } from '../../src/aggregate/forgotten.ts';
import { sampleCounts } from '../../src/aggregate/metering-status.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { KIND_CATALOG } from '../../src/kernel/layout.ts';
import { catalogSeqOf, samplesIn } from '../../src/log/record.ts';
import type { Store } from '../../src/store/store.ts';
import { resolveLog } from '../../src/verify/model/inforce.ts';
import type { Fleet } from '../model/generate.ts';
import { comparable, differences, expectedRows } from '../support/expected.ts';
import { Crash, failingStore } from '../support/failing-store.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { emptyStore, readStored } from '../support/product.ts';
import { type Random, below, randomOf } from '../support/random.ts';
import { type Happening, Installation, happenings } from '../support/restarts.ts';
import { seeds } from '../support/seeds.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

let test: TestStore;
let store: Store;
let folder: string;
let checkpoints: CheckpointFolder;
const decoder = new Decoder();
/** As in restart.test.ts. */
const STRIDE = process.env['UPTALLY_TEST_SEEDS'] === undefined ? 5 : 1;

beforeAll(async () => {
  test = await openTestStore();
  store = test.store;
});
afterAll(() => test.remove());

beforeEach(async () => {
  await emptyStore(store);
  folder = await mkdtemp(join(tmpdir(), 'uptally-checkpoints-'));
  checkpoints = openCheckpoints(folder, { at: () => undefined });
  return () => rm(folder, { recursive: true, force: true });
});

const files = (): string[] => readdirSync(folder).sort();

/** A fleet of which some VMs are forgotten now and then; most of them come again. */
function installationOf(seed: number, fleets: number, changes: number, forgettings: number, isPartition = false) {
  const random = randomOf(seed);
  const fleet = fleetGroup(seed, fleets, { options: { clock: 'wall' } });
  const records = groupLog(decoder, fleet, random, 6).records.map((record) => record.payload);
  const all: Happening[] = happenings(records, fleet, random, changes);
  const vms = [...new Set(fleet.log.map(({ vm }) => vm))];
  for (let i = 0; i < forgettings; i++) {
    const some = vms.filter(() => random() < 0.3);
    all.splice(1 + below(random, all.length - 1), 0, { forget: some.length === 0 ? vms.slice(0, 1) : some });
  }
  const installation = new Installation({ store, checkpoints, fleet, happenings: all, isPartition });
  return { fleet, installation, random };
}

/** By VM the number of samples in the log before its last forgetting, and of every sample how often its VM had been forgotten before. */
function livesOf({ log, forgettings }: Installation, fleet: Fleet) {
  const lives = new Map<string, number[]>();
  for (const { seq, vms } of forgettings) {
    const mark = log.records.findIndex(({ payload }) => payload[0] === KIND_CATALOG && catalogSeqOf(payload) >= seq);
    const before = log.records.slice(0, mark).reduce((sum, { payload }) => sum + samplesIn(payload), 0);
    for (const vm of vms) lives.set(vm, [...(lives.get(vm) ?? []), before]);
  }
  const current = fleet.log.filter((sample, i) => (lives.get(sample.vm) ?? []).every((before) => i >= before));
  const renamed = fleet.log.map((sample, i) => ({
    ...sample,
    vm: `${sample.vm}~${(lives.get(sample.vm) ?? []).filter((before) => i >= before).length}`,
  }));
  return { current, renamed };
}

async function expectForgotten(fleet: Fleet, installation: Installation, aggregator: Aggregator): Promise<void> {
  const { current, renamed } = livesOf(installation, fleet);
  const { counts, ...rows } = expectedRows({ ...fleet, log: current });
  const stored = await readStored(store);
  const all = resolveLog(renamed).counts;
  const { counters, vms } = aggregator.progress();
  const [quarantined, forgotten] = await Promise.all([countQuarantined(store), readForgotten(store)]);
  const samples = sampleCounts(counters, quarantined, forgotten);
  expect(differences(comparable(stored), rows)).toEqual([]);
  expect({ ...samples, vms, forgotten: forgotten.samples, names: forgotten.vms > 0 }).toMatchObject({
    accepted: BigInt(fleet.log.length),
    applied: BigInt(counts.applied),
    conflict: BigInt(counts.conflict),
    duplicate: BigInt(all.duplicate),
    forgotten: BigInt(fleet.log.length - counts.applied - counts.conflict - all.duplicate),
    quarantined: BigInt(rows.quarantined.length),
    vms: new Set(current.map(({ vm }) => vm)).size,
    names: true,
  });
}

async function runToEnd(installation: Installation, random: Random): Promise<Aggregator> {
  for (;;) {
    const aggregator = await installation.open();
    for (let round = below(random, 3); round >= 0 && !installation.isOver; round--) {
      await installation.grow(1 + below(random, 60), random() < 0.3);
      await installation.steps(aggregator, random, below(random, 4));
      if (random() < 0.4) await aggregator.checkpoint();
      else await installation.steps(aggregator, random, below(random, 3));
    }
    if (installation.isOver && random() < 0.5) break;
  }
  const last = await installation.open();
  await installation.finish(last);
  return last;
}

describe('names that are forgotten', () => {
  it.each(seeds(3))('are gone with all of theirs, and those that come again begin anew (group %i)', async (seed) => {
    const { fleet, installation, random } = installationOf(seed, 8, 2, 3);
    const last = await runToEnd(installation, random);
    await expectForgotten(fleet, installation, last);
  });

  it.each(seeds(2))('are so in a partition that one process after the other takes (group %i)', async (seed) => {
    const { fleet, installation, random } = installationOf(400 + seed, 8, 2, 3, true);
    const last = await runToEnd(installation, random);
    await last.checkpoint();
    await expectForgotten(fleet, installation, last);
  });

  it.each(seeds(2))('are gone from a state that is built from the archive, too (group %i)', async (seed) => {
    const { fleet, installation, random } = installationOf(200 + seed, 8, 2, 4);
    for (let round = 0; round < 3; round++) {
      const aggregator = await installation.open();
      await installation.grow(round === 2 ? 1e9 : 40 + below(random, 80), random() < 0.3);
      await installation.steps(aggregator, random, 1 + below(random, 3));
      const trimmable = await aggregator.checkpoint();
      if (trimmable !== undefined) installation.log.trim(trimmable);
      await installation.steps(aggregator, random, below(random, 3));
      if (random() < 0.7) for (const name of files()) rmSync(join(folder, name));
    }
    const last = await installation.open();
    await installation.grow(1e9);
    await installation.finish(last);
    await expectForgotten(fleet, installation, last);
  });

  it.each(seeds(1))('are so after a crash at whichever write (group %i)', async (seed) => {
    let n = 1;
    for (let crashed = true; crashed; n += STRIDE) {
      await emptyStore(store);
      for (const name of files()) rmSync(join(folder, name));
      const { fleet, installation, random } = installationOf(300 + seed, 2, 0, 2);
      const failing = failingStore(store, n);
      await installation.grow(1e9);
      const crashing = async (): Promise<void> => {
        const aggregator = await installation.open(failing.store);
        await installation.steps(aggregator, random, 3);
        await aggregator.checkpoint();
        await installation.finish(aggregator);
      };
      crashed = false;
      await crashing().catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        crashed = true;
      });
      await failing.stopped();
      const next = await installation.open();
      await installation.steps(next, random, 3);
      await installation.finish(next);
      await expectForgotten(fleet, installation, next);
    }
    expect(n).toBeGreaterThan(10);
  });
});
