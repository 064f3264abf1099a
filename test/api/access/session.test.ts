import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SESSION_MS, SESSIONS_OF_KEY_MAX } from '../../../src/access/session-book.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import { callOf, openCatalog, serverOn } from '../../support/api.ts';
import { recordsOf } from '../../support/records.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

const START = Date.parse('2026-03-01T12:00:00Z');
const PAGE = { 'x-uptally': '1', 'sec-fetch-site': 'same-origin' };
const PLAN = { currency: 'CNY', time_zone: 'UTC', price: { amount: '1.44', per: 'day' } };

let test: TestStore;
let catalog: Catalog;
let app: FastifyInstance;
let nowMs = START;

beforeAll(async () => {
  test = await openTestStore();
  catalog = await openCatalog(test.store, () => nowMs);
  app = await serverOn(test.store, catalog, { now: () => nowMs });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});
beforeEach(() => {
  nowMs += SESSION_MS;
});

const keyOf = async (
  role: 'admin' | 'billing' | 'read',
  expiresAt: number | null = null,
): Promise<{ id: string; key: string }> => {
  const { key, entry } = await catalog.keys.create({ role, name: `a-${role}`, vms: null, expires_at: expiresAt }, 'test');
  return { id: entry.id, key };
};
const begin = async (key: string, headers: Record<string, string> = {}) =>
  callOf(app, null)('POST', '/v1/session', { key }, headers);
const cookieOf = (answer: { headers: Record<string, unknown> }): string =>
  String(answer.headers['set-cookie']).split(';')[0] ?? '';
/** Calls as a page does that was given a cookie. */
const pageOf =
  (cookie: string, on = app) =>
  (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, body?: unknown, headers: Record<string, string> = PAGE) =>
    callOf(on, null)(method, url, body, { cookie, ...headers });

