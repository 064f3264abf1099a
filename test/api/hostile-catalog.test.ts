import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

/** Bodies that are wrong or contradict themselves or the catalog: one problem each, the field named, and nothing changed. */
const PLAN = { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '300.00', per: 'month' } };
const TRAFFIC = { counting: 'sum', tiers: [{ up_to: 5, price: '0.10' }, { up_to: null, price: '0.05' }] }; // prettier-ignore
const ACCOUNT = { name: 'A', currency: 'CNY' };
const VM = { account: 'a', plans: [{ plan: 'p', from: '2026-03-01T00:00:00+08:00' }] };
const EVENT = { at: '2026-03-01T00:00:00Z', kind: 'ip_replaced' };
const INCIDENT = { scope: { vms: ['v'] }, from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z', cause: 'maintenance' };
const tiers = (...bounds: (number | null)[]): object => ({
  ...PLAN,
  traffic: { ...TRAFFIC, tiers: bounds.map((up_to) => ({ up_to, price: '0.10' })) },
});
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

type Method = 'PUT' | 'POST';
const ROWS: readonly (readonly [what: string, method: Method, url: string, body: unknown, field: string | null])[] = [
  ['tiers out of order', 'PUT', '/v1/plans/x', tiers(10, 5, null), 'traffic.tiers'],
  ['a tier twice', 'PUT', '/v1/plans/x', tiers(5, 5, null), 'traffic.tiers'],
  ['a last tier with a bound', 'PUT', '/v1/plans/x', tiers(5, 10), 'traffic.tiers'],
  ['an unbounded tier in the middle', 'PUT', '/v1/plans/x', tiers(null, 10, null), 'traffic.tiers'],
  ['no tier', 'PUT', '/v1/plans/x', tiers(), 'traffic.tiers'],
  ['a bound of zero', 'PUT', '/v1/plans/x', tiers(0, null), 'traffic.tiers.0.up_to'],
  ['units of zero bytes', 'PUT', '/v1/plans/x', { ...PLAN, traffic: { ...TRAFFIC, unit_bytes: 0 } }, 'traffic.unit_bytes'],
  ['p95 with tiers', 'PUT', '/v1/plans/x', { ...PLAN, traffic: { ...TRAFFIC, counting: 'p95' } }, 'traffic.tiers'],
  ['a price with ten decimals', 'PUT', '/v1/plans/x', { ...PLAN, price: { amount: '0.0000000001', per: 'day' } }, 'price.amount'],
  ['a negative price', 'PUT', '/v1/plans/x', { ...PLAN, price: { amount: '-1', per: 'day' } }, 'price.amount'],
  ['a price as a number', 'PUT', '/v1/plans/x', { ...PLAN, price: { amount: 300, per: 'day' } }, 'price.amount'],
  ['a price beyond all bounds', 'PUT', '/v1/plans/x', { ...PLAN, price: { amount: '100000000', per: 'day' } }, 'price.amount'],
  ['a price per year', 'PUT', '/v1/plans/x', { ...PLAN, price: { amount: '1', per: 'year' } }, 'price.per'],
  ['an unknown zone', 'PUT', '/v1/plans/x', { ...PLAN, time_zone: 'Asia/Atlantis' }, 'time_zone'],
  ['an unknown currency', 'PUT', '/v1/plans/x', { ...PLAN, currency: 'XYZ' }, 'currency'],
  ['up as creditable', 'PUT', '/v1/plans/x', { ...PLAN, creditable: ['up'] }, 'creditable.0'],
  ['a cause twice', 'PUT', '/v1/plans/x', { ...PLAN, creditable: ['provider', 'provider'] }, 'creditable'],
  ['unknown terms', 'PUT', '/v1/plans/x', { ...PLAN, terms: 'nobody-s' }, 'terms'],
  ['terms of the prototype', 'PUT', '/v1/plans/x', { ...PLAN, terms: 'constructor' }, 'terms'],
  ['an unknown member', 'PUT', '/v1/plans/x', { ...PLAN, prize: 1 }, 'prize'],
  ['a plan in use changes its currency', 'PUT', '/v1/plans/p', { ...PLAN, currency: 'USD' }, 'currency'],
  ['tax above 100', 'PUT', '/v1/accounts/x', { ...ACCOUNT, tax_percent: '100.1' }, 'tax_percent'],
  ['no name', 'PUT', '/v1/accounts/x', { ...ACCOUNT, name: '' }, 'name'],
  ['a name without end', 'PUT', '/v1/accounts/x', { ...ACCOUNT, name: 'x'.repeat(201) }, 'name'],
  ['a language of no kind', 'PUT', '/v1/accounts/x', { ...ACCOUNT, language: '../../etc' }, 'language'],
  ['an account with VMs changes its currency', 'PUT', '/v1/accounts/a', { ...ACCOUNT, currency: 'USD' }, 'currency'],
  ['an unknown account', 'PUT', '/v1/vms/x', { ...VM, account: 'nobody' }, 'account'],
  ['an account of the prototype', 'PUT', '/v1/vms/x', { ...VM, account: '__proto__' }, 'account'],
  ['an unknown plan', 'PUT', '/v1/vms/x', { ...VM, plans: [{ plan: 'nope', from: 0 }] }, 'plans.0.plan'],
  ['a plan in another currency', 'PUT', '/v1/vms/x', { ...VM, plans: [{ plan: 'usd', from: 0 }] }, 'plans.0.plan'],
  ['unknown terms of a VM', 'PUT', '/v1/vms/x', { ...VM, terms: 'nope' }, 'terms'],
  ['two plans from one instant', 'PUT', '/v1/vms/x', { ...VM, plans: [{ plan: 'p', from: 0 }, { plan: 'q', from: '1970-01-01T00:00:00Z' }] }, 'plans'],
  ['ends before it starts', 'PUT', '/v1/vms/x', { ...VM, starts_at: 5, ends_at: 4 }, 'ends_at'],
  ['paid until before it was paid', 'PUT', '/v1/vms/x', { ...VM, paid_at: 5, paid_until: 5 }, 'paid_until'],
  ['more digits than the currency has', 'PUT', '/v1/vms/x', { ...VM, paid_amount: '1.001' }, 'paid_amount'],
  ['an interface twice', 'PUT', '/v1/vms/x', { ...VM, nics: ['eth0', 'eth0'] }, 'nics'],
  ['65 interfaces', 'PUT', '/v1/vms/x', { ...VM, nics: Array.from({ length: 65 }, (_, i) => `e${i}`) }, 'nics'],
  ['1001 plans', 'PUT', '/v1/vms/x', { ...VM, plans: Array.from({ length: 1001 }, (_, i) => ({ plan: 'p', from: i })) }, 'plans'],
  ['a local time without offset', 'PUT', '/v1/vms/x', { ...VM, starts_at: '2026-03-01T00:00:00' }, 'starts_at'],
  ['the 30th of February', 'PUT', '/v1/vms/x', { ...VM, starts_at: '2026-02-30T00:00:00Z' }, 'starts_at'],
  ['a promotion in words', 'PUT', '/v1/vms/x', { ...VM, promotion: 'yes' }, 'promotion'],
  ['deep nesting', 'PUT', '/v1/vms/x', nested(50_000), ''],
  ['deep lists', 'PUT', '/v1/vms/x', `{"account":"a","plans":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, ''],
  ['a sheet nested without end', 'POST', '/v1/terms/backtests', `{"sheet":${nested(50_000)},"from":"2026-01","to":"2026-02"}`, ''],
  ['a prototype key', 'PUT', '/v1/vms/x', '{"account":"a","constructor":{"prototype":{"admin":true}}}', null],
  ['an unknown kind of event', 'POST', '/v1/vms/v/events', { ...EVENT, kind: 'rebooted' }, 'kind'],
  ['an amount where none belongs', 'POST', '/v1/vms/v/events', { ...EVENT, amount: '1.00' }, 'amount'],
  ['an amount with too many digits', 'POST', '/v1/vms/v/events', { ...EVENT, kind: 'payment', amount: '1.001' }, 'amount'],
  ['an event without instant', 'POST', '/v1/vms/v/events', { kind: 'abuse' }, 'at'],
  ['a note without end', 'POST', '/v1/vms/v/events', { ...EVENT, note: 'x'.repeat(2001) }, 'note'],
  ['an incident that ends before it begins', 'POST', '/v1/incidents', { ...INCIDENT, to: INCIDENT.from }, 'to'],
  ['an incident of two scopes', 'POST', '/v1/incidents', { ...INCIDENT, scope: { vms: ['v'], all: true } }, 'scope'],
  ['an incident of no VM', 'POST', '/v1/incidents', { ...INCIDENT, scope: { vms: [] } }, 'scope.vms'],
  ['an incident of an unknown account', 'POST', '/v1/incidents', { ...INCIDENT, scope: { account: 'nobody' } }, 'scope.account'],
  ['an incident that makes silent', 'POST', '/v1/incidents', { ...INCIDENT, cause: 'silent' }, 'cause'],
  ['an incident that makes up', 'POST', '/v1/incidents', { ...INCIDENT, cause: 'up' }, 'cause'],
]; // prettier-ignore

describe('hostile and contradictory bodies', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let filler = 0;
  const entries = async (): Promise<unknown> => test.store.rows('SELECT count() AS n FROM catalog');

  beforeAll(async () => {
    test = await openTestStore();
    const randomBytes = (size: number): Uint8Array => new Uint8Array(size).fill((filler += 1));
    const catalog = await openCatalogOf({ store: test.store, now: () => 1_772_323_200_000, randomBytes });
    await catalog.keys.bootstrapAdmin(ADMIN);
    app = await serverOn(test.store, catalog);
    for (const [url, body] of [
      ['/v1/plans/p', PLAN],
      ['/v1/plans/q', PLAN],
      ['/v1/plans/usd', { ...PLAN, currency: 'USD' }],
      ['/v1/accounts/a', ACCOUNT],
      ['/v1/vms/v', VM],
    ] as const)
      expect((await callOf(app)('PUT', url, body)).status).toBe(200);
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it.each(ROWS)('%s', async (_, method, url, body, field) => {
    const before = await entries();
    const answer = await callOf(app)(method, url, body);
    expect([400, 409, 422], answer.text).toContain(answer.status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    const { errors } = answer.body as { errors?: { field: string; message: string }[] };
    // null: the reader of JSON does not let it in at all.
    if (field === null) expect(answer.body['code']).toBe('bad_request');
    else expect(errors?.map((each) => each.field)).toContain(field);
    for (const { message } of errors ?? []) expect(message).toMatch(/\S/);
    expect(await entries()).toEqual(before);
  });

  const BACKTEST = { from: '2026-01', to: '2026-02' };
  const flood = <T>(n: number, each: T): T[] => Array.from({ length: n }, () => each);
  it.each<[what: string, method: Method, url: string, body: unknown]>([
    ['half a million wrong elements', 'POST', '/v1/terms/backtests', { sheet: { id: 'x', stated: flood(470_000, 0) }, ...BACKTEST }],
    ['elements up to the bound', 'POST', '/v1/terms/backtests', { sheet: { id: 'x', stated: flood(49_000, 0) }, ...BACKTEST }],
    ['plans that are not there', 'PUT', '/v1/vms/x', { ...VM, plans: Array.from({ length: 1000 }, (_, i) => ({ plan: `p${i}`, from: i })) }],
    ['members that are not known', 'PUT', '/v1/accounts/x', { ...ACCOUNT, ...Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`m${i}`, 0])) }],
    ['one member of a megabyte', 'PUT', '/v1/accounts/x', { ...ACCOUNT, [`m${'x'.repeat(1_000_000)}`]: 0 }],
    ['VMs that are none', 'POST', '/v1/incidents', { ...INCIDENT, scope: { vms: flood(40_000, '?') } }],
    ['accounts that are none', 'POST', '/v1/invoice-runs', { from: '2026-01', accounts: flood(40_000, '?') }],
  ])('%s make an answer of some kilobytes: the first hundred faults and how many there are besides', async (_, method, url, body) => {
    const answer = await callOf(app)(method, url, body);
    expect([400, 422], answer.text.slice(0, 300)).toContain(answer.status);
    expect(answer.text.length).toBeLessThan(64 * 1024);
    expect((answer.body['errors'] as unknown[]).length).toBeLessThanOrEqual(100);
    const faults = (answer.body['errors'] as unknown[]).length + Number(answer.body['errors_left_out'] ?? 0);
    expect(answer.body['detail']).toMatch(faults > 10 ? new RegExp(`and ${faults - 10} more$`) : /./);
  }); // prettier-ignore
});
