import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountBody, vmBody } from '../../src/catalog/bodies.ts';
import { planBody } from '../../src/domain/plan.ts';
import { anomalyPage } from '../../src/query/anomalies.ts';
import { vmKnown } from '../../src/query/context.ts';
import { outagePage } from '../../src/query/outages.ts';
import { samplePage } from '../../src/query/samples.ts';
import { loadSpans } from '../../src/query/span.ts';
import { trafficPage, type TrafficRequest } from '../../src/query/traffic.ts';
import { type UptimeContext, uptimePage, type UptimeRequest } from '../../src/query/uptime.ts';
import { loadTerms, parseSheet, shippedTermsFolder, TermsLibrary } from '../../src/terms/library.ts';
import { insertFleet, insertOutage, insertUptime, ms } from '../support/rows.ts';
import { without } from '../model/without.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { zone } from '../support/zone.ts';
import { openCatalogOf } from '../support/records.ts';

const MAX = 2n ** 64n - 1n;
const minuteOf = (time: string) => ms(time) / 60_000;
const clockOf = (minute: number) => new Date(minute * 60_000).toISOString().slice(11, 16);
/** The hours of a day of v1. */
const DAY = {
  vms: ['v1'],
  by: 'sum',
  zone: zone('UTC'),
  step: 'hour',
  fromMinute: minuteOf('00:00'),
  toMinute: minuteOf('00:00') + 1440,
  limit: 10_000,
} as const;

