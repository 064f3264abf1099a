import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Credit notes by hand over HTTP, every amount worked by hand: 310.00 CNY a month and 6 % tax, March is 310.00 + 18.60. */
interface Line {
  id: string;
  kind: string;
  vm: string | null;
  amount: string;
}

let test: TestStore;
let app: FastifyInstance;
let now = Date.parse('2026-04-01T00:00:00Z');
const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
const done = doneOf(() => app);

beforeAll(async () => {
  test = await openTestStore();
  app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
  await done('PUT', '/v1/plans/p', {
    ...{ currency: 'CNY', time_zone: 'UTC', price: { amount: '310.00', per: 'month' } },
    creditable: ['provider'],
  });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

/** The final invoice of March of an account with one VM. */
async function invoiced(account: string, tax = '6'): Promise<string> {
  now = Date.parse('2026-04-01T00:00:00Z');
  await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'CNY', tax_percent: tax });
  const plans = [{ plan: 'p', from: '2026-03-01T00:00:00Z' }];
  await done('PUT', `/v1/vms/vm-${account}`, { account, plans, starts_at: '2026-03-01T00:00:00Z' });
  for (const minute of ['2026-03-01 00:00:00', '2026-05-31 23:59:00'])
    await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-${account}', '${minute}', 60000, 1)`);
  const draft = await done('POST', '/v1/invoices', {
    ...{ account, from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z', mode: 'draft' },
  });
  await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
  return String(draft['id']);
}

const give = (id: string, amount: string, more: object = {}) =>
  call('POST', `/v1/invoices/${id}/credit-notes`, { reason: 'goodwill: slow support', lines: [{ line: '0', amount }], ...more });
const told = (lines: unknown): string[] => (lines as Line[]).map(({ id, kind, amount }) => `${id} ${kind} ${amount}`);
const shown = async (id: string): Promise<unknown[]> => {
  const { status, paid, credited, outstanding } = await done('GET', `/v1/invoices/${id}`);
  return [status, paid, credited, outstanding];
};
const ledger = async (account: string): Promise<string[]> =>
  ((await done('GET', `/v1/accounts/${account}/ledger`))['entries'] as Record<string, string>[]).map(
    ({ kind, amount, balance }) => `${String(kind)} ${String(amount)} ${String(balance)}`,
  );

describe('a credit note by hand', () => {
  it('gives back a net amount with its tax, pays the invoice, and says why', async () => {
    const id = await invoiced('net');
    expect(told((await done('GET', `/v1/invoices/${id}`))['lines'])).toEqual(['0 service 310.00', '1 tax 18.60']);
    const { status, body } = await give(id, '50.00');
    expect([status, body['type'], body['total'], body['corrects']]).toEqual([
      201,
      'credit_note',
      '-53.00',
      { invoice: id, number: 1, number_text: '1' },
    ]);
    expect(told(body['lines'])).toEqual(['0 service -50.00', '1 tax -3.00']);
    expect(await shown(id)).toEqual(['final', '0.00', '53.00', '275.60']);
    expect(await ledger('net')).toEqual(['charge -328.60 -328.60', 'credit_note 53.00 -275.60']);
    const note = String(body['id']);
    const html = (await call('GET', `/v1/invoices/${note}`, undefined, { accept: 'text/html' })).text;
    expect(html).toContain('goodwill: slow support');
    const csv = (await call('GET', `/v1/invoices/${note}`, undefined, { accept: 'text/csv' })).text;
    expect(csv).toContain('-50.00');
  });

  it('a third of a cent of tax is rounded once, half to even, and the last one takes what is left', async () => {
    const id = await invoiced('cents', '5');
    // 5 % of 310.00 is 15.50; of 0.10 it is 0.005, which goes to 0.00; of 0.30 it is 0.015, which goes to 0.02.
    expect((await give(id, '0.10')).body['total']).toBe('-0.10');
    expect((await give(id, '0.30')).body['total']).toBe('-0.32');
    expect((await give(id, '309.60')).body['total']).toBe('-325.08');
    expect(await shown(id)).toEqual(['paid', '0.00', '325.50', '0.00']);
  });

  it('takes back never more than the line still holds, and says what that is', async () => {
    const id = await invoiced('most');
    expect((await give(id, '300.00')).status).toBe(201);
    expect(await give(id, '10.01')).toMatchObject({ status: 409, body: { code: 'line_holds_less', line: '0', holds: '10.00' } });
    expect(await ledger('most')).toEqual(['charge -328.60 -328.60', 'credit_note 318.00 -10.60']);
    const together = await Promise.all(Array.from({ length: 4 }, () => give(id, '4.00')));
    expect(together.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409]);
  });

  it('on an invoice that is paid, it is free money, and pays the next one', async () => {
    const id = await invoiced('paid');
    await done('POST', '/v1/accounts/paid/payments', {
      ...{ reference: 'p', amount: '328.60', at: '2026-04-01T00:00:00Z', covers: { invoice: id } },
    });
    expect((await give(id, '310.00')).body['total']).toBe('-328.60');
    expect(await ledger('paid')).toEqual(['charge -328.60 -328.60', 'payment 328.60 0.00', 'credit_note 328.60 328.60']);
    now = Date.parse('2026-05-01T00:00:00Z');
    const [from, to] = ['2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z'];
    const april = String((await done('POST', '/v1/invoices', { account: 'paid', from, to, mode: 'draft' }))['id']);
    expect(await done('POST', `/v1/invoices/${april}/finalize`)).toMatchObject({ status: 'paid', outstanding: '0.00' });
  });

  it('under its reference the same again is the same note, other content is refused', async () => {
    const id = await invoiced('ref');
    const first = await give(id, '10.00', { reference: 'ticket-9' });
    const again = await Promise.all(Array.from({ length: 3 }, () => give(id, '10.00', { reference: 'ticket-9' })));
    expect(again.map(({ status, body }) => [status, body['id']])).toEqual(Array(3).fill([200, first.body['id']]));
    expect(await give(id, '11.00', { reference: 'ticket-9' })).toMatchObject({
      ...{ status: 409, body: { code: 'reference_taken', entry: first.body['id'] } },
    });
    // Nor can a payment or a payout be under it.
    const money = { reference: 'ticket-9', amount: '1.00', at: '2026-04-01T00:00:00Z' };
    for (const path of ['/v1/accounts/ref/payments', '/v1/accounts/ref/payouts'])
      expect(await call('POST', path, money)).toMatchObject({
        status: 409,
        body: { code: 'reference_taken', entry: first.body['id'] },
      });
    expect(await ledger('ref')).toEqual(['charge -328.60 -328.60', 'credit_note 10.60 -318.00']);
  });

  it('reconciling leaves it as it is, and takes back no more than is left', async () => {
    const id = await invoiced('kept');
    await give(id, '300.00');
    const reconcile = () => done('POST', '/v1/reconcile', { account: 'kept' });
    expect(await reconcile()).toMatchObject({ invoices: [] });
    expect(await ledger('kept')).toHaveLength(2);
    // A service that ended on the 11th comes to 100.00: 210.00 is too much, and 10.00 of it is still there, with 0.60 of tax.
    await done('PUT', '/v1/vms/vm-kept', {
      ...{ account: 'kept', plans: [{ plan: 'p', from: '2026-03-01T00:00:00Z' }] },
      ...{ starts_at: '2026-03-01T00:00:00Z', ends_at: '2026-03-11T00:00:00Z' },
    });
    await reconcile();
    await reconcile();
    expect(await ledger('kept')).toEqual(['charge -328.60 -328.60', 'credit_note 318.00 -10.60', 'credit_note 10.60 0.00']);
  });

  it.each([
    [{ lines: [{ line: '7', amount: '1.00' }] }, 422, 'invalid_reference'],
    [{ lines: [{ line: '1', amount: '1.00' }] }, 422, 'invalid_reference'],
    [{ lines: [{ line: '0', amount: '0' }] }, 400, 'invalid_body'],
    [{ lines: [{ line: '0', amount: '1.001' }] }, 400, 'invalid_body'],
    [{ lines: Array(2).fill({ line: '0', amount: '1.00' }) }, 400, 'invalid_body'],
    [{ lines: [] }, 400, 'invalid_body'],
    [{ reason: ' ' }, 400, 'invalid_body'],
  ])('%j is refused with %i %s and makes nothing', async (change, status, code) => {
    const id = await invoiced(`bad-${JSON.stringify(change).replaceAll(/[^a-z0-9]/g, '')}`);
    expect(await give(id, '1.00', change)).toMatchObject({ status, body: { code } });
    expect(await shown(id)).toEqual(['final', '0.00', '0.00', '328.60']);
  });

  it('is refused of a draft, of a void invoice, and of a credit note', async () => {
    const id = await invoiced('state');
    const note = String((await give(id, '1.00')).body['id']);
    expect(await give(note, '1.00')).toMatchObject({ status: 409, body: { code: 'invoice_conflict' } });
    const ended = await invoiced('void');
    await done('POST', `/v1/invoices/${ended}/void`);
    expect(await give(ended, '1.00')).toMatchObject({ status: 409, body: { code: 'invoice_conflict' } });
    expect(await give('nope', '1.00')).toMatchObject({ status: 404, body: { code: 'invoice_unknown' } });
  });
});
