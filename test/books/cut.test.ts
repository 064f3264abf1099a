import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Store, StoreError } from '../../src/store/store.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/**
 * A run of charge-days that is cut off within an insert of several entries, of which the first few are stored, as a crash of ClickHouse may
 * leave it: run again by another process, the books are those of a twin whose run nobody cut.
 */
const DAY_MS = 86_400_000;
const START = Date.parse('2026-03-01T00:00:00Z');
const NOW = START + 5 * DAY_MS;

/** The inserts of several entries in their order: two credits that lapsed, the suspension with the events of two VMs. What pays what is written nowhere. */
const CASES = [
  { insert: 1, kept: 1 },
  { insert: 2, kept: 1 },
  { insert: 2, kept: 2 },
];

let test: TestStore;
let app: FastifyInstance;
let left: { inserts: number; kept: number } | undefined;

function cutting(store: Store): Store {
  return {
    ...store,
    async insertRowBinary(table, structure, chunks, ...more) {
      const cut = table === 'catalog' && chunks.length > 1 && left !== undefined && (left.inserts -= 1) === 0;
      await store.insertRowBinary(table, structure, cut ? chunks.slice(0, left?.kept) : chunks, ...more);
      if (cut) throw new StoreError('cut', 'the connection was cut', true);
    },
  };
}
async function start(): Promise<void> {
  const catalog = await openCatalog(cutting(test.store), () => NOW);
  app = await serverOn(test.store, catalog, { now: () => NOW });
}
const done = doneOf(() => app);
const day = (n: number): string => new Date(START + n * DAY_MS).toISOString();
const vmsOf = (account: string): string[] => [`${account}-1`, `${account}-2`];

async function open(account: string): Promise<void> {
  await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'CNY' });
  for (const vm of vmsOf(account))
    await done('PUT', `/v1/vms/${vm}`, { account, plans: [{ plan: 'p', from: START }], starts_at: START });
  const topUp = (amount: string, more: object) =>
    done('POST', `/v1/accounts/${account}/balance`, { kind: 'top_up', amount, at: day(0), ...more });
  await topUp('15.00', {});
  for (const amount of ['2.00', '3.00']) await topUp(amount, { expires_at: START + 60_000 });
  for (const n of [0, 1]) {
    const { id } = await done('POST', '/v1/invoices', { account, from: day(n), to: day(n + 1), mode: 'draft' });
    await done('POST', `/v1/invoices/${String(id)}/finalize`);
  }
}

interface Entry {
  kind: string;
  amount: string;
  balance: string;
  at: string;
  day: { date: string } | null;
  state: object | null;
}
const told = ({ kind, amount, balance, at, day, state }: Entry) => ({ kind, amount, balance, at, date: day?.date, state });

async function books(account: string): Promise<object> {
  const { entries } = await done<{ entries: Entry[] }>('GET', `/v1/accounts/${account}/balance`);
  const events: object[] = [];
  for (const vm of vmsOf(account)) {
    const { rows } = await done<{ rows: { kind: string; at: string }[] }>('GET', `/v1/vms/${vm}/events`);
    events.push(rows.map(({ kind, at }) => ({ kind, at })));
  }
  return { entries: entries.map(told), events };
}

beforeAll(async () => {
  test = await openTestStore();
  await start();
  await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '5.00', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
  await open('whole');
  await done('POST', '/v1/charge-days', { account: 'whole' });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

it('the run that nobody cut has written each insert of several entries', async () => {
  const { entries, events } = (await books('whole')) as { entries: Entry[]; events: object[] };
  const kinds = entries.map(({ kind }) => kind).reverse();
  expect(kinds).toEqual(['top_up', 'top_up', 'top_up', 'invoice', 'invoice', 'charge', 'charge', 'charge', 'expiry', 'expiry', 'state']); // prettier-ignore
  expect(events).toMatchObject([[{ kind: 'suspended' }], [{ kind: 'suspended' }]]);
});

it.each(CASES)('cut in insert $insert, $kept stored: run again it ends with the same books', async ({ insert, kept }) => {
  const account = `cut-${insert}-${kept}`;
  await open(account);
  left = { inserts: insert, kept };
  expect((await callOf(app)('POST', '/v1/charge-days', { account })).status).toBe(503);
  left = undefined;
  await app.close();
  await start();
  await done('POST', '/v1/charge-days', { account });
  const again = await done<{ accounts: { entries: object[] }[] }>('POST', '/v1/charge-days', { account });
  expect(again.accounts).toMatchObject([{ entries: [] }]);
  expect(await books(account)).toEqual(await books('whole'));
});
