import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Lists of refund checks and incidents, as somebody looks for one. */
const at = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T00:00:00Z`;

describe('lists with filters', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let checks: string[];
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const listed = async (query: string): Promise<string[]> =>
    (await done<{ rows: { id: string }[] }>('GET', `/v1/refund-checks${query}`)).rows.map(({ id }) => id);

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-03-20T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), { now });
    await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } });
    for (const [vm, account] of [['v1', 'a'], ['v2', 'a'], ['w1', 'b']] as const) {
      await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'EUR' });
      await done('PUT', `/v1/vms/${vm}`, { account, terms: 'ipcats', plans: [{ plan: 'p', from: at(1) }], starts_at: at(1) });
      await done('POST', `/v1/accounts/${account}/payments`, { reference: vm, amount: '31.00', at: at(1), covers: { vm, from: at(1), until: '2026-04-01T00:00:00Z' } });
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '2026-03-01 00:00:00', 60000, 1), ('${vm}', '2026-03-19 23:59:00', 60000, 1)`);
    } // prettier-ignore
    await done('POST', '/v1/vms/v2/events', { kind: 'withdrawn', at: at(5) });
    const made: string[] = [];
    for (const vm of ['v1', 'v2', 'w1', 'v2'])
      made.push(String((await done('POST', '/v1/refund-checks', { vm, at: at(11) }))['id']));
    checks = made;
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('refund checks by account, VM, decision, time and whether they were granted, page by page', async () => {
    const [v1 = '', v2 = '', w1 = '', again = ''] = checks;
    expect(await listed('')).toEqual([v1, v2, w1, again]);
    expect(await listed('?account=a')).toEqual([v1, v2, again]);
    expect(await listed('?vm=w1')).toEqual([w1]);
    expect(await listed('?decision=eligible')).toEqual([v2, again]);
    expect(await listed('?account=b&decision=eligible')).toEqual([]);
    expect(await listed('?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z')).toEqual([]);
    await done('POST', `/v1/refund-checks/${v2}/grant`);
    expect([await listed('?granted=true'), await listed('?account=a&granted=false')]).toEqual([[v2], [v1, again]]);
    const first = await done<{ rows: { id: string; account: string; amount: string }[]; next: string }>('GET', '/v1/refund-checks?account=a&limit=2'); // prettier-ignore
    expect(first.rows).toMatchObject([{ id: v1, account: 'a', amount: null }, { id: v2, amount: '21.00', granted: true }]); // prettier-ignore
    expect(await listed(`?cursor=${first.next}`)).toEqual([again]);
    expect(await call('GET', '/v1/refund-checks?account=nobody')).toMatchObject({
      status: 404,
      body: { code: 'account_unknown' },
    });
    expect(await call('GET', '/v1/refund-checks?decision=maybe')).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } }); // prettier-ignore
  });

  it('incidents by account, VM, cause and time', async () => {
    const make = async (scope: object, from: number, to: number, cause: string): Promise<string> =>
      String((await done('POST', '/v1/incidents', { scope, from: at(from), to: at(to), cause }))['id']);
    const ofVm = await make({ vms: ['v1'] }, 2, 3, 'provider');
    const ofAccount = await make({ account: 'b' }, 4, 5, 'attack');
    const ofAll = await make({ all: true }, 6, 7, 'provider');
    const found = async (query: string): Promise<string[]> =>
      (await done<{ incidents: { id: string }[] }>('GET', `/v1/incidents${query}`)).incidents.map(({ id }) => id);
    expect(await found('')).toEqual([ofVm, ofAccount, ofAll]);
    expect(await found('?account=a')).toEqual([ofVm, ofAll]);
    expect(await found('?account=b')).toEqual([ofAccount, ofAll]);
    expect(await found('?vm=v2')).toEqual([ofAll]);
    expect(await found('?cause=attack')).toEqual([ofAccount]);
    expect(await found(`?from=${at(3)}&to=${at(6)}`)).toEqual([ofAccount]);
    expect(await call('GET', '/v1/incidents?from=soon')).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
  });
});
