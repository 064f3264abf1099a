import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A month of which twelve days have been metered when it is billed. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };

describe('a half-metered month', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const draft = () =>
    done<{ id: string; usage_complete: boolean }>('POST', '/v1/invoices', { account: 'a', ...MARCH, mode: 'draft' });
  const metered = (minute: string): Promise<void> =>
    test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('v', '${minute}', 60000, 1)`);

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-04-02T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), { now });
    await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } });
    await done('PUT', '/v1/accounts/a', { name: 'a', currency: 'EUR' });
    await done('PUT', '/v1/vms/v', { account: 'a', plans: [{ plan: 'p', from: MARCH.from }] });
    for (const minute of ['2026-03-01 00:00:00', '2026-03-12 23:59:00']) await metered(minute);
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('B13: does not become final by itself: the draft is refused until all of it is metered and it was made again', async () => {
    const { id, usage_complete: isComplete } = await draft();
    expect(isComplete).toBe(false);
    const refused = { status: 409, body: { code: 'invoice_conflict', detail: expect.stringContaining('metered') as unknown } };
    expect(await call('POST', `/v1/invoices/${id}/finalize`)).toMatchObject(refused);
    await metered('2026-03-31 23:59:00');
    // What the draft says is what it was rated from.
    expect(await call('POST', `/v1/invoices/${id}/finalize`)).toMatchObject(refused);
    expect(await draft()).toMatchObject({ id, usage_complete: true });
    expect(await done('POST', `/v1/invoices/${id}/finalize`)).toMatchObject({ status: 'final', usage_complete: true });
  });

  it('becomes final for whoever allows what is incomplete', async () => {
    await done('PUT', '/v1/accounts/b', { name: 'b', currency: 'EUR' });
    await done('PUT', '/v1/vms/w', { account: 'b', plans: [{ plan: 'p', from: MARCH.from }] });
    for (const minute of ['2026-03-01 00:00:00', '2026-03-12 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('w', '${minute}', 60000, 1)`);
    const { id } = await done('POST', '/v1/invoices', { account: 'b', ...MARCH, mode: 'draft' });
    expect((await call('POST', `/v1/invoices/${String(id)}/finalize`)).status).toBe(409);
    expect(await done('POST', `/v1/invoices/${String(id)}/finalize?allow_incomplete=true`)).toMatchObject({ status: 'final', usage_complete: false }); // prettier-ignore
  });
});
