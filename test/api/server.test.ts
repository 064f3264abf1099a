import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf } from '../../src/http/auth.ts';
import { callOf, openCatalog, serverOn } from '../support/api.ts';
import { insertFleet, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const DAY = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';

describe('the HTTP server', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let ready = false;

  const call = (method: Method, url: string, options: { key?: string | null; body?: unknown; type?: string } = {}) =>
    callOf(app, options.key)(method, url, options.body, options.type === undefined ? {} : { 'content-type': options.type });
  const rows = async (url: string): Promise<Record<string, unknown>[]> => {
    const answer = await call('GET', url);
    expect(answer.status, answer.text).toBe(200);
    return answer.body['rows'] as Record<string, unknown>[];
  };

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    app = await serverOn(test.store, await openCatalog(test.store, () => ms('12:00')), {
      status: () => ({
        log: { appended: 2n ** 63n, aggregated: 2n, stored: 1n },
        watermarkMs: ms('12:00'),
        catalog: { recorded: 7n, applied: 7n },
        vms: 2,
        waiting: { vms: 0, minutes: 0, samples: 0 },
        samples: { accepted: 3n, applied: 1n, duplicate: 1n, conflict: 1n, late: 0n, quarantined: 0n, rejected: { bad_ts: 4n } },
      }),
      ready: () => (ready ? { ready } : { ready, detail: 'replaying the log' }),
      plugins: [
        (api) => {
          api.document({
            method: 'POST',
            path: '/v1/echo',
            tag: 'test',
            summary: 'x',
            roles: ['agent'],
            answers: { 202: { description: 'x' } },
            problems: [],
          });
          api.app.post('/v1/echo', { onRequest: api.requireRole('agent') }, (request) => ({ by: keyOf(request).name }));
          api.app.get('/v1/broken', () => {
            throw new Error('a secret of the inside');
          });
        },
      ],
    });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('records a catalog by PUT, and gives it back as it can be put again', async () => {
    const plan = { currency: 'CNY', time_zone: 'UTC', price: { amount: '1.44', per: 'day' } };
    const put = await call('PUT', '/v1/plans/p1', { body: plan });
    expect(put).toMatchObject({
      status: 200,
      body: { ...plan, id: 'p1', creditable: ['provider'], terms: null, traffic: null, recorded_by: 'admin#bootstrap' },
    });
    expect((await call('PUT', '/v1/plans/p1', { body: put.body })).body).toEqual(put.body);
    expect((await call('GET', '/v1/plans/p1')).body).toEqual(put.body);

    await call('PUT', '/v1/accounts/a1', { body: { name: 'Example Ltd', currency: 'CNY', tax_percent: '6', language: 'en' } });
    expect((await call('GET', '/v1/accounts/a1')).body).toMatchObject({ name: 'Example Ltd', tax_percent: '6' });
    const v1 = {
      account: 'a1',
      terms: 'cstserver-2022',
      plans: [{ plan: 'p1', from: '2026-03-01T08:00:00+08:00' }],
      paid_amount: '300.00',
      promotion: false,
      nics: null,
    };
    expect(await call('PUT', '/v1/vms/v1', { body: v1 })).toMatchObject({
      status: 200,
      body: { id: 'v1', plans: [{ plan: 'p1', from: '2026-03-01T00:00:00Z' }], ends_at: null, paid_amount: '300.00' },
    });
    await call('PUT', '/v1/vms/v2', { body: { account: 'a1', ends_at: ms('01:30') } });
    expect((await call('GET', '/v1/vms/v2')).body['ends_at']).toBe('2026-03-01T01:30:00Z');
  });

  it.each([
    ['PUT', '/v1/vms/v3', { account: 'nobody' }, 422, 'invalid_reference', 'account'],
    ['PUT', '/v1/vms/v3', { account: 'a1', plans: [{ plan: 'p9', from: 0 }] }, 422, 'invalid_reference', 'plans.0.plan'],
    [
      'PUT',
      '/v1/plans/p2',
      { currency: 'CNY', time_zone: 'UTC', price: { amount: 1.5, per: 'day' } },
      400,
      'invalid_body',
      'price.amount',
    ],
    ['PUT', '/v1/accounts/a2', { name: 'x', currency: 'CNY', colour: 'red' }, 400, 'invalid_body', 'colour'],
    ['PUT', '/v1/accounts/a2', [], 400, 'invalid_body', ''],
    ['POST', '/v1/keys', { role: 'agent', name: 'h1' }, 400, 'invalid_body', 'vms'],
  ] as const)('%s %s with %j is a %i %s naming %j', async (method, url, body, status, code, field) => {
    const answer = await call(method, url, { body });
    expect(answer).toMatchObject({ status, body: { status, code, errors: [{ field }] } });
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  it('answers uptime at every step, causes with nothing left out', async () => {
    expect(await rows(`/v1/vms/v1/uptime?${DAY}&step=hour`)).toEqual([
      {
        start: '2026-03-01T00:00:00Z',
        up_ms: 3_420_000,
        down_ms: { provider: 150_000 },
        silent_ms: 0,
        unavailable_minutes: 3,
        credit_nanos: 3_000_000,
      },
      {
        start: '2026-03-01T01:00:00Z',
        up_ms: 1_799_999,
        down_ms: {},
        silent_ms: 1_800_001,
        unavailable_minutes: 0,
        credit_nanos: 0,
      },
      {
        start: '2026-03-01T02:00:00Z',
        up_ms: 3_000_000,
        down_ms: { customer: 600_000 },
        silent_ms: 0,
        unavailable_minutes: 0,
        credit_nanos: 0,
      },
    ]);
    expect(await rows(`/v1/vms/v1/uptime?${DAY}&step=day&incidents=raw`)).toHaveLength(1);
    expect(await rows(`/v1/vms/v1/uptime?${DAY}&step=minute`)).toHaveLength(180);
    // March in Taipei begins at 16:00Z the day before; a + may stand as it is.
    expect(
      await rows('/v1/vms/v1/uptime?from=2026-03-01T00:00:00+08:00&to=1774972800000&step=month&tz=Asia/Taipei'),
    ).toHaveLength(1);
  });

  it('writes sums beyond 2^53 and 2^64 as exact integers', async () => {
    const { text } = await call('GET', `/v1/vms/v1/traffic?${DAY}&step=day`);
    expect(text).toContain('"rx_bytes":36893488147419103280,"tx_bytes":2');
    expect((await call('GET', '/v1/status')).text).toContain('"appended":9223372036854775808');
  });

  it('answers traffic by interface and of one', async () => {
    expect((await rows(`/v1/vms/v1/traffic?${DAY}&step=day&by=nic`)).map((row) => row['nic'])).toEqual(['eth0', 'eth1']);
    expect(await rows(`/v1/vms/v1/traffic?${DAY}&step=minute&nic=eth1`)).toHaveLength(1);
  });

  it('answers outages, open ones without an end', async () => {
    expect(await rows(`/v1/vms/v1/outages?${DAY}`)).toEqual([
      { start: '2026-03-01T00:10:00Z', end: '2026-03-01T00:12:30Z', cause: 'provider', duration_ms: 150_000 },
      { start: '2026-03-01T01:00:00Z', end: '2026-03-01T01:30:00.001Z', cause: 'silent', duration_ms: 1_800_001 },
      { start: '2026-03-01T02:50:00Z', end: null, cause: 'customer', duration_ms: null },
    ]);
  });

  it('answers samples and anomalies as evidence', async () => {
    expect((await rows(`/v1/vms/v1/samples?${DAY}`)).map((row) => [row['nic'], row['agent'], row['state']])).toEqual([
      ['eth0', 'h2', 'up'],
      ['eth1', 'h1', 'down'],
      ['eth0', 'h1', 'down'],
    ]);
    expect((await rows(`/v1/anomalies?${DAY}`)).map((row) => row['kind'])).toEqual(['conflict', 'quarantined']);
    expect(await rows(`/v1/anomalies?${DAY}&vm=v2`)).toEqual([]);
  });

  it('sums an account, or lists it by VM', async () => {
    expect((await rows(`/v1/accounts/a1/uptime?${DAY}&step=hour`))[1]).toMatchObject({
      up_ms: 3_599_499,
      down_ms: { provider: 500 },
      unavailable_minutes: 1,
    });
    expect((await rows(`/v1/accounts/a1/uptime?${DAY}&step=day&by=vm`)).map((row) => row['vm'])).toEqual(['v1', 'v2']);
    expect((await rows(`/v1/accounts/a1/traffic?${DAY}&step=day&by=vm`)).map((row) => [row['vm'], row['tx_bytes']])).toEqual([
      ['v1', 2],
      ['v2', 7],
    ]);
    expect((await rows(`/v1/accounts/a1/traffic?${DAY}&step=day`))[0]?.['tx_bytes']).toBe(9);
  });

  it.each([
    `/v1/vms/v1/uptime?${DAY}&step=minute`,
    `/v1/vms/v1/traffic?${DAY}&step=minute&by=nic`,
    `/v1/vms/v1/outages?${DAY}`,
    `/v1/vms/v1/samples?${DAY}`,
    `/v1/anomalies?${DAY}`,
    `/v1/accounts/a1/uptime?${DAY}&step=hour&by=vm`,
    `/v1/accounts/a1/traffic?${DAY}&step=hour&by=vm`,
  ])('%s in pages is the whole', async (url) => {
    const whole = await rows(url);
    const limit = Math.max(1, Math.ceil(whole.length / 4));
    const path = url.split('?')[0] ?? '';
    const paged: unknown[] = [];
    let page = await call('GET', `${url}&limit=${limit}`);
    for (;;) {
      paged.push(...(page.body['rows'] as unknown[]));
      const next = page.body['next'] as string | null;
      if (next === null) break;
      // The cursor alone is the whole question.
      page = await call('GET', `${path}?cursor=${next}&limit=${limit}`);
      expect(page.status, page.text).toBe(200);
    }
    expect(paged).toEqual(whole);
  });

  it.each([
    ['samples', 'vms/{vm}/samples?'],
    ['minutes', 'vms/{vm}/minutes?'],
    ['uptime', 'vms/{vm}/uptime?step=minute&incidents=raw&'],
    ['traffic', 'vms/{vm}/traffic?step=minute&by=nic&'],
    ['outages', 'vms/{vm}/outages?'],
    ['anomalies', 'anomalies?vm={vm}&'],
  ])('%s of several VMs are the rows of each, in pages of any size', async (table, of) => {
    const whole: Record<string, unknown>[] = [];
    for (const vm of ['v1', 'v2'])
      whole.push(...(await rows(`/v1/${of.replace('{vm}', vm)}${DAY}`)).map((row) => ({ vm, ...row })));
    expect(whole.length).toBeGreaterThan(1);
    for (const limit of [1, 2, 3, 50, 10_000].filter((each) => each >= whole.length / 100)) {
      const paged: unknown[] = [];
      for (let next: string | null = `vms=v2,nobody,v1&${DAY}`; next !== null;) {
        const page = await call('GET', `/v1/evidence/${table}?${next}&limit=${limit}`);
        expect(page.status, page.text).toBe(200);
        paged.push(...(page.body['rows'] as unknown[]));
        const cursor = page.body['next'] as string | null;
        next = cursor === null ? null : `cursor=${cursor}`;
      }
      expect(paged).toEqual(whole);
    }
  });

  it.each([
    ['vms', `samples?${DAY}`],
    ['vms', `samples?vms=&${DAY}`],
    ['vms', `samples?vms=v1,,v2&${DAY}`],
    ['vms', `samples?vms=v1,v%2F2&${DAY}`],
    ['vms', `samples?vms=${Array.from({ length: 41 }, (_, i) => `v${i}`).join()}&${DAY}`],
    ['from', 'samples?vms=v1'],
    ['table', `catalog?vms=v1&${DAY}`],
  ])('names the parameter %s in /v1/evidence/%s', async (parameter, query) => {
    expect((await call('GET', `/v1/evidence/${query}`)).body).toMatchObject({
      status: 400,
      code: 'invalid_parameter',
      parameter,
    });
  });

  it('gives the longest names a cursor that it takes back', async () => {
    const vms = ['v1', ...Array.from({ length: 39 }, (_, i) => `${'x'.repeat(62)}${i + 10}`)].join();
    const first = await call('GET', `/v1/evidence/samples?vms=${vms}&${DAY}&limit=1`);
    const second = await call('GET', `/v1/evidence/samples?cursor=${String(first.body['next'])}`);
    expect(second.status, second.text).toBe(200);
  });

  it('takes a cursor with no other question than its own', async () => {
    const first = await call('GET', `/v1/vms/v1/uptime?${DAY}&step=hour&limit=1`);
    const next = String(first.body['next']);
    expect((await call('GET', `/v1/vms/v1/uptime?${DAY}&step=hour&limit=1&cursor=${next}`)).status).toBe(200);
    for (const url of [
      `/v1/vms/v2/uptime?cursor=${next}`,
      `/v1/vms/v1/uptime?step=day&cursor=${next}`,
      `/v1/vms/v1/uptime?cursor=x${next}`,
      '/v1/vms/v1/uptime?cursor=',
    ]) {
      expect((await call('GET', url)).body).toMatchObject({ status: 400, code: 'invalid_cursor', parameter: 'cursor' });
    }
  });

  it.each([
    ['from', `to=2026-03-02T00:00:00Z&step=day`],
    ['to', `from=2026-03-01T00:00:00Z&step=day`],
    ['step', DAY],
    ['step', `${DAY}&step=week`],
    ['from', `from=yesterday&to=2026-03-02T00:00:00Z&step=day`],
    ['from', `from=2026-03-01T00:00:30Z&to=2026-03-02T00:00:00Z&step=minute`],
    ['to', `from=2026-03-01T00:00:00Z&to=2026-03-01T23:00:00Z&step=day`],
    ['from', `${DAY}&step=day&tz=Asia/Taipei`],
    ['from', `${DAY}&step=hour&tz=Asia/Kolkata`],
    ['to', `from=2026-03-02T00:00:00Z&to=2026-03-02T00:00:00Z&step=day`],
    ['tz', `${DAY}&step=day&tz=Mars/Olympus`],
    ['limit', `${DAY}&step=day&limit=10001`],
    ['limit', `${DAY}&step=day&limit=0`],
    ['incidents', `${DAY}&step=day&incidents=some`],
    ['colour', `${DAY}&step=day&colour=red`],
    ['step', `${DAY}&step=day&step=hour`],
  ])('names the parameter %s in ?%s', async (parameter, query) => {
    expect((await call('GET', `/v1/vms/v1/uptime?${query}`)).body).toMatchObject({
      status: 400,
      code: 'invalid_parameter',
      parameter,
    });
  });

  it.each([
    ['GET', `/v1/vms/v9/uptime?${DAY}&step=day`, 404, 'vm_unknown'],
    ['GET', `/v1/vms/v9/outages?${DAY}`, 404, 'vm_unknown'],
    ['GET', '/v1/vms/v9', 404, 'vm_unknown'],
    ['GET', '/v1/plans/p9', 404, 'plan_unknown'],
    ['GET', `/v1/accounts/a9/traffic?${DAY}&step=day`, 404, 'account_unknown'],
    ['DELETE', '/v1/keys/none', 404, 'key_unknown'],
    ['DELETE', '/v1/keys/bootstrap', 409, 'last_admin_key'],
    ['GET', '/v1/nothing', 404, 'not_found'],
    ['DELETE', '/v1/plans/p1', 405, 'method_not_allowed'],
    ['PATCH', '/v1/echo', 405, 'method_not_allowed'],
    ['GET', `/v1/vms/${'x'.repeat(65)}`, 400, 'invalid_parameter'],
    ['GET', `/v1/vms/${'x'.repeat(200)}`, 414, 'uri_too_long'],
    ['GET', '/v1/vms/%ff', 400, 'bad_request'],
    ['GET', '/v1/broken', 500, 'internal'],
  ] as const)('%s %s is %i %s', async (method, url, status, code) => {
    const answer = await call(method, url);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.text).not.toContain('secret of the inside');
    if (status === 405) expect(answer.headers['allow']).toBeDefined();
  });

  it.each([
    ['{"name":', 'application/json', 400, 'bad_request'],
    ['', 'application/json', 400, 'bad_request'],
    ['name: x', 'text/yaml', 415, 'unsupported_media_type'],
    ['x', 'text/plain', 415, 'unsupported_media_type'],
    [`{"name":"${'x'.repeat(1024 * 1024)}"}`, 'application/json', 413, 'body_too_large'],
    ['{"__proto__":{"x":1},"name":"x","currency":"CNY"}', 'application/json', 400, 'bad_request'],
  ])('a body of %.20s as %s is %i %s', async (body, type, status, code) => {
    expect(await call('PUT', '/v1/accounts/a3', { body, type })).toMatchObject({ status, body: { code } });
  });

  it('lets each role do what it may, and strangers nothing', async () => {
    const made = async (body: object) => String((await call('POST', '/v1/keys', { body })).body['key']);
    const agent = await made({ role: 'agent', name: 'h1', vms: ['web-*'] });
    const billing = await made({ role: 'billing', name: 'books' });
    const question = `/v1/vms/v1/uptime?${DAY}&step=day`;
    const account = { body: { name: 'x', currency: 'CNY' } };
    expect(
      await Promise.all([
        call('GET', question, { key: billing }).then((answer) => answer.status),
        call('PUT', '/v1/accounts/a4', { ...account, key: billing }).then((answer) => answer.status),
        call('GET', '/v1/keys', { key: billing }).then((answer) => answer.status),
        call('GET', question, { key: agent }).then((answer) => answer.status),
        call('GET', '/v1/status', { key: agent }).then((answer) => answer.status),
        call('POST', '/v1/echo', { key: agent }).then((answer) => answer.body['by']),
        call('POST', '/v1/echo').then((answer) => answer.status),
      ]),
    ).toEqual([200, 403, 403, 403, 200, 'h1', 403]);
    for (const key of [null, 'wrong', `${agent}x`]) {
      const answer = await call('GET', question, { key });
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(answer.headers['www-authenticate']).toContain('Bearer');
    }
    // A stranger is not told what his body lacks: it is not even read.
    expect((await call('PUT', '/v1/accounts/a4', { body: '{', key: null })).status).toBe(401);
  });

  it('shows a key once, and revokes it', async () => {
    const made = await call('POST', '/v1/keys', { body: { role: 'agent', name: 'h2', vms: ['*'] } });
    expect(made).toMatchObject({ status: 201, body: { role: 'agent', name: 'h2', vms: ['*'], created_by: 'admin#bootstrap' } });
    const key = String(made.body['key']);
    const list = await call('GET', '/v1/keys');
    expect(list.text).not.toContain(key);
    expect(list.text).not.toContain('digest');
    expect(list.text).toContain(String(made.body['id']));
    expect((await call('DELETE', `/v1/keys/${String(made.body['id'])}`)).status).toBe(204);
    expect((await call('GET', '/v1/status', { key })).status).toBe(401);
  });

  it('tells its status, life and readiness', async () => {
    expect((await call('GET', '/v1/status')).body).toMatchObject({
      watermark: '2026-03-01T12:00:00Z',
      vms: 2,
      samples: { rejected: { bad_ts: 4 } },
    });
    expect((await call('GET', '/livez', { key: null })).status).toBe(200);
    expect(await call('GET', '/readyz', { key: null })).toMatchObject({
      status: 503,
      body: { code: 'not_ready', detail: 'replaying the log' },
    });
    ready = true;
    expect((await call('GET', '/readyz', { key: null })).status).toBe(200);
    const metrics = await call('GET', '/metrics', { key: null });
    expect(metrics.text).toContain('uptally_http_request_seconds_count{method="GET",route="/v1/vms/:vm/uptime",status="200"}');
  });

  it('lists the VMs, and gives minute rows as they are stored, in pages', async () => {
    const vms = await rows('/v1/vms');
    expect(vms.map((row) => row['vm'])).toEqual(vms.map((row) => row['vm']).sort());
    expect(vms.find((row) => row['vm'] === 'v1')).toMatchObject({ first_sample: '2026-03-01T00:00:30Z' });
    const first = await call('GET', '/v1/vms?limit=1');
    const second = await call('GET', `/v1/vms?limit=1&cursor=${String(first.body['next'])}`);
    expect([first.body['rows'], second.body['rows']].flat()).toEqual(vms.slice(0, 2));

    const minutes = await rows(`/v1/vms/v1/minutes?${DAY}`);
    expect(minutes.length).toBeGreaterThan(1);
    const page = await call('GET', `/v1/vms/v1/minutes?${DAY}&limit=1`);
    expect(page.body['rows']).toEqual(minutes.slice(0, 1));
    expect(await rows(`/v1/vms/v1/minutes?cursor=${String(page.body['next'])}`)).toEqual(minutes.slice(1));
    expect((await call('GET', `/v1/vms/nobody/minutes?${DAY}`)).status).toBe(404);
  });

  it('describes every call in OpenAPI 3.1, from the schemas that check it', async () => {
    const { body, text } = await call('GET', '/openapi.json', { key: null });
    expect(body['openapi']).toBe('3.1.0');
    const paths = body['paths'] as Record<
      string,
      Record<string, { parameters: { name: string }[]; responses: object; requestBody?: object }>
    >;
    expect(Object.keys(paths).sort()).toEqual([
      '/livez',
      '/metrics',
      '/readyz',
      '/v1/accounts',
      '/v1/accounts/{account}/balance',
      '/v1/accounts/{account}/charges',
      '/v1/accounts/{account}/charges/{id}',
      '/v1/accounts/{account}/ledger',
      '/v1/accounts/{account}/payments',
      '/v1/accounts/{account}/payouts',
      '/v1/accounts/{account}/portal-links',
      '/v1/accounts/{account}/portal-links/{id}',
      '/v1/accounts/{account}/standing',
      '/v1/accounts/{account}/statement',
      '/v1/accounts/{account}/traffic',
      '/v1/accounts/{account}/uptime',
      '/v1/accounts/{id}',
      '/v1/accounts/{id}/history',
      '/v1/anomalies',
      '/v1/audit',
      '/v1/charge-days',
      '/v1/debits',
      '/v1/debits/{id}',
      '/v1/deliveries',
      '/v1/echo',
      '/v1/events',
      '/v1/evidence/anchors',
      '/v1/evidence/books',
      '/v1/evidence/{table}',
      '/v1/evidence/{table}/columns',
      '/v1/findings',
      '/v1/incidents',
      '/v1/incidents/{id}',
      '/v1/invoice-runs',
      '/v1/invoices',
      '/v1/invoices/{id}',
      '/v1/invoices/{id}/credit-notes',
      '/v1/invoices/{id}/finalize',
      '/v1/invoices/{id}/payments',
      '/v1/invoices/{id}/void',
      '/v1/keys',
      '/v1/keys/{id}',
      '/v1/keys/{id}/rotate',
      '/v1/names',
      '/v1/names/forget',
      '/v1/names/forgotten',
      '/v1/notices',
      '/v1/notices/{id}',
      '/v1/outages',
      '/v1/plans',
      '/v1/plans/{id}',
      '/v1/plans/{id}/history',
      '/v1/price-list',
      '/v1/reconcile',
      '/v1/refund-checks',
      '/v1/refund-checks/{id}',
      '/v1/refund-checks/{id}/grant',
      '/v1/scheduler/jobs',
      '/v1/scheduler/jobs/{job}/run',
      '/v1/scheduler/runs',
      '/v1/session',
      '/v1/silences',
      '/v1/silences/{id}',
      '/v1/silences/{id}/decision',
      '/v1/silences/{id}/decision/{decision}',
      '/v1/source-presets',
      '/v1/sources',
      '/v1/sources/{id}',
      '/v1/sources/{id}/series',
      '/v1/status',
      '/v1/subscriptions',
      '/v1/subscriptions/{id}',
      '/v1/subscriptions/{id}/test',
      '/v1/terms',
      '/v1/terms/backtests',
      '/v1/terms/{id}',
      '/v1/vms',
      '/v1/vms/{id}',
      '/v1/vms/{id}/history',
      '/v1/vms/{vm}/events',
      '/v1/vms/{vm}/events/{event}',
      '/v1/vms/{vm}/minutes',
      '/v1/vms/{vm}/outages',
      '/v1/vms/{vm}/rows',
      '/v1/vms/{vm}/samples',
      '/v1/vms/{vm}/traffic',
      '/v1/vms/{vm}/uptime',
      '/v1/webhooks',
      '/v1/webhooks/{id}',
      '/v1/webhooks/{id}/replay',
      '/v1/webhooks/{id}/rotate',
      '/v1/webhooks/{id}/test',
    ]);
    expect(paths['/v1/vms/{vm}/uptime']?.['get']?.parameters.map((each) => each.name)).toEqual([
      'vm',
      'from',
      'to',
      'limit',
      'cursor',
      'step',
      'tz',
      'incidents',
    ]);
    expect(Object.keys(paths['/v1/vms/{id}']?.['put']?.responses ?? {})).toEqual([
      '200',
      '400',
      '401',
      '403',
      '409',
      '412',
      '413',
      '415',
      '422',
      '429',
      '503',
    ]);
    expect(JSON.stringify(paths['/v1/plans/{id}']?.['put']?.requestBody)).toContain('"time_zone"');
    expect(text).not.toContain('9007199254740991,"description":"Sum');
  });

  it('shows the documentation without another server', async () => {
    const page = await call('GET', '/docs/', { key: null });
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/(src|href)="https?:/);
    const script = /src="([^"]*swagger-ui-bundle[^"]*)"/.exec(page.text)?.[1] ?? '';
    expect((await call('GET', new URL(script, 'http://x/docs/').pathname, { key: null })).status).toBe(200);
    expect((await call('GET', '/problems', { key: null })).text).toContain('id="vm_unknown"');
  });
});
