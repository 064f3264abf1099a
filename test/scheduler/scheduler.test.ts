import { beforeEach, describe, expect, it } from 'vitest';
import type { Records } from '../../src/app/records.ts';
import { accountBody } from '../../src/catalog/bodies.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Job, Part } from '../../src/scheduler/job.ts';
import { runByHand } from '../../src/scheduler/by-hand.ts';
import { latenessOf } from '../../src/scheduler/lateness.ts';
import { RUN_KIND, type RunBody } from '../../src/scheduler/run.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreError } from '../../src/store/store.ts';
import { memoryCatalog, memoryStore } from '../support/memory-catalog.ts';
import { recordsOf } from '../support/records.ts';
import { schedulerOn, type SimulatedClock, type TestScheduler } from '../support/scheduler.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const at = (text: string): number => Date.parse(text);

/** What is due when, in what order, and what becomes of a turn that was cut off: jobs here record a note an account, once. */
describe('the scheduler', () => {
  let store: Store;
  let clock: SimulatedClock;
  let catalog: Catalog;
  let records: Records;
  /** What the jobs were asked to do, and what each account's part shall come to. */
  let asked: string[];
  let answer: (account: string, slot: string) => Part;
  /** Where the process dies: after so many parts. */
  let diesAfter: number;

  const opened = async (): Promise<Records> => recordsOf(await memoryCatalog(store, () => clock.nowMs));
  const job = (name: Job['name'], every: Job['every'], delayMs: number): Job => ({
    ...{ name, every, delayMs, does: 'notes', isTogether: false },
    async *run(_, { accounts, slot }) {
      for (const account of accounts) {
        if (diesAfter === 0) throw new StoreError('killed', 'the process died', false);
        diesAfter -= 1;
        asked.push(`${name} ${account} ${slot.name}`);
        yield await Promise.resolve(answer(account, slot.name));
      }
    },
  });
  const JOBS = [job('charge-days', 'day', 10 * 60_000), job('invoice-run', 'month', 26 * HOUR_MS)];
  const scheduled = (given: Records = records, holder = 'a'): TestScheduler => schedulerOn(given, clock, { holder, jobs: JOBS });
  const runs = async (): Promise<(RunBody & { key: string })[]> => {
    const rows = await store.rows<{ kind: string; name: string; latest: string }>('', { after: '0' });
    return rows
      .filter(({ kind }) => kind === RUN_KIND)
      .map(({ name, latest }) => ({ key: name, ...(JSON.parse(latest) as RunBody) }));
  };
  const keys = async (): Promise<string[]> => (await runs()).map(({ key, outcome }) => `${key} ${outcome}`);
  const put = (id: string, zone: string) =>
    catalog.putAccount(id, accountBody.parse({ name: id, currency: 'EUR', time_zone: zone }), 'test');

  beforeEach(async () => {
    store = memoryStore();
    clock = { nowMs: at('2026-03-10T12:00:00Z') };
    records = await opened();
    ({ catalog } = records);
    asked = [];
    answer = (account) => ({ account, outcome: 'changed', counts: { notes: 1 } });
    diesAfter = Infinity;
    await put('a1', 'UTC');
    await put('a2', 'UTC');
  });

  it('passes over, on record, what was due before it was there, and begins with what becomes due', async () => {
    const { tick } = scheduled();
    expect(await tick()).toBe(2);
    expect(asked).toEqual([]);
    expect(await keys()).toEqual(['invoice-run/UTC/2026-02 skipped', 'charge-days/UTC/2026-03-09 skipped']);
    clock.nowMs = at('2026-03-11T00:09:59Z');
    expect(await tick()).toBe(0);
    clock.nowMs = at('2026-03-11T00:10:00Z');
    expect(await tick()).toBe(1);
    expect(asked).toEqual(['charge-days a1 2026-03-10', 'charge-days a2 2026-03-10']);
    expect(await tick()).toBe(0);
    expect((await runs()).at(-1)).toMatchObject({
      ...{ key: 'charge-days/UTC/2026-03-10', outcome: 'done', trigger: 'schedule', attempts: 1, counts: { notes: 2 } },
      accounts: { seen: 2, changed: 2, waiting: 0, failed: 0 },
    });
  });

  it('catches up after a standstill of weeks, each turn once, in the order in which they fell due', async () => {
    const { tick } = scheduled();
    await tick();
    clock.nowMs = at('2026-04-03T12:00:00Z');
    // Another life of the process goes on where the one before stopped.
    expect(await scheduled(await opened(), 'b').tick()).toBe(25);
    const slots = asked.filter((each) => each.includes('a1')).map((each) => each.split(' ')[2]);
    expect(slots.slice(0, 3)).toEqual(['2026-03-10', '2026-03-11', '2026-03-12']);
    expect(slots.slice(-4)).toEqual(['2026-03-31', '2026-04-01', '2026-03', '2026-04-02']);
    expect(new Set(asked).size).toBe(asked.length);
    expect(await scheduled(await opened(), 'c').tick()).toBe(0);
  });

  it("goes by each account's own days, also over changes of the clock", async () => {
    await put('nyc', 'America/New_York');
    await put('tpe', 'Asia/Taipei');
    const { tick } = scheduled();
    clock.nowMs = at('2026-03-07T20:00:00Z');
    await tick();
    const began: string[] = [];
    for (; clock.nowMs < at('2026-03-09T20:00:00Z'); clock.nowMs += 30 * 60_000) {
      const before = asked.length;
      await tick();
      for (const each of asked.slice(before)) began.push(`${new Date(clock.nowMs).toISOString().slice(5, 16)} ${each}`);
    }
    // New York's 8th of March had 23 hours.
    expect(began.filter((each) => /nyc|tpe/.test(each))).toEqual([
      '03-08T05:30 charge-days nyc 2026-03-07',
      '03-08T16:30 charge-days tpe 2026-03-08',
      '03-09T04:30 charge-days nyc 2026-03-08',
      '03-09T16:30 charge-days tpe 2026-03-09',
    ]);
  });

  it('does the newest turn of a zone that comes later: an account that moves there misses no month', async () => {
    const { tick } = scheduled();
    await tick();
    await put('a2', 'Asia/Taipei');
    clock.nowMs += HOUR_MS;
    await tick();
    expect(asked).toEqual(['invoice-run a2 2026-02', 'charge-days a2 2026-03-09']);
  });

  it('tries again those who wait or failed, them alone, less and less often, and says what is wrong', async () => {
    const { tick } = scheduled();
    await tick();
    answer = (account) => account === 'a1' ? { account, outcome: 'changed' } : { account, outcome: 'waiting', code: 'not_metered', reason: 'not yet' }; // prettier-ignore
    clock.nowMs = at('2026-03-11T00:10:00Z');
    await tick();
    expect((await runs()).at(-1)).toMatchObject({ outcome: 'waiting', left: ['a2'], problems: [{ account: 'a2', code: 'not_metered', reason: 'not yet' }] }); // prettier-ignore
    asked = [];
    const tries: string[] = [];
    for (; clock.nowMs < at('2026-03-11T09:00:00Z'); clock.nowMs += 60_000) {
      await tick();
      if (asked.length > tries.length) tries.push(new Date(clock.nowMs).toISOString().slice(11, 16));
    }
    expect(tries).toEqual(['00:15', '00:25', '00:45', '01:25', '02:45', '05:25']);
    expect(new Set(asked)).toEqual(new Set(['charge-days a2 2026-03-10']));
    expect(latenessOf(catalog, records.runs, JOBS, clock.nowMs).get('charge-days')).toBe(
      clock.nowMs - at('2026-03-11T00:10:00Z'),
    );
    // The next day's turn does not wait for it.
    clock.nowMs = at('2026-03-12T00:10:00Z');
    answer = (account) => ({ account, outcome: 'changed' });
    await tick();
    expect(await keys()).toEqual(expect.arrayContaining(['charge-days/UTC/2026-03-10 done', 'charge-days/UTC/2026-03-11 done']));
    expect(latenessOf(catalog, records.runs, JOBS, clock.nowMs).get('charge-days')).toBe(0);
  });

  it('gives up after a month, on record, and never comes back to it', async () => {
    const { tick } = scheduled();
    await tick();
    answer = (account, slot) => account === 'a2' && slot === '2026-03-10' ? { account, outcome: 'failed', code: 'internal', reason: 'no' } : { account, outcome: 'nothing' }; // prettier-ignore
    for (clock.nowMs = at('2026-03-11T00:10:00Z'); clock.nowMs < at('2026-04-20T00:00:00Z'); clock.nowMs += 6 * HOUR_MS)
      await tick();
    const run = (await runs()).find(({ key }) => key === 'charge-days/UTC/2026-03-10');
    expect(run).toMatchObject({ outcome: 'failed', next_try_at: null, left: null });
    expect(records.runs.open()).toEqual([]);
  });

  it('cut off after any part is gone on with in another life, and by two at once each turn is done by one', async () => {
    const { tick } = scheduled();
    await tick();
    clock.nowMs = at('2026-03-12T06:00:00Z');
    for (diesAfter of [0, 1, 1, 0, 1]) {
      const life = await opened();
      const deaths: unknown[] = [];
      await scheduled(life, `life-${diesAfter}`).tick().catch((error: unknown) => deaths.push(error)); // prettier-ignore
      expect(deaths).toHaveLength(1);
      clock.nowMs += 12 * HOUR_MS;
    }
    diesAfter = Infinity;
    const [b, c] = [scheduled(await opened(), 'b'), scheduled(await opened(), 'c')];
    await b.tick();
    await c.tick();
    const over = await runs();
    expect(over.filter(({ outcome }) => outcome !== 'done' && outcome !== 'skipped')).toEqual([]);
    expect(over.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['charge-days/UTC/2026-03-10', 'charge-days/UTC/2026-03-11', 'charge-days/UTC/2026-03-12', 'charge-days/UTC/2026-03-13']), // prettier-ignore
    );
  });

  it('whose lease another has stops, and records nothing of it: the other goes on with the turn', async () => {
    const a = scheduled();
    await a.tick();
    clock.nowMs = at('2026-03-11T06:00:00Z');
    const b = scheduled(records, 'b');
    // While the first account's part is done the lease goes over.
    answer = (account) => ({ account, outcome: 'changed' });
    let handed = false;
    const handing: Job = {
      ...JOBS[0],
      ...{ name: 'charge-days', every: 'day', delayMs: 10 * 60_000, does: 'notes', isTogether: false },
      async *run(_, { accounts }) {
        for (const account of accounts) {
          if (!handed) {
            handed = true;
            await a.lease.release();
            await b.lease.keep();
          }
          yield { account, outcome: 'changed' };
        }
      },
    };
    const first = schedulerOn(records, clock, { holder: 'a', jobs: [handing] });
    await first.lease.keep();
    await first.scheduler.tick().catch((error: unknown) => error);
    expect(await b.scheduler.tick()).toBe(1);
    expect((await runs()).find(({ key }) => key === 'charge-days/UTC/2026-03-10')).toMatchObject({
      outcome: 'done',
      attempts: 2,
    });
  });

  it('run by hand does a turn now, or says what it would do; the schedule goes on as it would have', async () => {
    const { tick, context } = scheduled();
    await tick();
    clock.nowMs += HOUR_MS;
    const [first] = JOBS;
    if (first === undefined) throw new Error('no job');
    const byHand = (more: object) =>
      runByHand(records.journal, context, { job: first, account: undefined, slot: undefined, dryRun: false, by: 'ann', ...more });
    const [dry] = await byHand({ dryRun: true, account: 'a2' });
    expect(dry).toMatchObject({
      id: null,
      run: { slot: '2026-03-09', outcome: 'done', account: 'a2' },
      parts: [{ account: 'a2' }],
    });
    expect((await runs()).filter(({ trigger }) => trigger === 'hand')).toEqual([]);
    expect(await byHand({ slot: '2026-03-05' })).toMatchObject([
      { run: { slot: '2026-03-05', trigger: 'hand', accounts: { seen: 2 } } },
    ]);
    for (const slot of ['2026-03-10', '2026-03', 'nonsense', '2026-02-30'])
      await expect(byHand({ slot }), slot).rejects.toThrow('invalid_parameter');
    clock.nowMs = at('2026-03-11T00:10:00Z');
    expect(await tick()).toBe(1);
  });

  it('does nothing on an event clock that has not begun, and nothing where there is no account', async () => {
    const empty = recordsOf(await memoryCatalog(memoryStore(), () => clock.nowMs));
    expect(await scheduled(empty).tick()).toBe(0);
    clock.nowMs = 0;
    expect(await scheduled().tick()).toBe(0);
    clock.nowMs = 20 * DAY_MS;
    expect(await scheduled().tick()).toBe(0);
  });
});
