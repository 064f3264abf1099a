import { describe, expect, it } from 'vitest';
import type { Condition } from '../../src/domain/condition.ts';
import { dayChargeNanos, localDay, planAt, unitNanos, type ModelPlan } from '../../src/verify/model/credit.ts';
import { runModel, type ModelCatalog } from './fleet.ts';
import { optionsAt, sample, T0_MS } from './literal.ts';

const HOUR_MS = 3_600_000;
const plan = (
  timeZone: string,
  per: 'hour' | 'day' | 'month',
  amountNanos: bigint,
  creditable: Condition[] = ['provider'],
): ModelPlan => ({
  timeZone,
  price: { amountNanos, per },
  creditable,
});

describe('a local day', () => {
  it.each<[zone: string, inside: string, from: string, hours: number]>([
    ['UTC', '2026-03-01T23:59:59.999Z', '2026-03-01T00:00:00Z', 24],
    ['Asia/Taipei', '2026-02-28T16:00:00Z', '2026-02-28T16:00:00Z', 24],
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z', 23],
    ['Europe/Berlin', '2025-10-26T12:00:00Z', '2025-10-25T22:00:00Z', 25],
    ['America/New_York', '2026-03-08T12:00:00Z', '2026-03-08T05:00:00Z', 23],
    ['America/New_York', '2025-11-02T06:30:00Z', '2025-11-02T04:00:00Z', 25],
    ['America/Havana', '2026-03-08T12:00:00Z', '2026-03-08T05:00:00Z', 23], // has no 00:00: it begins at 01:00
    ['Australia/Lord_Howe', '2026-04-05T00:00:00Z', '2026-04-04T13:00:00Z', 24.5],
    ['Asia/Kathmandu', '2026-03-01T00:00:00Z', '2026-02-28T18:15:00Z', 24],
  ])('of %s at %s begins at %s and has %d hours', (zone, inside, from, hours) => {
    const day = localDay(zone, Date.parse(inside));
    expect(new Date(day.fromMs).toISOString()).toBe(new Date(from).toISOString());
    expect((day.toMs - day.fromMs) / HOUR_MS).toBe(hours);
  });
});

describe('the charge of a day', () => {
  it.each<[claim: string, plan: ModelPlan, inside: string, charge: bigint]>([
    ['a price per day, whatever its length', plan('Europe/Berlin', 'day', 100n), '2026-03-29T12:00:00Z', 100n],
    ['a price per hour, 23 of them', plan('Europe/Berlin', 'hour', 100n), '2026-03-29T12:00:00Z', 2_300n],
    ['a price per hour, 25 of them', plan('Europe/Berlin', 'hour', 100n), '2025-10-26T12:00:00Z', 2_500n],
    ['a price per hour, 24 and a half, rounded down', plan('Australia/Lord_Howe', 'hour', 101n), '2026-04-05T00:00:00Z', 2_474n],
    ['a price per month, first day: ⌊100/31⌋', plan('UTC', 'month', 100n), '2026-03-01T00:00:00Z', 3n],
    ['a price per month, last day: 100 − ⌊3000/31⌋', plan('UTC', 'month', 100n), '2026-03-31T00:00:00Z', 4n],
    ['a price per month, in the local month', plan('Asia/Taipei', 'month', 280n), '2026-02-28T16:00:00Z', 9n],
    ['a price per month, in the month before', plan('Asia/Taipei', 'month', 280n), '2026-02-28T15:59:00Z', 10n],
  ])('%s', (_claim, priced, inside, charge) => {
    expect(dayChargeNanos(priced, localDay(priced.timeZone, Date.parse(inside)))).toBe(charge);
  });

  it('of a month sum to its price', () => {
    const priced = plan('Europe/Berlin', 'month', 12_345_678_901n);
    let total = 0n;
    let day = localDay(priced.timeZone, Date.parse('2026-03-01T12:00:00Z'));
    for (; day.month === 3; day = localDay(priced.timeZone, day.toMs)) total += dayChargeNanos(priced, day);
    expect(total).toBe(12_345_678_901n);
  });
});

describe('the worth of a minute', () => {
  it.each([
    ['2026-03-29T12:00:00Z', 1380],
    ['2025-10-26T12:00:00Z', 1500],
    ['2026-03-01T12:00:00Z', 1440],
  ])('sums to the charge of the day %s over its %d minutes', (inside, minutes) => {
    const priced = plan('Europe/Berlin', 'month', 9_999_999_999_999n);
    const day = localDay(priced.timeZone, Date.parse(inside));
    let total = 0n;
    let count = 0;
    for (let minuteMs = day.fromMs; minuteMs < day.toMs; minuteMs += 60_000) {
      total += unitNanos(priced, minuteMs);
      count += 1;
    }
    expect([count, total]).toEqual([minutes, dayChargeNanos(priced, day)]);
  });

  it('is ⌊D(k+1)/M⌋ − ⌊D·k/M⌋: of one nano a day, the last minute has it', () => {
    const priced = plan('UTC', 'day', 1n);
    expect([
      unitNanos(priced, T0_MS),
      unitNanos(priced, T0_MS + 1438 * 60_000),
      unitNanos(priced, T0_MS + 1439 * 60_000),
    ]).toEqual([0n, 0n, 1n]);
  });
});

describe('the credit of a minute', () => {
  const catalog: ModelCatalog = {
    plans: new Map([
      ['cheap', plan('UTC', 'day', 1_440n, ['silent', 'provider'])],
      ['dear', plan('UTC', 'day', 14_400n, ['attack'])],
    ]),
    // The second plan begins inside minute 1, which therefore still belongs to the first.
    vms: new Map([
      [
        'v',
        {
          endsAtMs: null,
          plans: [
            { plan: 'dear', fromMs: T0_MS + 90_000 },
            { plan: 'cheap', fromMs: T0_MS + 60_000 },
          ],
        },
      ],
    ]),
  };
  const credits = (condition: Condition, known: ModelCatalog): [boolean, bigint][] =>
    runModel(
      [0, 60_000, 120_000, 180_000].flatMap((ms) => [sample(ms, { condition }), sample(ms + 1)]),
      optionsAt(null),
      known,
    ).uptime.map(({ unavailable, creditNanos }) => [unavailable, creditNanos]);

  it('is what the plan in force at its start gives for one millisecond in a creditable condition', () => {
    expect(credits('provider', catalog)).toEqual([
      [true, 0n],
      [true, 1n],
      [false, 0n],
    ]);
    expect(credits('attack', catalog)).toEqual([
      [false, 0n],
      [false, 0n],
      [true, 10n],
    ]);
  });

  it('is nothing without a plan, though provider time makes the minute unavailable', () => {
    const none = { plans: new Map(), vms: new Map() };
    expect(credits('provider', none)).toEqual([0, 1, 2].map(() => [true, 0n]));
    expect(credits('maintenance', none)).toEqual([0, 1, 2].map(() => [false, 0n]));
  });

  it('of two plans that begin together, the later in the list is in force', () => {
    const [a, b] = [plan('UTC', 'day', 1n), plan('UTC', 'day', 2n)];
    const dated = [a, b].map((each) => ({ plan: each, fromMs: 5 }));
    expect([planAt(dated, 4), planAt(dated, 5)]).toEqual([null, b]);
  });
});
