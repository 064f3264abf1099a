import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** What is metered and not billed, billed and not metered, or not fit to be sent: told as long as it is so. */
const NOW = Date.parse('2026-04-05T12:00:00Z');
const MARCH = '2026-03-01T00:00:00Z';

interface Row {
  kind: string;
  vm: string | null;
  account: string | null;
  since: string | null;
  until: string | null;
  words: string;
  what_to_do: string;
}

describe('findings', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const all = async (query = '', limit = 3): Promise<Row[]> => {
    const rows: Row[] = [];
    for (let next: string | null = ''; next !== null;) {
      const asked = next === '' ? query : `&cursor=${next}`;
      const page: { rows: Row[]; next: string | null } = await done('GET', `/v1/findings?limit=${limit}${asked}`);
      expect(page.rows.length).toBeLessThanOrEqual(limit);
      rows.push(...page.rows);
      next = page.next;
    }
    return rows;
  };
  const told = (rows: readonly Row[]): string[] => rows.map((each) => `${each.kind} ${each.vm ?? each.account ?? '-'}`);
  const metered = async (vm: string, ...minutes: string[]): Promise<void> => {
    for (const minute of minutes)
      await test.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${minute.replace('T', ' ')}:00', 60000, 1)`,
      );
  };
  const sampled = (vm: string, ts: string): Promise<void> =>
    test.store.command(`INSERT INTO samples (vm, nic, ts, pos, agent) VALUES ('${vm}', '', '${ts.replace('T', ' ')}', 1, 'a')`);
  const vm = (id: string, more: object = {}) =>
    done('PUT', `/v1/vms/${id}`, { account: 'a', plans: [{ plan: 'p', from: MARCH }], ...more });

  beforeAll(async () => {
    test = await openTestStore();
    const issuer = { name: 'Example Hosting' };
    app = await serverOn(test.store, await openCatalog(test.store, () => NOW), { now: () => NOW, issuer });
    await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } });
    await done('PUT', '/v1/accounts/a', { name: 'A', currency: 'EUR' });
    await vm('good');
    await metered('good', '2026-03-01T00:00', '2026-04-05T11:55');
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('are none of a fleet that is as it should be', async () => {
    expect(await all()).toEqual([]);
  });

  it('name what is metered in no account, also when it has ended since, and not what was long ago', async () => {
    await metered('stranger', '2026-04-05T11:55');
    await metered('gone-stranger', '2026-03-10T00:00', '2026-03-20T00:00');
    await metered('old-stranger', '2025-12-01T00:00');
    const rows = await all('&kind=vm_not_in_catalog');
    expect(told(rows)).toEqual(['vm_not_in_catalog gone-stranger', 'vm_not_in_catalog stranger']);
    expect(rows[0]).toMatchObject({ since: '2026-03-10T00:00:00Z', until: '2026-03-20T00:01:00Z', account: null });
  });

  it('name what is billed and was never metered, is not metered now, or was not from its beginning', async () => {
    await vm('never');
    await vm('never-ended', { ends_at: '2026-03-20T00:00:00Z' });
    await vm('quiet');
    await metered('quiet', '2026-03-01T00:00', '2026-04-05T09:00');
    await vm('late');
    await metered('late', '2026-03-10T00:00', '2026-04-05T11:50');
    // These are as they should be: begun a moment ago, ended, to come, of long ago.
    await vm('begun', { starts_at: '2026-04-05T11:30:00Z' });
    await vm('ended', { ends_at: '2026-03-20T00:00:00Z' });
    await metered('ended', '2026-03-01T00:00', '2026-03-19T23:59');
    await vm('to-come', { starts_at: '2026-05-01T00:00:00Z' });
    await vm('long-ago', { plans: [{ plan: 'p', from: '2025-01-01T00:00:00Z' }], ends_at: '2025-02-01T00:00:00Z' });
    const rows = await all('&kind=vm_never_metered,vm_not_metered_now,vm_metered_late');
    expect(told(rows)).toEqual([
      'vm_metered_late late',
      'vm_never_metered never',
      'vm_never_metered never-ended',
      'vm_not_metered_now quiet',
    ]);
    expect(rows.map((each) => [each.since, each.until])).toEqual([
      [MARCH, '2026-03-10T00:00:00Z'],
      [MARCH, null],
      [MARCH, '2026-03-20T00:00:00Z'],
      ['2026-04-05T09:01:00Z', null],
    ]);
  });

  it('T7: ask whose samples after the end of a service are: a name that is used again', async () => {
    await sampled('ended', '2026-03-25T10:00:00');
    await sampled('ended', '2026-03-26T10:00:00');
    // An agent that is told of the end a moment later is nobody's finding.
    await vm('stopped', { ends_at: '2026-03-20T00:00:00Z' });
    await metered('stopped', '2026-03-01T00:00', '2026-03-20T00:10');
    await sampled('stopped', '2026-03-20T00:10:00');
    const rows = await all('&kind=samples_after_end');
    expect(rows).toMatchObject([
      {
        vm: 'ended',
        account: 'a',
        since: '2026-03-25T10:00:00Z',
        until: '2026-03-26T10:00:00Z',
        words: expect.stringContaining('2 samples') as unknown,
      },
    ]);
  });

  it('name what no plan charges, and names that the PDF cannot print', async () => {
    await vm('planless', { plans: [] });
    await vm('planned', { plans: [{ plan: 'p', from: '2026-06-01T00:00:00Z' }] });
    await done('PUT', '/v1/accounts/km', { name: 'ក្រុមហ៊ុន', currency: 'EUR' });
    await done('PUT', '/v1/accounts/zh', { name: '雲端', currency: 'EUR' });
    const rows = await all('&kind=vm_without_plan,name_not_printable');
    expect(told(rows)).toEqual(['vm_without_plan planless', 'vm_without_plan planned', 'name_not_printable km']);
  });

  it('say that nobody is named as the seller', async () => {
    const nobody = await serverOn(test.store, await openCatalog(test.store, () => NOW), { now: () => NOW });
    expect(await callOf(nobody)('GET', '/v1/findings?kind=no_issuer')).toMatchObject({
      body: { rows: [{ kind: 'no_issuer' }], next: null },
    });
    await nobody.close();
  });

  it.each([1, 2, 1000])('are the same by pages of %i', async (limit) => {
    expect(await all('', limit)).toEqual(await all('', 7));
  });

  it('are of one account or VM where that is asked for', async () => {
    await done('PUT', '/v1/accounts/b', { name: 'B', currency: 'EUR' });
    await vm('of-b', { account: 'b' });
    expect(told(await all('&account=b'))).toEqual(['vm_never_metered of-b']);
    expect(told(await all('&vm=quiet'))).toEqual(['vm_not_metered_now quiet']);
    expect(told(await all('&vm=stranger'))).toEqual(['vm_not_in_catalog stranger']);
  });

  it('go with what they are about', async () => {
    await metered('quiet', '2026-04-05T11:58');
    await vm('stranger');
    await vm('planless', { ends_at: '2026-04-01T00:00:00Z' });
    const rows = told(await all());
    for (const gone of ['vm_not_metered_now quiet', 'vm_not_in_catalog stranger', 'vm_without_plan planless'])
      expect(rows).not.toContain(gone);
  });

  it('go on where the time of a call ended', async () => {
    let clock = NOW;
    const slow = await serverOn(test.store, await openCatalog(test.store, () => NOW), {
      now: () => (clock += 10_000),
      issuer: { name: 'Example Hosting' },
    });
    const found: Row[] = [];
    for (let next: string | null = ''; next !== null;) {
      const { body } = await callOf(slow)('GET', `/v1/findings${next === '' ? '' : `?cursor=${next}`}`);
      found.push(...(body['rows'] as Row[]));
      next = body['next'] as string | null;
    }
    expect(told(found)).toEqual(told(await all('', 1000)));
    await slow.close();
  });

  it.each([
    ['kind=nothing', 'invalid_parameter'],
    ['limit=0', 'invalid_parameter'],
    ['limit=1001', 'invalid_parameter'],
    ['cursor=x', 'invalid_cursor'],
    ['colour=red', 'invalid_parameter'],
  ])('%s is refused', async (query, code) => {
    expect(await call('GET', `/v1/findings?${query}`)).toMatchObject({ status: 400, body: { code } });
  });
});
