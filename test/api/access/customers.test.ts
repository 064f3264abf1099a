import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import { KEY_ROLES, type KeyRole } from '../../../src/catalog/keys.ts';
import { encodeCursor } from '../../../src/query/cursor.ts';
import { type ApiAnswer, callOf, doneOf, openCatalog, serverOn } from '../../support/api.ts';
import { insertOutage, insertSample, insertTraffic, insertUptime } from '../../support/rows.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';
interface Route {
  readonly method: Method;
  readonly path: string;
  readonly roles: readonly KeyRole[];
  readonly cut: { readonly by: string } | undefined;
  readonly parameters: readonly string[];
}

/** All that there is of one account; every name of the other's has `zebra` in it. */
interface Owned {
  readonly account: string;
  readonly vm: string;
  readonly plan: string;
  readonly terms: string;
  readonly invoice: string;
  readonly draft: string;
  readonly check: string;
}

const NOWHERE: Owned = {
  ...{ account: 'no-1', vm: 'no-2', plan: 'no-3', terms: 'no-4', invoice: 'no-5', draft: 'no-6', check: 'no-7' },
};
const QUERY: Readonly<Record<string, string>> = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z', step: 'day' };

let test: TestStore;
let app: FastifyInstance;
let catalog: Catalog;
let routes: readonly Route[];
let ours: Owned;
let theirs: Owned;
const keys = new Map<KeyRole | 'some-vms', string>();
const keyOfRole = (role: KeyRole | 'some-vms'): string => keys.get(role) ?? '';
const done = doneOf(() => app);

async function accountOf(name: string, terms: string): Promise<Owned> {
  const names = { account: `${name}-account`, vm: `${name}-vm`, plan: `${name}-plan`, terms };
  await done('PUT', `/v1/plans/${names.plan}`, {
    ...{ currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, terms, title: `${name} title` },
  });
  await done('PUT', `/v1/accounts/${names.account}`, { name, currency: 'EUR', tax_percent: '0', language: 'en' });
  for (const vm of [names.vm, `${name}-other`])
    await done('PUT', `/v1/vms/${vm}`, {
      ...{
        account: names.account,
        plans: [{ plan: names.plan, from: '2026-03-01T00:00:00Z' }],
        starts_at: '2026-03-01T00:00:00Z',
      },
      paid_amount: '31.00',
    });
  await insertUptime(test.store, names.vm, '00:00', 60_000, 5);
  await insertTraffic(test.store, names.vm, 'eth0', '00:00', 5n, 5n, 5);
  await insertOutage(test.store, { vm: names.vm, start: '00:10', end: '00:50', condition: 1, version: 2 });
  await insertSample(test.store, { vm: names.vm, nic: '', ts: '00:00', pos: 1, condition: 1, agent: `${name}-agent` });
  const period = (month: number): object => ({
    ...{ account: names.account, mode: 'draft' },
    ...{ from: `2026-0${month}-01T00:00:00Z`, to: `2026-0${month + 1}-01T00:00:00Z` },
  });
  const { id: invoice } = await done<{ id: string }>('POST', '/v1/invoices', period(3));
  await done('POST', `/v1/invoices/${invoice}/finalize`);
  const { id: draft } = await done<{ id: string }>('POST', '/v1/invoices', period(4));
  const { id: check } = await done<{ id: string }>('POST', '/v1/refund-checks', { vm: names.vm, at: '2026-03-02T00:00:00Z' });
  return { ...names, invoice, draft, check };
}

beforeAll(async () => {
  test = await openTestStore();
  catalog = await openCatalog(test.store, () => Date.parse('2026-06-01T12:00:00Z'));
  app = await serverOn(test.store, catalog, { watermarkMs: () => Date.parse('2026-06-01T12:00:00Z') });
  ours = await accountOf('ours', 'cstserver-2022');
  theirs = await accountOf('zebra', 'ipcats');
  for (const role of KEY_ROLES) {
    const given = {
      role,
      name: role,
      vms: role === 'agent' ? ['*'] : null,
      ...(role === 'customer' ? { account: ours.account } : {}),
    };
    keys.set(role, (await catalog.keys.create(given, 'test')).key);
  }
  const some = { role: 'customer', name: 'some', vms: ['*-vm'], account: ours.account } as const;
  keys.set('some-vms', (await done<{ key: string }>('POST', '/v1/keys', some)).key);
  const { paths } = (await callOf(app, null)('GET', '/openapi.json')).body as {
    paths: Record<
      string,
      Record<string, { 'x-roles'?: KeyRole[]; 'x-customer'?: { by: string }; parameters: { name: string; in: string }[] }>
    >;
  };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { 'x-roles': roles, 'x-customer': cut, parameters }]) =>
      roles === undefined
        ? []
        : [
            {
              ...{ method: method.toUpperCase() as Method, path, roles, cut },
              parameters: parameters.filter((each) => each.in === 'query').map(({ name }) => name),
            },
          ],
    ),
  );
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

