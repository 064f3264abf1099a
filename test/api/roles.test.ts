import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY_ROLES, type KeyRole } from '../../src/catalog/keys.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { callOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';
interface Route {
  readonly method: Method;
  readonly path: string;
  /** Null: no key. */
  readonly roles: readonly KeyRole[] | null;
}

/** Calls that change nothing, or nothing but the caller's own session, although they are no GET. */
const READING_CALLS = new Set(['POST /v1/invoices', 'DELETE /v1/session']);

let test: TestStore;
let app: FastifyInstance;
let catalog: Catalog;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
let routes: readonly Route[];
const keys = new Map<KeyRole, string>();

const keyOfRole = (role: KeyRole): string => keys.get(role) ?? '';

beforeAll(async () => {
  test = await openTestStore();
  catalog = await openCatalog(test.store, () => nowMs);
  app = await serverOn(test.store, catalog);
  for (const role of KEY_ROLES)
    keys.set(role, (await catalog.keys.create({ role, name: role, vms: role === 'agent' ? ['*'] : null }, 'test')).key);
  const { body } = await callOf(app, null)('GET', '/openapi.json');
  const paths = body['paths'] as Record<string, Record<string, { 'x-roles'?: KeyRole[] }>>;
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { 'x-roles': roles }]) => ({
      ...{ method: method.toUpperCase() as Method, path, roles: roles ?? null },
    })),
  );
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

/** Asks with names of nothing, and without a body: who may call is told before anything is read. */
async function ask({ method, path }: Route, key: string | null): Promise<{ status: number; code: unknown }> {
  const { status, body } = await callOf(app, key)(method, path.replace(/\{\w+\}/g, 'nothing-of-this-name'));
  return { status, code: body['code'] };
}

describe('who may call what', () => {
  it('is said of every call: without a key nothing is answered but what needs none', async () => {
    expect(routes.length).toBeGreaterThan(60);
    for (const route of routes) {
      const { status } = await ask(route, null);
      expect([route.method, route.path, status === 401]).toEqual([route.method, route.path, route.roles !== null]);
    }
  });

  it.each(KEY_ROLES)('role %s is told "forbidden" at the calls that are not its own, and at no other', async (role) => {
    for (const route of routes) {
      if (route.roles === null) continue;
      // an admin's calls with effects on everybody are tried elsewhere
      if (role === 'admin' && route.method !== 'GET') continue;
      const { code } = await ask(route, keyOfRole(role));
      expect([route.method, route.path, code === 'forbidden']).toEqual([
        ...[route.method, route.path],
        !route.roles.includes(role),
      ]);
    }
  });

  it('an admin may do all that needs a key but say what is an agent’s', () => {
    for (const { method, path, roles } of routes)
      if (roles !== null) expect([method, path, roles.includes('admin')]).toEqual([method, path, true]);
  });

  it('who reads may read all that a biller may, and no call of it changes anything', () => {
    for (const { method, path, roles } of routes) {
      if (roles === null) continue;
      const isReading = method === 'GET' ? roles.includes('billing') : READING_CALLS.has(`${method} ${path}`);
      expect([method, path, roles.includes('read')]).toEqual([method, path, isReading]);
    }
  });

  it('keys and names that are forgotten are an admin’s alone', () => {
    const alone = routes.filter(({ roles }) => roles?.length === 1 && roles[0] === 'admin').map(({ path }) => path);
    expect(alone).toEqual(expect.arrayContaining(['/v1/keys', '/v1/keys/{id}']));
  });

  it('who reads gets previews, and no drafts', async () => {
    const admin = callOf(app, keyOfRole('admin'));
    await admin('PUT', '/v1/accounts/a1', { name: 'A', currency: 'EUR', tax_percent: '0', language: 'en' });
    const body = (mode: string): object => ({ account: 'a1', from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', mode });
    const read = callOf(app, keyOfRole('read'));
    expect(await read('POST', '/v1/invoices', body('draft'))).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await read('POST', '/v1/invoices', body('preview'))).body['code']).not.toBe('forbidden');
  });
});

describe('a key that expires', () => {
  it('is in force until then, and not made for the past', async () => {
    const admin = callOf(app, keyOfRole('admin'));
    const of = (at: string): object => ({ role: 'read', name: 'auditor', expires_at: at });
    expect(await admin('POST', '/v1/keys', of('2026-03-01T12:00:00Z'))).toMatchObject({
      ...{ status: 400, body: { code: 'invalid_body', errors: [{ field: 'expires_at' }] } },
    });
    const made = await admin('POST', '/v1/keys', of('2026-03-01T12:00:01Z'));
    expect(made).toMatchObject({ status: 201, body: { expires_at: '2026-03-01T12:00:01Z' } });
    const call = callOf(app, String(made.body['key']));
    expect((await call('GET', '/v1/plans')).status).toBe(200);
    nowMs += 1000;
    expect(await call('GET', '/v1/plans')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    const left = (await admin('GET', '/v1/keys')).body['keys'] as { name: string }[];
    expect(left.map(({ name }) => name)).not.toContain('auditor');
  });

  it('leaves the last admin key that does not expire where it is', async () => {
    const admin = callOf(app, keyOfRole('admin'));
    await admin('POST', '/v1/keys', { role: 'admin', name: 'guest', expires_at: '2027-01-01T00:00:00Z' });
    const all = (await admin('GET', '/v1/keys')).body['keys'] as { id: string; role: string; expires_at: string | null }[];
    const lasting = all.filter(({ role, expires_at: expires }) => role === 'admin' && expires === null);
    expect(lasting.length).toBe(2);
    // the one that asks goes last
    const own = lasting.find(({ id }) => id !== 'bootstrap')?.id ?? '';
    expect((await admin('DELETE', '/v1/keys/bootstrap')).status).toBe(204);
    expect(await admin('DELETE', `/v1/keys/${own}`)).toMatchObject({ status: 409, body: { code: 'last_admin_key' } });
  });
});