describe('a session', () => {
  it('begins with a key, and goes in its place by a cookie that scripts and other sites do not have', async () => {
    const { id, key } = await keyOf('admin');
    const begun = await begin(key);
    expect(begun).toMatchObject({
      status: 201,
      body: {
        key: { id, name: 'a-admin' },
        role: 'admin',
        account: null,
        vms: null,
        until: '2026-03-02T12:00:00Z',
        via: 'session',
      },
    });
    expect(String(begun.headers['set-cookie'])).toMatch(
      /^__Host-uptally=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    expect(begun.text).not.toContain(cookieOf(begun).slice('__Host-uptally='.length));
    const page = pageOf(cookieOf(begun));
    expect(await page('GET', '/v1/session', undefined, {})).toMatchObject({ status: 200, body: begun.body });
    expect((await page('PUT', '/v1/plans/p1', PLAN)).body).toMatchObject({ id: 'p1', recorded_by: `a-admin#${id}` });
    const reader = pageOf(cookieOf(await begin((await keyOf('read')).key)));
    expect(await reader('GET', '/v1/keys')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('is stored as a hash alone', async () => {
    const token = cookieOf(await begin((await keyOf('read')).key)).slice('__Host-uptally='.length);
    const rows = await test.store.rows<{ body: string }>("SELECT body FROM catalog WHERE kind = 'session'");
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ body }) => body).join()).not.toContain(token);
  });

  it('changes nothing for another page: not without the header, not from another origin, not where the browser does not say', async () => {
    const page = pageOf(cookieOf(await begin((await keyOf('admin')).key)));
    const refused = { status: 403, body: { code: 'other_page' } };
    for (const headers of [
      {},
      { 'x-uptally': '1' },
      { 'sec-fetch-site': 'same-origin' },
      { 'x-uptally': '1', 'sec-fetch-site': 'same-site' },
      { 'x-uptally': '1', 'sec-fetch-site': 'cross-site' },
      { 'x-uptally': '1', 'sec-fetch-site': 'none' },
      { 'x-uptally': '0', 'sec-fetch-site': 'same-origin' },
    ]) {
      expect(await page('PUT', '/v1/plans/p2', PLAN, headers)).toMatchObject(refused);
      expect(await page('DELETE', '/v1/session', undefined, headers)).toMatchObject(refused);
    }
    expect((await page('GET', '/v1/plans/p2')).status).toBe(404);
    for (const site of ['cross-site', 'same-site'])
      expect(await page('GET', '/v1/plans', undefined, { 'sec-fetch-site': site })).toMatchObject(refused);
    const { key } = await keyOf('read');
    expect(await begin(key, { 'sec-fetch-site': 'cross-site' })).toMatchObject(refused);
    expect((await begin(key, PAGE)).status).toBe(201);
  });

  it('is over after twelve hours, and when it is ended, and takes its cookie back', async () => {
    const { key } = await keyOf('read');
    const [first, second] = [pageOf(cookieOf(await begin(key))), pageOf(cookieOf(await begin(key)))];
    const ended = await first('DELETE', '/v1/session');
    expect([ended.status, String(ended.headers['set-cookie'])]).toEqual([204, expect.stringMatching(/=; .*Max-Age=0$/)]);
    expect(await first('GET', '/v1/session')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    nowMs += SESSION_MS - 1;
    expect((await second('GET', '/v1/plans')).status).toBe(200);
    nowMs += 1;
    expect((await second('GET', '/v1/plans')).status).toBe(401);
  });

  it('goes with its key: revoked, or expired', async () => {
    const { id, key } = await keyOf('read');
    const page = pageOf(cookieOf(await begin(key)));
    expect((await page('GET', '/v1/plans')).status).toBe(200);
    await catalog.keys.revoke(id, 'test');
    expect((await page('GET', '/v1/plans')).status).toBe(401);
    expect(await begin(key)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });

    const short = await keyOf('read', nowMs + 60_000);
    const begun = await begin(short.key);
    expect(String(begun.headers['set-cookie'])).toMatch(/Max-Age=60$/);
    nowMs += 60_000;
    expect((await pageOf(cookieOf(begun))('GET', '/v1/plans')).status).toBe(401);
  });

  it('is none of an agent, and of no key that is unknown', async () => {
    const { key } = await catalog.keys.create({ role: 'agent', name: 'h1', vms: ['*'] }, 'test');
    expect(await begin(key)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await begin('upt_nothing')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    for (const cookie of ['__Host-uptally=', '__Host-uptally=x', `__Host-uptally=${'A'.repeat(43)}`])
      expect((await pageOf(cookie)('GET', '/v1/session')).status).toBe(401);
  });

  it('counts for nothing beside a key', async () => {
    const cookie = cookieOf(await begin((await keyOf('admin')).key));
    const { key } = await keyOf('read');
    expect((await callOf(app, key)('GET', '/v1/keys', undefined, { cookie, ...PAGE })).status).toBe(403);
    expect(await callOf(app, key)('GET', '/v1/session', undefined, { cookie })).toMatchObject({
      body: { role: 'read', until: null, via: 'key' },
    });
  });

  it('is known to the next process, and ended in every one', async () => {
    const { key } = await keyOf('billing');
    const cookie = cookieOf(await begin(key));
    const other = await openCatalog(test.store, () => nowMs);
    const beside = await serverOn(test.store, other);
    expect((await pageOf(cookie, beside)('GET', '/v1/session')).status).toBe(200);
    await pageOf(cookie)('DELETE', '/v1/session');
    // as every request of an API process does before it is looked at
    await recordsOf(other).journal.refresh();
    expect((await pageOf(cookie, beside)('GET', '/v1/session')).status).toBe(401);
    await beside.close();
  });

  it('makes room for the next of its key, the oldest first, and leaves memory when it is over', async () => {
    const { key } = await keyOf('read');
    const first = pageOf(cookieOf(await begin(key)));
    const second = pageOf(cookieOf(await begin(key)));
    for (let n = 2; n < SESSIONS_OF_KEY_MAX; n++) await begin(key);
    expect((await first('GET', '/v1/plans')).status).toBe(200);
    await begin(key);
    expect((await first('GET', '/v1/plans')).status).toBe(401);
    expect((await second('GET', '/v1/plans')).status).toBe(200);
    nowMs += SESSION_MS;
    await begin(key);
    expect(recordsOf(catalog).sessions.size).toBe(1);
  });

  it('carries a request out once, under its Idempotency-Key', async () => {
    const page = pageOf(cookieOf(await begin((await keyOf('admin')).key)));
    const make = () => page('POST', '/v1/keys', { role: 'read', name: 'twice' }, { ...PAGE, 'idempotency-key': 'k1' });
    const [made, again] = [await make(), await make()];
    expect([made.status, again.status, again.headers['idempotent-replayed']]).toEqual([201, 201, 'true']);
    expect(again.body).toEqual(made.body);
  });
});
