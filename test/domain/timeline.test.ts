import { describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { type DatedPlan, planBody, planOf } from '../../src/domain/plan.ts';
import { bucketRows, type OutageInterval } from '../../src/domain/timeline.ts';

const S = 1000;
const MIN = 60 * S;
const HOUR = 60 * MIN;
/** 1.44 a day: a minute is 1,000,000 nanos. */
const plan = (creditable: string[] = ['provider'], amount = '1.44') =>
  planOf('p', planBody.parse({ currency: 'CNY', time_zone: 'UTC', price: { amount, per: 'day' }, creditable }));
const always: DatedPlan[] = [{ fromMs: 0, plan: plan() }];
const outage = (condition: 'provider' | 'customer' | 'silent', startMs: number, endMs: number | null): OutageInterval => ({
  startMs,
  endMs,
  condition: conditionCode(condition),
});

describe('buckets of a timeline', () => {
  it('are up where nothing else is said, and only within the published part', () => {
    const rows = bucketRows({ firstMs: 30 * S, horizonMs: 3 * MIN, outages: [], plans: always }, [0, 1, 2, 3, 4]);
    expect(rows.map((row) => [row.startMinute, row.upMs, row.unavailableMinutes, row.creditNanos])).toEqual([
      [0, 30_000, 0, 0n],
      [1, 60_000, 0, 0n],
      [2, 60_000, 0, 0n],
    ]);
  });

  it('count a minute that one millisecond of a creditable outage touched', () => {
    const outages = [outage('provider', 2 * MIN - 1, 3 * MIN + 1)];
    const timeline = { firstMs: 0, horizonMs: HOUR, outages, plans: always };
    const [hour] = bucketRows(timeline, [0, 60]);
    expect(hour).toMatchObject({ upMs: HOUR - MIN - 2, unavailableMinutes: 3, creditNanos: 3_000_000n });
    expect(hour?.downMs[1]).toBe(MIN + 2);
    const minutes = bucketRows(timeline, [0, 1, 2, 3, 4, 5]);
    expect(minutes.map((row) => row.downMs[1])).toEqual([0, 1, MIN, 1, 0]);
    expect(minutes.map((row) => row.creditNanos)).toEqual([0n, 1_000_000n, 1_000_000n, 1_000_000n, 0n]);
  });

  it('count a minute once, however many creditable outages touch it', () => {
    const outages = [
      outage('provider', 10 * S, 20 * S),
      outage('customer', 20 * S, 25 * S),
      outage('provider', 30 * S, 70 * S),
      outage('customer', 70 * S, 80 * S),
    ];
    const [hour] = bucketRows({ firstMs: 0, horizonMs: HOUR, outages, plans: always }, [0, 60]);
    expect(hour).toMatchObject({ unavailableMinutes: 2, creditNanos: 2_000_000n });
    expect([hour?.downMs[1], hour?.downMs[6]]).toEqual([50_000, 15_000]);
  });

  it('credit silence only where the plan says so', () => {
    const outages = [outage('silent', 0, 10 * MIN)];
    const silent: DatedPlan[] = [{ fromMs: 0, plan: plan(['provider', 'silent']) }];
    expect(bucketRows({ firstMs: 0, horizonMs: HOUR, outages, plans: always }, [0, 60])[0]).toMatchObject({
      silentMs: 600_000,
      unavailableMinutes: 0,
    });
    expect(bucketRows({ firstMs: 0, horizonMs: HOUR, outages, plans: silent }, [0, 60])[0]).toMatchObject({
      silentMs: 600_000,
      unavailableMinutes: 10,
      creditNanos: 10_000_000n,
    });
  });

  it('without a plan count provider minutes, worth nothing', () => {
    const outages = [outage('provider', 0, 90 * S)];
    expect(bucketRows({ firstMs: 0, horizonMs: HOUR, outages, plans: [] }, [0, 60])[0]).toMatchObject({
      unavailableMinutes: 2,
      creditNanos: 0n,
    });
  });

  it('give a minute to the plan in force at its start', () => {
    // From 00:02:30 on ten times the price; the minute of the change belongs to the old plan.
    const plans: DatedPlan[] = [...always, { fromMs: 150 * S, plan: plan(['provider'], '14.40') }];
    const outages = [outage('provider', 0, 5 * MIN)];
    expect(bucketRows({ firstMs: 0, horizonMs: HOUR, outages, plans }, [0, 60])[0]).toMatchObject({
      unavailableMinutes: 5,
      creditNanos: 23_000_000n,
    });
  });

  it('let an open outage reach the horizon and no further', () => {
    const outages = [outage('provider', 10 * MIN, null)];
    const rows = bucketRows({ firstMs: 0, horizonMs: 90 * MIN, outages, plans: always }, [0, 60, 120, 180]);
    expect(rows.map((row) => [row.upMs, row.downMs[1], row.unavailableMinutes])).toEqual([
      [10 * MIN, 50 * MIN, 50],
      [0, 30 * MIN, 30],
    ]);
  });

  it('add up to the same over any buckets', () => {
    const outages = [outage('provider', 61_234, 30 * 24 * HOUR + 7), outage('customer', 30 * 24 * HOUR + 7, 31 * 24 * HOUR)];
    const timeline = { firstMs: 5, horizonMs: 32 * 24 * HOUR, outages, plans: always };
    const total = 32 * 1440;
    const sums = [1, 60, 1440, total].map((step) => {
      const rows = bucketRows(
        timeline,
        Array.from({ length: total / step + 1 }, (_, i) => i * step),
      );
      return [
        rows.reduce((sum, row) => sum + row.upMs, 0),
        rows.reduce((sum, row) => sum + row.unavailableMinutes, 0),
        rows.reduce((sum, row) => sum + row.creditNanos, 0n),
      ];
    });
    // Minutes 1 to 30·1440 inclusive.
    const expected = [61_229 + 24 * HOUR, 43_200, 43_200_000_000n];
    expect(sums).toEqual([expected, expected, expected, expected]);
  });
});
