import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expireSamples, EXPIRY_DAYS_MAX, type ExpiryOptions } from '../../src/store/expiry.ts';
import { migrate } from '../../src/store/migrations.ts';
import { literal } from '../../src/store/rowbinary.ts';
import { settleRetention } from '../../src/store/retention.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 5, 30, 12);

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());
beforeEach(async () => {
  for (const table of ['retention', 'expiries', 'samples']) await test.store.command(`TRUNCATE TABLE ${table}`);
});

const settle = (days: number, shorten?: string) => settleRetention(test.store, { days, shorten, nowMs: NOW });

describe('how long raw samples are kept', () => {
  it('is what the first start says, and what a later one says that keeps them longer', async () => {
    expect(await settle(90)).toEqual({ days: 90 });
    expect(await settle(90)).toEqual({ days: 90 });
    expect((await settle(120)).days).toBe(120);
    expect((await settle(0)).days).toBe(0);
    expect(await settle(0)).toEqual({ days: 0 });
  });

  it.each([
    [90, 9, undefined],
    [90, 9, '90:30'],
    [90, 9, '9:90'],
    [0, 90, undefined],
    [0, 90, '90:0'],
  ])('of %i days stays so where %i are set and %s confirms it', async (before, now, shorten) => {
    await settle(before);
    const settled = await settle(now, shorten);
    expect(settled.days).toBe(before);
    expect(settled.note?.level).toBe('error');
    expect(settled.note?.message).toContain(
      `Set UPTALLY_RETENTION_SHORTEN=${before}:${now} to confirm it, or UPTALLY_RETENTION_DAYS=${before}`,
    );
    expect((await settle(before)).note).toBeUndefined();
  });

  it.each([
    [90, 9],
    [0, 90],
  ])('of %i days is %i when that is confirmed by name, once', async (before, now) => {
    await settle(before);
    expect(await settle(now, `${before}:${now}`)).toMatchObject({ days: now, note: { level: 'warn' } });
    expect(await settle(now, `${before}:${now}`)).toEqual({ days: now });
    expect((await settle(before, `${before}:${now}`)).days).toBe(before);
  });
});

describe('a database of the version before', () => {
  it('keeps what its TTL said, and has no TTL any more, also after a crash in between', async () => {
    await test.store.command('ALTER TABLE samples MODIFY TTL toDateTime(ts) + INTERVAL 93 DAY');
    await migrate(test.store, { nowMs: NOW });
    const engine = async () => {
      const [table] = await test.store.rows<{ e: string }>(
        "SELECT engine_full AS e FROM system.tables WHERE database = currentDatabase() AND name = 'samples'",
      );
      return table?.e;
    };
    expect(await engine()).not.toContain('TTL');
    expect((await settle(9)).days).toBe(90);
    // the record was made, and the TTL was not yet taken away
    await test.store.command('ALTER TABLE samples MODIFY TTL toDateTime(ts) + INTERVAL 12 DAY');
    await migrate(test.store, { nowMs: NOW });
    expect(await engine()).not.toContain('TTL');
    expect((await settle(9)).days).toBe(90);
  });
});

