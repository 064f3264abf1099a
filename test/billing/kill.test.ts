/**
 * SIGKILL while invoices get their numbers, in the server as users run it: at every point between the decision and the answer, with several
 * clients at once, one invoice at a time and many in one run. UPTALLY_TEST_STORE=server: the same with a ClickHouse server behind it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOKS_FAULT_POINTS, type FaultPoint } from '../../src/process/faults.ts';
import { type ClickHouseServer, startClickHouseServer } from '../support/clickhouse-server.ts';
import { newFolder, sendJson, type ServedFolder, type TestServer, within } from '../support/server.ts';

const ON_SERVER = process.env['UPTALLY_TEST_STORE'] === 'server';
const ACCOUNTS = ['a1', 'a2', 'a3', 'a4'];
/** An insert is cut off as soon as the engine has it, and some turns of the event loop later. */
const TURNS: Partial<Record<FaultPoint, readonly number[]>> = { 'during-catalog-insert': [1, 3, 12] };
const OF_EMBEDDED = /catalog-insert/;

const CASES = BOOKS_FAULT_POINTS.filter((point) => !ON_SERVER || !OF_EMBEDDED.test(point)).flatMap((point) =>
  (TURNS[point] ?? [1]).flatMap((nth) => (['finalize', 'run'] as const).map((by) => ({ point, nth, by }))),
);

interface Invoice {
  id: string;
  type: string;
  number: number | null;
  status: string;
  account: string;
}

let folder: ServedFolder;
let database: ClickHouseServer | undefined;
let server: TestServer;
/** The content of every final invoice when it was first seen. */
const seen = new Map<string, string>();

async function start(index: number): Promise<void> {
  const next = CASES[index];
  server = await folder.start({
    UPTALLY_CLOCK: 'event',
    UPTALLY_RETENTION_DAYS: '0',
    ...(database === undefined ? {} : { UPTALLY_CLICKHOUSE_URL: database.url }),
    ...(next === undefined ? {} : { UPTALLY_TEST_CRASH: `${next.point}:${next.nth}:${sign(index)}` }),
  });
}
const sign = (index: number): string => join(folder.dir, `armed-${index}`);
const put = (path: string, body: object) => sendJson(server, 'PUT', path, body);
const post = <T>(path: string, body: object): Promise<T> => sendJson<T>(server, 'POST', path, body);
const list = async (): Promise<Invoice[]> => (await server.ask<{ invoices: Invoice[] }>('/v1/invoices')).invoices;
const dayOf = (index: number): string => new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10);

/** Numbers 1, 2, 3 … each once; one invoice an account and day; what was final before says the same, byte by byte. */
async function checkBooks(): Promise<void> {
  const finals = (await list()).filter((each) => each.number !== null);
  expect(finals.map((each) => each.number ?? 0).sort((a, b) => a - b)).toEqual(finals.map((_, i) => i + 1));
  for (const id of seen.keys()) expect(finals.map((each) => each.id)).toContain(id);
  for (const { id } of finals) {
    const { text } = await server.call(`/v1/invoices/${id}?part=content`);
    if (seen.has(id)) expect(text).toBe(seen.get(id));
    seen.set(id, text);
  }
}

beforeAll(async () => {
  folder = await newFolder('kill');
  if (ON_SERVER) database = await startClickHouseServer();
  await start(0);
  await put('/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '1.00', per: 'day' } });
  for (const account of ACCOUNTS) {
    await put(`/v1/accounts/${account}`, { name: account, currency: 'CNY' });
    await put(`/v1/vms/${account}-1`, { account, plans: [{ plan: 'p', from: 0 }] });
  }
});
afterAll(async () => {
  await folder.remove();
  await database?.stop();
});

describe('killed while invoices become final, the server leaves no gap, no repetition and no edit', () => {
  it.each(CASES.map((each, index) => ({ ...each, index })))('$point, turn $nth, by $by', async ({ by, index }) => {
    const period = dayOf(index);
    const drafts: string[] = [];
    for (const { invoice } of (await post<{ outcomes: { invoice: string }[] }>('/v1/invoice-runs', { period })).outcomes)
      drafts.push(invoice);
    expect(drafts).toHaveLength(ACCOUNTS.length);
    await writeFile(sign(index), '');

    // Every invoice by two clients at once, or a run by two; what is answered before the end holds.
    const answered: Invoice[] = [];
    const attempt = async (id: string): Promise<void> => {
      const answer = await server
        .call(`/v1/invoices/${id}/finalize?allow_incomplete=true`, { method: 'POST' })
        .catch(() => undefined);
      if (answer?.status === 200) answered.push(answer.json() as Invoice);
    };
    const run = () => post<{ outcomes: (Invoice & { outcome: string; invoice: string })[] }>('/v1/invoice-runs', { period, finalize: true, allow_incomplete: true, without_issuer: true }); // prettier-ignore
    const work = by === 'finalize' ? [...drafts, ...drafts].map(attempt) : [run(), run()];
    await Promise.allSettled(work);
    expect(await within('its death', server.exited)).toEqual({ code: null, signal: 'SIGKILL' });

    await start(index + 1);
    await checkBooks();
    // Asked again it is the same invoice.
    const again =
      by === 'run'
        ? (await run()).outcomes.map(({ invoice }) => invoice)
        : await Promise.all(
            drafts.map(async (id) => (await post<Invoice>(`/v1/invoices/${id}/finalize?allow_incomplete=true`, {})).id),
          );
    expect([...again].sort()).toEqual([...drafts].sort());
    await checkBooks();
    const finals = new Map((await list()).map((each) => [each.id, each]));
    for (const id of drafts) expect(finals.get(id)).toMatchObject({ status: 'final' });
    for (const { id, number } of answered) expect(finals.get(id)?.number).toBe(number);
    expect(finals.size).toBe((index + 1) * ACCOUNTS.length);
  });
});
