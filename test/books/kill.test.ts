/**
 * SIGKILL between any two writes of a run of charge-days, and within one, in the server as users run it: started again and asked again, every
 * day is charged once and the books are those of a twin whose run nobody cut. UPTALLY_TEST_STORE=server: the same with a ClickHouse server.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouseServer, startClickHouseServer } from '../support/clickhouse-server.ts';
import {
  ADMIN_KEY,
  newFolder,
  postLines,
  sendJson,
  type ServedFolder,
  type TestServer,
  untilStored,
  within,
} from '../support/server.ts';

const ON_SERVER = process.env['UPTALLY_TEST_STORE'] === 'server';
const DAY_MS = 86_400_000;
/** Four days of service, the last of which ended a day ago. */
const START = Math.floor(Date.now() / DAY_MS) * DAY_MS - 5 * DAY_MS;

/** Before the n-th write of the first run: the rest of an invoice, four days, a credit that lapsed, the suspension with its events. */
const FIRST = [1, 2, 3, 4, 5, 6, 7].map((nth) => ({ run: 'first', point: 'before-number', nth }));
/** Of the second: a correction, what lapses (nothing), the end of the suspension. */
const SECOND = [1, 2, 3].map((nth) => ({ run: 'second', point: 'before-number', nth }));
/** The engine has the insert, and some turns of the event loop later. */
const WITHIN = [1, 3, 12].map((nth) => ({ run: 'first', point: 'during-catalog-insert', nth }));
const CASES = [...FIRST, ...SECOND, ...(ON_SERVER ? [] : WITHIN)];

interface Entry {
  kind: string;
  amount: string;
  balance: string;
  source: string;
  day: { date: string; parts: object[] } | null;
  state: { is: string; clause: string | null } | null;
}

let folder: ServedFolder;
let database: ClickHouseServer | undefined;
let server: TestServer;

const sign = (index: number): string => join(folder.dir, `armed-${index}`);
async function start(index: number): Promise<void> {
  const next = CASES[index];
  server = await folder.start({
    UPTALLY_CLOCK: 'event',
    ...(database === undefined ? {} : { UPTALLY_CLICKHOUSE_URL: database.url }),
    ...(next === undefined ? {} : { UPTALLY_TEST_CRASH: `${next.point}:${next.nth}:${sign(index)}` }),
  });
}
const send = <T = Record<string, unknown>>(method: 'PUT' | 'POST', path: string, body: object = {}): Promise<T> =>
  sendJson<T>(server, method, path, body);
const instant = (day: number, hour = 0): string => new Date(START + day * DAY_MS + hour * 3_600_000).toISOString();
const topUp = (account: string, amount: string, at: string, more: object = {}) =>
  send('POST', `/v1/accounts/${account}/balance`, { kind: 'top_up', amount, at, ...more });
/** All days that are over: on a slow machine a call leaves some to the next. */
const charge = async (account: string): Promise<Entry[]> => {
  const made: Entry[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const body = after === undefined ? { account } : { account, after };
    const { accounts, next } = await send<{ accounts: { entries: Entry[] }[]; next: string | null }>(
      'POST',
      '/v1/charge-days',
      body,
    );
    made.push(...(accounts[0]?.entries ?? []));
    after = next;
  }
  return made;
};

const vmsOf = (account: string): string[] => [`${account}-1`, `${account}-2`];

