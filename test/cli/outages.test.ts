import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { durationText } from '../../src/cli/terminal/duration.ts';
import { ADMIN, callOf, openCatalog, serverOn } from '../support/api.ts';
import { type CliRun, runCli } from '../support/fake-cli.ts';
import { insertFleet, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const DAY = ['--from', '2026-03-01T00:00:00Z', '--to', '2026-03-02T00:00:00Z'] as const;
const QUERY = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';

describe('outages of the fleet, by HTTP and from the command line', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let env: Record<string, string>;
  const cli = (...args: string[]): Promise<CliRun> => runCli(['outages', ...DAY, ...args], { env });
  const call = (query: string) => callOf(app)('GET', `/v1/outages?${query}`);

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    app = await serverOn(test.store, await openCatalog(test.store, () => ms('12:00')), { watermarkMs: () => ms('03:00') });
    await app.listen({ host: '127.0.0.1', port: 0 });
    env = { UPTALLY_SERVER: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, UPTALLY_KEY: ADMIN };
    await callOf(app)('PUT', '/v1/accounts/a1', { name: 'A', currency: 'CNY' });
    await callOf(app)('PUT', '/v1/vms/v2', { account: 'a1', ends_at: ms('01:30') });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('are rows with their VM and account, page by page', async () => {
    const silent = { vm: 'v1', account: null, start: '2026-03-01T01:00:00Z', end: '2026-03-01T01:30:00.001Z', cause: 'silent', duration_ms: 1_800_001 }; // prettier-ignore
    const open = { vm: 'v1', account: null, start: '2026-03-01T02:50:00Z', end: null, cause: 'customer', duration_ms: null };
    const cut = { vm: 'v2', account: 'a1', start: '2026-03-01T01:29:59.500Z', end: '2026-03-01T01:30:00Z', cause: 'provider', duration_ms: 500 }; // prettier-ignore
    expect((await call(`${QUERY}&cause=silent`)).body).toEqual({ rows: [silent], next: null });
    const first = await call(`${QUERY}&cause=silent,customer&limit=1`);
    expect(first.body['rows']).toEqual([silent]);
    expect((await call(`cursor=${String(first.body['next'])}`)).body).toEqual({ rows: [open], next: null });
    expect((await call(`${QUERY}&account=a1`)).body).toEqual({ rows: [cut], next: null });
    expect((await call(`${QUERY}&account=a1&with=agent`)).body['rows']).toEqual([{ ...cut, agent: null }]);
    expect((await call(`${QUERY}&agent=h1`)).body['rows']).toMatchObject([{ start: '2026-03-01T00:10:00Z', agent: 'h1' }, { start: '2026-03-01T01:00:00Z', agent: 'h1' }, open]); // prettier-ignore
  });

  it('is refused where something is not known', async () => {
    expect(await call(`${QUERY}&cause=up`)).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    expect(await call(`${QUERY}&account=nobody`)).toMatchObject({ status: 404, body: { code: 'account_unknown' } });
    expect(await call('from=2026-03-01T00:00:00Z')).toMatchObject({ status: 400, body: { errors: [{ field: 'to' }] } });
  });

  it('are a table with totals by cause', async () => {
    const { code, out } = await cli();
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
      'VM  account  start                     end                       cause     lasted',
      'v1  -        2026-03-01T00:10:00Z      2026-03-01T00:12:30Z      provider  2 min 30 s',
      'v1  -        2026-03-01T01:00:00Z      2026-03-01T01:30:00.001Z  silent    30 min 0.001 s',
      'v1  -        2026-03-01T02:50:00Z      open                      customer  -',
      'v2  a1       2026-03-01T01:29:59.500Z  2026-03-01T01:30:00Z      provider  0.5 s',
      '',
      'cause     outages  VMs  open  lasted, of those that ended',
      'customer        1    1     1  0 s',
      'provider        2    2     0  2 min 30.5 s',
      'silent          1    1     0  30 min 0.001 s',
      '',
    ]);
    expect((await cli('--cause', 'silent', '--cause', 'attack', '--json')).out).toMatch(
      /^\{.*"cause":"silent".*"vm":"v1".*\}\n$/,
    );
    expect((await cli('--cause', 'attack')).out).toBe('no outage\n');
  });
});

it('a time is told in days, hours, minutes and seconds', () => {
  expect([0, 108_000_000, 86_400_000, 61_001].map(durationText)).toEqual(['0 s', '1 d 6 h', '1 d', '1 min 1.001 s']);
});
