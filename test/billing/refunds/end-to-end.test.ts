/** From samples of agents to refund decisions, through the server as users run it; the numbers are worked out by hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../support/fake-cli.ts';
import { ADMIN_KEY, startServer, type TestServer, untilStored } from '../../support/server.ts';

const MIN = 60_000;
const H = 60 * MIN;
const DAY = 24 * H;
/** 2026-03-01 00:00 in Taipei; 31 days are paid with 300.00. */
const PAID = Date.parse('2026-03-01T00:00:00+08:00');
const UNTIL = PAID + 31 * DAY;
const GB10 = 10_000_000_000n;

interface Decision {
  decision: string;
  ground: string | null;
  amount: string | null;
  evidence: { samples: number; traffic_bytes: number | null; outages: { cause: string; duration_ms: number }[] };
}

describe('samples in, refund decisions out', () => {
  let dir: string;
  let server: TestServer;
  const put = (path: string, body: object) => server.ask(path, { method: 'PUT', body: JSON.stringify(body), headers: JSON_TYPE });
  const post = <T>(path: string, body: object): Promise<T> =>
    server.ask<T>(path, { method: 'POST', body: JSON.stringify(body), headers: JSON_TYPE });
  const check = (vm: string, atMs: number) => post<Decision>('/v1/refund-checks', { vm, at: new Date(atMs).toISOString() });
  const JSON_TYPE = { 'content-type': 'application/json' };

  /** A sample a minute over [from, to], the last one at `to`; down with a cause within [downFrom, downTo). */
  const lines = (vm: string, from: number, to: number, downFrom = 0, downTo = 0): string[] => {
    const instants = new Set([downFrom, downTo, to].filter((ms) => ms >= from && ms <= to));
    for (let ms = from; ms < to; ms += MIN) instants.add(ms);
    return [...instants].map((ts) =>
      JSON.stringify({ vm, ts, ...(ts >= downFrom && ts < downTo ? { state: 'down', cause: 'provider' } : {}) }),
    );
  };
  const counters = (vm: string, tx: bigint): string[] => [
    `{"vm":"${vm}","ts":${PAID},"rx_bytes":0,"tx_bytes":0}`,
    `{"vm":"${vm}","ts":${PAID + H},"rx_bytes":4000000000,"tx_bytes":${(tx - 4_000_000_000n).toString()}}`,
  ];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'uptally-refunds-'));
    server = await startServer({ dir, env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' } });
    await put('/v1/plans/p1', { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '310.00', per: 'month' } });
    await put('/v1/accounts/a1', { name: 'A', currency: 'CNY' });
    for (const [vm, terms] of [
      ['day-and-hour', 'ipcats'],
      ['day-less-1ms', 'ipcats'],
      ['day-plus-1ms', 'ipcats'],
      ['thirty-seconds', 'cmivps-2019'],
      ['ten-gb', 'cstserver-2022'],
      ['ten-gb-less-1', 'cstserver-2022'],
      ['ten-gb-plus-1', 'cstserver-2022'],
      ['credit-only', 'internet-service'],
      ['tiers-only', 'cloud-server-zh'],
    ] as const) {
      await put(`/v1/vms/${vm}`, {
        account: 'a1',
        terms,
        plans: [{ plan: 'p1', from: PAID }],
        starts_at: PAID,
        paid_at: PAID,
        paid_until: UNTIL,
        paid_amount: '300.00',
      });
    }
    const down = (vm: string, ms: number) => lines(vm, PAID, PAID + 2 * H + ms + 5 * MIN, PAID + 2 * H, PAID + 2 * H + ms);
    const all = [
      ...down('day-and-hour', 25 * H),
      ...down('day-less-1ms', DAY - 1),
      ...down('day-plus-1ms', DAY + 1),
      ...down('credit-only', 25 * H),
      ...down('tiers-only', 25 * H),
      ...lines('thirty-seconds', PAID, PAID + 13 * H, PAID + H, PAID + H + 30_000),
      ...counters('ten-gb', GB10),
      ...counters('ten-gb-less-1', GB10 - 1n),
      ...counters('ten-gb-plus-1', GB10 + 1n),
    ];
    const receipt = await server.ask<{ accepted: number; rejected: number }>('/v1/samples', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: all.join('\n'),
    });
    expect(receipt).toMatchObject({ accepted: all.length, rejected: 0 });
    await untilStored(server);
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  it('ipcats: more than 24 hours give the worth of the time left, a millisecond less gives nothing', async () => {
    // 15 and a half of 31 days are left.
    const at = PAID + 15.5 * DAY;
    expect(await check('day-and-hour', at)).toMatchObject({
      decision: 'eligible',
      ground: 'failure-24h',
      amount: '150.00',
      evidence: { samples: 27 * 60 + 6, outages: [{ cause: 'provider', duration_ms: 25 * H }] },
    });
    expect(await check('day-less-1ms', PAID + 30 * H)).toMatchObject({
      decision: 'not_eligible',
      evidence: { outages: [{ duration_ms: DAY - 1 }, {}] },
    });
    // Silent ever since: were that the provider's, it would be more than 24 hours.
    expect(await check('day-less-1ms', at)).toMatchObject({ decision: 'needs_review', amount: null });
    expect(await check('day-plus-1ms', at)).toMatchObject({
      decision: 'eligible',
      evidence: { outages: [{ duration_ms: DAY + 1 }, {}] },
    });
  });

  it('ipcats: force majeure turns it off, until the incident is withdrawn', async () => {
    const { id } = await post<{ id: string }>('/v1/incidents', {
      scope: { vms: ['day-and-hour'] },
      from: PAID,
      to: PAID + 2 * DAY,
      cause: 'force_majeure',
      note: 'typhoon',
    });
    expect(await check('day-and-hour', PAID + 15.5 * DAY)).toMatchObject({ decision: 'not_eligible', amount: null });
    await server.call(`/v1/incidents/${id}`, { method: 'DELETE' });
    expect(await check('day-and-hour', PAID + 15.5 * DAY)).toMatchObject({ decision: 'eligible' });
  });

  it('cmivps-2019: thirty seconds are enough in the first 12 hours, a minute later they are not', async () => {
    expect(await check('thirty-seconds', PAID + 12 * H - MIN)).toMatchObject({
      decision: 'eligible',
      ground: 'failure-12h',
      amount: '300.00',
    });
    expect(await check('thirty-seconds', PAID + 12 * H + MIN)).toMatchObject({ decision: 'not_eligible' });
  });

  it('cstserver-2022: to the byte', async () => {
    const at = PAID + 2 * H;
    expect(await check('ten-gb', at)).toMatchObject({
      decision: 'eligible',
      amount: '300.00',
      evidence: { traffic_bytes: 10_000_000_000 },
    });
    expect(await check('ten-gb-less-1', at)).toMatchObject({ decision: 'eligible', evidence: { traffic_bytes: 9_999_999_999 } });
    expect(await check('ten-gb-plus-1', at)).toMatchObject({
      decision: 'not_eligible',
      evidence: { traffic_bytes: 10_000_000_001 },
    });
  });

  it('internet-service and cloud-server-zh give credit, and no refund', async () => {
    for (const vm of ['credit-only', 'tiers-only']) {
      expect(await check(vm, PAID + 15.5 * DAY)).toMatchObject({
        decision: 'not_eligible',
        evidence: { outages: [{ cause: 'provider', duration_ms: 25 * H }] },
      });
    }
  });

  describe('uptally refund-check', () => {
    const cli = (...args: string[]) =>
      runCli(['refund-check', ...args], { env: { UPTALLY_SERVER: server.url, UPTALLY_KEY: ADMIN_KEY } });
    const AT = ['--at', new Date(PAID + 15.5 * DAY).toISOString()] as const;

    it('prints the decision, every rule with what was measured, its clauses and the evidence', async () => {
      const { code, out, err } = await cli('day-and-hour', ...AT);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^day-and-hour at 2026-03-16T04:00:00Z, terms ipcats version 1\neligible: 150\.00 CNY, to balance; /);
      expect(out).toMatch(/^ground +failure-24h +pass +/m);
      expect(out).toMatch(/^bar +\S+ +pass +/m);
      expect(out).toMatch(new RegExp(`^evidence: .*: ${27 * 60 + 6} samples, 1 outage, `, 'm'));
      expect(out).toMatch(/\nkept as [0-9a-f]+\n$/);
    });

    it('shows one made before as it was, and the same as JSON', async () => {
      const made = await cli('ten-gb', '--at', new Date(PAID + 2 * H).toISOString());
      const id = /kept as ([0-9a-f]+)\n$/.exec(made.out)?.[1] ?? '';
      expect((await cli('--show', id)).out).toBe(made.out);
      const shown = await cli('--show', id, '--json');
      expect(JSON.parse(shown.out)).toMatchObject({ id, vm: 'ten-gb', decision: 'eligible', evidence: { traffic_bytes: 1e10 } });
    });

    it('says what other terms would give, known to the server or from a file', async () => {
      expect((await cli('ten-gb-plus-1', ...AT)).out).toContain('not_eligible: ');
      const other = await cli('day-and-hour', ...AT, '--terms', 'cstserver-2022');
      expect(other).toMatchObject({ code: 0, out: expect.stringMatching(/terms cstserver-2022 version 1, what if\nnot_eligible: /) as unknown }); // prettier-ignore
      const file = fileURLToPath(new URL('../../../schemas/terms/cmivps-2019.json', import.meta.url));
      const mine = await cli('thirty-seconds', '--at', new Date(PAID + 2 * H).toISOString(), '--terms-file', file);
      expect(mine.out).toMatch(/terms cmivps-2019 version 1, what if\neligible: 300\.00 CNY, to balance; /);
    });

    it.each<[string[], number, RegExp]>([
      [['nobody'], 1, /404 vm_unknown/],
      [['--show', 'ffff'], 1, /404 refund_check_unknown/],
      [['ten-gb', '--terms', 'nobody'], 1, /terms/],
      [['ten-gb', '--at', 'yesterday'], 1, /at/],
      [[], 2, /which VM\?/],
      [['ten-gb', '--show', 'ffff'], 2, /--show stands alone/],
      [['ten-gb', '--terms', 'ipcats', '--terms-file', 'x.json'], 2, /not both/],
      [['ten-gb', '--terms-file', fileURLToPath(import.meta.url)], 2, /is no JSON/],
    ])('%j ends in %i', async (args, code, message) => {
      expect(await cli(...args)).toMatchObject({ code, out: '', err: expect.stringMatching(message) as unknown });
    });
  });
});