/** A route's address with the names of one account in it. */
function addressOf({ path, parameters }: Route, of: Owned): string {
  const [, , kind] = path.split('/');
  const byKind: Readonly<Record<string, string>> = {
    ...{ accounts: of.account, vms: of.vm, plans: of.plan, invoices: of.invoice, terms: of.terms, 'refund-checks': of.check },
  };
  const filled = path
    .replace('{vm}', of.vm)
    .replace('{account}', of.account)
    .replace('{id}', byKind[kind ?? ''] ?? 'nothing')
    .replace(/\{\w+\}/g, 'nothing');
  const query = parameters.filter((name) => name in QUERY).map((name) => `${name}=${QUERY[name] ?? ''}`);
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`;
}

const bodyOf = ({ method, path }: Route, { account, vm }: Owned): unknown =>
  method !== 'POST'
    ? undefined
    : path === '/v1/invoices'
      ? { account, from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z', mode: 'preview' }
      : path === '/v1/refund-checks'
        ? { vm, at: '2026-03-02T00:00:00Z' }
        : undefined;

const ask = (route: Route, of: Owned, key: string): Promise<ApiAnswer> =>
  callOf(app, key)(route.method, addressOf(route, of), bodyOf(route, of));

/** What an answer says, with the names that were asked for taken out. */
function saidOf({ status, text }: ApiAnswer, asked: Owned): string {
  const names = (Object.values(asked) as string[]).sort((a, b) => b.length - a.length);
  return `${status} ${names.reduce((said, name) => said.replaceAll(name, 'NAME'), text)}`;
}

/** Whether a route is about one of the things that belong to somebody. */
const isOfSomebody = ({ path, method }: Route): boolean =>
  addressOfPath(path) || bodyOf({ method, path } as Route, NOWHERE) !== undefined;
const addressOfPath = (path: string): boolean => /\/v1\/(accounts|vms|plans|invoices|terms|refund-checks)\/\{/.test(path);

describe('every call, asked by every role about an account of its own and another’s', () => {
  it('names many calls that a customer may make, and says how each is cut down', () => {
    const open = routes.filter(({ roles }) => roles.includes('customer'));
    expect(open.length).toBeGreaterThan(25);
    for (const { method, path, cut } of routes.filter((each) => each.cut !== undefined))
      expect([method, path, cut?.by]).toEqual([method, path, expect.stringMatching(/^(vm|account|account_of_query|handler)$/)]);
    expect(open.every(({ cut }) => cut !== undefined)).toBe(true);
  });

  it.each(['customer', 'some-vms'] as const)('%s: what it may not call is forbidden, whoever it is about', async (who) => {
    for (const route of routes) {
      if (route.roles.includes('customer')) continue;
      for (const of of [ours, theirs, NOWHERE]) {
        const { status, body } = await ask(route, of, keyOfRole(who));
        expect([route.method, route.path, status, body['code']]).toEqual([route.method, route.path, 403, 'forbidden']);
      }
    }
  });

  it('customer: its own is there, and nothing in it is of another', async () => {
    for (const route of routes.filter(({ roles, method }) => roles.includes('customer') && method !== 'DELETE')) {
      const answer = await ask(route, ours, keyOfRole('customer'));
      expect([route.method, route.path, answer.status, answer.text.includes('zebra')], answer.text).toEqual([
        ...[route.method, route.path],
        expect.toSatisfy((status: number) => status < 300) as number,
        false,
      ]);
    }
  });

  it.each(['customer', 'some-vms'] as const)('%s: another’s answers as what is not there, to the letter', async (who) => {
    for (const route of routes.filter((each) => each.roles.includes('customer') && isOfSomebody(each))) {
      const [other, nowhere] = [await ask(route, theirs, keyOfRole(who)), await ask(route, NOWHERE, keyOfRole(who))];
      expect([route.method, route.path, other.status]).toEqual([
        ...[route.method, route.path],
        expect.toSatisfy((status: number) => status === 404 || (status === 403 && who === 'some-vms')) as number,
      ]);
      expect(saidOf(other, theirs)).toBe(saidOf(nowhere, NOWHERE));
    }
  });

  it('some-vms: sees its VMs and no account as a whole', async () => {
    const call = callOf(app, keyOfRole('some-vms'));
    const rows = (await call('GET', '/v1/vms')).body['rows'] as { vm: string }[];
    expect(rows.map(({ vm }) => vm)).toEqual([ours.vm]);
    expect((await call('GET', `/v1/vms/${ours.vm}`)).status).toBe(200);
    expect((await call('GET', '/v1/vms/ours-other')).status).toBe(404);
    for (const route of routes.filter(({ cut }) => cut?.by === 'account'))
      expect((await ask(route, ours, keyOfRole('some-vms'))).status).toBe(403);
    expect((await call('GET', `/v1/invoices/${ours.invoice}`)).status).toBe(403);
  });

  it.each(['admin', 'billing', 'read'] as const)('%s: reads of either account alike', async (role) => {
    for (const route of routes.filter(({ roles, method }) => method === 'GET' && roles.includes(role))) {
      if (route.cut === undefined) continue;
      for (const of of [ours, theirs]) {
        const { status } = await ask(route, of, keyOfRole(role));
        expect([route.path, status]).toEqual([route.path, 200]);
      }
    }
  });
});

describe('a customer’s lists', () => {
  const LISTS = ['/v1/vms', '/v1/plans', '/v1/invoices', '/v1/outages'] as const;
  const call = (url: string) => callOf(app, keyOfRole('customer'))('GET', url);
  const range = (path: string): string => (path === '/v1/outages' ? `from=${QUERY['from'] ?? ''}&to=${QUERY['to'] ?? ''}` : '');

  it.each(LISTS)('%s has its own alone, whatever is sought', async (path) => {
    for (const more of ['', `account=${ours.account}`, ...(path === '/v1/vms' || path === '/v1/plans' ? ['q=e'] : [])]) {
      const { status, text } = await call(`${path}?${range(path)}&${more}`);
      expect([status, text.includes('ours'), text.includes('zebra')], text).toEqual([200, true, false]);
    }
  });

  it.each(LISTS)('%s of another account is of one that is not there', async (path) => {
    const [other, nowhere] = [
      await call(`${path}?${range(path)}&account=${theirs.account}`),
      await call(`${path}?${range(path)}&account=${NOWHERE.account}`),
    ];
    expect([other.status, other.body['code']]).toEqual([404, 'account_unknown']);
    expect(saidOf(other, theirs)).toBe(saidOf(nowhere, NOWHERE));
  });

  it.each(LISTS)('%s goes on by no cursor of another account, and of none', async (path) => {
    const at = { id: 'a', now: 0, from: 0, note: 0, number: 0, vm: '', at: 0 };
    for (const query of [{ account: theirs.account }, {}, { plan: theirs.plan }, { account: ours.account, plan: theirs.plan }]) {
      const { status, text } = await call(`${path}?cursor=${encodeCursor(path, query, at)}`);
      expect([status, text.includes('zebra') && !text.includes(`"${theirs.plan}`)]).toEqual([400, false]);
    }
  });

  it('takes no parameter that tells of others', async () => {
    for (const url of ['/v1/vms?plan=zebra-plan', '/v1/vms?plan=no-plan', `/v1/vms/${ours.vm}?at=2026-01-01T00:00:00Z`])
      expect(await call(url)).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
  });

  it('has no drafts, of its own neither', async () => {
    expect((await call(`/v1/invoices/${ours.draft}`)).status).toBe(404);
    const { invoices } = (await call('/v1/invoices')).body as { invoices: { id: string }[] };
    expect(invoices.map(({ id }) => id)).toEqual([ours.invoice]);
  });

  it('has the plans and sheets that its VMs are on', async () => {
    const { rows } = (await call('/v1/terms')).body as { rows: { id: string }[] };
    expect([...new Set(rows.map(({ id }) => id))]).toEqual([ours.terms]);
    expect((await call(`/v1/plans/${ours.plan}`)).status).toBe(200);
  });
});

