import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { conditionCode } from '../../src/domain/condition.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { recordsOf } from '../support/records.ts';

/** A prepaid balance over HTTP through eight days, every amount worked by hand. 10.00 a day; terms of internet-service. */
interface Entry {
  id: string;
  kind: string;
  amount: string;
  balance: string;
  day: { date: string; parts: { vm: string | null; kind: string; amount: string }[] } | null;
  state: { is: string; since: string } | null;
}

describe('a prepaid balance that is charged by the day', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  let now = 0;
  const ms = (text: string): number => Date.parse(`2026-03-${text}+08:00`);
  const utc = (text: string): string => new Date(ms(text)).toISOString().replace('.000', '');
  const open = () => openCatalog(test.store, () => now);
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const charge = async (at: string) => {
    now = ms(at);
    const body = await done('POST', '/v1/charge-days', { account: 'a' });
    const [run] = body['accounts'] as { entries: Entry[]; waiting: string | null; state: string; balance: string }[];
    return run ?? { entries: [], waiting: null, state: '', balance: '' };
  };
  const told = (entries: readonly Entry[]): string[] =>
    entries.map((each) => `${each.kind} ${each.day?.date.slice(-2) ?? each.state?.is ?? '-'} ${each.amount}`);
  const balance = () => done('GET', '/v1/accounts/a/balance');
  const book = (body: object) => done('POST', '/v1/accounts/a/balance', body);
  const sql = (text: string): string => new Date(ms(text)).toISOString().replace('T', ' ').slice(0, 19);
  const published = (from: string, to: string) =>
    Promise.all(
      [ms(from), ms(to) - 60_000].map((at) =>
        test.store.command(
          `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('v1', '${new Date(at).toISOString().replace('T', ' ').slice(0, 19)}', 60000, 1)`,
        ),
      ),
    );

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await open();
    app = await serverOn(test.store, catalog, { now: () => now });
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '10.00', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
    for (const id of ['a', 'b']) await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY', low_balance: '6.00' });
    await done('PUT', '/v1/vms/v1', { account: 'a', plans: [{ plan: 'p', from: utc('01T00:00') }] });
    await published('01T00:00', '20T00:00');
    now = ms('01T00:00');
    await book({ kind: 'top_up', amount: '25.00', at: utc('01T00:00'), reference: 'wire-1' });
    // The same payment told twice is one.
    await book({ kind: 'top_up', amount: '25.00', at: utc('01T00:00'), reference: 'wire-1' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('charges each day once, however many runs there are at once; then it is low', async () => {
    now = ms('03T01:00');
    const runs = await Promise.all(Array.from({ length: 5 }, () => charge('03T01:00')));
    expect(told(runs.flatMap((run) => run.entries)).filter((text) => text.startsWith('charge')).sort()).toEqual(['charge 01 -10.00', 'charge 02 -10.00']); // prettier-ignore
    expect((await charge('03T01:00')).entries).toEqual([]);
    expect(await balance()).toMatchObject({ balance: '5.00', state: 'low', since: utc('03T00:00'), unpaid: [] });
  });

  it('a day it does not cover is overdue 24 hours after the day, and by these terms suspended', async () => {
    expect(told((await charge('04T01:00')).entries)).toEqual(['charge 03 -10.00']);
    expect(await balance()).toMatchObject({
      balance: '-5.00',
      state: 'low',
      unpaid: [{ amount: '5.00', due_at: utc('05T00:00') }],
    });
    expect(told((await charge('05T01:00')).entries)).toEqual(['charge 04 -10.00', 'state suspended 0.00']);
    expect(await balance()).toMatchObject({
      state: 'suspended',
      since: utc('05T00:00'),
      began: { overdue: utc('05T00:00'), suspended: utc('05T00:00') },
      clause: expect.stringContaining('V.4') as unknown,
    });
    const events = (await done('GET', '/v1/vms/v1/events'))['rows'] as { kind: string; at: string }[];
    // Nothing is dated back: it was carried out an hour after it was due.
    expect(events).toMatchObject([{ kind: 'suspended', at: utc('05T01:00') }]);
  });

  it('a further 24 hours later it bears 0.3 % a started day of what was unpaid', async () => {
    // Of the 3rd 5.00 are unpaid: a late day begins on the 6th, 0.015 is 0.02. On the 7th 5.00 and 10.00 of the 4th: 0.06 in all.
    expect(told((await charge('07T01:00')).entries)).toEqual(['charge 05 -10.00', 'charge 06 -10.02']);
    now = ms('07T12:00');
    await book({ kind: 'top_up', amount: '100.00', at: utc('07T12:00'), reference: 'wire-2' });
    expect(await balance()).toMatchObject({ balance: '64.98', state: 'ok', unpaid: [] });
    const run = await charge('08T01:00');
    expect(told(run.entries)).toEqual(['charge 07 -10.04', 'state ok 0.00']);
    expect(run.entries[0]?.day?.parts).toEqual([
      { vm: 'v1', kind: 'service', amount: '10.00' },
      { vm: null, kind: 'late_fee', amount: '0.04' },
    ]);
    const events = (await done('GET', '/v1/vms/v1/events'))['rows'] as { kind: string }[];
    expect(events.map((each) => each.kind).sort()).toEqual(['resumed', 'suspended']);
  });

  it('days that are restated are corrected, by another process too', async () => {
    await test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('v1', '${sql('02T00:00')}', '${sql('02T12:00')}', ${conditionCode('provider')}, 0, 1)`,
    );
    const other = await open();
    const again = await serverOn(test.store, other, { now: () => now });
    const run = await callOf(again)('POST', '/v1/charge-days', { account: 'a' });
    await again.close();
    const [made] = run.body['accounts'] as { entries: Entry[] }[];
    // Half a day too much had been charged. It was never owed, so nothing of the 3rd was late: its fee goes as well, 0.02 of the
    // 6th and 0.01 of the 7th. What is left is 0.03 of the 4th, late from the 7th on.
    expect(told(made?.entries ?? [])).toEqual(['correction 02 5.00', 'correction 06 0.02', 'correction 07 0.01']);
    await recordsOf(catalog).journal.refresh();
  });

  it('the invoice shows what the balance has paid, and nothing is charged twice', async () => {
    await charge('08T02:00');
    const week = { account: 'a', from: utc('01T00:00'), to: utc('08T00:00') };
    const draft = await done('POST', '/v1/invoices', { ...week, mode: 'draft' });
    const invoice = await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
    const entries = (await balance())['entries'] as Entry[];
    const charged = entries.filter((each) => each.day !== null);
    // By VM and kind, the charges are the lines.
    const sums = new Map<string, bigint>();
    for (const { day } of charged)
      for (const part of day?.parts ?? [])
        sums.set(`${part.vm ?? '-'} ${part.kind}`, (sums.get(`${part.vm ?? '-'} ${part.kind}`) ?? 0n) + BigInt(part.amount.replace('.', ''))); // prettier-ignore
    const lines = (invoice['lines'] as { vm: string | null; kind: string; amount: string }[]).map(
      (line) => [`${line.vm ?? '-'} ${line.kind}`, BigInt(line.amount.replace('.', ''))] as const,
    );
    expect([...sums].filter(([, sum]) => sum !== 0n).sort()).toEqual([...lines].sort());
    expect(invoice).toMatchObject({
      status: 'paid',
      outstanding: '0.00',
      balance: { charged: invoice['total'], uncovered: '0.00' },
    });
    // What it does not need is free.
    const { balance: before } = await balance();
    expect(await call('POST', `/v1/invoices/${String(draft['id'])}/payments`, { amount: '1.00' })).toMatchObject({ status: 201, body: { outstanding: '0.00' } }); // prettier-ignore
    expect((await balance())['balance']).toBe((Number(before) + 1).toFixed(2));
    expect((await charge('08T03:00')).entries).toEqual([]);
    expect(told((await charge('09T01:00')).entries)).toEqual(['charge 08 -10.00']);
  });

  it('a credit note on it goes to the balance, once; a debit comes with the next invoice', async () => {
    const incident = await done('POST', '/v1/incidents', { scope: { vms: ['v1'] }, from: utc('04T00:00'), to: utc('05T00:00'), cause: 'provider', asserts_down: true }); // prettier-ignore
    const before = (await balance())['balance'] as string;
    await done('POST', '/v1/reconcile', { account: 'a' });
    const [newest] = (await balance())['entries'] as Entry[];
    expect(told(newest === undefined ? [] : [newest])).toEqual(['credit_note - 10.00']);
    expect((await charge('09T02:00')).entries).toEqual([]);
    expect((await balance())['balance']).toBe((Number(before) + 10).toFixed(2));
    await done('DELETE', `/v1/incidents/${String(incident['id'])}`).catch(() => undefined);
  });

  it('is not paid out, and not moved to another account: the clause says so', async () => {
    for (const body of [{ kind: 'withdrawal', amount: '1.00' }, { kind: 'transfer', amount: '1.00', to: 'b' }])
      expect(await call('POST', '/v1/accounts/a/balance', body)).toMatchObject({ status: 409, body: { code: 'balance_bound', clause: expect.stringContaining('IV.8') as unknown } }); // prettier-ignore
    // No terms bind b: it may, as far as it goes.
    await done('POST', '/v1/accounts/b/balance', { kind: 'top_up', amount: '3.00' });
    expect(await call('POST', '/v1/accounts/b/balance', { kind: 'withdrawal', amount: '3.01' })).toMatchObject({ status: 409, body: { code: 'balance_conflict' } }); // prettier-ignore
    await done('POST', '/v1/accounts/b/balance', { kind: 'transfer', amount: '1.00', to: 'a' });
    expect(await done('GET', '/v1/accounts/b/balance')).toMatchObject({ balance: '2.00' });
    const [received] = (await balance())['entries'] as (Entry & { other_account: string })[];
    expect(received).toMatchObject({ kind: 'transfer', amount: '1.00', other_account: 'b' });
  });

  it.each([
    [{ kind: 'top_up', amount: '1.001' }, 400, 'invalid_body'],
    [{ kind: 'top_up', amount: '-1.00' }, 400, 'invalid_body'],
    [{ kind: 'top_up', amount: '26.00', reference: 'wire-1' }, 409, 'balance_conflict'],
    [{ kind: 'charge', amount: '1.00' }, 400, 'invalid_body'],
    [{ kind: 'refund', amount: '1.00' }, 409, 'balance_conflict'],
    [{ kind: 'refund', amount: '1.00', refund_check: 'nope' }, 404, 'refund_check_unknown'],
  ])('%j is refused with %i %s and books nothing', async (body, status, code) => {
    const before = (await balance())['entries'];
    expect(await call('POST', '/v1/accounts/a/balance', body)).toMatchObject({ status, body: { code } });
    expect((await balance())['entries']).toEqual(before);
  });

  it('what is unused when its time is over lapses, once; charges take what lapses first', async () => {
    now = ms('10T00:00');
    await done('POST', '/v1/accounts/b/balance', { kind: 'adjustment', amount: '5.00', at: utc('09T03:00'), expires_at: utc('12T00:00'), note: 'goodwill' }); // prettier-ignore
    await done('POST', '/v1/accounts/b/balance', { kind: 'withdrawal', amount: '2.00', at: utc('10T00:00') });
    now = ms('12T01:00');
    const run = async () => (await done('POST', '/v1/charge-days', { account: 'b' }))['accounts'] as { entries: Entry[] }[];
    expect(told((await run())[0]?.entries ?? [])).toContain('expiry - -3.00');
    expect((await run())[0]?.entries).toEqual([]);
    expect(await done('GET', '/v1/accounts/b/balance')).toMatchObject({ balance: '2.00' });
  });
});
