import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Payouts over HTTP, every amount worked by hand. */
let test: TestStore;
let app: FastifyInstance;
const now = Date.parse('2026-04-10T00:00:00Z');
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

/** An account with a VM under a sheet, and 40.00 of free money since 1 April. */
async function account(id: string, terms?: string): Promise<void> {
  await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR' });
  const plans = [{ plan: 'p', from: '2026-03-01T00:00:00Z' }];
  await done('PUT', `/v1/vms/vm-${id}`, { account: id, plans, ...(terms === undefined ? {} : { terms }) });
  await done('POST', `/v1/accounts/${id}/payments`, { reference: 'in', amount: '40.00', at: '2026-04-01T00:00:00Z' });
}

const AT = '2026-04-05T00:00:00Z';
const payout = (id: string, amount: string, more: object = {}) =>
  call('POST', `/v1/accounts/${id}/payouts`, { reference: 'out', amount, at: AT, ...more });
const ledger = async (id: string): Promise<string[]> =>
  ((await done('GET', `/v1/accounts/${id}/ledger`))['entries'] as Record<string, string>[]).map(
    ({ kind, amount, balance }) => `${String(kind)} ${String(amount)} ${String(balance)}`,
  );

describe('a payout', () => {
  it('takes free money; told again it is the same, and other content under its reference is refused', async () => {
    await account('a');
    expect(await payout('a', '15.00')).toMatchObject({
      ...{ status: 201, body: { entry: { kind: 'payout', amount: '-15.00', at: AT, reference: 'out' }, balance: '25.00' } },
    });
    const again = await Promise.all(Array.from({ length: 4 }, () => payout('a', '15.00')));
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const other of [{ amount: '14.00' }, { at: '2026-04-06T00:00:00Z' }, { reference: 'in' }])
      expect(await payout('a', '15.00', other)).toMatchObject({ status: 409, body: { code: 'reference_taken' } });
    expect(await ledger('a')).toEqual(['payment 40.00 40.00', 'payout -15.00 25.00']);
  });

  it('is never more than is free, now and at its instant, however many are told at once', async () => {
    await account('b');
    expect(await payout('b', '40.01')).toMatchObject({ status: 409, body: { code: 'balance_conflict' } });
    expect(await payout('b', '1.00', { at: '2026-03-31T23:59:59Z' })).toMatchObject({
      status: 409,
      body: { code: 'balance_conflict' },
    });
    const covers = { vm: 'vm-b', from: '2026-04-01T00:00:00Z', until: '2026-05-01T00:00:00Z' };
    await done('POST', '/v1/accounts/b/payments', { reference: 'term', amount: '31.00', at: AT, covers });
    // What covers a term is kept for it.
    expect(await payout('b', '40.01')).toMatchObject({ status: 409, body: { code: 'balance_conflict' } });
    const many = await Promise.all(Array.from({ length: 5 }, (_, i) => payout('b', '15.00', { reference: `out-${i}` })));
    expect(many.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
    expect((await ledger('b')).at(-1)).toBe('payout -15.00 41.00');
  });

  it('stays where the terms of the account let no balance be paid out', async () => {
    await account('c', 'internet-service');
    expect(await payout('c', '1.00')).toMatchObject({
      ...{ status: 409, body: { code: 'balance_bound', clause: expect.stringContaining('IV.8') as unknown } },
    });
    expect(await ledger('c')).toEqual(['payment 40.00 40.00']);
  });

  it('never takes what a refund gave to the balance only: of what is paid out the own money goes first', async () => {
    await account('d', 'cstserver-2022');
    await done('PATCH', '/v1/vms/vm-d', {
      ...{
        starts_at: '2026-04-09T00:00:00Z',
        paid_at: '2026-04-09T00:00:00Z',
        paid_until: '2026-05-09T00:00:00Z',
        paid_amount: '31.00',
      },
    });
    for (const minute of ['2026-04-09 00:00:00', '2026-04-09 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-d', '${minute}', 60000, 1)`);
    const check = await done('POST', '/v1/refund-checks', { vm: 'vm-d', at: '2026-04-09T12:00:00Z' });
    expect(check).toMatchObject({ decision: 'eligible', amount: '31.00', destination: 'balance' });
    await done('POST', '/v1/accounts/d/balance', {
      ...{ kind: 'refund', amount: '31.00', refund_check: check['id'], at: '2026-04-09T12:00:00Z' },
    });
    const at = '2026-04-10T00:00:00Z';
    expect(await payout('d', '40.01', { at })).toMatchObject({ status: 409, body: { code: 'balance_bound' } });
    expect((await payout('d', '40.00', { at })).body['balance']).toBe('31.00');
    expect(await payout('d', '0.01', { at, reference: 'more' })).toMatchObject({ status: 409, body: { code: 'balance_bound' } });
    expect(await payout('d', '31.01', { at, reference: 'more' })).toMatchObject({
      status: 409,
      body: { code: 'balance_conflict' },
    });
  });

  it.each([
    [{ amount: '0' }, 400, 'invalid_body'],
    [{ amount: '1.001' }, 400, 'invalid_body'],
    [{ at: '2027-01-01T00:00:00Z' }, 400, 'invalid_body'],
    [{ reference: undefined }, 400, 'invalid_body'],
  ])('%j is refused with %i %s', async (change, status, code) => {
    await account('bad');
    expect(await payout('bad', '1.00', change)).toMatchObject({ status, body: { code } });
    expect(await payout('nobody', '1.00')).toMatchObject({ status: 404, body: { code: 'account_unknown' } });
  });
});
