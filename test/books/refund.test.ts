import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A refund that a check found due goes to the balance, once, and what was refunded counts from then on. */
const H = 3_600_000;
const PAID = Date.parse('2026-03-01T00:00:00+08:00');

describe('a refund to the prepaid balance', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  const now = PAID + 3 * H;
  const done = doneOf(() => app);
  const check = (more: object = {}) => done('POST', '/v1/refund-checks', { vm: 'v1', at: PAID + 2 * H, ...more });
  const refund = (id: unknown, amount = '287.50', account = 'a') =>
    callOf(app)('POST', `/v1/accounts/${account}/balance`, { kind: 'refund', amount, refund_check: id });

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await openCatalog(test.store, () => now);
    app = await serverOn(test.store, catalog, { now: () => now });
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '310.00', per: 'month' }, refund_handling_fee: '12.50' }); // prettier-ignore
    for (const id of ['a', 'b']) await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
    const paid = { starts_at: PAID, paid_at: PAID, paid_until: PAID + 31 * 24 * H, paid_amount: '300.00' };
    await done('PUT', '/v1/vms/v1', { account: 'a', terms: 'cstserver-2022', plans: [{ plan: 'p', from: PAID }], ...paid });
    for (const minute of [PAID, PAID + 4 * H])
      await test.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('v1', toDateTime(${minute / 1000}, 'UTC'), 60000, 1)`,
      );
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('is booked once, leaves an event of the VM, and nothing more can be had for the same payment', async () => {
    // 300.00 less the handling fee of 12.50, by two checks that do not know of each other.
    const [first, second] = [await check(), await check()];
    expect(first).toMatchObject({ decision: 'eligible', amount: '287.50', destination: 'balance' });
    const answers = await Promise.all([refund(first['id']), refund(first['id']), refund(first['id'])]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await done('GET', '/v1/accounts/a/balance')).toMatchObject({
      balance: '287.50',
      entries: [{ kind: 'refund', amount: '287.50', vm: 'v1', refund_check: first['id'] }],
    });
    expect((await done('GET', '/v1/vms/v1/events'))['rows']).toMatchObject([
      { kind: 'refund', amount: '287.50', note: `to the balance, by refund check ${String(first['id'])}` },
    ]);

    expect(await refund(second['id'])).toMatchObject({
      status: 409,
      body: { code: 'balance_conflict', detail: 'of the 300.00 CNY paid for v1 287.50 were refunded already' },
    });
    // A later check gives nothing: what was paid back is not there a second time, and the handling fee stays.
    expect(await check({ at: now })).toMatchObject({ decision: 'not_eligible', calculation: null });
    expect(await done('GET', '/v1/accounts/a/balance')).toMatchObject({ balance: '287.50' });
  });

  it('counts refunds that people recorded, too, and an event withdrawn by mistake gives no money again', async () => {
    const { rows: events } = await done<{ rows: { id: string }[] }>('GET', '/v1/vms/v1/events');
    for (const { id } of events) expect((await callOf(app)('DELETE', `/v1/vms/v1/events/${id}`)).status).toBe(204);
    const again = await check({ at: now });
    expect(again).toMatchObject({ decision: 'eligible', amount: '287.50' });
    expect((await refund(again['id'])).status).toBe(409);
  });

  it.each([
    ['what would be under other terms', { terms: 'cmivps-2019' }, '300.00', 'a', 409],
    ['another amount', {}, '1.00', 'a', 409],
    ['another account', {}, '287.50', 'b', 409],
  ])('is refused for %s', async (_, more, amount, account, status) => {
    const { id } = await check(more);
    expect((await refund(id, amount, account)).status).toBe(status);
  });
});
