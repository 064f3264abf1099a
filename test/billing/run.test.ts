import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calendarOf } from '../../src/billing/run-period.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A run over all accounts of a period: each in its own zone, nothing twice, one failure is no other's. */
interface Outcome {
  account: string;
  outcome: string;
  invoice: string | null;
  number: number | null;
  from: string | null;
  to: string | null;
  total: string | null;
  code: string | null;
}

describe('a run', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  const at = (text: string): string => new Date(text).toISOString().slice(0, 19).replace('T', ' ');
  const done = doneOf(() => app);
  /** All parts of a run, as small as they may be. */
  const run = async (request: object): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (let after: unknown = undefined; after !== null; ) {
      const part = await done('POST', '/v1/invoice-runs', { period: '2026-03', limit: 2, without_issuer: true, ...(after === undefined ? {} : { after }), ...request });
      outcomes.push(...(part['outcomes'] as Outcome[]));
      after = part['next'];
    }
    return outcomes;
  }; // prettier-ignore
  const told = (outcomes: Outcome[]): string[] =>
    outcomes.map((each) => [each.account, each.outcome, each.number ?? each.code ?? '-', each.total ?? '-'].join(' '));
  const metered = async (vm: string, from: string, to: string): Promise<void> => {
    for (const minute of [from, new Date(Date.parse(to) - 60_000).toISOString()])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${at(minute)}', 60000, 1)`);
  };

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await openCatalog(test.store, () => Date.parse('2026-12-01T00:00:00Z'));
    app = await serverOn(test.store, catalog);
    for (const [plan, currency, zone] of [['tpe', 'CNY', 'Asia/Taipei'], ['nyc', 'USD', 'America/New_York'], ['utc', 'CNY', 'UTC']] as const)
      await done('PUT', `/v1/plans/${plan}`, { currency, time_zone: zone, price: { amount: '1.00', per: 'day' } }); // prettier-ignore
    // One in each zone, one without VMs, one of two zones, one not metered to its end.
    for (const [account, currency, plans] of [
      ['a1', 'CNY', ['tpe']],
      ['a2', 'USD', ['nyc']],
      ['a3', 'CNY', []],
      ['a4', 'CNY', ['tpe', 'utc']],
      ['a5', 'CNY', ['tpe']],
    ] as const) {
      await done('PUT', `/v1/accounts/${account}`, { name: account, currency });
      for (const [i, plan] of plans.entries())
        await done('PUT', `/v1/vms/${account}-${i}`, { account, plans: [{ plan, from: 0 }] });
    }
    for (const vm of ['a1-0', 'a2-0', 'a4-0', 'a4-1']) await metered(vm, '2026-02-27T00:00:00Z', '2026-04-02T00:00:00Z');
    await metered('a5-0', '2026-02-27T00:00:00Z', '2026-03-20T00:00:00Z');
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('says first what it would do, and writes nothing', async () => {
    expect(told(await run({ finalize: true, dry_run: true }))).toEqual([
      'a1 finalized - 31.00',
      'a2 finalized - 31.00',
      'a3 nothing - -',
      'a4 failed invalid_reference -',
      'a5 failed invoice_conflict -',
    ]);
    expect((await done('GET', '/v1/invoices'))['invoices']).toEqual([]);
  });

  it("makes drafts of each account's own month, once", async () => {
    const outcomes = await run({});
    expect(told(outcomes)).toEqual([
      'a1 created - 31.00',
      'a2 created - 31.00',
      'a3 nothing - -',
      'a4 failed invalid_reference -',
      'a5 created - 31.00',
    ]);
    expect([outcomes[0]?.from, outcomes[0]?.to]).toEqual(['2026-02-28T16:00:00Z', '2026-03-31T16:00:00Z']);
    // New York's March begins in winter and ends in summer.
    expect([outcomes[1]?.from, outcomes[1]?.to]).toEqual(['2026-03-01T05:00:00Z', '2026-04-01T04:00:00Z']);
    expect(told(await run({})).slice(0, 2)).toEqual(['a1 unchanged - 31.00', 'a2 unchanged - 31.00']);
  });

  it('rates a draft anew when what it is made of has changed', async () => {
    await done('PUT', '/v1/accounts/a1', { name: 'a1', currency: 'CNY', tax_percent: '10' });
    expect(told(await run({ accounts: ['a1', 'a2'] }))).toEqual(['a1 updated - 34.10', 'a2 unchanged - 31.00']);
  });

  it('makes them final under numbers in a row; again, or by two at once, makes nothing twice', async () => {
    await done('PUT', '/v1/accounts/a4', { name: 'a4', currency: 'CNY', time_zone: 'Asia/Taipei' });
    const [one, two] = await Promise.all([run({ finalize: true }), run({ finalize: true })]);
    const numbers = [...one, ...two].flatMap((each) => (each.outcome === 'finalized' ? (each.number ?? 0) : []));
    expect(numbers.sort()).toEqual([1, 2, 3]);
    for (const [i, each] of one.entries()) expect([each.invoice, each.number]).toEqual([two[i]?.invoice, two[i]?.number]);
    // The account of two zones has one of its own now; of the other zone's plan a day is still a day.
    expect(told(await run({ finalize: true }))).toEqual([
      expect.stringMatching(/^a1 kept \d 34.10$/),
      expect.stringMatching(/^a2 kept \d 31.00$/),
      'a3 nothing - -',
      expect.stringMatching(/^a4 kept \d 62.00$/),
      'a5 failed invoice_conflict -',
    ]);
    const list = (await done('GET', '/v1/invoices?status=final'))['invoices'] as { account: string }[];
    expect(list.map((each) => each.account).sort()).toEqual(['a1', 'a2', 'a4']);
  });

  it('makes final what is not metered to the end only when told to', async () => {
    expect(told(await run({ accounts: ['a5'], finalize: true, allow_incomplete: true }))).toEqual(['a5 finalized 4 31.00']);
  });

  it('bills a day, unless a final invoice covers it already', async () => {
    expect(told(await run({ period: '2026-04-01', accounts: ['a2'] }))).toEqual(['a2 created - 1.00']);
    expect(told(await run({ period: '2026-03-31', accounts: ['a2'] }))).toEqual(['a2 failed invoice_conflict -']);
  });

  it('makes a draft void when nothing is left to bill', async () => {
    await done('PUT', '/v1/vms/a2-0', { account: 'a2', plans: [{ plan: 'nyc', from: 0 }], ends_at: '2026-04-01T00:00:00-04:00' });
    expect(told(await run({ period: '2026-04-01', accounts: ['a2'] }))).toEqual(['a2 nothing - -']);
    expect((await done('GET', '/v1/invoices?account=a2&status=draft'))['invoices']).toEqual([]);
  });

  it('lists by page, period, status, type and number', async () => {
    const all = (await done('GET', '/v1/invoices'))['invoices'] as { id: string }[];
    const paged: unknown[] = [];
    for (let cursor: unknown = undefined; cursor !== null;) {
      const page = await done('GET', `/v1/invoices?limit=2${typeof cursor === 'string' ? `&cursor=${cursor}` : ''}`);
      paged.push(...(page['invoices'] as unknown[]));
      cursor = page['next'];
    }
    expect(paged).toEqual(all);
    const found = async (query: string) => ((await done('GET', `/v1/invoices?${query}`))['invoices'] as { number: number }[]).map((each) => each.number); // prettier-ignore
    expect(await found('number=2')).toEqual([2]);
    expect(await found('from=2026-04-01T04:00:00Z')).toEqual([null]);
    expect(await found('to=2026-02-28T16:00:00Z')).toEqual([]);
    expect(await found('type=credit_note')).toEqual([]);
    expect(await callOf(app)('GET', '/v1/invoices?from=soon')).toMatchObject({
      status: 400,
      body: { code: 'invalid_parameter' },
    });
    expect(await found('number=0')).toEqual([]);
  });

  it.each([
    [{ period: '2026-13' }, 400, 'invalid_body'],
    [{ period: '2026-02-30' }, 400, 'invalid_body'],
    [{ period: 'March' }, 400, 'invalid_body'],
    [{ period: '2026-03', accounts: ['nobody'] }, 404, 'account_unknown'],
    [{ period: '2026-03', limit: 0 }, 400, 'invalid_body'],
  ])('%j is refused with %i %s', async (body, status, code) => {
    expect(await callOf(app)('POST', '/v1/invoice-runs', body)).toMatchObject({ status, body: { code } });
  });
});

describe('a calendar period', () => {
  it.each([
    ['2026-03', { year: 2026, month: 3, day: null }],
    ['2028-02-29', { year: 2028, month: 2, day: 29 }],
    ['2026-02-29', undefined],
    ['2026-00', undefined],
    ['2026-3', undefined],
    ['1969-12', undefined],
    ['2100-01', undefined],
  ])('%s', (text, expected) => {
    expect(calendarOf(text)).toEqual(expected);
  });
});
