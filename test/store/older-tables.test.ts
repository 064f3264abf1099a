/** Databases of versions before, in which some of the migrations have run, one of them in part: they are brought to this one's, and what they hold stays. */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { migrate, statementsOf } from '../../src/store/migrations.ts';
import { TRAFFIC_STRUCTURE, trafficRow } from '../support/rowbinary.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const OWN = join(import.meta.dirname, '../../schemas/clickhouse');
const CHAINS = '018_chains.sql';
const STATES = '017_states.sql';
const AFTER_CHAINS = '021';
let test: TestStore | undefined;
afterEach(async () => {
  await test?.remove();
  test = undefined;
});

/** A database of the files that `ran`, with a row of traffic. */
async function databaseOf(ran: (name: string) => boolean): Promise<TestStore> {
  test = await openTestStore({ migrated: false });
  const directory = join(test.directory, 'schemas');
  await mkdir(directory);
  for (const name of (await readdir(OWN)).filter(ran)) await cp(join(OWN, name), join(directory, name));
  await migrate(test.store, { nowMs: 1, directory });
  await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, [trafficRow('v', 60, 7n, 1n)]);
  return test;
}

it.each([
  ['of the day before', (name: string) => name < STATES, [STATES, CHAINS]],
  // what came after chains builds on them
  ['with states and no chains', (name: string) => name < AFTER_CHAINS && name !== CHAINS, [CHAINS]],
  ['with chains and no states', (name: string) => name !== STATES, [STATES]],
] as const)('a database %s is brought to this one, and its traffic is what it was', async (_, ran, lacking) => {
  const { store } = await databaseOf(ran);
  const { applied } = await migrate(store, { nowMs: 2 });
  expect(applied).toEqual(expect.arrayContaining([...lacking]));
  expect(await migrate(store, { nowMs: 3 })).toEqual({ applied: [] });
  expect(await store.rows('SELECT vm, nic, host, part, rx_bytes FROM traffic')).toEqual([
    { vm: 'v', nic: '', host: '', part: 0, rx_bytes: '7' },
  ]);
});

it('a migration that was cut off after a statement goes on at the next start', async () => {
  const { store } = await databaseOf((name) => name < STATES);
  for (const statement of statementsOf(await readFile(join(OWN, CHAINS), 'utf8')).slice(0, 2)) await store.command(statement);
  expect((await migrate(store, { nowMs: 2 })).applied).toContain(CHAINS);
  expect(await store.rows("SELECT sorting_key AS k FROM system.tables WHERE database = 'uptally' AND name = 'traffic'")).toEqual([
    { k: 'vm, nic, minute, host, part' },
  ]);
});
