import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { type LoadedSheet, loadTerms, parseSheet, shippedTermsFolder, TermsLibrary } from '../../src/terms/library.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Sheets with a claim window, and cloud-server-zh as a provider would set its tiers: over HTTP, by hand-worked numbers. */
type Json = Record<string, unknown>;
interface Line {
  kind: string;
  amount: string;
}

function sheetFrom(id: string, change: (json: Json) => Json): LoadedSheet {
  const json = JSON.parse(readFileSync(join(shippedTermsFolder(), `${id}.json`), 'utf8')) as Json;
  const parsed = parseSheet(JSON.stringify(change(json)), 'test');
  if ('sheet' in parsed) return parsed;
  throw new Error(parsed.join('\n'));
}

const claimed = sheetFrom('internet-service', (json) => ({
  ...json,
  id: 'claimed',
  credit: { ...(json['credit'] as Json), claim_within_days: 30 },
}));
// The document leaves shares and fee to an agreement: a provider writes them as the next version of the sheet.
const tiered = sheetFrom('cloud-server-zh', (json) => ({
  ...json,
  version: 2,
  effective_from: '2026-01-01T00:00:00Z',
  credit: {
    kind: 'monthly_tiers',
    clause: 'tiers',
    tiers: [{ below_percent: '99.9', credit_percent: '10' }, { below_percent: '99', credit_percent: '30' }, { below_percent: '95', credit_percent: '100' }],
  },
  billing: {
    clause: 'payment',
    prepaid: true,
    due_days: 0,
    late_fee: { clause: 'arrears', percent_per_day: '0.05', after: '0ms' },
    suspend_overdue: { clause: 'arrears', after: '7d' },
  },
})); // prettier-ignore

