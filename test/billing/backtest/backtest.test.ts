import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import { conditionCode } from '../../../src/domain/condition.ts';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../../support/api.ts';
import { runCli } from '../../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

/** A changed sheet over a past March, the differences worked out by hand; nothing changes by asking. */
interface Sheet {
  id: string;
  clauses: Record<string, unknown>;
  excluded: { causes: string[] }[];
  credit: Record<string, unknown>;
  refund: { bars: { id: string; when: Record<string, unknown>[] }[] };
}
const shipped = (id: string): Sheet =>
  JSON.parse(readFileSync(new URL(`../../../schemas/terms/${id}.json`, import.meta.url), 'utf8')) as Sheet;

/** internet-service, but twice the worth of the time, and maintenance counts too. */
function generous(more: object = {}): Sheet {
  const sheet = shipped('internet-service');
  const clauses = Object.fromEntries(Object.entries(sheet.clauses).filter(([id]) => id !== 'maintenance'));
  const excluded = sheet.excluded.filter((rule) => !rule.causes.includes('maintenance'));
  const credit = { ...sheet.credit, multiplier: '2', creditable: ['provider', 'maintenance'], ...more };
  return { ...sheet, clauses, excluded, credit };
}

/** cstserver-2022 with 20 GB in place of 10. */
function roomier(): Sheet {
  const sheet = shipped('cstserver-2022');
  const bars = sheet.refund.bars.map((bar) =>
    bar.id === 'traffic-10g' ? { ...bar, when: bar.when.map((each) => ({ ...each, more_than: '20GB' })) } : bar,
  );
  return { ...sheet, refund: { ...sheet.refund, bars } };
}

