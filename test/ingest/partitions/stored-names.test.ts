import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AskedAt, StoredNames } from '../../../src/ingest/partitions/stored-names.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

const NOW = Date.parse('2026-03-15T00:00:00Z');
const AT: AskedAt = { clockMs: NOW, catalogSeq: 5n };
let test: TestStore;

beforeAll(async () => {
  test = await openTestStore();
  const { store } = test;
  const day = '2026-03-14 12:00:00';
  await store.command(`INSERT INTO samples (vm, nic, ts, pos) VALUES ('new', 'e', '${day}', 1), ('bare', '', '${day}', 2)`);
  await store.command(`INSERT INTO samples (vm, nic, ts, pos) VALUES ('old', 'e', '2025-03-01 00:00:00', 3)`);
  await store.command(`INSERT INTO traffic (vm, nic, minute) VALUES ('expired', 'e', '2024-03-01 00:00:00')`);
  await store.command(`INSERT INTO uptime (vm, minute) VALUES ('expired', '2024-03-01 00:00:00')`);
  await store.command(
    `INSERT INTO catalog (kind, id, seq) VALUES ('vm', 'sold', 5), ('vm', 'just-sold', 6), ('plan', 'plan', 1)`,
  );
});
afterAll(() => test.remove());

const named = (...names: string[]): Map<string, Set<string>> =>
  new Map(names.map((name) => name.split('/')).map(([vm = '', nic = '']) => [vm, new Set([nic])]));

it.each([
  ['posted lately', 'new/e', true, true],
  ['posted lately without an interface', 'bare/', true, true],
  ['of another interface', 'new/f', true, false],
  ['posted long ago', 'old/e', true, true],
  ['whose samples have expired', 'expired/e', true, true],
  ['of the catalog', 'sold/e', true, false],
  ['of an entry of the catalog that the aggregators have not come to', 'just-sold/e', false, false],
  ['of something else in the catalog', 'plan/e', false, false],
  ["that nobody posted, with a quote (') in it", "it's/e", false, false],
])('knows a name %s', async (_, name, vmIsStored, nicIsStored) => {
  const stored = new StoredNames(test.store);
  await stored.ask(named(name), AT, new AbortController().signal);
  const [vm = '', nic = ''] = name.split('/');
  expect([stored.has(vm), stored.has(`${vm} ${nic}`)]).toEqual([vmIsStored, nicIsStored]);
});

it('asks for many at once, for those that come meanwhile together, and for none of whom nobody waits', async () => {
  let asked = 0;
  const stored = new StoredNames({
    ...test.store,
    rows: (sql) => {
      asked++;
      return test.store.rows(sql);
    },
  });
  const over = (): AbortSignal => new AbortController().signal;
  const many = named('new/e', ...Array.from({ length: 2500 }, (_, i) => `nobody-${i}/e`));
  const first = stored.ask(many, AT, over());
  const later = Array.from({ length: 50 }, () => stored.ask(named('old/e', 'bare/'), AT, over()));
  const gone = new AbortController();
  void stored.ask(many, AT, gone.signal);
  gone.abort();
  await Promise.all([first, ...later]);
  expect(['new', 'old', 'bare', 'nobody-7'].map((vm) => stored.has(vm))).toEqual([true, true, true, false]);
  // three statements for each of two questions, and two for one more
  expect(asked).toBe(8);
});
