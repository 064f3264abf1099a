import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { conditionCode, type Condition } from '../../src/domain/condition.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Invoices over HTTP against numbers worked by hand. */
const GB = 1_000_000_000n;
const MARCH = { from: '2026-03-01T00:00:00+08:00', to: '2026-04-01T00:00:00+08:00' };
const at = (text: string): string => new Date(text).toISOString().replace('T', ' ').replace('Z', '');

interface Line {
  kind: string;
  vm: string | null;
  quantity: string;
  unit: string;
  unit_price: string;
  amount: string;
  query: string | null;
  detail: Record<string, unknown>;
}

describe('invoices over HTTP', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  const NOW = Date.parse('2026-12-01T00:00:00Z');
  let now = NOW;
  const open = () => openCatalog(test.store, () => NOW);
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const linesOf = (invoice: Record<string, unknown>): string[] =>
    (invoice['lines'] as Line[]).map((line) => `${line.kind} ${line.vm ?? '-'} ${line.quantity} ${line.unit} ${line.amount}`);
  const preview = (account: string, from: string, to: string) =>
    done('POST', '/v1/invoices', { account, from, to, mode: 'preview' });
  const draft = async (account: string, from: string, to: string): Promise<string> =>
    String((await done('POST', '/v1/invoices', { account, from, to, mode: 'draft' }))['id']);

  /** Metered from one instant to another, as the aggregator would store it. */
  const published = async (vm: string, from: string, to: string): Promise<void> => {
    for (const minute of [from, new Date(Date.parse(to) - 60_000).toISOString()])
      await test.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${at(minute).slice(0, 19)}', 60000, 1)`,
      );
  };
  const outage = (vm: string, from: string, to: string, cause: Condition = 'provider', version = 1): Promise<void> =>
    test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', '${at(from)}', '${at(to)}', ${conditionCode(cause)}, 0, ${version})`,
    );
  const traffic = (vm: string, nic: string, minute: string, rx: bigint, tx: bigint): Promise<void> =>
    test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', '${nic}', '${at(minute).slice(0, 19)}', ${rx}, ${tx}, 1)`,
    );

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await open();
    app = await serverOn(test.store, catalog, { now: () => now });

    // CNY, Asia/Taipei, the terms of internet-service: minutes rounded up, the day's charge as cap, provider only.
    const tiers = [
      { up_to: 500, price: '0.10' },
      { up_to: null, price: '0.05' },
    ];
    await done('PUT', '/v1/plans/cny', {
      currency: 'CNY',
      time_zone: 'Asia/Taipei',
      price: { amount: '300.00', per: 'month' },
      terms: 'internet-service',
      traffic: { counting: 'sum', included_bytes: 1e12, tiers },
    });
    await done('PUT', '/v1/accounts/cny', { name: '=1+1 <b>Ltd</b>', currency: 'CNY', tax_percent: '6' });
    await done('PUT', '/v1/vms/c1', { account: 'cny', plans: [{ plan: 'cny', from: MARCH.from }], nics: ['eth0'] });
    await published('c1', MARCH.from, MARCH.to);
    await outage('c1', '2026-03-05T10:00:10+08:00', '2026-03-05T10:00:40+08:00');
    await outage('c1', '2026-03-06T10:00:00+08:00', '2026-03-06T12:00:00+08:00', 'third_party');
    await outage('c1', '2026-03-10T23:58:30+08:00', '2026-03-11T00:01:00+08:00');
    await outage('c1', '2026-03-20T12:00:00+08:00', '2026-03-21T13:00:00+08:00');
    await traffic('c1', 'eth0', '2026-03-01T00:00:00+08:00', 1000n * GB, 500n * GB);
    await traffic('c1', 'eth0', '2026-03-31T23:59:00+08:00', 100n * GB, 0n);
    await traffic('c1', 'eth0', '2026-04-01T00:00:00+08:00', 777n * GB, 0n);
    await traffic('c1', 'eth1', '2026-03-05T00:00:00+08:00', 777n * GB, 0n);
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('CNY, Asia/Taipei: 30 seconds, across midnight, 25 hours; included and tiered traffic; tax', async () => {
    const invoice = await preview('cny', MARCH.from, MARCH.to);
    // 1 + 2 + 1 + 720 + 780 minutes of 300/31/1440 are 10.1075; 600 GB are 500 x 0.10 + 100 x 0.05; 6 % of 344.89 are 20.6934.
    expect(linesOf(invoice)).toEqual([
      'service c1 31 day 300.00',
      'traffic c1 600 GB 55.00',
      'credit c1 1504 minute -10.11',
      'tax - 344.89 CNY 20.69',
    ]);
    expect(invoice).toMatchObject({ status: 'preview', number: null, total: '365.58', usage_complete: true, sha256: null });
    const credit = (invoice['lines'] as Line[])[2];
    expect((credit?.detail['days'] as { date: string; minutes: number }[]).map((day) => `${day.date} ${day.minutes}`)).toEqual([
      '2026-03-05 1',
      '2026-03-10 2',
      '2026-03-11 1',
      '2026-03-20 720',
      '2026-03-21 780',
    ]);
    // The query on the line answers what the line says.
    const rows = (await done('GET', credit?.query ?? ''))['rows'] as { unavailable_minutes: number }[];
    expect(rows.reduce((sum, row) => sum + row.unavailable_minutes, 0)).toBe(1504);
  });

  it('the queries on the lines answer what the lines say of a VM that began in mid-month and changed its plan', async () => {
    const plan = { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '14.40', per: 'day' } };
    const priced = { counting: 'sum', tiers: [{ up_to: null, price: '1.00' }] };
    for (const id of ['first', 'then']) await done('PUT', `/v1/plans/${id}`, { ...plan, traffic: priced });
    await done('PUT', '/v1/accounts/began', { name: 'B', currency: 'CNY' });
    await done('PUT', '/v1/vms/b1', {
      account: 'began',
      plans: [
        { plan: 'first', from: 0 },
        { plan: 'then', from: '2026-03-16T00:00:00+08:00' },
      ],
      starts_at: '2026-03-11T00:00:00+08:00',
    });
    await published('b1', MARCH.from, MARCH.to);
    for (const day of ['05', '12', '20']) {
      await outage('b1', `2026-03-${day}T10:00:10+08:00`, `2026-03-${day}T10:00:40+08:00`);
      await traffic('b1', 'eth0', `2026-03-${day}T10:00:00+08:00`, BigInt(day) * GB, 0n);
    }
    const lines = (await preview('began', MARCH.from, MARCH.to))['lines'] as Line[];
    const answers = lines.map(async ({ kind, quantity, query }) => {
      if (kind === 'service') return [kind, quantity];
      const rows = (await done('GET', query ?? ''))['rows'] as { unavailable_minutes: number; rx_bytes: number }[];
      const told = rows.reduce((sum, row) => sum + (kind === 'credit' ? row.unavailable_minutes : row.rx_bytes / 1e9), 0);
      return [kind, quantity, told];
    });
    expect(await Promise.all(answers)).toEqual([
      ['service', '5'],
      ['service', '16'],
      ['traffic', '12', 12],
      ['traffic', '20', 20],
      ['credit', '2', 2],
    ]);
  });

  it('two incidents that overlap: the one recorded later counts', async () => {
    const incident = (from: string, to: string, cause: string) =>
      done('POST', '/v1/incidents', { scope: { account: 'cny' }, from: `2026-03-20T${from}+08:00`, to, cause, announced_at: '2026-03-19T12:00:00+08:00' }); // prettier-ignore
    const ids = [
      await incident('12:00:00', '2026-03-21T00:00:00+08:00', 'maintenance'),
      await incident('18:00:00', '2026-03-20T23:00:00+08:00', 'provider'),
    ];
    // On the 20th 12:00 to 18:00 and 23:00 to 24:00 are maintenance now: 1504 - 420 minutes, 7.2849.
    expect(linesOf(await preview('cny', MARCH.from, MARCH.to))[2]).toBe('credit c1 1084 minute -7.28');
    for (const { id } of ids) await call('DELETE', `/v1/incidents/${String(id)}`);
    expect(linesOf(await preview('cny', MARCH.from, MARCH.to))[2]).toBe('credit c1 1504 minute -10.11');
  });

  it('TWD, Asia/Shanghai: started and ended in mid-month; its last day is capped at what it is charged', async () => {
    await done('PUT', '/v1/plans/twd', { currency: 'TWD', time_zone: 'Asia/Shanghai', price: { amount: '14.40', per: 'day' } });
    await done('PUT', '/v1/accounts/twd', { name: 'T', currency: 'TWD' });
    const service = { starts_at: '2026-03-11T00:00:00+08:00', ends_at: '2026-03-21T12:00:00+08:00' };
    await done('PUT', '/v1/vms/t1', { account: 'twd', plans: [{ plan: 'twd', from: 0 }], ...service });
    await published('t1', '2026-03-10T00:00:00+08:00', MARCH.to);
    await outage('t1', '2026-03-10T23:00:00+08:00', '2026-03-11T00:00:30+08:00');
    await outage('t1', '2026-03-21T00:00:00+08:00', '2026-03-22T00:00:00+08:00');
    // 10 days and 720 minutes of 0.01; one minute of the 11th and the 720 of the 21st are credited, none before or after.
    expect(linesOf(await preview('twd', MARCH.from, MARCH.to))).toEqual([
      'service t1 15120 minute 151.20',
      'credit t1 721 minute -7.21',
    ]);
  });

  it('JPY, Europe/Berlin by the hour: a day of 23 hours; amounts without decimals', async () => {
    await done('PUT', '/v1/plans/jpy', { currency: 'JPY', time_zone: 'Europe/Berlin', price: { amount: '10', per: 'hour' } });
    await done('PUT', '/v1/accounts/jpy', { name: 'J', currency: 'JPY', tax_percent: '10' });
    await done('PUT', '/v1/vms/j1', { account: 'jpy', plans: [{ plan: 'jpy', from: 0 }] });
    const day = ['2026-03-29T00:00:00+01:00', '2026-03-30T00:00:00+02:00'] as const;
    await published('j1', ...day);
    await outage('j1', '2026-03-29T01:30:00+01:00', '2026-03-29T03:30:00+02:00');
    const invoice = await preview('jpy', ...day);
    expect(linesOf(invoice)).toEqual(['service j1 1 day 230', 'credit j1 60 minute -10', 'tax - 220 JPY 22']);
    expect(invoice['total']).toBe('242');
  });

  it('USD, America/New_York: the 95th percentile of a day of 25 hours', async () => {
    await done('PUT', '/v1/plans/usd', {
      currency: 'USD',
      time_zone: 'America/New_York',
      price: { amount: '1.50', per: 'day' },
      traffic: { counting: 'p95', price_per_mbps: '8.00' },
    });
    await done('PUT', '/v1/accounts/usd', { name: 'U', currency: 'USD' });
    await done('PUT', '/v1/vms/u1', { account: 'usd', plans: [{ plan: 'usd', from: 0 }] });
    const day = ['2026-11-01T00:00:00-04:00', '2026-11-02T00:00:00-05:00'] as const;
    await published('u1', ...day);
    const slot = (i: number): string => new Date(Date.parse('2026-11-01T12:00:00Z') + i * 300_000).toISOString();
    for (let i = 0; i < 15; i += 1) await traffic('u1', 'eth0', slot(i), 60_000_000n, 15_000_000n);
    // 300 slots: the 285th is the first of those with traffic once there are 16 of them.
    expect(linesOf(await preview('usd', ...day))).toEqual(['service u1 1 day 1.50', 'traffic u1 0 Mbit/s 0.00']);
    await traffic('u1', 'eth0', slot(15), 37_500_000n, 0n);
    expect(linesOf(await preview('usd', ...day))).toEqual(['service u1 1 day 1.50', 'traffic u1 1 Mbit/s 8.00']);
  });

  it('fees by the sheet: an address again within 24 hours is free if the new one is blocked; late fees by the started day', async () => {
    await done('PUT', '/v1/plans/fee', { currency: 'CNY', time_zone: 'Asia/Shanghai', price: { amount: '1', per: 'day' } });
    await done('PUT', '/v1/accounts/fee', { name: 'F', currency: 'CNY' });
    await done('PUT', '/v1/vms/f1', { account: 'fee', terms: 'cstserver-2022', plans: [{ plan: 'fee', from: 0 }] });
    for (const [kind, time] of [['ip_replaced', '10:00'], ['ip_blocked', '11:00'], ['ip_replaced', '12:00']] as const)
      await done('POST', '/v1/vms/f1/events', { at: `2026-03-02T${time}:00+08:00`, kind }); // prettier-ignore
    const march = [MARCH.from, MARCH.to] as const;
    expect(linesOf(await preview('fee', ...march))).toEqual(['service f1 31 day 31.00', 'fee f1 1 event 15.00']);

    await done('PUT', '/v1/vms/f1', { account: 'fee', terms: 'internet-service', plans: [{ plan: 'fee', from: 0 }] });
    await done('PATCH', '/v1/accounts/fee', { due_days: 1 });
    now = Date.parse('2026-03-02T00:00:00+08:00');
    const first = await draft('fee', '2026-03-01T00:00:00+08:00', '2026-03-02T00:00:00+08:00');
    await done('POST', `/v1/invoices/${first}/finalize`);
    now = NOW;
    await done('POST', `/v1/invoices/${first}/payments`, { amount: '1.00', at: '2026-03-11T00:00:00+08:00' });
    // Due a day after its issue, on the 3rd, late from the 4th; days of the 4th to the 10th were started, the one of the payment was not: 7 x 0.003.
    expect(linesOf(await preview('fee', '2026-03-02T00:00:00+08:00', '2026-04-01T00:00:00+08:00'))).toEqual([
      'service f1 30 day 30.00',
      'late_fee - 7 day 0.02',
    ]);
    await done('POST', `/v1/invoices/${first}/payments`, { amount: '1.00', kind: 'refund' });
    await done('POST', `/v1/invoices/${first}/void`);
  });

  it('becomes final once, under the next number, however often and at once it is asked for', async () => {
    const drafts = await Promise.all([
      draft('cny', MARCH.from, MARCH.to),
      draft('twd', MARCH.from, MARCH.to),
      draft('fee', MARCH.from, MARCH.to),
    ]);
    expect(await draft('cny', MARCH.from, MARCH.to)).toBe(drafts[0]);
    const answers = await Promise.all([...drafts, ...drafts, ...drafts].map((id) => done('POST', `/v1/invoices/${id}/finalize`)));
    // Number 1 went to the invoice that is void: numbers are never used again.
    expect(answers.map((each) => Number(each['number'])).sort()).toEqual([2, 2, 2, 3, 3, 3, 4, 4, 4]);
    const [id] = drafts;
    const invoice = await done('GET', `/v1/invoices/${id}`);
    expect(invoice).toMatchObject({ status: 'final', total: '365.58', outstanding: '365.58', issued_at: '2026-12-01T00:00:00Z' });

    const digest = async (part: string) =>
      createHash('sha256').update((await call('GET', `/v1/invoices/${id}?part=${part}`)).text).digest('hex'); // prettier-ignore
    expect(invoice['sha256']).toEqual({ content: await digest('content'), evidence: await digest('evidence') });

    // What is stored is what a new process reads.
    const again = await serverOn(test.store, await open());
    expect((await callOf(again)('GET', `/v1/invoices/${id}`)).body).toEqual(invoice);
    await again.close();
    expect(await call('POST', '/v1/invoices', { account: 'cny', ...MARCH, mode: 'draft' })).toMatchObject({
      status: 409,
      body: { code: 'invoice_conflict', invoice: id },
    });
  });

  it('is never edited: what an incident restates later goes on a credit note, and back again on the next invoice', async () => {
    const reconcile = (dryRun = false) => done('POST', '/v1/reconcile', { account: 'cny', dry_run: dryRun });
    expect(await reconcile()).toEqual({ checked: 1, dry_run: false, invoices: [], left: 0, next: null });
    // Two hours of the 6th were the carrier's; now they are said to be the provider's: 1624 minutes, 10.9140 instead of 10.11.
    const incident = await done('POST', '/v1/incidents', { scope: { vms: ['c1'] }, from: '2026-03-06T10:00:00+08:00', to: '2026-03-06T12:00:00+08:00', cause: 'provider' });
    expect(incident['final_invoices']).toMatchObject([{ number: 2, account: 'cny' }]);
    const [dry] = (await reconcile(true))['invoices'] as Record<string, unknown>[];
    expect(dry).toMatchObject({ number: 2, credit_note: null, debits: [] });
    // 300.00 - 10.91, and 6 % of 344.09 are 20.6454.
    expect(dry?.['credits']).toMatchObject([
      { line: 0, kind: 'service', vm: 'c1', before: '289.89', after: '289.09', unavailable_minutes: { before: 1504, after: 1624 } },
      { line: 3, kind: 'tax', vm: null, before: '20.69', after: '20.65', unavailable_minutes: { before: 0, after: 0 } },
    ]);
    const [found] = (await reconcile())['invoices'] as Record<string, unknown>[];
    const note = await done('GET', `/v1/invoices/${String(found?.['credit_note'])}`);
    expect(note).toMatchObject({ type: 'credit_note', number: 1, total: '-0.84', corrects: { invoice: found?.['invoice'], number: 2 } });
    expect(note['lines']).toMatchObject([
      { amount: '-0.80', detail: { line: 0, reason: expect.stringContaining(`${String(incident['id'])} (provider)`) as unknown } },
      { amount: '-0.04', detail: { line: 3 } },
    ]);
    const invoice = await done('GET', `/v1/invoices/${String(found?.['invoice'])}`);
    expect(invoice).toMatchObject({ total: '365.58', credited: '0.84', outstanding: '364.74', credit_notes: [{ number: 1 }] });
    // Reconciled: once more finds nothing. Withdrawn again, the invoice is too low: a debit for the next invoice, once however often it is asked.
    expect((await reconcile())['invoices']).toEqual([]);
    await call('DELETE', `/v1/incidents/${String(incident['id'])}`);
    const [again] = (await reconcile())['invoices'] as Record<string, unknown>[];
    expect(again).toMatchObject({ credits: [], debits: [{ line: 0, before: '289.09', after: '289.89', days: [{ date: '2026-03-06', before: 120, after: 0 }] }, { line: 3 }], credit_note: null });
    expect(await Promise.all([reconcile(), reconcile()])).toMatchObject([{ invoices: [] }, { invoices: [] }]);
    const [debit] = (await done('GET', '/v1/debits?account=cny'))['debits'] as Record<string, unknown>[];
    expect(debit).toMatchObject({ id: again?.['debit'], status: 'pending', number: 2, total: '0.84', charged_on: null });

    // The next invoice charges it after its own lines and tax; only then is it charged, and void it waits again.
    const april = ['2026-04-01T00:00:00+08:00', '2026-04-02T00:00:00+08:00'] as const;
    await published('c1', ...april);
    const next = await draft('cny', ...april);
    expect(linesOf(await done('GET', `/v1/invoices/${next}`)).slice(-2)).toEqual(['service c1 1 correction 0.80', 'tax - 1 correction 0.04']);
    const charged = await done('POST', `/v1/invoices/${next}/finalize`);
    expect((charged['lines'] as Line[]).at(-2)).toMatchObject({ query: `/v1/invoices/${String(found?.['invoice'])}`, detail: { debit: debit?.['id'], number: 2, line: 0, reason: expect.stringContaining('withdrawn') as unknown } });
    expect((await done('GET', '/v1/debits?account=cny'))['debits']).toMatchObject([{ status: 'charged', charged_on: next }]);
    expect((await reconcile())['invoices']).toEqual([]);
    const evidence = await call('GET', `/v1/debits/${String(debit?.['id'])}?part=evidence`);
    expect(createHash('sha256').update(evidence.text).digest('hex')).toBe(debit?.['evidence_sha256']);
    await done('POST', `/v1/invoices/${next}/void`);
    expect(linesOf(await preview('cny', ...april)).slice(-1)).toEqual(['tax - 1 correction 0.04']);
  }); // prettier-ignore

  it('is paid when all of it is; refunds stop at what was paid; with money on it it cannot be void', async () => {
    const list = (await done('GET', '/v1/invoices?account=twd'))['invoices'] as { id: string }[];
    const path = `/v1/invoices/${list[0]?.id ?? ''}`;
    expect(await done('POST', `${path}/payments`, { amount: '143.98' })).toMatchObject({ status: 'final', outstanding: '0.01' });
    expect(await done('POST', `${path}/payments`, { amount: '0.01' })).toMatchObject({ status: 'paid', paid: '143.99' });
    expect(await call('POST', `${path}/payments`, { amount: '144.00', kind: 'refund' })).toMatchObject({ status: 409 });
    expect(await call('POST', `${path}/void`)).toMatchObject({ status: 409, body: { code: 'invoice_conflict' } });
    expect(await done('POST', `${path}/payments`, { amount: '143.99', kind: 'refund' })).toMatchObject({ status: 'final' });
    expect(await done('POST', `${path}/void`)).toMatchObject({ status: 'void', number: 3, outstanding: '0.00' });
    expect(await call('POST', `${path}/payments`, { amount: '1.001' })).toMatchObject({ status: 400 });
  });

  it('every form of a document is in the API document', async () => {
    const { paths } = (await call('GET', '/openapi.json')).body as Record<string, Record<string, unknown>>;
    expect(paths?.['/v1/invoices/{id}']).toMatchObject({
      get: {
        responses: {
          200: { content: { 'application/json': {}, 'text/html': {}, 'text/csv': {}, 'application/pdf': {} } },
          406: {},
        },
      },
    });
  });

  it('is HTML with everything escaped, CSV without formulas, JSON otherwise', async () => {
    const list = (await done('GET', '/v1/invoices?account=cny'))['invoices'] as { id: string }[];
    const get = (accept: string) => call('GET', `/v1/invoices/${list[0]?.id ?? ''}`, undefined, { accept });
    const html = await get('text/html,application/xhtml+xml,*/*;q=0.8');
    expect(html.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(html.text).toContain('=1+1 &lt;b&gt;Ltd&lt;/b&gt;');
    expect(html.text).not.toContain('<b>Ltd');
    const csv = await get('text/csv');
    expect(csv.text.split('\r\n')[3]).toMatch(/,credit,c1,Credit for 1504 unavailable minutes,1504,minute,-0.00672043,-10.11,/);
    expect((await get('application/json')).body['number']).toBe(2);
    expect((await get('application/pdf')).headers['content-type']).toBe('application/pdf');
    expect(await get('image/png')).toMatchObject({ status: 406, body: { code: 'not_acceptable' } });
  });

  it.each([
    [{ account: 'cny', from: '2026-03-01T00:00:00Z', to: MARCH.to }, 400, 'invalid_body'],
    [{ account: 'cny', from: MARCH.from, to: '2026-03-31T23:00:00+08:00' }, 400, 'invalid_body'],
    [{ account: 'cny', from: MARCH.to, to: MARCH.from }, 400, 'invalid_body'],
    [{ account: 'nobody', ...MARCH }, 404, 'account_unknown'],
  ])('%j is refused with %i %s', async (body, status, code) => {
    expect(await call('POST', '/v1/invoices', body)).toMatchObject({ status, body: { code } });
  });
});