describe('terms that are not given unasked', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let now = 0;
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const MARCH = { from: '2026-03-01T00:00:00+08:00', to: '2026-04-01T00:00:00+08:00' };
  const linesOf = (invoice: Json): string[] => (invoice['lines'] as Line[]).map((line) => `${line.kind} ${line.amount}`);
  const preview = (account: string) => done('POST', '/v1/invoices', { account, ...MARCH, mode: 'preview' });
  const text = (at: string): string => new Date(at).toISOString().replace('T', ' ').replace('Z', '');
  const vm = async (id: string, account: string, plan: string): Promise<void> => {
    await done('PUT', `/v1/vms/${id}`, { account, plans: [{ plan, from: MARCH.from }] });
    for (const at of [MARCH.from, '2026-04-09T23:59:00+08:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}', '${text(at).slice(0, 19)}', 60000, 1)`);
  }; // prettier-ignore
  const outage = (id: string, from: string, to: string): Promise<void> =>
    test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${id}', '${text(from)}', '${text(to)}', ${conditionCode('provider')}, 0, 1)`,
    );

  beforeAll(async () => {
    test = await openTestStore();
    const catalog = await openCatalog(test.store, () => now);
    const shipped = loadTerms([shippedTermsFolder()]);
    const sheets = new TermsLibrary([...shipped.ids().flatMap((id) => shipped.versions(id)), claimed, tiered]);
    app = await serverOn(test.store, catalog, { now: () => now, termsLibrary: sheets });
    for (const [id, terms] of [['c', 'claimed'], ['t', 'cloud-server-zh']] as const) {
      await done('PUT', `/v1/plans/${id}`, { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '310.00', per: 'month' }, terms });
      await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
    } // prettier-ignore
    await vm('c1', 'c', 'c');
    await vm('t1', 't', 't');
    // Of 10.00 a day the whole 4th, and 6 hours of the 10th.
    await outage('c1', '2026-03-04T00:00:00+08:00', '2026-03-05T00:00:00+08:00');
    await outage('c1', '2026-03-10T00:00:00+08:00', '2026-03-10T06:00:00+08:00');
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('a credit that has to be claimed is not on the invoice, which says until when it can be', async () => {
    const invoice = await preview('c');
    expect(linesOf(invoice)).toEqual(['service 310.00']);
    expect(invoice['unclaimed_credits']).toMatchObject([
      { date: '2026-03-04', amount: '10.00', claim_by: '2026-04-30T16:00:00Z', claimed_at: null, outcome: 'to_be_claimed' },
      { date: '2026-03-10', amount: '2.50', clause: expect.stringContaining('VIII.8') as unknown },
    ]);
  });

  it('claimed by a millisecond too late it is barred with the clause; in time it is given for what was claimed', async () => {
    const claim = (at: string, from: string, to: string) =>
      done('POST', '/v1/vms/c1/events', { kind: 'credit_claimed', at, from, to });
    const late = await claim('2026-04-30T16:00:00Z', '2026-03-04T12:00:00+08:00', '2026-03-05T00:00:00+08:00');
    expect(late['windows']).toMatchObject([{ claim_by: '2026-04-30T16:00:00Z', in_time: false, clause: expect.stringContaining('VIII.8') as unknown }]); // prettier-ignore
    expect(await preview('c')).toMatchObject({ total: '310.00', unclaimed_credits: [{ outcome: 'barred', claimed_at: '2026-04-30T16:00:00Z' }, {}] }); // prettier-ignore
    // A claim of any of a day's time is a claim of the day.
    await claim('2026-04-30T15:59:59.999Z', '2026-03-10T05:00:00+08:00', '2026-03-10T05:01:00+08:00');
    expect(linesOf(await preview('c'))).toEqual(['service 310.00', 'credit -2.50']);
  });

  it('claimed after the invoice is final it comes as a credit note', async () => {
    const draft = await done('POST', '/v1/invoices', { account: 'c', ...MARCH, mode: 'draft' });
    await done('POST', `/v1/invoices/${String(draft['id'])}/finalize?allow_incomplete=true`);
    await done('POST', '/v1/vms/c1/events', {
      kind: 'credit_claimed',
      at: '2026-04-20T00:00:00Z',
      from: MARCH.from,
      to: MARCH.to,
    });
    const [found] = (await done('POST', '/v1/reconcile', { account: 'c' }))['invoices'] as Json[];
    expect(found).toMatchObject({ credits: [{ before: '307.50', after: '297.50', days: [{ date: '2026-03-04', after: 1440 }] }], reason: expect.stringContaining('claimed since') as unknown }); // prettier-ignore
  });

  it.each([
    [{ kind: 'credit_claimed', at: '2026-04-20T00:00:00Z' }],
    [{ kind: 'credit_claimed', at: '2026-04-20T00:00:00Z', from: MARCH.to, to: MARCH.from }],
    [{ kind: 'abuse', at: '2026-04-20T00:00:00Z', ...MARCH }],
  ])('%j is refused', async (body) => {
    expect(await call('POST', '/v1/vms/c1/events', body)).toMatchObject({ status: 400, body: { code: 'invalid_body' } });
  });

  it('cloud-server-zh with tiers, late fee and suspension as configured', async () => {
    // 44,640 minutes: 44 unavailable are 99.901..%, the 45th makes it less than 99.9 %.
    await outage('t1', '2026-03-05T00:00:00+08:00', '2026-03-05T00:44:00+08:00');
    expect(linesOf(await preview('t'))).toEqual(['service 310.00']);
    await outage('t1', '2026-03-06T00:00:00+08:00', '2026-03-06T00:00:00.001+08:00');
    expect(linesOf(await preview('t'))).toEqual(['service 310.00', 'credit -31.00']);
    await outage('t1', '2026-03-07T00:00:00+08:00', '2026-03-07T06:42:00+08:00');
    // 447 minutes: below 99 %, 30 % of the month.
    expect(linesOf(await preview('t'))).toEqual(['service 310.00', 'credit -93.00']);
    now = Date.parse(MARCH.to);
    const draft = await done('POST', '/v1/invoices', { account: 't', ...MARCH, mode: 'draft' });
    await done('POST', `/v1/invoices/${String(draft['id'])}/finalize?allow_incomplete=true`);

    // On the invoice, not by the day: due at once, late by 0.05 % of 217.00 a started day, suspended after seven days.
    const standing = async (at: string): Promise<Json> => {
      now = Date.parse(at);
      await done('POST', '/v1/charge-days', { account: 't' });
      return done('GET', '/v1/accounts/t/balance');
    };
    expect(await standing('2026-04-05T00:00:00+08:00')).toMatchObject({
      state: 'overdue',
      since: '2026-03-31T16:00:00Z',
      balance: '-217.00',
    });
    expect(await standing('2026-04-08T00:00:00+08:00')).toMatchObject({ state: 'suspended', since: '2026-04-07T16:00:00Z', clause: expect.stringContaining('part 2, 3') as unknown }); // prettier-ignore
    const next = { account: 't', from: MARCH.to, to: '2026-04-09T00:00:00+08:00', mode: 'preview' };
    // Eight started days: 0.868.
    expect(linesOf(await done('POST', '/v1/invoices', next)).at(-1)).toBe('late_fee 0.87');
    await done('POST', `/v1/invoices/${String(draft['id'])}/payments`, { amount: '217.00' });
    expect(await standing('2026-04-09T00:00:00+08:00')).toMatchObject({ state: 'ok' });
    const events = (await done('GET', '/v1/vms/t1/events'))['rows'] as { kind: string }[];
    expect(events.map((each) => each.kind).sort()).toEqual(['resumed', 'suspended']);
  });
});
