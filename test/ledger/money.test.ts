import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** The book of money of accounts over HTTP, every amount worked by hand. 31.00 EUR a month, without tax, unless it is said otherwise. */
interface Entry {
  id: string;
  kind: string;
  at: string;
  amount: string;
  balance: string;
  belongs_to: Record<string, unknown>;
  reference: string | null;
}

let test: TestStore;
let app: FastifyInstance;
let now = Date.parse('2026-04-01T00:00:00Z');
const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
const done = doneOf(() => app);

beforeAll(async () => {
  test = await openTestStore();
  app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
  await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

async function account(id: string, body: object = {}, vm: object = {}): Promise<void> {
  await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', ...body });
  const plans = [{ plan: 'p', from: '2026-03-01T00:00:00Z' }];
  await done('PUT', `/v1/vms/vm-${id}`, { account: id, plans, starts_at: '2026-03-01T00:00:00Z', ...vm });
  await metered(`vm-${id}`);
}

/** Metered from March to May. */
async function metered(vm: string): Promise<void> {
  for (const minute of ['2026-03-01 00:00:00', '2026-05-31 23:59:00'])
    await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${minute}', 60000, 1)`);
}

async function invoice(id: string, month: string, issuedAt: string): Promise<Record<string, unknown> & { id: string }> {
  now = Date.parse(issuedAt);
  const [from, to] = [`2026-${month}-01T00:00:00Z`, `2026-${String(Number(month) + 1).padStart(2, '0')}-01T00:00:00Z`];
  const draft = await done('POST', '/v1/invoices', { account: id, from, to, mode: 'draft' });
  return done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
}

const ledger = async (id: string, query = ''): Promise<Entry[]> =>
  (await done('GET', `/v1/accounts/${id}/ledger${query}`))['entries'] as Entry[];
const told = (entries: readonly Entry[]): string[] => entries.map(({ kind, amount, balance }) => `${kind} ${amount} ${balance}`);
const pay = (id: string, body: object) => call('POST', `/v1/accounts/${id}/payments`, body);
const shown = async (id: string): Promise<unknown[]> => {
  const { status, paid, outstanding } = await done('GET', `/v1/invoices/${id}`);
  return [status, paid, outstanding];
};

describe('payments', () => {
  it('B7: the same payment told twice is one; other content under its reference is refused', async () => {
    await account('b7');
    const { id } = await invoice('b7', '03', '2026-04-01T00:00:00Z');
    now = Date.parse('2026-04-03T00:00:00Z');
    const payment = { reference: 'bank-1', amount: '31.00', at: '2026-04-02T10:00:00Z', covers: { invoice: id } };
    expect(await pay('b7', payment)).toMatchObject({
      status: 201,
      body: { entry: { kind: 'payment', amount: '31.00', reference: 'bank-1', belongs_to: { invoice: id } }, balance: '0.00' },
    });
    const again = await Promise.all(Array.from({ length: 5 }, () => pay('b7', payment)));
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    for (const other of [{ amount: '30.00' }, { at: '2026-04-02T11:00:00Z' }, { covers: null }])
      expect(await pay('b7', { ...payment, ...other })).toMatchObject({ status: 409, body: { code: 'reference_taken' } });
    expect(await shown(id)).toEqual(['paid', '31.00', '0.00']);
    expect(told(await ledger('b7'))).toEqual(['charge -31.00 -31.00', 'payment 31.00 0.00']);
  });

  it('B7: on the invoice too, with a reference or without one', async () => {
    await account('b7b');
    const { id } = await invoice('b7b', '03', '2026-04-01T00:00:00Z');
    now = Date.parse('2026-04-03T00:00:00Z');
    const path = `/v1/invoices/${id}/payments`;
    const at = '2026-04-02T10:00:00Z';
    for (const body of [
      { amount: '10.00', at, reference: 'r' },
      { amount: '10.00', at, note: 'in cash' },
    ]) {
      expect((await call('POST', path, body)).status).toBe(201);
      expect((await call('POST', path, body)).status).toBe(200);
    }
    // Another note is another payment, and one without an instant is always new.
    expect((await call('POST', path, { amount: '4.00', at, note: 'in cash again' })).status).toBe(201);
    for (let n = 0; n < 2; n += 1) expect((await call('POST', path, { amount: '3.00' })).status).toBe(201);
    expect(await shown(id)).toEqual(['final', '30.00', '1.00']);
  });

  it('covers an invoice by its number, and what that does not need is free', async () => {
    await account('num');
    const march = await invoice('num', '03', '2026-04-01T00:00:00Z');
    const april = await invoice('num', '04', '2026-05-01T00:00:00Z');
    const covers = { invoice: april['number'] };
    expect((await pay('num', { reference: 'a', amount: '40.00', at: '2026-05-01T00:00:00Z', covers })).status).toBe(201);
    expect(await shown(april.id)).toEqual(['paid', '31.00', '0.00']);
    expect(await shown(march.id)).toEqual(['final', '9.00', '22.00']);
  });

  it.each([
    [{ amount: '0' }, 400, 'invalid_body'],
    [{ amount: '1.001' }, 400, 'invalid_body'],
    [{ at: '2027-01-01T00:00:00Z' }, 400, 'invalid_body'],
    [{ reference: undefined }, 400, 'invalid_body'],
    [{ covers: { invoice: 'nope' } }, 404, 'invoice_unknown'],
    [{ covers: { vm: 'vm-b7', from: '2026-04-01T00:00:00Z', until: '2026-05-01T00:00:00Z' } }, 422, 'invalid_reference'],
    [{ covers: { vm: 'vm-bad', from: '2026-05-01T00:00:00Z', until: '2026-05-01T00:00:00Z' } }, 400, 'invalid_body'],
  ])('%j is refused with %i %s and books nothing', async (change, status, code) => {
    await account('bad');
    const body = { reference: 'x', amount: '1.00', at: '2026-04-01T00:00:00Z', ...change };
    expect(await pay('bad', body)).toMatchObject({ status, body: { code } });
    expect(await ledger('bad')).toEqual([]);
  });

  it('a term that is paid in advance is kept for its invoice, and says what the VM was paid', async () => {
    await account('term');
    now = Date.parse('2026-03-01T00:00:00Z');
    const covers = { vm: 'vm-term', from: '2026-03-01T00:00:00Z', until: '2026-04-01T00:00:00Z' };
    await pay('term', { reference: 't', amount: '40.00', at: '2026-03-01T00:00:00Z', covers });
    expect(await done('GET', '/v1/vms/vm-term')).toMatchObject({
      ...{ paid_at: '2026-03-01T00:00:00Z', paid_until: '2026-04-01T00:00:00Z', paid_amount: '40.00' },
    });
    const march = await invoice('term', '03', '2026-04-01T00:00:00Z');
    expect(await shown(march.id)).toEqual(['paid', '31.00', '0.00']);
    // It was charged to its end: the rest is free, and pays the next one.
    const april = await invoice('term', '04', '2026-05-01T00:00:00Z');
    expect(await shown(april.id)).toEqual(['final', '9.00', '22.00']);
  });
});

it('a term pays of an invoice whole minor units: a share of the tax is no amount that could be told', async () => {
  await done('PUT', '/v1/plans/odd', { currency: 'EUR', time_zone: 'UTC', price: { amount: '10.33', per: 'month' } });
  await account('odd', { tax_percent: '6' });
  const plans = [{ plan: 'odd', from: '2026-03-01T00:00:00Z' }];
  await done('PUT', '/v1/vms/vm-odd-2', { account: 'odd', plans, starts_at: '2026-03-01T00:00:00Z' });
  await metered('vm-odd-2');
  now = Date.parse('2026-03-01T00:00:00Z');
  const covers = { vm: 'vm-odd', from: '2026-03-01T00:00:00Z', until: '2026-05-01T00:00:00Z' };
  await pay('odd', { reference: 't', amount: '60.00', at: '2026-03-01T00:00:00Z', covers });
  // 41.33 and 2.48 of tax, of which 1.8601… are the first VM's.
  const { id } = await invoice('odd', '03', '2026-04-01T00:00:00Z');
  expect(await shown(id)).toEqual(['final', '32.86', '10.95']);
  expect((await call('GET', '/v1/accounts/odd/statement')).status).toBe(200);
});

describe('what is in credit', () => {
  it('B10: pays at issue under every sheet, or none', async () => {
    await account('b10', {}, { terms: 'ipcats' });
    now = Date.parse('2026-03-20T00:00:00Z');
    await pay('b10', { reference: 'r', amount: '50.00', at: '2026-03-20T00:00:00Z' });
    const march = await invoice('b10', '03', '2026-04-01T00:00:00Z');
    expect(march).toMatchObject({ status: 'paid', outstanding: '0.00' });
    const april = await invoice('b10', '04', '2026-05-01T00:00:00Z');
    expect(april).toMatchObject({ status: 'final', paid: '19.00', outstanding: '12.00' });
    expect(told(await ledger('b10'))).toEqual(['payment 50.00 50.00', 'charge -31.00 19.00', 'charge -31.00 -12.00']);
  });

  it('pays none that its account asked to leave to payments which cover them', async () => {
    await account('man', { settlement: 'manual' });
    now = Date.parse('2026-03-20T00:00:00Z');
    await pay('man', { reference: 'r', amount: '50.00', at: '2026-03-20T00:00:00Z' });
    const march = await invoice('man', '03', '2026-04-01T00:00:00Z');
    expect(march).toMatchObject({ status: 'final', outstanding: '31.00' });
    await pay('man', { reference: 's', amount: '31.00', at: '2026-04-01T00:00:00Z', covers: { invoice: march.id } });
    expect(await shown(march.id)).toEqual(['paid', '31.00', '0.00']);
    expect(await done('GET', '/v1/accounts/man/balance')).toMatchObject({ balance: '50.00' });
  });

  it('B8: an invoice is due so many days after its issue, never before it', async () => {
    await account('b8');
    const late = await invoice('b8', '03', '2026-04-30T00:00:00Z');
    expect(late).toMatchObject({ issued_at: '2026-04-30T00:00:00Z', due_at: '2026-05-14T00:00:00Z' });
    expect(await done('GET', '/v1/accounts/b8/balance')).toMatchObject({ state: 'ok' });
    now = Date.parse('2026-05-14T00:00:00Z');
    expect(await done('GET', '/v1/accounts/b8/balance')).toMatchObject({ state: 'overdue', since: '2026-05-14T00:00:00Z' });
    await account('b8x', { due_days: 30 });
    expect(await invoice('b8x', '03', '2026-04-01T00:00:00Z')).toMatchObject({ due_at: '2026-05-01T00:00:00Z' });
  });
});

describe('the ledger', () => {
  it('is told in pages, from an instant to another, with what was there before', async () => {
    await account('page');
    now = Date.parse('2026-04-20T00:00:00Z');
    for (const day of ['01', '02', '03', '04', '05'])
      await pay('page', { reference: day, amount: '1.00', at: `2026-04-${day}T00:00:00Z` });
    const path = '/v1/accounts/page/ledger?from=2026-04-02T00:00:00Z&to=2026-04-05T00:00:00Z';
    const first = await done('GET', `${path}&limit=2`);
    expect(first).toMatchObject({ opening_balance: '1.00', closing_balance: '4.00' });
    expect(told(first['entries'] as Entry[])).toEqual(['payment 1.00 2.00', 'payment 1.00 3.00']);
    const second = await done('GET', `/v1/accounts/page/ledger?limit=2&cursor=${String(first['next'])}`);
    expect(told(second['entries'] as Entry[])).toEqual(['payment 1.00 4.00']);
    expect(second['next']).toBeNull();
    expect(await call('GET', '/v1/accounts/none/ledger')).toMatchObject({ status: 404, body: { code: 'account_unknown' } });
  });

  it('is the same for a process that reads it anew', async () => {
    const other = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
    for (const id of ['b7', 'term', 'b10', 'man'])
      expect((await callOf(other)('GET', `/v1/accounts/${id}/ledger`)).body['entries']).toEqual(await ledger(id));
    await other.close();
  });
});

describe('a late fee follows from what was due and paid by which instant', () => {
  const FROM = '2026-11-01T00:00:00+08:00';
  const day = (date: number, hour = 0): string => new Date(Date.parse(FROM) + ((date - 1) * 24 + hour) * 3_600_000).toISOString();
  const prepaid = async (id: string): Promise<void> => {
    await done('PUT', '/v1/plans/day', { currency: 'CNY', time_zone: 'Asia/Shanghai', price: { amount: '14.40', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
    await done('PUT', `/v1/vms/vm-${id}`, { account: id, plans: [{ plan: 'day', from: FROM }], starts_at: FROM });
    for (const at of [day(1), day(12)])
      await test.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-${id}', toDateTime(${Date.parse(at) / 1000}, 'UTC'), 60000, 1)`,
      );
    now = Date.parse(day(11));
    await pay(id, { reference: 'first', amount: '30.00', at: day(1) });
  };
  const charge = (id: string) => done('POST', '/v1/charge-days', { account: id });
  const later = (id: string) => pay(id, { reference: 'second', amount: '200.00', at: day(8, 12) });
  const fees = async (id: string): Promise<number> =>
    (await ledger(id)).reduce((sum, { kind, amount }) => (kind === 'late_fee' ? sum + Math.round(Number(amount) * 100) : sum), 0);

  // 30.00 pay two days and 1.20 of the third, due on the 5th, late from the 6th on: 13.20 for three days (6th, 7th, 8th), 14.40 of the
  // fourth for two, of the fifth for one: 82.80 x 0.003 = 0.2484.
  it('B2: 0.25, booked first and charged then', async () => {
    await prepaid('b2a');
    await later('b2a');
    await charge('b2a');
    expect(await fees('b2a')).toBe(-25);
    expect(await done('GET', '/v1/accounts/b2a/balance')).toMatchObject({ balance: '85.75' });
  });

  it('B2: 0.25, charged first and booked then, however often it is charged again', async () => {
    await prepaid('b2b');
    await charge('b2b');
    expect(await fees('b2b')).toBeLessThan(-25);
    await later('b2b');
    for (let n = 0; n < 3; n += 1) await charge('b2b');
    expect(await fees('b2b')).toBe(-25);
    expect(await done('GET', '/v1/accounts/b2b/balance')).toMatchObject({ balance: '85.75' });
  });

  it('B18: an account whose VM has ended is charged no more days', async () => {
    now = Date.parse(day(11));
    await done('PATCH', '/v1/vms/vm-b2a', { ends_at: day(11) });
    now = Date.parse(day(20));
    expect((await charge('b2a'))['accounts']).toMatchObject([{ entries: [], more: false }]);
  });
});
