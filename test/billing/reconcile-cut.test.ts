import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Store, StoreError } from '../../src/store/store.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/**
 * A reconcile that is cut off before or after any of its writes and made again by another process ends with what one made that nobody cut. It
 * lowers a debit that waits, credits the invoice that charged another debit, then the corrected invoice itself, and records a new debit.
 */
const START = Date.parse('2026-03-01T00:00:00Z');
const NOW = START + 30 * 86_400_000;
const WRITES = 4;

let test: TestStore;
let app: FastifyInstance;
let cut: { write: number; stored: boolean } | undefined;

function cutting(store: Store): Store {
  return {
    ...store,
    async insertRowBinary(table, ...more) {
      const now = table === 'catalog' && cut !== undefined && (cut.write -= 1) === 0;
      if (!now || cut?.stored === true) await store.insertRowBinary(table, ...more);
      if (now) throw new StoreError('cut', 'the connection was cut', true);
    },
  };
}
async function start(): Promise<void> {
  const catalog = await openCatalog(cutting(test.store), () => NOW);
  app = await serverOn(test.store, catalog, { now: () => NOW });
}
const done = doneOf(() => app);
const instant = (day: number, minute = 0): string => new Date(START + (day * 1440 + minute) * 60_000).toISOString();
const reconcile = (account: string) => done<{ invoices: object[] }>('POST', '/v1/reconcile', { account });

/** So many minutes of a day were the provider's. */
async function incident(account: string, day: number, minutes: number): Promise<string> {
  const range = { from: instant(day), to: instant(day, minutes) };
  const scope = { vms: [account] };
  return String((await done('POST', '/v1/incidents', { scope, ...range, cause: 'provider', asserts_down: true }))['id']);
}
const withdraw = async (id: string): Promise<void> => {
  expect((await callOf(app)('DELETE', `/v1/incidents/${id}`)).status).toBe(204);
};
async function invoice(account: string, day: number): Promise<void> {
  const { id } = await done('POST', '/v1/invoices', { account, from: instant(day), to: instant(day + 1), mode: 'draft' });
  await done('POST', `/v1/invoices/${String(id)}/finalize`);
}

/** An account of 14.40 a day and 10 % tax, whose next reconcile has four things to write. */
async function open(account: string): Promise<void> {
  await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'CNY', tax_percent: '10' });
  await done('PUT', `/v1/vms/${account}`, { account, plans: [{ plan: 'p', from: START }] });
  for (const minute of [0, 10 * 1440 - 1])
    await test.store.command(
      `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${account}', toDateTime(${START / 1000 + minute * 60}, 'UTC'), 60000, 1)`,
    );
  const credited: string[] = [];
  for (const day of [0, 1, 2]) {
    credited.push(await incident(account, day, 60));
    await invoice(account, day);
  }
  const [first = '', second = '', third = ''] = credited;
  await withdraw(second);
  await reconcile(account);
  await invoice(account, 3);
  await withdraw(first);
  await reconcile(account);
  // A debit of 0.60 waits, and one was charged. Now half an hour of the one is the provider's again, an hour and a half of the other, and none of the third day.
  await incident(account, 0, 30);
  await incident(account, 1, 90);
  await withdraw(third);
}

async function books(account: string): Promise<object> {
  const { invoices } = await done<{ invoices: Record<string, unknown>[] }>('GET', `/v1/invoices?account=${account}`);
  const { debits } = await done<{ debits: Record<string, unknown>[] }>('GET', `/v1/debits?account=${account}`);
  const whole = await Promise.all(invoices.map(({ id }) => done<{ lines: Record<string, unknown>[]; total: string; credited: string; type: string; from: string }>('GET', `/v1/invoices/${String(id)}`))); // prettier-ignore
  return {
    documents: whole
      .map(({ type, from, total, credited, lines }) => ({
        type,
        from,
        total,
        credited,
        lines: lines.map((line) => `${String(line['kind'])} ${String(line['amount'])}`),
      })) // prettier-ignore
      .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    debits: debits.map(({ status, total }) => ({ status, total })),
  };
}

beforeAll(async () => {
  test = await openTestStore();
  await start();
  await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '14.40', per: 'day' } });
  await open('whole');
  await reconcile('whole');
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

it('nobody cut: a debit is lowered, two credit notes are made, a debit is recorded', async () => {
  const { documents, debits } = (await books('whole')) as { documents: { type: string; total: string }[]; debits: object[] };
  // 0.60 of the second day was charged with the fourth, so it is credited there, and 0.30 of its own line; each with 10 % tax.
  expect(documents.filter((each) => each.type === 'credit_note').map((each) => each.total).sort()).toEqual(['-0.33', '-0.66']); // prettier-ignore
  expect(debits).toEqual([
    { status: 'charged', total: '0.66' },
    { status: 'pending', total: '0.33' },
    { status: 'pending', total: '0.66' },
  ]);
});

const CASES = Array.from({ length: WRITES }, (_, i) => [{ write: i + 1, stored: false }, { write: i + 1, stored: true }]).flat(); // prettier-ignore
it.each(CASES)('cut at write $write, stored: $stored; made again it ends with the same books', async ({ write, stored }) => {
  const account = `cut-${write}-${stored ? 'stored' : 'lost'}`;
  await open(account);
  cut = { write, stored };
  expect((await callOf(app)('POST', '/v1/reconcile', { account })).status).toBe(503);
  cut = undefined;
  await app.close();
  await start();
  await reconcile(account);
  expect((await reconcile(account)).invoices).toEqual([]);
  expect(await books(account)).toEqual(await books('whole'));
});
