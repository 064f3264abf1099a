import { afterAll, beforeAll, expect, it } from 'vitest';
import { trafficDays, trafficSlots } from '../../src/billing/usage.ts';
import type { QueryContext } from '../../src/query/context.ts';
import type { Store } from '../../src/store/store.ts';
import { insertTraffic, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

/** Sums of traffic where rows were restated, withdrawn, and are not merged yet, beside VMs of which every minute has one row. */
let test: TestStore;
let context: QueryContext;
/** VMs of the statements that were asked. */
const asked: unknown[] = [];
const MAX = 2n ** 64n - 1n;
const DAY = { fromMinute: ms('00:00') / 60_000, toMinute: ms('00:00') / 60_000 + 1440 };

beforeAll(async () => {
  test = await openTestStore();
  await test.store.command('SYSTEM STOP MERGES traffic');
  const catalog = await openCatalogOf({ store: test.store, now: () => 0, randomBytes: (size) => new Uint8Array(size) });
  const store: Store = {
    ...test.store,
    rows: (sql, params) => {
      asked.push(params?.['vms']);
      return test.store.rows(sql, params);
    },
  };
  context = { store, catalog, watermarkMs: () => null, stalenessMs: 90_000 };
  const row = (...given: [vm: string, nic: string, minute: string, rx: bigint, tx: bigint, version: number]) =>
    insertTraffic(test.store, ...given);
  // once: two interfaces in one minute are two minutes, not one restated
  await row('once', 'eth0', '00:00', MAX, 1n, 1);
  await row('once', 'eth1', '00:00', MAX, 1n, 1);
  await row('once', 'eth0', '00:06', 5n, 6n, 1);
  // twice: restated up, restated down, withdrawn, and written again as it was
  await row('twice', 'eth0', '00:00', 100n, 1n, 1);
  await row('twice', 'eth0', '00:00', 50n, 2n, 2);
  await row('twice', 'eth0', '00:01', 7n, 7n, 9);
  await row('twice', 'eth0', '00:01', 70n, 70n, 3);
  await row('twice', 'eth0', '00:06', 8n, 8n, 1);
  await row('twice', 'eth0', '00:06', 0n, 0n, 2);
  await row('twice', 'eth0', '12:00', 3n, 4n, 1);
  await row('twice', 'eth0', '12:00', 3n, 4n, 1);
});
afterAll(() => test.remove());

const ranges = [
  { vm: 'twice', ...DAY, nics: null },
  { vm: 'once', ...DAY, nics: null },
  { vm: 'once', ...DAY, nics: ['eth1'] },
  { vm: 'none', ...DAY, nics: null },
];

it('days count the version in force of each minute once', async () => {
  const noon = DAY.fromMinute + 720;
  expect(await trafficDays(context, ranges, [DAY.fromMinute, noon, DAY.toMinute])).toEqual([
    [{ rxBytes: 57n, txBytes: 9n }, { rxBytes: 3n, txBytes: 4n }],
    [{ rxBytes: 2n * MAX + 5n, txBytes: 8n }, { rxBytes: 0n, txBytes: 0n }],
    [{ rxBytes: MAX, txBytes: 1n }, { rxBytes: 0n, txBytes: 0n }],
    [{ rxBytes: 0n, txBytes: 0n }, { rxBytes: 0n, txBytes: 0n }],
  ]); // prettier-ignore
});

it('versions are compared only for VMs that have a minute twice', () => {
  expect(asked).toEqual([['twice', 'once', 'none'], ['twice']]);
});

it('slots do too, and those without traffic are left out', async () => {
  const first = Math.floor(DAY.fromMinute / 5);
  const slots = await trafficSlots(context, ranges);
  expect(slots.map((each) => [...each].map(([slot, { rxBytes, txBytes }]) => [slot - first, rxBytes, txBytes]))).toEqual([
    [[0, 57n, 9n], [144, 3n, 4n]],
    [[0, 2n * MAX, 2n], [1, 5n, 6n]],
    [[0, MAX, 1n]],
    [],
  ]); // prettier-ignore
});