/** An account with two VMs of 5.00 a day, and an invoice of the first day; what was paid covers a day more. */
async function open(account: string): Promise<void> {
  await send('PUT', `/v1/accounts/${account}`, { name: account, currency: 'CNY' });
  for (const vm of vmsOf(account))
    await send('PUT', `/v1/vms/${vm}`, { account, plans: [{ plan: 'p', from: START }], starts_at: START, ends_at: instant(4) });
  await topUp(account, '15.00', instant(0));
  await topUp(account, '5.00', instant(0), { expires_at: instant(0, 6) });
  const draft = await send('POST', '/v1/invoices', { account, from: instant(0), to: instant(1), mode: 'draft' });
  await send('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
}

/** After the first run: an hour of the invoiced day and one of another were the provider's, and the account pays. */
async function between(account: string): Promise<void> {
  for (const day of [0, 3]) {
    const range = { from: instant(day, 1), to: instant(day, 2) };
    await send('POST', '/v1/incidents', { scope: { vms: vmsOf(account) }, ...range, cause: 'provider', asserts_down: true });
  }
  await send('POST', '/v1/reconcile', { account });
  await topUp(account, '100.00', instant(4));
}

/**
 * What stands in the books of an account and its VMs, without ids, numbers of documents and when a run was made. In no order: a call that has no time left
 * for a day books what follows from the others first.
 */
async function books(account: string): Promise<object> {
  const { entries } = await server.ask<{ entries: Entry[] }>(`/v1/accounts/${account}/balance`);
  const said = (text: string): string => text.replaceAll(/\b(invoice|notes|of) [0-9a-f]+\b/g, '$1 N');
  const events = await Promise.all(
    vmsOf(account).map((vm) => server.ask<{ rows: { kind: string; at: string }[] }>(`/v1/vms/${vm}/events`)),
  );
  const told = entries.map(({ kind, amount, source, day, state }) => ({
    kind,
    amount,
    source: said(source),
    date: day?.date,
    parts: JSON.stringify(day?.parts ?? []).replaceAll(account, 'account'),
    state: state?.is,
  }));
  return {
    balance: entries[0]?.balance,
    entries: told.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    events: events.map(({ rows }) => rows.map(({ kind }) => kind)),
  };
}

beforeAll(async () => {
  folder = await newFolder('kill-days');
  if (ON_SERVER) database = await startClickHouseServer();
  await start(CASES.length);
  const vms = CASES.flatMap((_, index) => [...vmsOf(`k${index}`), ...vmsOf(`w${index}`)]);
  const lines = vms.flatMap((vm) => [START, START + 4 * DAY_MS].map((ts) => `{"vm":"${vm}","ts":${ts}}`));
  // Nothing is owed or due beyond the newest sample.
  lines.push(`{"vm":"clock","ts":${Date.now()}}`);
  expect((await postLines(server, ADMIN_KEY, lines)).status).toBe(202);
  await untilStored(server);
  await server.end('SIGTERM');
  await start(0);
  await send('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '5.00', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
}, 120_000);
afterAll(async () => {
  await folder.remove();
  await database?.stop();
});

describe('killed while days are charged, the server charges each once and ends with the books of a run that nobody cut', () => {
  it.each(CASES.map((each, index) => ({ ...each, index })))('$run run, $point, time $nth', async ({ run, index }) => {
    const [killed, whole] = [`k${index}`, `w${index}`];
    for (const account of [killed, whole]) {
      await open(account);
      const cut = account === killed && run === 'first';
      if (!cut) expect(await charge(account)).not.toEqual([]);
      if (run === 'second') await between(account);
    }
    if (run === 'second') expect((await charge(whole)).map((each) => each.kind)).toEqual(['correction', 'state']);
    await writeFile(sign(index), '');
    await expect(charge(killed)).rejects.toThrow();
    expect(await within('its death', server.exited)).toEqual({ code: null, signal: 'SIGKILL' });

    await start(index + 1);
    await charge(killed);
    expect(await charge(killed)).toEqual([]);
    expect(await charge(whole)).toEqual([]);
    const found = await books(killed);
    expect(JSON.stringify(found).replaceAll(killed, whole)).toBe(JSON.stringify(await books(whole)));
    const dates = (found as { entries: { kind: string; date?: string }[] }).entries.flatMap((each) => (each.kind === 'charge' ? each.date : [])); // prettier-ignore
    expect(dates.length).toBeGreaterThanOrEqual(4);
    expect(new Set(dates).size).toBe(dates.length);
  });
});
