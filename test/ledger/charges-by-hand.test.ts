import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/client/wire/client.ts';
import { verifyDocuments } from '../../src/verify/documents.ts';
import { Reader } from '../../src/verify/reader.ts';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Charges by hand over HTTP, every amount worked by hand: 310.00 CNY a month and 6 % tax. */
let test: TestStore;
let app: FastifyInstance;
const now = Date.parse('2026-05-02T00:00:00Z');
const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
const done = doneOf(() => app);

beforeAll(async () => {
  test = await openTestStore();
  app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
  const price = { amount: '310.00', per: 'month' };
  await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

async function account(id: string, more: object = {}, vm: object = {}): Promise<void> {
  await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY', tax_percent: '6', ...more });
  const plans = [{ plan: 'p', from: '2026-03-01T00:00:00Z' }];
  await done('PUT', `/v1/vms/vm-${id}`, { account: id, plans, starts_at: '2026-03-01T00:00:00Z', ...vm });
  for (const minute of ['2026-03-01 00:00:00', '2026-05-31 23:59:00'])
    await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-${id}', '${minute}', 60000, 1)`);
}
const BODY = { reference: 'q-7', kind: 'quoted', description: 'Moving two machines', amount: '120.00', reason: 'quote 7' };
const charge = (id: string, more: object = {}) =>
  call('POST', `/v1/accounts/${id}/charges`, { ...BODY, at: '2026-04-10T00:00:00Z', ...more });
const charges = async (id: string) =>
  (await done<{ charges: Record<string, unknown>[] }>('GET', `/v1/accounts/${id}/charges`)).charges;
const draft = (id: string, month: string) =>
  done('POST', '/v1/invoices', {
    ...{ account: id, from: `2026-${month}-01T00:00:00Z`, mode: 'draft' },
    to: `2026-${String(Number(month) + 1).padStart(2, '0')}-01T00:00:00Z`,
  });
const final = async (id: string, month: string) =>
  done('POST', `/v1/invoices/${String((await draft(id, month))['id'])}/finalize`);
const told = ({ lines }: Record<string, unknown>): string[] =>
  (lines as { id: string; kind: string; vm: string | null; amount: string }[]).map(
    ({ id, kind, vm, amount }) => `${id} ${kind}${vm === null ? '' : ` ${vm}`} ${amount}`,
  );
const ledger = async (id: string): Promise<string[]> =>
  ((await done('GET', `/v1/accounts/${id}/ledger`))['entries'] as Record<string, string>[]).map(
    ({ kind, amount, balance }) => `${String(kind)} ${String(amount)} ${String(balance)}`,
  );

describe('a charge by hand', () => {
  it('is a line of the next invoice, taxed as the account is, and no money before', async () => {
    await account('next');
    const { status, body } = await charge('next');
    expect([status, body]).toMatchObject([201, { status: 'pending', amount: '120.00', invoice: null, reference: 'q-7' }]);
    expect(await ledger('next')).toEqual([]);
    const march = await final('next', '03');
    // (310.00 + 120.00) × 6 %
    expect([...told(march), march['total']]).toEqual(['0 service vm-next 310.00', '1 charge 120.00', '2 tax 25.80', '455.80']);
    expect(await ledger('next')).toEqual(['charge -455.80 -455.80']);
    expect(await charges('next')).toMatchObject([{ status: 'billed', invoice: { id: march['id'], number: 1, line: '1' } }]);
    // Once.
    expect(told(await final('next', '04'))).toEqual(['0 service vm-next 310.00', '1 tax 18.60']);
    expect(await done('POST', '/v1/reconcile', { account: 'next', dry_run: true })).toMatchObject({ invoices: [] });
  });

  it('told again is the same, and other content under its reference is refused', async () => {
    await account('again');
    const { id } = (await charge('again')).body as { id: string };
    const again = await Promise.all(Array.from({ length: 4 }, () => charge('again')));
    expect(again.map((each) => [each.status, each.body['id']])).toEqual(Array.from({ length: 4 }, () => [200, id]));
    for (const other of [{ amount: '121.00' }, { kind: 'damage' }, { reason: 'other' }, { tax_percent: '0' }])
      expect(await charge('again', other)).toMatchObject({ status: 409, body: { code: 'reference_taken', entry: id } });
    const payment = { reference: 'q-7', amount: '1.00', at: '2026-04-10T00:00:00Z' };
    expect((await call('POST', '/v1/accounts/again/payments', payment)).body).toMatchObject({
      code: 'reference_taken',
      entry: id,
    });
    await done('POST', '/v1/accounts/again/payments', { ...payment, reference: 'paid' });
    expect((await charge('again', { reference: 'paid' })).body).toMatchObject({ code: 'reference_taken' });
  });

  it('has a rate of tax of its own, computed once on all that have it', async () => {
    await account('rates');
    await charge('rates', { reference: 'a', amount: '10.05', tax_percent: '13' });
    await charge('rates', { reference: 'b', amount: '10.05', tax_percent: '13' });
    await charge('rates', { reference: 'c', amount: '7.00', tax_percent: '0' });
    const march = await final('rates', '03');
    // 310.00 × 6 %; 20.10 × 13 % = 2.613, where each by itself would be 1.31 twice.
    expect(told(march)).toEqual([
      ...['0 service vm-rates 310.00', '1 charge 10.05', '2 charge 10.05', '3 charge 7.00', '4 tax 18.60', '5 tax 2.61'],
    ]);
    expect(await done('POST', '/v1/reconcile', { account: 'rates', dry_run: true })).toMatchObject({ invoices: [] });
    // Given back with the tax of its own rate: 10.05 × 13 % = 1.3065.
    const note = await done('POST', `/v1/invoices/${String(march['id'])}/credit-notes`, {
      ...{ reason: 'not moved', lines: [{ line: '1', amount: '10.05' }] },
    });
    expect(told(note)).toEqual(['0 charge -10.05', '1 tax -1.31']);
  });

  it('in another currency is billed at the rate that was recorded, or refused', async () => {
    await account('usd');
    const damage = { reference: 'd', kind: 'damage', amount: '5.00', currency: 'USD', vm: 'vm-usd' };
    expect(await charge('usd', damage)).toMatchObject({ status: 409, body: { code: 'exchange_rate_missing' } });
    expect((await charge('usd', { ...damage, rate: '7.123' })).body).toMatchObject({
      // 35.615, half to even.
      ...{ amount: '35.62', currency: 'CNY', agreed: { amount: '5.00', currency: 'USD', rate: '7.123' } },
    });
    expect(told(await final('usd', '03'))).toEqual(['0 service vm-usd 310.00', '1 charge vm-usd 35.62', '2 tax 20.74']);
  });

  it('makes an invoice of its own where nothing else is to bill', async () => {
    await account('own', {}, { ends_at: '2026-03-02T00:00:00Z' });
    await charge('own', { kind: 'damage', clause: 'section 9: damage is charged' });
    const may = await draft('own', '04');
    expect(told(may)).toEqual(['0 charge 120.00', '1 tax 7.20']);
    const { outcomes } = await done<{ outcomes: object[] }>('POST', '/v1/invoice-runs', {
      ...{ period: '2026-04', accounts: ['own'], finalize: true, without_issuer: true, allow_incomplete: true },
    });
    expect(outcomes).toMatchObject([{ outcome: 'finalized', total: '127.20' }]);
  });

  it('is withdrawn before an invoice has it, and not after', async () => {
    await account('gone');
    const { id } = (await charge('gone')).body as { id: string };
    const { id: made } = await draft('gone', '03');
    const path = `/v1/accounts/gone/charges/${id}`;
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(204);
    expect(await charges('gone')).toMatchObject([{ status: 'withdrawn' }]);
    // A draft that has it is made again.
    expect(await call('POST', `/v1/invoices/${String(made)}/finalize`)).toMatchObject({
      ...{ status: 409, body: { code: 'invoice_conflict', charge: id } },
    });
    await charge('gone', { reference: 'second' });
    await final('gone', '03');
    const second = (await charges('gone'))[1]?.['id'];
    expect(await call('DELETE', `/v1/accounts/gone/charges/${String(second)}`)).toMatchObject({
      ...{ status: 409, body: { code: 'invoice_conflict' } },
    });
    expect((await call('DELETE', '/v1/accounts/gone/charges/nope')).status).toBe(404);
  });

  it.each([
    [{ amount: '0' }, 400, 'invalid_body'],
    [{ amount: '1.001' }, 400, 'invalid_body'],
    [{ amount: '-1.00' }, 400, 'invalid_body'],
    [{ reason: ' ' }, 400, 'invalid_body'],
    [{ tax_percent: '100.1' }, 400, 'invalid_body'],
    [{ currency: 'CNY', rate: '2' }, 400, 'invalid_body'],
    [{ at: '2027-01-01T00:00:00Z' }, 400, 'invalid_body'],
    [{ kind: 'handling' }, 400, 'invalid_body'],
    [{ vm: 'vm-next' }, 422, 'invalid_reference'],
  ])('%j is refused with %i %s and charges nothing', async (change, status, code) => {
    await account('bad');
    expect(await charge('bad', change)).toMatchObject({ status, body: { code } });
    expect(await charges('bad')).toEqual([]);
    expect(await charge('nobody')).toMatchObject({ status: 404, body: { code: 'account_unknown' } });
  });
});

// Of a note by hand there is nothing to derive.
it('every document is derived again from its evidence, by the second reading', async () => {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const client = new ApiClient({ server: `http://127.0.0.1:${port}`, key: ADMIN });
  const { signal } = new AbortController();
  const reader = new Reader({ client, sleep: () => Promise.resolve(), signal, pageRows: 10_000 });
  try {
    expect(await verifyDocuments(reader, { onDocument: () => undefined, onAccount: () => undefined })).toMatchObject({
      disagreement: null,
      not_derived: 1,
    });
  } finally {
    await client.close();
  }
});
