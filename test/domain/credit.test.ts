import { describe, expect, it } from 'vitest';
import { creditBetween, dayCharge, unit, unitSum } from '../../src/domain/credit.ts';
import { planBody, planOf } from '../../src/domain/plan.ts';
import { localDay } from '../../src/domain/zone.ts';
import { minute } from '../support/zone.ts';

const plan = (amount: string, per: 'month' | 'day' | 'hour', timeZone: string) =>
  planOf('p', planBody.parse({ currency: 'CNY', time_zone: timeZone, price: { amount, per } }));

describe('day charge', () => {
  // 300e9 / 31 = 9677419354.83…: the days take turns, and the month is 300 to the nano.
  it.each([
    ['300.00', 'month', 'Asia/Taipei', '2026-03-01T00:00Z', 9_677_419_354n],
    ['300.00', 'month', 'Asia/Taipei', '2026-03-02T00:00Z', 9_677_419_355n],
    ['300.00', 'month', 'Asia/Taipei', '2026-03-31T00:00Z', 9_677_419_355n],
    ['28.00', 'month', 'UTC', '2026-02-14T00:00Z', 1_000_000_000n],
    ['1.44', 'day', 'UTC', '2026-02-14T00:00Z', 1_440_000_000n],
    ['0.10', 'hour', 'Europe/Berlin', '2026-03-29T12:00Z', 2_300_000_000n],
    ['0.10', 'hour', 'Europe/Berlin', '2026-03-30T12:00Z', 2_400_000_000n],
    ['0.10', 'hour', 'Europe/Berlin', '2026-10-25T12:00Z', 2_500_000_000n],
    ['0.10', 'hour', 'Australia/Lord_Howe', '2026-04-05T00:00Z', 2_450_000_000n],
  ] as const)('of %s a %s in %s at %s is %s nanos', (amount, per, timeZone, at, nanos) => {
    const p = plan(amount, per, timeZone);
    expect(dayCharge(p, localDay(p.zone, minute(at)))).toBe(nanos);
  });
});

describe('units', () => {
  it('a minute of 1.44 a day is a thousandth, on any day of 24 hours', () => {
    expect([0, 1, 1439].map((k) => unit(1_440_000_000n, 1440, k))).toEqual([1_000_000n, 1_000_000n, 1_000_000n]);
  });

  // D = 10, M = 4: floors 0 2 5 7 10
  it('the minutes of a day share its charge without a rest', () => {
    expect([0, 1, 2, 3].map((k) => unit(10n, 4, k))).toEqual([2n, 3n, 2n, 3n]);
    expect(unitSum(10n, 4, 1, 3)).toBe(5n);
  });

  it.each([
    ['a whole month is its price', '300.00', 'month', 'Asia/Taipei', '2026-02-28T16:00Z', '2026-03-31T16:00Z', 300_000_000_000n],
    [
      'a month with a change of the clock too',
      '299.99',
      'month',
      'Europe/Berlin',
      '2026-02-28T23:00Z',
      '2026-03-31T22:00Z',
      299_990_000_000n,
    ],
    // Each of them had a day less, and costs what it costs.
    ...(
      [
        ['Pacific/Apia', '2011-12-01T10:00Z', '2011-12-31T10:00Z'],
        ['Pacific/Kwajalein', '1993-08-01T12:00Z', '1993-08-31T12:00Z'],
        ['Pacific/Kiritimati', '1994-12-01T10:00Z', '1994-12-31T10:00Z'],
        ['Pacific/Kanton', '1994-12-01T11:00Z', '1994-12-31T11:00Z'],
        ['Pacific/Kiritimati', '1994-12-31T10:00Z', '1995-01-31T10:00Z'],
      ] as const
    ).map(([name, from, to]) => [`the month of ${name}`, '310.00', 'month', name, from, to, 310_000_000_000n] as const),
    ['nothing is worth nothing', '300.00', 'month', 'UTC', '2026-03-01T00:00Z', '2026-03-01T00:00Z', 0n],
    // floor(9677419354 · 1/1440) = 6720430
    ['the first minute of March', '300.00', 'month', 'Asia/Taipei', '2026-02-28T16:00Z', '2026-02-28T16:01Z', 6_720_430n],
    [
      'across midnight each day at its own charge',
      '0.60',
      'hour',
      'Europe/Berlin',
      '2026-03-28T22:59Z',
      '2026-03-28T23:01Z',
      20_000_000n,
    ],
  ] as const)('%s', (_, amount, per, timeZone, from, to, nanos) => {
    expect(creditBetween(plan(amount, per, timeZone), minute(from), minute(to))).toBe(nanos);
  });

  it('any split of a range adds up to the whole', () => {
    const p = plan('313.37', 'month', 'Australia/Lord_Howe');
    const from = minute('2026-04-03T20:17Z');
    let sum = 0n;
    for (let i = 0; i < 4000; i += 1) sum += creditBetween(p, from + i, from + i + 1);
    expect(sum).toBe(creditBetween(p, from, from + 4000));
  });
});

describe('plan bodies', () => {
  const good = {
    currency: 'CNY',
    time_zone: 'Asia/Taipei',
    price: { amount: '300.00', per: 'month' },
    creditable: ['provider', 'silent'],
    terms: 'internet-service',
    traffic: {
      counting: 'sum',
      included_bytes: 10,
      tiers: [
        { up_to: 500, price: '0.10' },
        { up_to: null, price: '0.05' },
      ],
    },
  };

  it('fills in what is left out', () => {
    const body = planBody.parse({ currency: 'JPY', time_zone: 'UTC', price: { amount: '1', per: 'day' } });
    expect(body).toMatchObject({ creditable: ['provider'], terms: null, traffic: null });
    expect(planBody.parse(good).traffic).toMatchObject({ unit_bytes: 1_000_000_000, round_up: false, mode: 'graduated' });
    expect(planBody.safeParse({ ...good, traffic: { counting: 'p95', price_per_mbps: '8.00' } }).success).toBe(true);
    expect(planOf('p', planBody.parse(good)).creditable).toEqual(new Set([1, 8]));
  });

  it.each([
    ['currency', { currency: 'XYZ' }],
    ['time_zone', { time_zone: 'Asia/Nowhere' }],
    ['price.amount', { price: { amount: 300, per: 'month' } }],
    ['price.amount', { price: { amount: '-1', per: 'month' } }],
    ['price.amount', { price: { amount: '100000000', per: 'month' } }],
    ['price.per', { price: { amount: '1', per: 'year' } }],
    ['creditable.0', { creditable: ['up'] }],
    ['creditable', { creditable: ['silent', 'silent'] }],
    ['traffic.tiers', { traffic: { ...good.traffic, tiers: [{ up_to: 5, price: '1' }] } }],
    [
      'traffic.tiers',
      {
        traffic: {
          ...good.traffic,
          tiers: [
            { up_to: 5, price: '1' },
            { up_to: 5, price: '1' },
            { up_to: null, price: '1' },
          ],
        },
      },
    ],
    ['traffic.counting', { traffic: { counting: 'all' } }],
    ['', { colour: 'red' }],
  ])('names %s when it is wrong', (path, change) => {
    const parsed = planBody.safeParse({ ...good, ...change });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
  });
});