describe('raw samples expire', () => {
  const KEPT = 93;

  /** One sample a day and VM, at noon, from so many days ago to now. */
  async function fill(vms: readonly string[], days: number): Promise<void> {
    const columns = await test.store.rows<{ name: string }>(
      "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'samples'",
    );
    expect(columns.map(({ name }) => name)).toContain('ts');
    for (const vm of vms) {
      await test.store.command(
        `INSERT INTO samples (vm, ts, pos) SELECT ${literal(vm)}, fromUnixTimestamp64Milli(toInt64(${NOW} - number * ${DAY})), number FROM numbers(${days + 1})`,
      );
    }
  }

  const expire = (options: Partial<ExpiryOptions> = {}) =>
    expireSamples({ store: test.store, keptDays: KEPT, clockMs: NOW, nowMs: NOW, holds: [], ...options });

  /** Days from the oldest sample to now, once what was deleted is gone. */
  async function oldest(vm: string): Promise<number> {
    await expect
      .poll(
        async () =>
          await test.store.rows("SELECT count() AS n FROM system.mutations WHERE table LIKE 'samples%' AND NOT is_done"),
        { timeout: 30_000 },
      )
      .toEqual([{ n: '0' }]);
    const [row] = await test.store.rows<{ ms: string }>(
      'SELECT toUnixTimestamp64Milli(min(ts)) AS ms FROM samples WHERE vm = {vm:String}',
      { vm },
    );
    return (NOW - Number(row?.ms ?? 0)) / DAY;
  }

  it('after their time, in whole days, and nothing before it', async () => {
    await fill(['a', 'b'], KEPT + 1);
    expect(await expire()).toEqual({ untilMs: Date.UTC(2026, 5, 30) - KEPT * DAY, samples: 2, vms: 2, held: 0, daysLeft: 0 });
    expect([await oldest('a'), await oldest('b')]).toEqual([KEPT, KEPT]);
  });

  it('once a day, and again the next day', async () => {
    await fill(['a'], KEPT + 1);
    await expire();
    expect(await expire({ nowMs: NOW + HOUR, clockMs: NOW + DAY })).toBeUndefined();
    expect(await expire({ nowMs: NOW + DAY, clockMs: NOW + DAY })).toMatchObject({ samples: 1 });
    expect(await oldest('a')).toBe(KEPT - 1);
  });

  it.each([
    ['a clock that is 100 days ahead', { clockMs: NOW + 100 * DAY, nowMs: NOW + 100 * DAY }, KEPT - EXPIRY_DAYS_MAX],
    ['a retention that is 81 days shorter', { keptDays: 12 }, KEPT - EXPIRY_DAYS_MAX],
    ['a clock that was set back', { clockMs: NOW - 100 * DAY, nowMs: NOW - 100 * DAY }, KEPT],
    ['a log without a clock yet', { clockMs: null }, KEPT],
    ['a retention without an end', { keptDays: 0 }, KEPT],
  ])('not faster than so many days a day: %s', async (_, options, left) => {
    await fill(['a'], KEPT + 1);
    await expire();
    await expire({ nowMs: NOW + DAY, ...options });
    // what the day itself made due
    expect(await oldest('a')).toBeGreaterThanOrEqual(left);
    expect(await oldest('a')).toBeLessThanOrEqual(KEPT);
  });

  it('not put off for ever by a record of a clock that was ahead', async () => {
    await fill(['a'], KEPT + 5);
    await expire({ nowMs: NOW + 100 * DAY, clockMs: NOW });
    expect(await expire({ nowMs: NOW + DAY })).toBeUndefined();
    expect(await expire({ nowMs: NOW + DAY, hasRunADay: true })).toMatchObject({ samples: 2 });
  });

  it('but not of VMs that are held, from when on they are', async () => {
    await fill(["o'brien", 'free', 'half'], KEPT + 1);
    const half = NOW - (KEPT + 0.5) * DAY;
    const expired = await expire({
      holds: [
        { vm: "o'brien", fromMs: 0 },
        { vm: 'half', fromMs: half },
        { vm: 'unknown', fromMs: 0 },
      ],
    });
    expect(expired).toMatchObject({ samples: 2, vms: 2, held: 1 });
    expect([await oldest("o'brien"), await oldest('free'), await oldest('half')]).toEqual([KEPT + 1, KEPT, KEPT]);
    // the dispute is closed
    expect(await expire({ clockMs: NOW + DAY, nowMs: NOW + DAY })).toMatchObject({ held: 0 });
    expect(await oldest("o'brien")).toBe(KEPT - 1);
  });

  it('nothing of an empty table', async () => {
    expect(await expire()).toBeUndefined();
  });
});
