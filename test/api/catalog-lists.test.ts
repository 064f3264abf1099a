import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Plans, accounts and VMs are found by list: filtered, page by page, exactly, whatever is added meanwhile. */
describe('lists of the catalog', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const now = Date.parse('2026-04-15T00:00:00Z');
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const ids = async (url: string): Promise<string[]> =>
    ((await done('GET', url))['rows'] as { id?: string; vm?: string }[]).map(({ id, vm }) => id ?? vm ?? '');
  const plan = { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } };
  const on = (...plans: string[]) => plans.map((each, i) => ({ plan: each, from: `2026-0${i + 1}-01T00:00:00Z` }));

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
    await done('PUT', '/v1/plans/small', { ...plan, title: 'Klein & Fein' });
    await done('PUT', '/v1/plans/large', plan);
    await done('PUT', '/v1/plans/unused', plan);
    await done('PUT', '/v1/accounts/acme', { name: 'ACME GmbH', currency: 'EUR', email: 'office@acme.example' });
    await done('PUT', '/v1/accounts/zeta', { name: '範例公司', currency: 'EUR' });
    await done('PUT', '/v1/accounts/nobody', { name: 'Nobody', currency: 'EUR' });
    await done('PUT', '/v1/vms/web-1', { account: 'acme', title: 'Shop', plans: on('small', 'large') });
    await done('PUT', '/v1/vms/web-2', { account: 'acme', plans: on('small') });
    await done('PUT', '/v1/vms/web-3', { account: 'zeta', plans: on('large'), ends_at: '2026-04-01T00:00:00Z' });
    await done('POST', '/v1/vms/web-2/events', { at: '2026-04-10T00:00:00Z', kind: 'suspended' });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it.each([
    ['/v1/plans', ['large', 'small', 'unused']],
    ['/v1/plans?account=acme', ['large', 'small']],
    ['/v1/plans?account=nobody', []],
    ['/v1/plans?q=fein', ['small']],
    ['/v1/accounts', ['acme', 'nobody', 'zeta']],
    ['/v1/accounts?plan=small', ['acme']],
    ['/v1/accounts?state=ended', ['zeta']],
    ['/v1/accounts?state=active', ['acme', 'nobody']],
    ['/v1/accounts?q=%E7%AF%84%E4%BE%8B', ['zeta']],
    ['/v1/accounts?q=OFFICE%40', ['acme']],
    ['/v1/vms', ['web-1', 'web-2', 'web-3']],
    ['/v1/vms?account=acme&plan=large', ['web-1']],
    ['/v1/vms?state=suspended', ['web-2']],
    ['/v1/vms?state=ended', ['web-3']],
    ['/v1/vms?state=active', ['web-1']],
    ['/v1/vms?q=shop', ['web-1']],
    ['/v1/vms?q=%25', []],
  ])('%s', async (url, expected) => {
    expect(await ids(url)).toEqual(expected);
  });

  it('a row is what the thing itself is answered with', async () => {
    for (const [kind, id] of [
      ['plans', 'small'],
      ['accounts', 'acme'],
      ['vms', 'web-1'],
    ] as const) {
      const { body } = await call('GET', `/v1/${kind}?q=${id}`);
      const [row] = body['rows'] as { agreed?: unknown }[];
      expect(row?.agreed ?? row).toEqual((await call('GET', `/v1/${kind}/${id}`)).body);
    }
  });

  it('a VM that nobody agreed anything for is listed by what was seen of it, and found by no filter', async () => {
    await test.store.command("INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('stray', '2026-03-01 00:00:00', 60000, 1)");
    await test.store.command("INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('web-1', '2026-03-02 00:00:00', 60000, 1)");
    const { rows } = await done<{ rows: object[] }>('GET', '/v1/vms');
    expect(rows[0]).toEqual({ vm: 'stray', first_sample: null, last_sample: null, samples: 0, first_minute: '2026-03-01T00:00:00Z', agreed: null }); // prettier-ignore
    expect(await ids('/v1/vms?q=stray')).toEqual([]);
    expect((await done('GET', '/v1/vms?q=web-1'))['rows']).toEqual([rows[1]]);
  });

  it('what was there is on exactly one page, whatever is added between two', async () => {
    for (let i = 10; i < 40; i += 1) await done('PUT', `/v1/accounts/m${i}`, { name: `Member ${i}`, currency: 'EUR' });
    const seen: string[] = [];
    let added = 0;
    for (let url: string | null = '/v1/accounts?q=member&limit=7'; url !== null;) {
      const answer: { rows: { id: string }[]; next: string | null } = await done('GET', url);
      const { rows, next } = answer;
      seen.push(...rows.map(({ id }) => id));
      // One before where it is, one after it.
      for (const id of [`m0-${added}`, `m39-${added}`])
        await done('PUT', `/v1/accounts/${id}`, { name: 'Member late', currency: 'EUR' });
      added += 1;
      url = next === null ? null : `/v1/accounts?cursor=${next}`;
    }
    expect(seen.filter((id) => /^m\d\d$/.test(id))).toEqual(Array.from({ length: 30 }, (_, i) => `m${i + 10}`));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it.each([
    ['/v1/accounts?account=acme', 'invalid_parameter'],
    ['/v1/vms?account=nope', 'invalid_parameter'],
    ['/v1/vms?plan=nope', 'invalid_parameter'],
    ['/v1/vms?state=gone', 'invalid_parameter'],
    ['/v1/vms?limit=0', 'invalid_parameter'],
    ['/v1/vms?q=', 'invalid_parameter'],
    ['/v1/vms?cursor=bm9uc2Vuc2U', 'invalid_cursor'],
  ])('%s is refused: %s', async (url, code) => {
    expect(await call('GET', url)).toMatchObject({ status: 400, body: { code } });
  });

  it('a cursor of one list, or of another question, is no cursor of this one', async () => {
    const { next } = await done<{ next: string }>('GET', '/v1/vms?limit=1');
    expect(await call('GET', `/v1/accounts?cursor=${next}`)).toMatchObject({ body: { code: 'invalid_cursor' } });
    expect(await call('GET', `/v1/vms?account=acme&cursor=${next}`)).toMatchObject({ body: { code: 'invalid_cursor' } });
  });

  it('uptally catalog list shows the same', async () => {
    const { port } = app.server.address() as AddressInfo;
    const env = { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN };
    const table = await runCli(['catalog', 'list', 'vm', '--account', 'acme'], { env });
    expect(table.code, table.err).toBe(0);
    expect(table.out).toMatch(/^web-1 +acme +Shop +small, large/m);
    expect(table.out).not.toContain('web-3');
    const lines = await runCli(['catalog', 'list', 'plan', '--json'], { env });
    expect(lines.out.trimEnd().split('\n').map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['large', 'small', 'unused']); // prettier-ignore
    expect((await runCli(['catalog', 'list', 'plan', '--state', 'active'], { env })).code).toBe(2);
    expect((await runCli(['catalog', 'list', 'vm', '--state', 'gone'], { env })).code).toBe(2);
  });
});
