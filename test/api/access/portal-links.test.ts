import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINKS_OF_ACCOUNT_MAX } from '../../../src/access/portal-links.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../../support/api.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

const PAGE = { 'x-uptally': '1', 'sec-fetch-site': 'same-origin' };
let test: TestStore;
let catalog: Catalog;
let app: FastifyInstance;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
const done = doneOf(() => app);

interface Made {
  readonly id: string;
  readonly url: string;
  readonly token: string;
}
const make = (body: object = {}, account = 'a1'): Promise<Made> =>
  done<Made>('POST', `/v1/accounts/${account}/portal-links`, body);
const exchange = (token: string) => callOf(app, null)('POST', '/v1/session', { token }, PAGE);
const statesOf = async (account = 'a1'): Promise<string[]> =>
  (await done<{ links: { state: string }[] }>('GET', `/v1/accounts/${account}/portal-links`)).links.map(({ state }) => state);
const pageOf = (answer: { headers: Record<string, unknown> }) => {
  const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
  return (method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown) =>
    callOf(app, null)(method, url, body, { cookie, ...PAGE });
};

beforeAll(async () => {
  test = await openTestStore();
  catalog = await openCatalog(test.store, () => nowMs);
  app = await serverOn(test.store, catalog, { now: () => nowMs });
  await done('PUT', '/v1/plans/p1', { currency: 'EUR', time_zone: 'UTC', price: { amount: '1.00', per: 'day' } });
  for (const id of ['a1', 'a2', 'a3', 'a4']) {
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', tax_percent: '0', language: 'en' });
    for (const vm of [`${id}-web`, `${id}-db`])
      await done('PUT', `/v1/vms/${vm}`, { account: id, plans: [{ plan: 'p1', from: '2026-03-01T00:00:00Z' }] });
  }
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

describe('a portal link', () => {
  it('has its token behind the #, and is exchanged once, for a session of its account that only reads', async () => {
    const { url, token } = await make();
    expect(url).toBe(`/portal#${token}`);
    const begun = await exchange(token);
    expect(begun).toMatchObject({ status: 201, body: { role: 'customer', account: 'a1', vms: null, reads_only: true } });
    expect(await exchange(token)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    const page = pageOf(begun);
    expect((await page('GET', '/v1/vms/a1-web')).status).toBe(200);
    expect((await page('GET', '/v1/vms/a2-web')).status).toBe(404);
    expect((await page('GET', '/v1/accounts/a1/ledger')).status).toBe(200);
    expect(await page('POST', '/v1/refund-checks', { vm: 'a1-web' })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await page('DELETE', '/v1/session')).status).toBe(204);
    expect((await page('GET', '/v1/vms/a1-web')).status).toBe(401);
    expect(await statesOf()).toEqual(['used']);
  });

  it('gives a page that can keep no cookie a bearer, which reads of its account, changes nothing and is over with its session', async () => {
    const { token } = await make({}, 'a2');
    const begun = await callOf(app, null)('POST', '/v1/session', { token, bearer: true }, PAGE);
    expect(begun).toMatchObject({ status: 201, body: { account: 'a2', reads_only: true } });
    expect(begun.headers['set-cookie']).toBeUndefined();
    const call = callOf(app, String(begun.body['bearer']));
    expect((await call('GET', '/v1/vms/a2-web')).status).toBe(200);
    expect((await call('GET', '/v1/vms/a1-web')).status).toBe(404);
    expect(await call('POST', '/v1/refund-checks', { vm: 'a2-web' })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await call('DELETE', '/v1/session')).status).toBe(204);
    expect((await call('GET', '/v1/vms/a2-web')).status).toBe(401);
  });

  it('is the only thing that a bearer is had for: the cookie of a session of a key is no key', async () => {
    const { key } = await catalog.keys.create({ role: 'admin', name: 'clerk', vms: null }, 'test');
    expect((await callOf(app, null)('POST', '/v1/session', { key, bearer: true }, PAGE)).status).toBe(400);
    const begun = await callOf(app, null)('POST', '/v1/session', { key }, PAGE);
    expect(begun.body['bearer']).toBeUndefined();
    const [, secret = ''] = /=([^;]+)/.exec(String(begun.headers['set-cookie'])) ?? [];
    expect((await callOf(app, secret)('GET', '/v1/vms')).status).toBe(401);
  });

  it('shows some VMs alone, if it says so', async () => {
    const page = pageOf(await exchange((await make({ vms: ['*-web'] }, 'a2')).token));
    const rows = (await page('GET', '/v1/vms')).body['rows'] as { vm: string }[];
    expect(rows.map(({ vm }) => vm)).toEqual(['a2-web']);
    expect((await page('GET', '/v1/accounts/a2/ledger')).status).toBe(403);
  });

  it('is over when its time is, and when it is revoked, with its session', async () => {
    const late = await make({ expires_in: 60 }, 'a3');
    nowMs += 60_000;
    expect((await exchange(late.token)).status).toBe(401);
    const used = await make({}, 'a3');
    const page = pageOf(await exchange(used.token));
    const unused = await make({}, 'a3');
    for (const { id } of [used, unused])
      expect((await callOf(app)('DELETE', `/v1/accounts/a3/portal-links/${id}`)).status).toBe(204);
    expect((await page('GET', '/v1/vms')).status).toBe(401);
    expect((await exchange(unused.token)).status).toBe(401);
    expect(await statesOf('a3')).toEqual(['expired', 'revoked', 'revoked']);
    expect(await callOf(app)('DELETE', `/v1/accounts/a1/portal-links/${used.id}`)).toMatchObject({ status: 404 });
  });

  it('is over with the key that made it', async () => {
    const { key, entry } = await catalog.keys.create({ role: 'billing', name: 'panel', vms: null }, 'test');
    const made = await callOf(app, key)('POST', '/v1/accounts/a1/portal-links', {});
    const page = pageOf(await exchange(String(made.body['token'])));
    expect((await page('GET', '/v1/vms')).status).toBe(200);
    await catalog.keys.revoke(entry.id, 'test');
    expect((await page('GET', '/v1/vms')).status).toBe(401);
  });

  it('makes room for the next, the oldest first, and is stored as a hash alone', async () => {
    const first = await make({}, 'a4');
    for (let n = 0; n < LINKS_OF_ACCOUNT_MAX; n++) await make({}, 'a4');
    expect((await exchange(first.token)).status).toBe(401);
    expect((await statesOf('a4')).filter((state) => state === 'open').length).toBe(LINKS_OF_ACCOUNT_MAX);
    const rows = await test.store.rows<{ body: string }>("SELECT body FROM catalog WHERE kind = 'portal_link'");
    expect(rows.map(({ body }) => body).join()).not.toContain(first.token);
  });

  it('is made by staff alone', async () => {
    for (const role of ['read', 'customer'] as const) {
      const { key } = await catalog.keys.create(
        { role, name: role, vms: null, ...(role === 'customer' ? { account: 'a1' } : {}) },
        'test',
      );
      expect((await callOf(app, key)('POST', '/v1/accounts/a1/portal-links', {})).status).toBe(403);
    }
  });
});

describe('a key', () => {
  it('is rotated with two texts in force at once, and stays who it is', async () => {
    const made = await done<{ id: string; key: string }>('POST', '/v1/keys', { role: 'read', name: 'r1' });
    const rotated = await done<{ id: string; key: string; created_at: string }>('POST', `/v1/keys/${made.id}/rotate`, {
      overlap_s: 60,
    });
    expect([rotated.id, rotated.key === made.key]).toEqual([made.id, false]);
    const works = async (key: string): Promise<number> => (await callOf(app, key)('GET', '/v1/plans')).status;
    expect([await works(made.key), await works(rotated.key)]).toEqual([200, 200]);
    nowMs += 60_000;
    expect([await works(made.key), await works(rotated.key)]).toEqual([401, 200]);
    await catalog.keys.revoke(made.id, 'test');
    expect(await works(rotated.key)).toBe(401);
  });

  it('that was revoked stays in the list, with when and by whom, and when it was made', async () => {
    const made = await done<{ id: string; created_at: string }>('POST', '/v1/keys', { role: 'read', name: 'r2' });
    nowMs += 1000;
    await done('DELETE', `/v1/keys/${made.id}`);
    const { keys } = await done<{ keys: { id: string }[] }>('GET', '/v1/keys?all=true');
    expect(keys.find(({ id }) => id === made.id)).toMatchObject({
      ...{
        created_at: made.created_at,
        revoked_by: 'admin#bootstrap',
        revoked_at: new Date(nowMs).toISOString().replace('.000', ''),
      },
    });
    const inForce = await done<{ keys: { id: string }[] }>('GET', '/v1/keys');
    expect(inForce.keys.map(({ id }) => id)).not.toContain(made.id);
  });

  it('is not guessed from one address for long, and nobody is locked out', async () => {
    const works = async (key: string): Promise<number> => (await callOf(app, key)('GET', '/v1/plans')).status;
    const { key } = await catalog.keys.create({ role: 'read', name: 'r3', vms: null }, 'test');
    expect((await callOf(app)('GET', '/v1/plans')).status).toBe(200);
    const statuses: number[] = [];
    for (let n = 0; n < 40; n++) statuses.push(await works(`guess-${n}`));
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect(await works(key)).toBe(200);
    expect((await callOf(app)('GET', '/v1/plans')).status).toBe(200);
    expect((await callOf(app, null)('POST', '/v1/session', { key: 'guess' }, PAGE)).status).toBe(429);
  });
});
