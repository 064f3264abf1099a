import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { NoticeDraft } from '../../src/notices/record/notice.ts';
import { NOTICES } from '../../src/notices/record/types.ts';
import { outageWatch } from '../../src/notices/watch/outages.ts';
import { silenceWatch } from '../../src/notices/watch/silences.ts';
import { trafficWatch } from '../../src/notices/watch/traffic.ts';
import type { Watch } from '../../src/notices/watch/watch.ts';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { insertOutage, insertSample, insertTraffic, insertUptime, ms } from '../support/rows.ts';
import { billingOn, type SimulatedClock } from '../support/scheduler.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const GB = 1_000_000_000n;

/** What comes true with time is found by looking, and found again as the same. */
describe('what is looked for', () => {
  let test: TestStore;
  let catalog: Catalog;
  const clock: SimulatedClock = { nowMs: ms('05:00') };
  const look = async (watch: Watch, sinceMs = 0): Promise<NoticeDraft[]> => {
    const drafts: NoticeDraft[] = [];
    const context = billingOn(recordsOf(catalog), clock);
    const given = { context, nowMs: clock.nowMs, sinceMs, outageMs: 300_000 };
    for await (const page of watch.look(given)) drafts.push(...page);
    for (const { type, data } of drafts) expect(NOTICES[type].data.safeParse(JSON.parse(data)).success, type).toBe(true);
    return drafts;
  };
  const told = ({ type, data }: NoticeDraft): string => {
    const { vm, from, to, percent } = JSON.parse(data) as Record<string, string | number | undefined>;
    return [type, vm, from, to, percent].filter((each) => each !== undefined).join(' ');
  };

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await openCatalog(test.store, () => clock.nowMs);
    const app = await serverOn(test.store, catalog, { now: () => clock.nowMs });
    const done = doneOf(() => app);
    const traffic = { counting: 'out', included_bytes: 100_000_000_000, tiers: [{ up_to: null, price: '0.10' }] };
    await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, traffic });
    await done('PUT', '/v1/accounts/acme', { name: 'Acme', currency: 'EUR' });
    const body = { account: 'acme', plans: [{ plan: 'p', from: '2026-02-01T00:00:00Z' }], starts_at: '2026-02-01T00:00:00Z' };
    for (const vm of ['v1', 'v2']) await done('PUT', `/v1/vms/${vm}`, body);
    await app.close();
    for (const vm of ['v1', 'v2']) {
      await insertUptime(test.store, vm, '00:00', 60_000, 1);
      await insertSample(test.store, { vm, nic: '', ts: '00:58:30', pos: 1, condition: 0, agent: 'h1' });
    }
    const outage = (vm: string, start: string, end: string | null, condition: number) =>
      insertOutage(test.store, { vm, start, end, condition, version: 1 });
    await outage('v1', '00:10', '00:12', 1);
    await outage('v1', '00:20', '00:30', 1);
    await outage('v1', '04:00', null, 1);
    await outage('v2', '01:00', '02:00', 8);
  });
  afterAll(() => test.remove());

  it('outages that have lasted: that they began, and that they are over; no silence, and none from before notices were there', async () => {
    const found = await look(outageWatch);
    expect(found.map(told)).toEqual([
      'outage.begun v1 2026-03-01T00:20:00Z',
      'outage.ended v1 2026-03-01T00:20:00Z 2026-03-01T00:30:00Z',
      'outage.begun v1 2026-03-01T04:00:00Z',
    ]);
    expect((await look(outageWatch)).map(({ id }) => id)).toEqual(found.map(({ id }) => id));
    expect((await look(outageWatch, ms('03:00'))).map(told)).toEqual(['outage.begun v1 2026-03-01T04:00:00Z']);
  });

  it('an agent that fell silent, and that it is heard of again, for staff', async () => {
    const found = await look(silenceWatch);
    expect(found.map(({ type, account }) => [type, account])).toEqual([
      ['source.silent', null],
      ['source.heard', null],
    ]);
    expect(JSON.parse(found[0]?.data ?? '')).toMatchObject({ agent: 'h1', vms: 1, from: '2026-03-01T01:00:00Z' });
  });

  it('traffic at 50, 80 and 100 % of what the month includes, each under one id however often it is passed', async () => {
    const use = (minute: string, gigabytes: bigint) => insertTraffic(test.store, 'v1', 'eth0', minute, 0n, gigabytes * GB, 1);
    await use('00:01', 49n);
    expect(await look(trafficWatch)).toEqual([]);
    await use('00:02', 1n);
    const [half] = await look(trafficWatch);
    expect(half === undefined ? '' : told(half)).toBe('traffic.reached v1 2026-03-01T00:00:00Z 2026-04-01T00:00:00Z 50');
    expect(JSON.parse(half?.data ?? '')).toMatchObject({ used_bytes: '50000000000', included_bytes: '100000000000' });
    await use('00:03', 60n);
    const all = await look(trafficWatch);
    expect(all.map((each) => (JSON.parse(each.data) as { percent: number }).percent)).toEqual([50, 80, 100]);
    expect(all[0]?.id).toBe(half?.id);
  });
});
