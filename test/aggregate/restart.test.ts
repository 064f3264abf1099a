import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Aggregator } from '../../src/aggregate/aggregator.ts';
import { type CheckpointFolder, openCheckpoints } from '../../src/aggregate/checkpoint.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import type { Store } from '../../src/store/store.ts';
import type { Fleet } from '../model/generate.ts';
import { unlikeModel } from '../support/expected.ts';
import { Crash, failingStore } from '../support/failing-store.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { emptyStore, readStored } from '../support/product.ts';
import { type Random, below, randomOf } from '../support/random.ts';
import { Installation, happenings } from '../support/restarts.ts';
import { seeds } from '../support/seeds.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

let test: TestStore;
let store: Store;
let folder: string;
let checkpoints: CheckpointFolder;
const decoder = new Decoder();
/** Which writes a crash is tried at: every fifth, as each is a run of its own, or every one when seeds are asked for. */
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

function installationOf(seed: number, fleets: number, changes = 3): { fleet: Fleet; installation: Installation; random: Random } {
  const random = randomOf(seed);
  const fleet = fleetGroup(seed, fleets);
  const records = groupLog(decoder, fleet, random, 6).records.map((record) => record.payload);
  const installation = new Installation({ store, checkpoints, fleet, happenings: happenings(records, fleet, random, changes) });
  return { fleet, installation, random };
}

async function expectAsModel(fleet: Fleet, aggregator: Aggregator): Promise<void> {
  expect(unlikeModel(fleet, await readStored(store), aggregator.progress())).toEqual([]);
}

const files = (): string[] => readdirSync(folder).sort();

function flipByte(name: string, at: number): void {
  const path = join(folder, name);
  const bytes = readFileSync(path);
  const index = at % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

describe('an aggregator that goes on after a stop', () => {
  it.each(seeds(2))(
    'stores what one that was never stopped stores, wherever its checkpoints and steps were (group %i)',
    async (seed) => {
      const { fleet, installation, random } = installationOf(seed, 8);
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
      await expectAsModel(fleet, last);
    },
  );

  it.each(seeds(4))('reads the older checkpoint, or the whole log, where a checkpoint is damaged (group %i)', async (seed) => {
    const { fleet, installation, random } = installationOf(100 + seed, 4);
    const first = await installation.open();
    await installation.grow(1e9);
    for (let i = 0; i < 2; i++) {
      await installation.steps(first, random, 1);
      await first.checkpoint();
    }
    await installation.steps(first, random, 2);
    expect(files()).toHaveLength(2);
    const [older = '', newer = ''] = files();
    if (seed % 4 === 0) truncateSync(join(folder, newer), 1000 + below(random, 1000));
    else if (seed % 4 === 1) truncateSync(join(folder, newer), below(random, 64));
    else flipByte(newer, seed % 4 === 2 ? 16 : below(random, 1e6));
    const second = await installation.open();
    expect(second.progress().aggregatedSeq).toBe(Number(older.slice(0, 16)));
    expect(installation.notes).toHaveLength(1);
    flipByte(older, below(random, 1e6));
    const third = await installation.open();
    expect(third.progress().aggregatedSeq).toBe(-1);
    await installation.finish(third);
    await expectAsModel(fleet, third);
  });

  it.each(seeds(2))(
    'builds its state from the archive where the log was trimmed and no checkpoint is left (group %i)',
    async (seed) => {
      const { fleet, installation, random } = installationOf(200 + seed, 8);
      for (let round = 0; round < 3; round++) {
        const aggregator = await installation.open();
        await installation.grow(round === 2 ? 1e9 : 20 + below(random, 60), random() < 0.3);
        await installation.steps(aggregator, random, 1 + below(random, 3));
        const trimmable = await aggregator.checkpoint();
        if (trimmable !== undefined) installation.log.trim(trimmable);
        // the store may be ahead of the checkpoint
        await installation.steps(aggregator, random, below(random, 3));
        if (random() < 0.7) for (const name of files()) rmSync(join(folder, name));
      }
      const last = await installation.open();
      // a lost mark ended the last round early
      await installation.grow(1e9);
      await installation.steps(last, random, 2);
      await installation.finish(last);
      await expectAsModel(fleet, last);
    },
  );
});

describe('a crash in the middle of a step', () => {
  it.each(seeds(1))(
    'leaves nothing that the next start does not put right, at whichever write it comes (group %i)',
    async (seed) => {
      let n = 1;
      for (let crashed = true; crashed; n += STRIDE) {
        await emptyStore(store);
        for (const name of files()) rmSync(join(folder, name));
        const { fleet, installation, random } = installationOf(300 + seed, 2, 0);
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
        await expectAsModel(fleet, next);
      }
      expect(n).toBeGreaterThan(10);
    },
  );
});