describe('queries', () => {
  let test: TestStore;
  let context: UptimeContext;
  let watermarkMs: number | null = null;

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    const catalog = await openCatalogOf({ store: test.store, now: () => 0, randomBytes: (size) => new Uint8Array(size) });
    // 1.44 a day: 1,000,000 nanos a minute.
    await catalog.putPlan(
      'p1',
      planBody.parse({ currency: 'CNY', time_zone: 'UTC', price: { amount: '1.44', per: 'day' } }),
      't',
    );
    await catalog.putAccount('a1', accountBody.parse({ name: 'A', currency: 'CNY' }), 't');
    await catalog.putVm('v1', vmBody.parse({ account: 'a1', plans: [{ plan: 'p1', from: ms('00:00') }] }), 't');
    await catalog.putVm('v2', vmBody.parse({ account: 'a1', ends_at: ms('01:30') }), 't');
    context = {
      store: test.store,
      catalog,
      watermarkMs: () => watermarkMs,
      stalenessMs: 90_000,
      termsLibrary: loadTerms([shippedTermsFolder()]),
    };
  });
  afterAll(() => test.remove());

  const uptime = async (change: Partial<UptimeRequest> = {}) => {
    const page = await uptimePage(context, { ...DAY, ...change });
    const rows = page.rows.map((row) => [
      clockOf(row.startMinute),
      row.upMs,
      row.downMs.reduce((sum, down) => sum + down, 0),
      row.silentMs,
      row.unavailableMinutes,
      row.creditNanos,
      ...(change.by === 'vm' ? [row.vm] : []),
    ]);
    return { rows, next: page.next };
  };
  const traffic = async (change: Partial<TrafficRequest> = {}) => {
    const page = await trafficPage(context, { ...DAY, ...change });
    const rows = page.rows.map((row) => [clockOf(row.startMinute), row.group, row.rxBytes, row.txBytes]);
    return { rows, next: page.next };
  };

  it('a VM begins where its first minute does, and ends at its last row, the watermark or its service', async () => {
    expect(await loadSpans(context, ['v1', 'v2', 'v3'])).toEqual(
      new Map([
        ['v1', { firstMs: ms('00:00:30.000'), horizonMs: ms('03:00') }],
        ['v2', { firstMs: ms('01:00'), horizonMs: ms('01:30') }],
      ]),
    );
    watermarkMs = ms('05:01:59.000');
    expect((await loadSpans(context, ['v1'])).get('v1')?.horizonMs).toBe(ms('05:00'));
    watermarkMs = null;
  });

  it('uptime by hour: clipped to the published part, restated and withdrawn outages followed', async () => {
    expect(await uptime()).toEqual({
      rows: [
        ['00:00', 3_420_000, 150_000, 0, 3, 3_000_000n],
        ['01:00', 1_799_999, 0, 1_800_001, 0, 0n],
        ['02:00', 3_000_000, 600_000, 0, 0, 0n],
      ],
      next: undefined,
    });
  });

  it('uptime by day is the sum of its hours', async () => {
    expect((await uptime({ step: 'day' })).rows).toEqual([['00:00', 8_219_999, 750_000, 1_800_001, 3, 3_000_000n]]);
  });

  it('uptime by minute shows the one touched by a millisecond', async () => {
    const page = await uptime({ step: 'minute', fromMinute: minuteOf('01:30'), toMinute: minuteOf('01:32') });
    expect(page.rows).toEqual([
      ['01:30', 59_999, 0, 1, 0, 0n],
      ['01:31', 60_000, 0, 0, 0, 0n],
    ]);
  });

  it.each([
    ['as the plan says when raw, whatever the terms say', 'own', 'raw', [1, 0, 1]],
    ["the causes that the plan's terms name, of the version in force, less what they exclude", null, 'applied', [0, 5, 1]],
    ["the VM's own terms before those of its plan", 'internet-service', 'applied', [0, 0, 1]],
    ["the plan's causes where the terms give no credit, less what they exclude", 'ipcats', 'applied', [1, 0, 1]],
  ] as const)('uptime counts %s', async (_, terms, incidents, unavailable) => {
    const shipped = JSON.parse(readFileSync(join(shippedTermsFolder(), 'internet-service.json'), 'utf8')) as {
      credit: Record<string, unknown>;
    };
    const own = (version: number, from: string, creditable: string[]) => {
      // what counts cannot be unsure too, as the shipped sheet has silence
      const credit = without(shipped.credit, 'unsure');
      const sheet = { ...shipped, id: 'own', version, effective_from: from, credit: { ...credit, creditable } };
      const parsed = parseSheet(JSON.stringify(sheet), `own-${version}.json`);
      if (!('sheet' in parsed)) throw new Error(parsed.join());
      return parsed;
    };
    const termsLibrary = new TermsLibrary([
      ...['internet-service', 'ipcats'].flatMap((id) => context.termsLibrary.versions(id)),
      own(1, '2026-01-01T00:00:00Z', ['provider', 'silent']),
      own(2, '2026-03-01T01:10:00Z', ['provider']),
    ]);
    await insertUptime(test.store, 'v5', '00:00', 60_000, 1);
    await insertUptime(test.store, 'v5', '02:59', 60_000, 1);
    await insertOutage(test.store, { vm: 'v5', start: '00:10', end: '00:11', condition: 2, version: 1 });
    await insertOutage(test.store, { vm: 'v5', start: '01:05', end: '01:15', condition: 8, version: 1 });
    await insertOutage(test.store, { vm: 'v5', start: '02:00', end: '02:01', condition: 1, version: 1 });
    const { catalog } = context;
    const price = { amount: '1.44', per: 'day' };
    const plan = { currency: 'CNY', time_zone: 'UTC', price, creditable: ['provider', 'third_party'], terms: 'own' };
    await catalog.putPlan('p5', planBody.parse(plan), 't');
    await catalog.putVm('v5', vmBody.parse({ account: 'a1', terms, plans: [{ plan: 'p5', from: ms('00:00') }] }), 't');
    const { rows } = await uptimePage({ ...context, termsLibrary }, { ...DAY, vms: ['v5'], incidents });
    expect(rows.map((row) => [row.unavailableMinutes, row.creditNanos])).toEqual(
      unavailable.map((minutes) => [minutes, BigInt(minutes) * 1_000_000n]),
    );
  });

  it('time before the start of service, which is not charged, is worth no credit', async () => {
    await insertUptime(test.store, 'v6', '00:00', 60_000, 1);
    await insertUptime(test.store, 'v6', '02:59', 60_000, 1);
    await insertOutage(test.store, { vm: 'v6', start: '00:10', end: '00:11', condition: 1, version: 1 });
    await insertOutage(test.store, { vm: 'v6', start: '01:09', end: '01:12', condition: 1, version: 1 });
    const { catalog } = context;
    const plan = (amount: string) =>
      planBody.parse({ currency: 'CNY', time_zone: 'UTC', price: { amount, per: 'day' }, creditable: ['provider'] });
    await catalog.putPlan('p6', plan('1440.00'), 't');
    await catalog.putPlan('p7', plan('1.44'), 't');
    // Of the minutes 01:09 to 01:12, the two that begin when service has: those that an invoice charges.
    const plans = [{ plan: 'p6', from: ms('00:00') }, { plan: 'p7', from: ms('00:05') }]; // prettier-ignore
    await catalog.putVm('v6', vmBody.parse({ account: 'a1', starts_at: ms('01:09') + 30_000, plans }), 't');
    const { rows } = await uptimePage(context, { ...DAY, vms: ['v6'] });
    expect(rows.map((row) => row.creditNanos)).toEqual([0n, 2_000_000n, 0n]);
  });

  it('an account is the sum of its VMs, or row by row', async () => {
    const vms = ['v1', 'v2'];
    expect((await uptime({ vms })).rows[1]).toEqual(['01:00', 3_599_499, 500, 1_800_001, 1, 0n]);
    expect((await uptime({ vms, by: 'vm' })).rows).toEqual([
      ['00:00', 3_420_000, 150_000, 0, 3, 3_000_000n, 'v1'],
      ['01:00', 1_799_999, 0, 1_800_001, 0, 0n, 'v1'],
      ['01:00', 1_799_500, 500, 0, 1, 0n, 'v2'],
      ['02:00', 3_000_000, 600_000, 0, 0, 0n, 'v1'],
    ]);
  });

  it('pages of any size put together are the whole', async () => {
    for (const by of ['sum', 'vm'] as const) {
      const whole = (await uptime({ vms: ['v1', 'v2'], by, step: 'minute' })).rows;
      expect(whole).toHaveLength(by === 'sum' ? 180 : 210);
      for (const limit of [17, 100]) {
        const rows: unknown[] = [];
        let position: { m: number; vm?: string | undefined } | undefined = { m: minuteOf('00:00') };
        while (position !== undefined) {
          const page = await uptime({
            vms: ['v1', 'v2'],
            by,
            step: 'minute',
            limit,
            fromMinute: position.m,
            ...(position.vm === undefined ? {} : { afterVm: position.vm }),
          });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          rows.push(...page.rows);
          position = page.next;
        }
        expect(rows).toEqual(whole);
      }
    }
  }, 120_000);

  it('a long silence is there although it is not stored', async () => {
    await insertUptime(test.store, 'quiet', '00:00', 60_000, 1);
    await insertOutage(test.store, { vm: 'quiet', start: '00:01:30.000', end: null, condition: 8, version: 1 });
    watermarkMs = ms('00:00') + 86_400_000 * 2;
    const page = await uptime({ vms: ['quiet'], step: 'day' });
    watermarkMs = null;
    expect(page.rows).toEqual([['00:00', 90_000, 0, 86_310_000, 0, 0n]]);
  });

  it('traffic sums the rows in force, above 64 bits', async () => {
    expect((await traffic()).rows).toEqual([
      ['00:00', '', MAX + 50n, 2n],
      ['01:00', '', MAX, 0n],
    ]);
    expect((await traffic({ step: 'day' })).rows).toEqual([['00:00', '', 36_893_488_147_419_103_280n, 2n]]);
    expect((await traffic({ step: 'minute' })).rows).toEqual([
      ['00:00', '', 50n, 2n],
      ['00:30', '', MAX, 0n],
      ['01:00', '', MAX, 0n],
    ]);
  });

  it('traffic by interface, of one interface, by VM, in a zone of half hours', async () => {
    expect((await traffic({ by: 'nic', step: 'day' })).rows).toEqual([
      ['00:00', 'eth0', MAX + 50n, 2n],
      ['00:00', 'eth1', MAX, 0n],
    ]);
    expect((await traffic({ nic: 'eth1' })).rows).toEqual([['00:00', '', MAX, 0n]]);
    expect((await traffic({ vms: ['v1', 'v2'], by: 'vm', step: 'day' })).rows).toEqual([
      ['00:00', 'v1', 36_893_488_147_419_103_280n, 2n],
      ['00:00', 'v2', 7n, 7n],
    ]);
    const kolkata = await traffic({ zone: zone('Asia/Kolkata'), fromMinute: minuteOf('00:30'), toMinute: minuteOf('01:30') });
    expect(kolkata.rows).toEqual([['00:30', '', 2n * MAX, 0n]]);
  });

  it('traffic of a sparse range of two years by hour is found, and of nobody is none', async () => {
    const range = { fromMinute: minuteOf('00:00') - 700 * 1440, toMinute: minuteOf('00:00') + 30 * 1440 };
    expect((await traffic(range)).rows).toHaveLength(2);
    expect(await traffic({ ...range, vms: [] })).toEqual({ rows: [], next: undefined });
    expect(await uptime({ ...range, vms: [] })).toEqual({ rows: [], next: undefined });
    expect((await uptime(range)).rows).toHaveLength(3);
  });

  it('pages of traffic put together are the whole', async () => {
    const whole = (await traffic({ vms: ['v1', 'v2'], by: 'nic', step: 'hour' })).rows;
    expect(whole).toHaveLength(4);
    const rows: unknown[] = [];
    let position: { m: number; g?: string | undefined } | undefined = { m: minuteOf('00:00') };
    while (position !== undefined) {
      const page = await traffic({ vms: ['v1', 'v2'], by: 'nic', limit: 1, fromMinute: position.m, afterGroup: position.g });
      rows.push(...page.rows);
      position = page.next;
    }
    expect(rows).toEqual(whole);
  });

  it('outages overlap the range, whole, and end with the service', async () => {
    const outages = async (vm: string, from: string, to: string, limit = 10, afterMs = -1) =>
      outagePage(context, {
        vms: [vm],
        fromMs: ms(from),
        toMs: ms(to),
        limit,
        after: afterMs < 0 ? undefined : { vm, s: afterMs },
      });
    expect(await outages('v1', '00:12', '02:00')).toEqual({
      rows: [
        { vm: 'v1', startMs: ms('00:10'), endMs: ms('00:12:30.000'), condition: 1 },
        { vm: 'v1', startMs: ms('01:00'), endMs: ms('01:30:00.001'), condition: 8 },
      ],
      next: undefined,
    });
    expect((await outages('v1', '02:55', '03:00')).rows).toEqual([{ vm: 'v1', startMs: ms('02:50'), endMs: null, condition: 6 }]);
    expect((await outages('v1', '00:12:30.000', '01:00')).rows).toEqual([]);
    const first = await outages('v1', '00:00', '03:00', 1);
    expect(first.next).toEqual({ vm: 'v1', s: ms('00:10') });
    expect((await outages('v1', '00:00', '03:00', 1, ms('00:10'))).rows[0]?.startMs).toBe(ms('01:00'));
    watermarkMs = ms('02:00');
    expect((await outages('v2', '00:00', '03:00')).rows).toEqual([
      { vm: 'v2', startMs: ms('01:29:59.500'), endMs: ms('01:30'), condition: 1 },
    ]);
    watermarkMs = null;
  });

  it('samples are those in force, as they can be posted again', async () => {
    const page = async (limit: number, after?: { vm: string; ts: number; nic: string }) =>
      samplePage(context, { vms: ['v1'], fromMs: ms('00:00'), toMs: ms('01:00'), limit, after });
    const whole = await page(10);
    expect(whole).toEqual({
      rows: [
        {
          vm: 'v1',
          ts: '2026-03-01T00:00:30Z',
          nic: 'eth0',
          rx_bytes: 2n,
          tx_bytes: MAX,
          epoch: 0,
          state: 'up',
          agent: 'h2',
          pos: 9n,
        },
        { vm: 'v1', ts: '2026-03-01T00:00:30Z', nic: 'eth1', epoch: 7, state: 'down', cause: 'provider', agent: 'h1', pos: 2n },
        {
          vm: 'v1',
          ts: '2026-03-01T00:00:40.250Z',
          nic: 'eth0',
          epoch: 0,
          state: 'down',
          cause: 'customer',
          agent: 'h1',
          pos: 3n,
        },
      ],
      next: undefined,
    });
    const one = await page(1);
    expect(one.next).toEqual({ vm: 'v1', ts: ms('00:00:30.000'), nic: 'eth0', host: '', part: 0 });
    expect((await page(10, one.next)).rows).toEqual(whole.rows.slice(1));
  });

  it('anomalies come with both samples, without the withdrawn', async () => {
    const page = async (limit: number, vm?: string, after?: Awaited<ReturnType<typeof anomalyPage>>['next']) =>
      anomalyPage(context, { fromMs: ms('00:00'), toMs: ms('01:00'), limit, vms: vm === undefined ? undefined : [vm], after });
    const whole = await page(10);
    expect(whole.rows.map((row) => [row.kind, row.ts, row.a?.ts, row.a?.rx_bytes, row.b.rx_bytes])).toEqual([
      ['conflict', '2026-03-01T00:00:30Z', '2026-03-01T00:00:30Z', 1n, 2n],
      ['quarantined', '2026-03-01T00:02:00Z', '2026-03-01T00:01:00Z', 5n, MAX],
    ]);
    const one = await page(1);
    expect((await page(1, undefined, one.next)).rows).toEqual(whole.rows.slice(1));
    expect((await page(10, 'v2')).rows).toEqual([]);
  });

  it('a VM is known from the catalog, from samples or from rows', async () => {
    expect(await Promise.all(['v2', 'v1', 'quiet', 'v9'].map((vm) => vmKnown(context, vm)))).toEqual([true, true, true, false]);
  });
});