describe('a backtest', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  let folder: string;
  let nowMs = Date.parse('2026-03-02T12:00:00Z');
  const done = doneOf(() => app);
  const ask = (sheet: object, more: object = {}) => callOf(app)('POST', '/v1/terms/backtests', { sheet, from: '2026-03', to: '2026-04', ...more }); // prettier-ignore
  const seconds = (text: string): number => Date.parse(text) / 1000;
  const metered = async (vm: string, from: string, to: string): Promise<void> => {
    for (const at of [seconds(from), seconds(to) - 60])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', toDateTime(${at}, 'UTC'), 60000, 1)`);
  }; // prettier-ignore
  const down = async (vm: string, from: string, minutes: number, cause: 'provider' | 'maintenance'): Promise<void> => {
    const at = `fromUnixTimestamp64Milli(toInt64(${seconds(from) * 1000}))`;
    await test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', ${at}, ${at} + INTERVAL ${minutes} MINUTE, ${conditionCode(cause)}, 0, 1)`,
    );
  };
  /** Everything there is, as it is. */
  const everything = async (): Promise<unknown> => {
    const tables = ['catalog', 'uptime', 'traffic', 'outages', 'samples', 'anomalies'];
    const counted = await Promise.all(
      tables.map((table) => test.store.rows(`SELECT count() AS n, sum(cityHash64(*)) AS hash FROM ${table}`)),
    );
    return [counted, catalog.lastSeq];
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uptally-backtest-'));
    test = await openTestStore();
    catalog = await openCatalog(test.store, () => nowMs);
    app = await serverOn(test.store, catalog, { now: () => nowMs });
    // A minute is worth 0.01 CNY, or 0.001 USD.
    await done('PUT', '/v1/plans/tpe', { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '14.40', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
    await done('PUT', '/v1/plans/nyc', { currency: 'USD', time_zone: 'America/New_York', price: { amount: '1.44', per: 'day' } });
    await done('PUT', '/v1/accounts/a', { name: 'A', currency: 'CNY', tax_percent: '10' });
    await done('PUT', '/v1/accounts/b', { name: 'B', currency: 'USD' });
    await done('PUT', '/v1/accounts/c', { name: 'C', currency: 'CNY' });
    const vm = (id: string, account: string, plan: string, terms: string | null, more: object = {}) =>
      done('PUT', `/v1/vms/${id}`, { account, terms, plans: [{ plan, from: 0 }], ...more });
    await vm('own', 'a', 'tpe', 'internet-service');
    await vm('of-plan', 'a', 'tpe', null);
    await vm('other', 'a', 'tpe', 'cmivps-2019');
    await vm('far', 'b', 'nyc', 'internet-service');
    const paid = { starts_at: '2026-03-02T00:00:00+08:00', paid_at: '2026-03-02T00:00:00+08:00', paid_until: '2026-04-02T00:00:00+08:00', paid_amount: '300.00' }; // prettier-ignore
    await vm('heavy', 'c', 'tpe', 'cstserver-2022', paid);
    for (const each of ['own', 'of-plan', 'other', 'far', 'heavy']) await metered(each, '2026-02-27T00:00:00Z', '2026-04-03T00:00:00Z'); // prettier-ignore
    await down('own', '2026-03-05T10:00:00+08:00', 30, 'provider');
    await down('own', '2026-03-06T10:00:00+08:00', 20, 'maintenance');
    const announced = {
      from: '2026-03-06T00:00:00+08:00',
      to: '2026-03-07T00:00:00+08:00',
      announced_at: '2026-03-05T00:00:00+08:00',
    };
    await done('POST', '/v1/incidents', { scope: { vms: ['own'] }, cause: 'maintenance', ...announced });
    await down('of-plan', '2026-03-07T01:00:00+08:00', 800, 'provider');
    await down('other', '2026-03-07T01:00:00+08:00', 10, 'provider');
    // Five minutes in March, five in April.
    await down('far', '2026-03-31T23:55:00-04:00', 10, 'provider');
    await test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('heavy', 'eth0', toDateTime(${seconds('2026-03-02T01:00:00+08:00')}, 'UTC'), 12000000000, 0, 1)`,
    );
    await app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('credits differ by the sheet alone: sums by account, tax with them, and each VM and line', async () => {
    const before = await everything();
    const answer = await ask(generous(), { lines: true });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({ terms: 'internet-service', replaces: 'internet-service', accounts: 2, next: null });
    expect(answer.body['results']).toMatchObject([
      {
        account: 'a',
        currency: 'CNY',
        vms: 2,
        usage_complete: true,
        // 30 + 800 minutes; twice 50, and the day of 800 at no more than its 14.40.
        credits: { before: '8.30', after: '15.40', difference: '7.10' },
        unclaimed_credits: { before: '0.00', after: '0.00', difference: '0.00' },
        // 3 x 31 x 14.40 = 1339.20, less the credits, and a tenth of the rest on top.
        total: { before: '1463.99', after: '1456.18', difference: '-7.81' },
        lines: [
          { vm: 'of-plan', kind: 'credit', from: '2026-02-28T16:00:00Z', before: '-8.00', after: '-14.40', difference: '-6.40', unavailable_minutes: { before: 800, after: 800 } },
          { vm: 'own', kind: 'credit', before: '-0.30', after: '-1.00', difference: '-0.70', unavailable_minutes: { before: 30, after: 50 } },
          { vm: null, kind: 'tax', before: '133.09', after: '132.38', difference: '-0.71' },
        ],
        refund_checks: [],
        code: null,
      },
      {
        account: 'b',
        currency: 'USD',
        // Half a cent goes to the even one, 0.00; twice that is a cent.
        credits: { before: '0.00', after: '0.01', difference: '0.01' },
        lines: [{ vm: 'far', kind: 'credit', before: '0.00', after: '-0.01' }],
      },
    ]); // prettier-ignore
    expect(await everything()).toEqual(before);
  });

  it.each([
    ['one day of them', { from: '2026-03-06', to: '2026-03-07' }, '0.00', '0.40'],
    ['two months, each rounded by itself', { from: '2026-02', to: '2026-04' }, '8.30', '15.40'],
    ['days before it', { from: '2026-02-01', to: '2026-03-01' }, '0.00', '0.00'],
  ])('of %s', async (_, period, before, after) => {
    const { body } = await ask(generous(), { ...period, accounts: ['a'] });
    expect(body['results']).toMatchObject([{ account: 'a', credits: { before, after } }]);
  });

  it('whoever must claim is told of what was not claimed', async () => {
    const { body } = await ask(generous({ claim_within_days: 30 }), { accounts: ['a'] });
    expect(body['results']).toMatchObject([
      { credits: { before: '8.30', after: '0.00', difference: '-8.30' }, unclaimed_credits: { before: '0.00', after: '15.40' } },
    ]);
  });

  it('a sheet of another id stands in for the one named, and the same sheet changes nothing', async () => {
    const { body } = await ask(generous(), { replaces: 'cmivps-2019' });
    expect(body).toMatchObject({
      replaces: 'cmivps-2019',
      accounts: 1,
      results: [{ account: 'a', vms: 1, credits: { before: '8.30', after: '8.50', difference: '0.20' } }],
    });
    const same = await ask(shipped('internet-service'), { lines: true });
    expect(same.body['results']).toMatchObject([
      { account: 'a', credits: { difference: '0.00' }, total: { difference: '0.00' }, lines: [] },
      { account: 'b', credits: { difference: '0.00' }, lines: [] },
    ]);
  });

  it('is paged by account', async () => {
    const first = await ask(generous(), { limit: 1 });
    expect(first.body).toMatchObject({ accounts: 2, results: [{ account: 'a' }], next: 'a' });
    const second = await ask(generous(), { limit: 1, after: 'a' });
    expect(second.body).toMatchObject({ accounts: 2, results: [{ account: 'b' }], next: null });
  });

  it('refund checks recorded in the period are made again, with the clauses that decide', async () => {
    nowMs = Date.parse('2026-03-02T12:00:00Z');
    const check = { vm: 'heavy', at: '2026-03-02T12:00:00+08:00' };
    const recorded = await done('POST', '/v1/refund-checks', check);
    expect(recorded).toMatchObject({ decision: 'not_eligible' });
    // What was only asked, and what was recorded later, is no part of it.
    await done('POST', '/v1/refund-checks', { ...check, terms: 'ipcats' });
    nowMs = Date.parse('2026-04-02T00:00:00Z');
    await done('POST', '/v1/refund-checks', check);
    const before = await everything();
    const { body } = await ask(roomier());
    expect(body['results']).toMatchObject([
      {
        account: 'c',
        refunds: { before: '0.00', after: '300.00', difference: '300.00' },
        refund_checks: [
          {
            id: recorded['id'],
            vm: 'heavy',
            at: '2026-03-02T04:00:00Z',
            recorded: { decision: 'not_eligible', ground: null, amount: null },
            facts_changed: false,
            before: { decision: 'not_eligible', amount: '0.00', deciding: [{ id: 'traffic-10g', kind: 'bar' }] },
            after: { decision: 'eligible', ground: 'one-day', amount: '300.00', deciding: [{ id: 'one-day', kind: 'ground' }] },
          },
        ],
        refund_checks_left_out: 0,
      },
    ]);
    expect(await everything()).toEqual(before);
  });

  it('the command prints it, account by account and in all', async () => {
    const env = { UPTALLY_SERVER: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, UPTALLY_KEY: ADMIN };
    const file = join(folder, 'mine.json');
    await writeFile(file, JSON.stringify(generous()));
    const run = (...args: string[]) => runCli(['terms', 'backtest', ...args], { env });
    const told = await run(file, '--from', '2026-03', '--to', '2026-04', '--lines');
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual(
      expect.arrayContaining([
        '2026-03 to 2026-04: internet-service version 1 in place of internet-service; 2 accounts; nothing was changed',
        'a CNY credits 8.30 15.40 7.10',
        'a CNY invoices 1463.99 1456.18 -7.81',
        'b USD credits 0.00 0.01 0.01',
        'USD credits 0.00 0.01 0.01',
        'a own 2026-02-28T16:00:00Z credit -0.30 -1.00 -0.70 30 -> 50 min',
      ]),
    );
    await writeFile(file, JSON.stringify(roomier()));
    const refunds = (await run(file, '--from', '2026-03', '--to', '2026-04', '--account', 'c')).out;
    expect(refunds).toContain('heavy at 2026-03-02T04:00:00Z: not_eligible -> eligible 300.00 CNY');
    expect(refunds).toContain('before traffic-10g:');
    const json = await run(file, '--from', '2026-03', '--to', '2026-04', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ accounts: 1, results: [{ account: 'c' }], next: null });

    await writeFile(file, JSON.stringify({ ...generous(), credit: { kind: 'time', clause: 'nowhere' } }));
    const faulty = await run(file, '--from', '2026-03', '--to', '2026-04');
    expect(faulty).toMatchObject({ code: 1, out: '', err: expect.stringContaining('credit.clause') as unknown });
    expect((await run(file, '--from', 'March', '--to', '2026-04')).code).toBe(2);
    expect((await run(file, '--from', '2026-03')).code).toBe(2);
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') as unknown });
  });

  it.each([
    ['a sheet with a contradiction', { sheet: { ...shipped('internet-service'), credit: { kind: 'none', clause: 'x' } } }, 400, 'invalid_body', 'sheet'],
    ['no sheet', { sheet: 'internet-service' }, 400, 'invalid_body', 'sheet'],
    ['a sheet nobody has', { sheet: { ...shipped('internet-service'), id: 'mine' } }, 404, 'terms_unknown', ''],
    ['an end before its beginning', { from: '2026-04' , to: '2026-03' }, 400, 'invalid_body', 'from'],
    ['no day', { from: '2026-02-30' }, 400, 'invalid_body', 'from'],
    ['too many months', { from: '2025-01', to: '2026-04' }, 400, 'invalid_body', 'from'],
    ['an unknown account', { accounts: ['nobody'] }, 404, 'account_unknown', ''],
    ['an unknown member', { dry_run: true }, 400, 'invalid_body', 'dry_run'],
    ['too many accounts at once', { limit: 201 }, 400, 'invalid_body', 'limit'],
  ] as const)('refuses %s', async (_, change, status, code, field) => {
    const answer = await ask(shipped('internet-service'), change);
    expect(answer).toMatchObject({ status, body: { code } });
    const errors = (answer.body['errors'] ?? []) as { field: string }[];
    if (field !== '') expect(errors[0]?.field).toMatch(new RegExp(`^${field}`));
  }); // prettier-ignore

  it('an account whose months nobody can say fails alone', async () => {
    await done('PUT', '/v1/plans/cny-utc', { currency: 'CNY', time_zone: 'UTC', price: { amount: '1.00', per: 'day' } });
    await done('PUT', '/v1/vms/elsewhere', { account: 'a', plans: [{ plan: 'cny-utc', from: 0 }] });
    const { body } = await ask(generous());
    expect(body['results']).toMatchObject([
      { account: 'a', code: 'invalid_reference', reason: expect.stringContaining('time_zone') as unknown },
      { account: 'b', code: null },
    ]);
  });

  it('says when what is known has changed since a check was recorded', async () => {
    const paidAt = '2026-03-02T00:00:00+08:00';
    const paid = { starts_at: paidAt, paid_at: paidAt, paid_until: '2026-04-02T00:00:00+08:00', paid_amount: '300.00' };
    await done('PUT', '/v1/vms/light', { account: 'c', terms: 'cstserver-2022', plans: [{ plan: 'tpe', from: 0 }], ...paid });
    await metered('light', '2026-03-01T16:00:00Z', '2026-04-03T00:00:00Z');
    nowMs = Date.parse('2026-03-03T00:00:00Z');
    expect(await done('POST', '/v1/refund-checks', { vm: 'light', at: '2026-03-02T12:00:00+08:00' })).toMatchObject({ amount: '300.00' }); // prettier-ignore
    await done('POST', '/v1/vms/light/events', { at: '2026-03-02T11:00:00+08:00', kind: 'terms_violated' });
    const { body } = await ask(roomier());
    const violated = { decision: 'not_eligible', amount: '0.00', deciding: [{ id: 'terms-violated' }] };
    expect(body['results']).toMatchObject([
      {
        refunds: { before: '0.00', after: '300.00' },
        refund_checks: [
          { vm: 'heavy', facts_changed: false },
          { vm: 'light', recorded: { decision: 'eligible', amount: '300.00' }, facts_changed: true, before: violated, after: violated },
        ],
      },
    ]); // prettier-ignore
  });
});
