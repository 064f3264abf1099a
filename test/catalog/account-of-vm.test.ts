import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A VM belongs to one account for all of its service: whose it is can be corrected until somebody was charged for it. */
const NOW = Date.parse('2026-05-01T00:00:00Z');
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };

describe('a VM that is to belong to another account', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const vm = (id: string, account: string, more: object = {}) =>
    call('PUT', `/v1/vms/${id}`, { account, plans: [{ plan: 'p', from: MARCH.from }], ...more });
  const accounts = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
  };
  const draft = async (account: string, period: object = MARCH): Promise<string> =>
    `/v1/invoices/${String((await done('POST', '/v1/invoices', { account, ...period, mode: 'draft' }))['id'])}`;
  const linesOf = async (account: string): Promise<string[]> => {
    const { lines } = await done('POST', '/v1/invoices', { account, ...MARCH, mode: 'preview' });
    return (lines as { kind: string; vm: string; amount: string }[]).map((each) => `${each.kind} ${each.vm} ${each.amount}`);
  };
  const refused = (by: string) => ({
    status: 409,
    body: {
      code: 'catalog_conflict',
      detail: expect.stringMatching(new RegExp(`charged for .* by ${by},.*ends_at.*start another VM`)) as unknown,
      errors: [{ field: 'account' }],
    },
  });

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => NOW), { now: () => NOW });
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '310.00', per: 'month' } });
  }); // prettier-ignore
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('is wholly of the other one as long as nobody was charged: a draft, an invoice of another time or a void one is no charge', async () => {
    await accounts('a1', 'a2');
    expect((await vm('v1', 'a1')).status).toBe(200);
    await draft('a1');
    // Nothing is to bill in February, and no number is given for that.
    expect(
      await callOf(app)('POST', `${await draft('a1', { from: '2026-02-01T00:00:00Z', to: MARCH.from })}/finalize`),
    ).toMatchObject({
      status: 409,
      body: { code: 'nothing_to_bill' },
    });
    const { number } = await done('POST', `${await draft('a1')}/finalize`);
    expect(await vm('v1', 'a2')).toMatchObject(refused(`invoice ${String(number)}`));
    const { invoices } = await done('GET', '/v1/invoices?account=a1&status=final&from=2026-03-01T00:00:00Z');
    await done('POST', `/v1/invoices/${String((invoices as { id: string }[])[0]?.id)}/void`);
    expect((await vm('v1', 'a2')).status).toBe(200);
    expect([await linesOf('a1'), await linesOf('a2')]).toEqual([[], ['service v1 310.00']]);
  });

  it('stays where it was charged, by a final invoice or by the days of a balance; all else of it may change', async () => {
    await accounts('b1', 'b2');
    const terms = { terms: 'internet-service', ends_at: '2026-03-04T00:00:00Z' };
    await vm('w1', 'b1', terms);
    await done('POST', '/v1/charge-days', { account: 'b1' });
    expect(await vm('w1', 'b2', terms)).toMatchObject(refused('the days of its balance'));
    expect(await done('GET', '/v1/vms/w1')).toMatchObject({ account: 'b1' });
    expect((await vm('w1', 'b1', { ...terms, promotion: true })).status).toBe(200);
    // Charged by mistake: without a plan its days come to nothing, and are given back.
    await vm('w1', 'b1', { plans: [], terms: 'internet-service' });
    await done('POST', '/v1/charge-days', { account: 'b1' });
    expect((await vm('w1', 'b2', terms)).status).toBe(200);
  });

  it('is ended at the instant and another is started: both accounts together pay what one would have paid', async () => {
    await accounts('c1', 'c2');
    await vm('u1', 'c1');
    expect(await linesOf('c1')).toEqual(['service u1 310.00']);
    const moved = '2026-03-16T12:00:00Z';
    expect((await vm('u1', 'c1', { ends_at: moved })).status).toBe(200);
    expect((await vm('u2', 'c2', { starts_at: moved })).status).toBe(200);
    expect([await linesOf('c1'), await linesOf('c2')]).toEqual([['service u1 155.00'], ['service u2 155.00']]);
  });

  it('an account without VMs that has money on record keeps its currency: else nobody could read its balance', async () => {
    await accounts('d1', 'd2');
    const into = (id: string) => call('PUT', `/v1/accounts/${id}`, { name: id, currency: 'JPY' });
    await done('POST', '/v1/accounts/d1/payments', { reference: 'w1', amount: '12.34', at: MARCH.from });
    expect(await into('d1')).toMatchObject({ status: 409, body: { code: 'catalog_conflict', errors: [{ field: 'currency' }] } });
    expect(await done('GET', '/v1/accounts/d1/balance')).toMatchObject({ balance: '12.34' });
    expect((await into('d2')).status).toBe(200);
  });
});
