import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

/** What was in force at any instant can be asked, and nothing that was recorded goes away. */
const MINUTE = 60_000;
const START = Date.parse('2026-03-01T00:00:00Z');
const at = (minutes: number): string => new Date(START + minutes * MINUTE).toISOString();

describe('the history of the catalog', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let nowMs = START;
  let filler = 0;
  const open = () =>
    openCatalogOf({ store: test.store, now: () => nowMs, randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const put = async (minute: number, url: string, body: object, key = ADMIN): Promise<Record<string, unknown>> => {
    nowMs = START + minute * MINUTE;
    const answer = await callOf(app, key)('PUT', url, body);
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  };
  const plan = (amount: string) => ({ currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount, per: 'month' } });
  const rowsOf = async (url: string): Promise<Record<string, unknown>[]> =>
    (await call('GET', url)).body['rows'] as Record<string, unknown>[];

  beforeAll(async () => {
    test = await openTestStore();
    const catalog = await open();
    await catalog.keys.bootstrapAdmin(ADMIN);
    app = await serverOn(test.store, catalog, { now: () => nowMs });
    const made = await call('POST', '/v1/keys', { role: 'admin', name: 'second', vms: ['*'] });
    const second = String(made.body['key']);
    await put(1, '/v1/plans/p', plan('300.00'));
    await put(3, '/v1/plans/p', plan('310.00'), second);
    // The same once more is no version.
    await put(4, '/v1/plans/p', plan('310.00'));
    await put(5, '/v1/plans/p', plan('320.00'));
    await put(1, '/v1/accounts/a', { name: 'A', currency: 'CNY' });
    await put(6, '/v1/accounts/a', { name: 'B', currency: 'CNY' });
    await put(7, '/v1/vms/v', { account: 'a', plans: [{ plan: 'p', from: '2026-01-01T00:00:00+08:00' }] });
    await put(9, '/v1/vms/v', { account: 'a', plans: [] });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it.each([
    ['/v1/plans/p', 0, 404, undefined],
    ['/v1/plans/p', 1, 200, { price: { amount: '300.00', per: 'month' }, recorded_by: 'admin#bootstrap' }],
    ['/v1/plans/p', 2.999, 200, { price: { amount: '300.00', per: 'month' } }],
    [
      '/v1/plans/p',
      3,
      200,
      { price: { amount: '310.00', per: 'month' }, recorded_by: expect.stringMatching(/^second#.+/) as string },
    ],
    [
      '/v1/plans/p',
      4.5,
      200,
      { price: { amount: '310.00', per: 'month' }, recorded_by: expect.stringMatching(/^second#.+/) as string },
    ],
    ['/v1/plans/p', 1e6, 200, { price: { amount: '320.00', per: 'month' } }],
    ['/v1/accounts/a', 5, 200, { name: 'A' }],
    ['/v1/accounts/a', 6, 200, { name: 'B' }],
    ['/v1/vms/v', 6, 404, undefined],
    ['/v1/vms/v', 8, 200, { plans: [{ plan: 'p', from: '2025-12-31T16:00:00Z' }] }],
    ['/v1/vms/v', 9, 200, { plans: [] }],
    ['/v1/vms/nobody', 9, 404, undefined],
  ])('%s at minute %d: %i', async (url, minute, status, body) => {
    const answer = await call('GET', `${url}?at=${at(minute)}`);
    expect(answer.status, answer.text).toBe(status);
    if (body !== undefined) expect(answer.body).toMatchObject(body);
    else expect(answer.body['code']).toMatch(/_unknown$/);
  });

  it('recorded time is not effective time: a change recorded now may hold from an earlier day on', async () => {
    // Recorded in minute 7, effective from January: at minute 8 the catalog says so, at minute 6 it knew nothing.
    const { body } = await call('GET', `/v1/vms/v?at=${at(8)}`);
    expect([body['recorded_at'], (body['plans'] as { from: string }[])[0]?.from]).toEqual([
      '2026-03-01T00:07:00Z',
      '2025-12-31T16:00:00Z',
    ]);
  });

  it('every version is listed with who recorded it and when, page by page', async () => {
    expect((await rowsOf('/v1/plans/p/history')).map((row) => [row['recorded_at'], row['recorded_by'], (row['price'] as { amount: string }).amount])).toEqual([
      ['2026-03-01T00:01:00Z', 'admin#bootstrap', '300.00'],
      ['2026-03-01T00:03:00Z', expect.stringMatching(/^second#.+/), '310.00'],
      ['2026-03-01T00:05:00Z', 'admin#bootstrap', '320.00'],
    ]); // prettier-ignore
    const first = await call('GET', '/v1/plans/p/history?limit=2');
    expect((first.body['rows'] as unknown[]).length).toBe(2);
    const last = await call('GET', `/v1/plans/p/history?limit=2&cursor=${String(first.body['next'])}`);
    expect([(last.body['rows'] as unknown[]).length, last.body['next']]).toEqual([1, null]);
    expect((await call('GET', '/v1/plans/nope/history')).status).toBe(404);
    expect((await call('GET', '/v1/plans/p?at=yesterday')).body).toMatchObject({ code: 'invalid_parameter', parameter: 'at' });
  });

  it('only grows: what was listed stays as it was, through every further change and a new start', async () => {
    const before = await rowsOf('/v1/vms/v/history');
    await put(20, '/v1/vms/v', { account: 'a', plans: [], promotion: true });
    const after = await rowsOf('/v1/vms/v/history');
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBe(before.length + 1);
    const again = await serverOn(test.store, await open());
    expect((await callOf(again)('GET', '/v1/vms/v/history')).body['rows']).toEqual(after);
    await again.close();
    const versions = after.map((row) => Number(row['version']));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  it('uptally catalog shows the same', async () => {
    const { port } = app.server.address() as AddressInfo;
    const env = { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN };
    const shown = await runCli(['catalog', 'show', 'plan', 'p', '--at', at(2)], { env });
    expect(shown.code, shown.err).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({ id: 'p', price: { amount: '300.00' } });
    const history = await runCli(['catalog', 'history', 'account', 'a'], { env });
    expect(history.out).toContain('by admin#bootstrap\n  name: "A"\n  currency: "CNY"');
    expect(history.out.split('\n').filter((line) => line.startsWith('version'))).toHaveLength(2);
    expect(history.out.trimEnd().endsWith('by admin#bootstrap\n  name: "B"')).toBe(true);
    expect((await runCli(['catalog', 'show', 'host', 'p'], { env })).code).toBe(2);
    expect((await runCli(['catalog', 'show', 'plan', 'nope'], { env })).code).toBe(1);
  });
});