describe('a customer', () => {
  const post = (url: string, body: unknown) => callOf(app, keyOfRole('customer'))('POST', url, body);

  it('rates previews and keeps no draft', async () => {
    const period = { account: ours.account, from: '2026-05-01T00:00:00Z', to: '2026-06-01T00:00:00Z' };
    expect((await post('/v1/invoices', { ...period, mode: 'preview' })).status).toBe(200);
    expect(await post('/v1/invoices', { ...period, mode: 'draft' })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('checks refunds by its own terms, and by no others', async () => {
    expect((await post('/v1/refund-checks', { vm: ours.vm })).status).toBe(200);
    for (const terms of ['ipcats', 'no-sheet'])
      expect(await post('/v1/refund-checks', { vm: ours.vm, terms })).toMatchObject({ status: 400 });
  });

  it('begins a session that is cut down as its key is', async () => {
    const begun = await callOf(app, null)('POST', '/v1/session', { key: keyOfRole('customer') });
    expect(begun.body).toMatchObject({ role: 'customer', account: ours.account, vms: null });
    const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
    const page = (url: string) => callOf(app, null)('GET', url, undefined, { cookie });
    expect((await page(`/v1/accounts/${ours.account}/ledger`)).status).toBe(200);
    expect((await page(`/v1/accounts/${theirs.account}/ledger`)).status).toBe(404);
  });

  it('has a key that names an account which is there, and no other role’s does', async () => {
    const make = (body: object) => callOf(app)('POST', '/v1/keys', { name: 'x', ...body });
    expect(await make({ role: 'customer', account: 'no-account' })).toMatchObject({
      status: 422,
      body: { code: 'invalid_reference' },
    });
    expect(await make({ role: 'customer' })).toMatchObject({ status: 400, body: { errors: [{ field: 'account' }] } });
    expect(await make({ role: 'customer', account: ours.account, vms: [] })).toMatchObject({ status: 400 });
    expect(await make({ role: 'read', account: ours.account })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'account' }] },
    });
  });
});
