import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { insertOutage, insertSample, insertUptime, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const DAY = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';
const iso = (time: string) => new Date(ms(time)).toISOString().replace('.000Z', 'Z');

/** h1 has v1 to v3, which fall silent at 01:00, 01:00:30 and 01:01:30; h2 has v4, silent at 01:00 too; v1 is the provider's before and the customer's after it. */
describe('silences over HTTP', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let watermark = ms('05:00');
  let env: Record<string, string>;
  const call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => callOf(app)(method, path, body);
  const rows = async (query = DAY) => (await call('GET', `/v1/silences?${query}`)).body['rows'] as Record<string, unknown>[];
  const idOf = async (agent: string) => String((await rows(`${DAY}&agent=${agent}`))[0]?.['id']);
  const down = async (vm: string) => {
    const answer = await call('GET', `/v1/vms/${vm}/uptime?from=2026-03-01T00:00:00Z&to=2026-03-01T05:00:00Z&step=hour`);
    return (answer.body['rows'] as { down_ms: object; silent_ms: number }[]).map((row) => ({
      ...row.down_ms,
      silent: row.silent_ms,
    }));
  };

  beforeAll(async () => {
    test = await openTestStore();
    for (const [vm, agent] of [
      ['v1', 'h1'],
      ['v2', 'h1'],
      ['v3', 'h1'],
      ['v4', 'h2'],
    ] as const) {
      await insertUptime(test.store, vm, '00:00', 60_000, 1);
      await insertSample(test.store, { vm, nic: '', ts: '00:58:30', pos: 1, condition: 0, agent });
    }
    const silent = (vm: string, start: string, end: string | null, version = 1) =>
      insertOutage(test.store, { vm, start, end, condition: 8, version });
    await insertOutage(test.store, { vm: 'v1', start: '00:50', end: '01:00', condition: 1, version: 1 });
    await silent('v1', '01:00', '02:00');
    await insertOutage(test.store, { vm: 'v1', start: '02:00', end: '02:10', condition: 6, version: 1 });
    await silent('v2', '01:00:30', '03:00');
    await silent('v3', '01:01:30', null);
    await silent('v4', '01:00', '01:30');
    app = await serverOn(test.store, await openCatalog(test.store, () => ms('12:00')), { watermarkMs: () => watermark });
    await app.listen({ host: '127.0.0.1', port: 0 });
    env = { UPTALLY_SERVER: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, UPTALLY_KEY: ADMIN };
    await callOf(app)('PUT', '/v1/accounts/a1', { name: 'A', currency: 'CNY' });
    await callOf(app)('PUT', '/v1/accounts/a2', { name: 'B', currency: 'CNY' });
    await callOf(app)('PUT', '/v1/vms/v1', { account: 'a1' });
    await callOf(app)('PUT', '/v1/vms/v2', { account: 'a2' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  const MINUTE = 60_000;

  it('are grouped by agent, page by page, and chosen by agent, account and state', async () => {
    const all = await rows();
    // of v3 3 h 58 min 30 s are known
    const silentMs = 60 * MINUTE + 119.5 * MINUTE + 238.5 * MINUTE;
    expect(
      all
        .map((row): Record<string, unknown> => ({ ...row, id: '-' }))
        .toSorted((a, b) => (String(a['agent']) < String(b['agent']) ? -1 : 1)),
    ).toEqual([
      {
        id: '-',
        agent: 'h1',
        ...{ host: null, hosts: [] },
        from: iso('01:00'),
        to: null,
        vms: 3,
        state: 'open',
        accounts: ['a1', 'a2'],
        silent_ms: silentMs,
        open_ms: silentMs,
      },
      {
        id: '-',
        agent: 'h2',
        ...{ host: null, hosts: [] },
        from: iso('01:00'),
        to: iso('01:30'),
        vms: 1,
        state: 'open',
        accounts: [],
        silent_ms: 30 * MINUTE,
        open_ms: 30 * MINUTE,
      },
    ]);
    const first = await call('GET', `/v1/silences?${DAY}&limit=1`);
    const second = await call('GET', `/v1/silences?cursor=${String(first.body['next'])}`);
    expect([...(first.body['rows'] as object[]), ...(second.body['rows'] as object[])]).toEqual(all);
    expect(second.body['next']).toBeNull();
    expect((await rows(`${DAY}&account=a2`)).map((row) => row['agent'])).toEqual(['h1']);
    expect(await rows(`${DAY}&state=decided`)).toEqual([]);
    expect(await rows('from=2026-03-01T00:00:00Z&to=2026-03-01T01:00:00Z')).toEqual([]);
    expect(await call('GET', `/v1/silences?${DAY}&account=nobody`)).toMatchObject({ status: 404 });
    expect(await call('GET', '/v1/silences/nonsense')).toMatchObject({ status: 404, body: { code: 'silence_unknown' } });
  });

  it('are decided for the silent time of each VM and no other time of theirs; what goes on afterwards is open', async () => {
    const id = await idOf('h1');
    const decide = (body: object, query = '') => call('POST', `/v1/silences/${id}/decision${query}`, body);
    expect(await decide({ decision: 'provider', note: '' })).toMatchObject({ status: 400 });
    expect(await decide({ decision: 'provider', note: 'x', vms: ['v4'] })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'vms' }] },
    });
    const dry = await decide({ decision: 'third_party', note: 'switch' }, '?dry_run=true');
    const times = {
      v1: [{ from: iso('01:00'), to: iso('02:00') }],
      v2: [{ from: iso('01:00:30'), to: iso('03:00') }],
      v3: [{ from: iso('01:01:30'), to: iso('05:00') }],
    };
    expect(dry).toMatchObject({ status: 200, body: { dry_run: true, silence: id, times, final_invoices: [] } });
    expect(await down('v1')).toEqual([{ provider: 10 * MINUTE, silent: 0 }, { silent: 60 * MINUTE }, { customer: 10 * MINUTE, silent: 0 }, { silent: 0 }, { silent: 0 }]); // prettier-ignore

    const done = await decide({ decision: 'third_party', note: 'switch' });
    expect(done).toMatchObject({ status: 201, body: { dry_run: false, times, minutes: dry.body['minutes'] } });
    // neither its outage before nor the one after is touched, though the incident's hull covers both
    expect(await down('v1')).toEqual([{ provider: 10 * MINUTE, silent: 0 }, { third_party: 60 * MINUTE, silent: 0 }, { customer: 10 * MINUTE, silent: 0 }, { silent: 0 }, { silent: 0 }]); // prettier-ignore
    expect(await rows(`${DAY}&state=decided`)).toMatchObject([{ id, open_ms: 0, state: 'decided' }]);
    const { incidents } = (await call('GET', '/v1/incidents')).body as { incidents: object[] };
    expect(incidents).toMatchObject([
      { id: done.body['id'], silence: id, cause: 'third_party', note: 'switch', scope: { vms: ['v1', 'v2', 'v3'] } },
    ]);
    expect(await decide({ decision: 'provider', note: 'no' })).toMatchObject({ status: 409, body: { code: 'silence_decided' } });

    // v3 is silent for another hour: that is open
    watermark = ms('06:00');
    expect(await rows(`${DAY}&agent=h1`)).toMatchObject([{ state: 'open', open_ms: 60 * MINUTE }]);
    const later = await decide({ decision: 'ignored', note: 'guest was deleted' });
    expect(later).toMatchObject({ status: 201, body: { times: { v3: [{ from: iso('05:00'), to: iso('06:00') }] }, minutes: 0 } });
    expect(await rows(`${DAY}&agent=h1`)).toMatchObject([{ state: 'decided', open_ms: 0 }]);

    // a late sample closes the silence of v1 at 01:20 and shows another from 01:30 on: what was decided there counts for it
    await insertOutage(test.store, { vm: 'v1', start: '01:00', end: '01:20', condition: 8, version: 2 });
    await insertOutage(test.store, { vm: 'v1', start: '01:30', end: '02:00', condition: 8, version: 2 });
    // and one moves the begin of v2's forward in time: half a minute of it nobody has decided on
    await insertOutage(test.store, { vm: 'v2', start: '01:00:30', end: '03:00', condition: 8, withdrawn: true, version: 2 });
    await insertOutage(test.store, { vm: 'v2', start: '01:00:05', end: '03:00', condition: 8, version: 2 });
    expect(await rows(`${DAY}&agent=h1`)).toMatchObject([{ id, vms: 3, state: 'open', open_ms: 25_000 }, { vms: 1, state: 'decided', from: iso('01:30') }]); // prettier-ignore
    expect((await call('GET', `/v1/silences/${id}`)).body).toMatchObject({
      silences: [{ vm: 'v1', open: [] }, { vm: 'v2', open: [{ from: iso('01:00:05'), to: iso('01:00:30') }] }, { vm: 'v3', account: null, end: null, open: [] }], // prettier-ignore
      decisions: [
        { id: done.body['id'], decision: 'third_party', vms: 3, by: 'admin#bootstrap', withdrawn_at: null },
        { id: later.body['id'], decision: 'ignored', note: 'guest was deleted', vms: 1 },
      ],
    });

    // withdrawn, all of it is open again, and stays on record; what is on record is what is read again
    for (const each of [done, later, later])
      expect((await call('DELETE', `/v1/silences/${id}/decision/${String(each.body['id'])}`)).status).toBe(204);
    expect(await call('DELETE', `/v1/silences/${id}/decision/none`)).toMatchObject({ status: 404 });
    const again = await serverOn(test.store, await openCatalog(test.store, () => ms('12:00')), { watermarkMs: () => watermark });
    const seen = (await callOf(again)('GET', `/v1/silences/${id}`)).body;
    expect(seen).toMatchObject({
      state: 'open',
      decisions: [{ withdrawn_by: 'admin#bootstrap' }, { withdrawn_by: 'admin#bootstrap' }],
    });
    expect(seen['open_ms']).toBe(seen['silent_ms']);
    await again.close();
  });

  it('are worked off from the command line', async () => {
    const cli = async (...args: string[]) => {
      const { code, out, err } = await runCli(['silences', ...args], { env });
      expect([code, err]).toEqual([0, expect.any(String)]);
      return out;
    };
    const id = await idOf('h2');
    const range = ['--from', '2026-03-01T00:00:00Z', '--to', '2026-03-02T00:00:00Z'];
    expect(await cli('list', ...range, '--agent', 'h2')).toBe(
      `id                     agent  from                  to                    VMs  undecided  state  accounts\n${id}  h2     2026-03-01T01:00:00Z  2026-03-01T01:30:00Z    1  30 min     open\n\n1 silences, 1 open: 30 min of VM time that nobody has decided on\n`,
    );
    expect(await cli('decide', id, '--as', 'provider', '--note', 'psu', '--dry-run')).toMatch(
      /v4 .*\n1 VMs, 30 minutes restated\ndry run: nothing is recorded\n$/,
    );
    expect(await cli('decide', id, '--as', 'ignored', '--note', 'agent upgrade')).toMatch(/decided as ignored: [0-9a-f]+\n$/);
    expect(await cli('show', id)).toMatch(/h2 spoke for 1 VMs; decided\n(.*\n)+.* ignored .* agent upgrade\n$/);
    expect(await cli('list', ...range, '--state', 'open', '--agent', 'h2')).toBe('no silence\n');
    const { decisions } = JSON.parse(await cli('show', id, '--json')) as { decisions: { id: string }[] };
    await cli('withdraw', id, decisions[0]?.id ?? '');
    expect(await cli('list', ...range, '--state', 'open', '--agent', 'h2', '--json')).toContain(`"id":"${id}"`);
    expect(await runCli(['silences', 'decide', id, '--as', 'silent', '--note', 'x'], { env })).toMatchObject({ code: 2 });
  });
});
