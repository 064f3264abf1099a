/**
 * A month under each of the five sheets, through the server as users run it: samples in, one run, invoices out. The numbers are worked out by
 * hand beside each; refund decisions from samples are in test/billing/refunds/end-to-end.test.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer, untilStored } from '../support/server.ts';

const HOUR = 3_600_000;
const FROM = Date.parse('2026-02-28T00:00:00Z');
const TO = Date.parse('2026-04-01T12:00:00Z');
const JSON_TYPE = { 'content-type': 'application/json' };

interface Line {
  kind: string;
  vm: string | null;
  quantity: string;
  amount: string;
  detail: { served_minutes?: number; days?: { date: string; minutes: number; capped?: boolean }[] };
}
interface Invoice {
  lines: Line[];
  total: string;
  warnings: string[];
  usage_complete: boolean;
}

describe('a month under five sheets', () => {
  let dir: string;
  let server: TestServer;
  const numbers = new Map<string, string>();
  const ask = <T>(method: 'PUT' | 'POST', path: string, body: object): Promise<T> =>
    server.ask<T>(path, { method, headers: JSON_TYPE, body: JSON.stringify(body) });
  const invoiceOf = (account: string): Promise<Invoice> => server.ask(`/v1/invoices/${numbers.get(account) ?? ''}`);
  const shown = ({ lines }: Invoice): string[] =>
    lines.map(({ kind, vm, quantity, amount }) => `${kind} ${vm ?? '-'} ${quantity} ${amount}`);

  /** A sample an hour, and where the state changes; down within the outages. */
  const samples = (vm: string, outages: readonly (readonly [from: string, to: string])[] = []): string[] => {
    const spans = outages.map(([from, to]) => [Date.parse(from), Date.parse(to)] as const);
    const instants = new Set(spans.flat());
    for (let ms = FROM; ms <= TO; ms += HOUR) instants.add(ms);
    return [...instants]
      .sort((a, b) => a - b)
      .map((ts) => {
        const down = spans.some(([from, to]) => ts >= from && ts < to);
        return JSON.stringify({ vm, ts, ...(down ? { state: 'down', cause: 'provider' } : {}) });
      });
  };
  /** Bytes of one hour of the 2nd, exactly. */
  const traffic = (vm: string, rx: bigint, tx: bigint): string[] =>
    [0n, 1n].map((n) => `{"vm":"${vm}","nic":"eth0","ts":${Date.parse('2026-03-02T00:00:00Z') + Number(n) * HOUR},"rx_bytes":${n * rx},"tx_bytes":${n * tx}}`); // prettier-ignore

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'uptally-five-'));
    server = await startServer({
      dir,
      env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_STALENESS_MS: String(2 * HOUR) },
    });
    const metered = { counting: 'sum', included_bytes: 10_000_000_000, round_up: true, tiers: [{ up_to: null, price: '10' }] };
    for (const [sheet, currency, zone, amount, per, tax, more] of [
      ['internet-service', 'TWD', 'Asia/Taipei', '14.40', 'day', '5', {}],
      ['cloud-server-zh', 'CNY', 'Asia/Shanghai', '446.40', 'month', '0', {}],
      ['ipcats', 'CNY', 'Asia/Shanghai', '14.40', 'day', '0', {}],
      ['cmivps-2019', 'USD', 'America/New_York', '0.10', 'hour', '0', {}],
      ['cstserver-2022', 'JPY', 'Asia/Tokyo', '1000', 'day', '10', { traffic: metered }],
    ] as const) {
      await ask('PUT', `/v1/plans/${sheet}`, { currency, time_zone: zone, price: { amount, per }, terms: sheet, ...more });
      await ask('PUT', `/v1/accounts/${sheet}`, { name: sheet, currency, tax_percent: tax });
    }
    const vm = (id: string, account: string, more: object = {}) =>
      ask('PUT', `/v1/vms/${id}`, { account, plans: [{ plan: account, from: 0 }], ...more });
    await vm('i1', 'internet-service');
    await vm('z1', 'cloud-server-zh');
    await vm('p1', 'ipcats', { starts_at: '2026-03-11T00:00:00+08:00', ends_at: '2026-03-21T12:00:00+08:00' });
    await vm('n1', 'cmivps-2019');
    await vm('j1', 'cstserver-2022');
    await vm('j2', 'cstserver-2022');
    const long = ['2026-03-20T12:00:00+08:00', '2026-03-21T13:00:00+08:00'] as const;
    const lines = [
      ...samples('i1', [
        ['2026-03-05T10:00:10+08:00', '2026-03-05T10:00:40+08:00'],
        ['2026-03-10T23:58:30+08:00', '2026-03-11T00:01:00+08:00'],
        long,
      ]),
      ...samples('z1', [long]),
      ...samples('p1', [long]),
      ...samples('n1', [['2026-03-08T01:30:00-05:00', '2026-03-08T03:30:00-04:00']]),
      ...samples('j1'),
      ...samples('j2'),
      ...traffic('j1', 4_000_000_000n, 6_000_000_001n),
      ...traffic('j2', 4_000_000_000n, 5_999_999_999n),
    ];
    const receipt = await server.ask<{ accepted: number; rejected: number }>('/v1/samples', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    });
    expect(receipt).toMatchObject({ accepted: lines.length, rejected: 0 });
    await untilStored(server);
    // The whole 20th is said to be maintenance, then an evening of it the provider's after all: what is recorded later counts.
    const scope = { vms: ['i1'] };
    await ask('POST', '/v1/incidents', { scope, from: long[0], to: '2026-03-21T00:00:00+08:00', cause: 'maintenance', announced_at: long[0] }); // prettier-ignore
    await ask('POST', '/v1/incidents', { scope, from: '2026-03-20T18:00:00+08:00', to: '2026-03-20T23:00:00+08:00', cause: 'provider' }); // prettier-ignore
    for (const account of ['cmivps-2019', 'cstserver-2022'])
      await ask('POST', `/v1/vms/${account === 'cmivps-2019' ? 'n1' : 'j1'}/events`, { at: '2026-03-15T00:00:00Z', kind: 'ip_replaced', ...(account === 'cstserver-2022' ? { rate: '20' } : {}) }); // prettier-ignore

    const run = await ask<{ outcomes: { account: string; outcome: string; invoice: string }[] }>('POST', '/v1/invoice-runs', {
      period: '2026-03',
      finalize: true,
      without_issuer: true,
    });
    for (const { account, outcome, invoice } of run.outcomes) {
      expect(`${account} ${outcome}`).toBe(`${account} finalized`);
      numbers.set(account, invoice);
    }
    expect(numbers.size).toBe(5);
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  it('internet-service, TWD, Asia/Taipei: 30 seconds, across midnight, 25 hours, two incidents that overlap', async () => {
    const invoice = await invoiceOf('internet-service');
    // 14.40 a day is 0.01 a minute. Minutes: 1; 2 + 1; of the 20th 300 of the 720; 780. Tax: 5 % of 435.56 are 21.778.
    expect(shown(invoice)).toEqual(['service i1 31 446.40', 'credit i1 1084 -10.84', 'tax - 435.56 21.78']);
    expect(invoice.lines[1]?.detail.days?.map(({ date, minutes }) => `${date} ${minutes}`)).toEqual([
      '2026-03-05 1',
      '2026-03-10 2',
      '2026-03-11 1',
      '2026-03-20 300',
      '2026-03-21 780',
    ]);
    expect(invoice.total).toBe('457.34');
  });

  it('cloud-server-zh, CNY, Asia/Shanghai: 25 hours are below 99.9 % of the month', async () => {
    const invoice = await invoiceOf('cloud-server-zh');
    // 1500 of 44,640 minutes: 96.6 %, so a tenth of 446.40.
    expect(shown(invoice)).toEqual(['service z1 31 446.40', 'credit z1 1500 -44.64']);
    expect(invoice.total).toBe('401.76');
  });

  it('ipcats, CNY: started and ended in mid-month; no credit, however long the outage', async () => {
    // 10 days of 14.40 and 720 minutes of 0.01.
    const invoice = await invoiceOf('ipcats');
    expect(shown(invoice)).toEqual(['service p1 15120 151.20']);
    expect(invoice).toMatchObject({ total: '151.20', usage_complete: true });
  });

  it('cmivps-2019, USD, America/New_York by the hour: a month with a day of 23 hours, and a fee', async () => {
    const invoice = await invoiceOf('cmivps-2019');
    // 31 x 24 - 1 hours of 0.10; a replaced address is 5.00; the outage of an hour earns nothing.
    expect(shown(invoice)).toEqual(['service n1 31 74.30', 'fee n1 1 5.00']);
    expect(invoice.lines[0]?.detail.served_minutes).toBe(743 * 60);
    expect(invoice.total).toBe('79.30');
  });

  it('cstserver-2022, JPY, Asia/Tokyo: 10 GB and a byte start another unit, a byte less does not', async () => {
    const invoice = await invoiceOf('cstserver-2022');
    expect(shown(invoice)).toEqual([
      'service j1 31 31000',
      'traffic j1 1 10',
      // the sheet's fee is 15 yuan, the account's money the yen: at the rate that was recorded
      'fee j1 1 300',
      'service j2 31 31000',
      'traffic j2 0 0',
      'tax - 62310 6231',
    ]);
    expect(invoice.total).toBe('68541');
    expect(invoice.warnings).toEqual([expect.stringContaining('no issuer.json')]);
  });

  it('every invoice is the sum of its lines, a minute is charged once, and credited at most once', async () => {
    for (const account of numbers.keys()) {
      const { lines, total } = await invoiceOf(account);
      const cents = (amount: string): bigint => BigInt(amount.replace('.', ''));
      expect(lines.reduce((sum, line) => sum + cents(line.amount), 0n)).toBe(cents(total));
      const perVm = new Map<string, { served: number; credited: number }>();
      for (const { kind, vm, quantity, detail } of lines) {
        const sum = perVm.get(vm ?? '') ?? { served: 0, credited: 0 };
        perVm.set(vm ?? '', sum);
        if (kind === 'service') sum.served += detail.served_minutes ?? 0;
        if (kind === 'credit') sum.credited += Number(quantity);
      }
      for (const { served, credited } of perVm.values()) expect(credited).toBeLessThanOrEqual(served);
    }
    // The days of the month, each billed by itself, are the month: no minute is between two of them, and none in both.
    const days: Invoice[] = [];
    for (let day = 1; day <= 31; day += 1) {
      const bounds = [day, day + 1].map((each) => new Date(Date.UTC(2026, 2, each) - 8 * HOUR).toISOString());
      days.push(await ask('POST', '/v1/invoices', { account: 'internet-service', from: bounds[0], to: bounds[1] }));
    }
    const month = await invoiceOf('internet-service');
    const sumOf = (invoices: readonly Invoice[], kind: string, value: (line: Line) => number): number =>
      invoices.flatMap(({ lines }) => lines).reduce((sum, line) => sum + (line.kind === kind ? value(line) : 0), 0);
    for (const [kind, value] of [
      ['service', ({ detail }) => detail.served_minutes ?? NaN],
      ['credit', ({ quantity }) => Number(quantity)],
    ] as const satisfies readonly (readonly [string, (line: Line) => number])[])
      expect(sumOf(days, kind, value)).toBe(sumOf([month], kind, value));
  });
});
