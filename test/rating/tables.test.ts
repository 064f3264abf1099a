import { describe, expect, it } from 'vitest';
import type { CreditMethod, CreditPolicy } from '../../src/domain/credit-policy.ts';
import { conditionCode, type Condition } from '../../src/domain/condition.ts';
import { planBody, planOf } from '../../src/domain/plan.ts';
import { MINUTE_MS } from '../../src/domain/zone.ts';
import { priceCredits } from '../../src/rating/credits.ts';
import { tierCredit } from '../../src/rating/credit-share.ts';
import { decimalText, exact, roundedToMinor } from '../../src/rating/exact.ts';
import { priceFees } from '../../src/rating/fees.ts';
import { priceLateFee } from '../../src/rating/late-fee.ts';
import { rounded } from '../../src/rating/line.ts';
import { rateInvoice } from '../../src/rating/order.ts';
import { contentWords } from '../../src/print/words/content.ts';
import { percentileBytes, pricePercentile, rankOf, slotsOf } from '../../src/rating/percentile.ts';
import { segmentsOf } from '../../src/rating/served.ts';
import { priceService } from '../../src/rating/service.ts';
import { priceTraffic } from '../../src/rating/traffic.ts';

/** Literal cases: the conventions that billing systems disagree on, each pinned by numbers worked by hand. */
const GB = 1_000_000_000n;
const ms = (text: string): number => Date.parse(text);
const plan = (amount: string, per: 'month' | 'day' | 'hour', timeZone: string) =>
  planOf('p', planBody.parse({ currency: 'CNY', time_zone: timeZone, price: { amount, per } }));
const time = (change: Partial<Extract<CreditMethod, { kind: 'time' }>> = {}): CreditMethod => ({
  kind: 'time',
  rounding: 'minute',
  minimumSpellMs: 0,
  multiplier: { num: 1n, den: 1n },
  dayCap: { num: 1n, den: 1n },
  ...change,
});
const policy = (method: CreditMethod): CreditPolicy => ({
  clause: null,
  creditable: new Set([conditionCode('provider')]),
  method,
  unsure: new Set(),
  claimWithinDays: null,
  expiresAfterDays: null,
});
const service = (
  [amount, per, timeZone]: readonly [string, 'month' | 'day' | 'hour', string],
  from: string,
  to: string,
  { method = time(), starts = null, ends = null }: { method?: CreditMethod; starts?: string | null; ends?: string | null } = {},
) =>
  segmentsOf(
    {
      startsAtMs: starts === null ? null : ms(starts),
      endsAtMs: ends === null ? null : ms(ends),
      plans: [{ fromMs: 0, plan: plan(amount, per, timeZone) }],
      policyOf: () => policy(method),
    },
    ms(from) / MINUTE_MS,
    ms(to) / MINUTE_MS,
  );

describe('rounding is half to even, once a line', () => {
  it.each([
    [exact(5_000_000n), 'CNY', 0n],
    [exact(15_000_000n), 'CNY', 20_000_000n],
    [exact(25_000_000n), 'CNY', 20_000_000n],
    [exact(-15_000_000n), 'CNY', -20_000_000n],
    [exact(25_000_001n), 'CNY', 30_000_000n],
    [exact(50_000_001n, 2n), 'CNY', 30_000_000n],
    [exact(500_000_000n), 'JPY', 0n],
    [exact(1_500_000_000n), 'JPY', 2_000_000_000n],
    [exact(1_500_000_000n), 'TWD', 1_500_000_000n],
    [exact(500_000n), 'KWD', 0n],
  ] as const)('%o nanos of %s are charged as %s', (amount, currency, charged) => {
    expect(roundedToMinor(amount, currency)).toBe(charged);
  });
  it.each([
    [exact(1n, 3n), 0, '0.333333333'],
    [exact(-5n, 2n), 2, '-2.50'],
    [exact(31n), 0, '31'],
    [exact(1n, 10n ** 10n), 2, '0.00'],
  ] as const)('%o is shown with at least %i digits as %s', (value, digits, text) => {
    expect(decimalText(value, digits)).toBe(text);
  });
});

describe('service', () => {
  const whole = [
    ['31 days of a month are the price, not 31 rounded days', ['300.00', 'month', 'Asia/Taipei'], '2026-03-01T00:00+08:00', '2026-04-01T00:00+08:00', '31', 'day', 300_000_000_000n],
    ['28 days of a February too', ['300.00', 'month', 'Asia/Shanghai'], '2026-02-01T00:00+08:00', '2026-03-01T00:00+08:00', '28', 'day', 300_000_000_000n],
    ['29 days of a leap February too', ['300.00', 'month', 'UTC'], '2024-02-01T00:00Z', '2024-03-01T00:00Z', '29', 'day', 300_000_000_000n],
    ['by the day, a day of 23 hours costs a day', ['1.50', 'day', 'Europe/Berlin'], '2026-03-29T00:00+01:00', '2026-03-30T00:00+02:00', '1', 'day', 1_500_000_000n],
    ['by the hour, a day of 23 hours costs 23', ['0.10', 'hour', 'Europe/Berlin'], '2026-03-29T00:00+01:00', '2026-03-30T00:00+02:00', '1', 'day', 2_300_000_000n],
    ['by the hour, a day of 25 hours costs 25', ['0.10', 'hour', 'Europe/Berlin'], '2026-10-25T00:00+02:00', '2026-10-26T00:00+01:00', '1', 'day', 2_500_000_000n],
  ] as const; // prettier-ignore
  it.each(whole)('%s', (_, rate, from, to, quantity, unit, nanos) => {
    const line = priceService('v', service(rate, from, to), 'CNY');
    expect(line).toMatchObject({ quantity, say: { unit: { code: unit } }, exactNanos: { num: nanos, den: 1n } });
  });

  it('a day served from noon costs its 720 minutes', () => {
    const segments = service(['1.44', 'day', 'UTC'], '2026-03-01T00:00Z', '2026-03-02T00:00Z', { starts: '2026-03-01T12:00Z' });
    expect(priceService('v', segments, 'CNY')).toMatchObject({
      quantity: '720',
      say: { unit: { code: 'minute' } },
      unitPrice: '0.001',
      exactNanos: { num: 720_000_000n },
    });
  });

  it.each([
    ['a start within a minute: the minute after is the first', '2026-03-01T00:00:00.001Z', null, 1_439_000_000n],
    ['a start on the minute: that minute is the first', '2026-03-01T00:01Z', null, 1_439_000_000n],
    ['an end within a minute: that minute is the last', null, '2026-03-01T00:00:00.001Z', 1_000_000n],
    ['an end on the minute: the minute before is the last', null, '2026-03-01T00:01Z', 1_000_000n],
  ])('%s', (_, starts, ends, nanos) => {
    const segments = service(['1.44', 'day', 'UTC'], '2026-03-01T00:00Z', '2026-03-02T00:00Z', { starts, ends });
    expect(priceService('v', segments, 'CNY')?.exactNanos.num).toBe(nanos);
  });

  it('a plan changed at noon: each plan its own minutes, no minute twice, none lost', () => {
    const [cheap, dear] = [plan('1.44', 'day', 'UTC'), plan('2.88', 'day', 'UTC')];
    const segments = segmentsOf(
      {
        startsAtMs: null,
        endsAtMs: null,
        plans: [
          { fromMs: 0, plan: cheap },
          { fromMs: ms('2026-03-01T12:00:00.001Z'), plan: dear },
        ],
        policyOf: () => policy(time()),
      },
      ms('2026-03-01T00:00Z') / MINUTE_MS,
      ms('2026-03-02T00:00Z') / MINUTE_MS,
    );
    // 721 minutes of 0.001, then 719 of 0.002.
    expect(priceService('v', segments, 'CNY')?.exactNanos.num).toBe(721_000_000n + 719n * 2_000_000n);
  });

  it('no service is no line', () => {
    const segments = service(['1', 'day', 'UTC'], '2026-03-01T00:00Z', '2026-03-02T00:00Z', { ends: '2026-03-01T00:00Z' });
    expect(priceService('v', segments, 'CNY')).toBeUndefined();
  });
});

describe('traffic', () => {
  const rules = {
    counting: 'sum' as const,
    included_bytes: 0,
    unit_bytes: 1_000_000_000,
    round_up: false,
    mode: 'graduated' as const,
    tiers: [
      { up_to: 500, price: '0.10' },
      { up_to: null, price: '0.05' },
    ],
  };
  it.each([
    ['zero usage is a line of zero', {}, 0n, 0n, 0n],
    ['graduated: the bound belongs to its own tier', {}, 500n * GB, 0n, 50_000_000_000n],
    ['graduated: a byte above it costs the next price', {}, 500n * GB + 1n, 0n, 50_000_000_000n, 50_000_000n, GB],
    ['volume: the bound belongs to its own tier', { mode: 'volume' as const }, 500n * GB, 0n, 50_000_000_000n],
    ['volume: a unit above it reprices everything', { mode: 'volume' as const }, 501n * GB, 0n, 25_050_000_000n],
    ['volume of zero is zero', { mode: 'volume' as const }, 0n, 0n, 0n],
    ['included: the very last included byte is free', { included_bytes: 1e12 }, 500n * GB, 500n * GB, 0n],
    ['included is taken off before the tiers', { included_bytes: 1e12 }, 1000n * GB, 500n * GB, 50_000_000_000n],
    ['round_up: a started unit is whole', { round_up: true }, 1n, 0n, 100_000_000n],
    ['round_up: a whole unit is not two', { round_up: true }, GB, 0n, 100_000_000n],
    ['round_up is after the included bytes', { round_up: true, included_bytes: 1 }, GB + 1n, 0n, 100_000_000n],
    ['GB is 10^9: 2^30 bytes are more than one', {}, 2n ** 30n, 0n, 107_374_182n, 400_000_000n, GB],
    ['GiB when the plan says so', { unit_bytes: 2 ** 30 }, 2n ** 30n, 0n, 100_000_000n],
    ['out is what the VM sent', { counting: 'out' as const }, 7n * GB, 2n * GB, 200_000_000n],
    ['in is what the VM received', { counting: 'in' as const }, 7n * GB, 2n * GB, 700_000_000n],
    ['max is the larger total', { counting: 'max' as const }, 7n * GB, 2n * GB, 700_000_000n],
    ['beyond 64 bits', {}, 2n ** 64n - 1n, 2n ** 64n - 1n, 25_000_000_000n, 2n ** 65n - 2n, 20n],
  ] as const)('%s', (_, change, rxBytes, txBytes, whole, ...tail: readonly bigint[]) => {
    const [rest = 0n, den = 1n] = tail;
    const { exactNanos } = priceTraffic({ vm: 'v', plan: 'p', rules: { ...rules, ...change }, bytes: { rxBytes, txBytes }, currency: 'CNY' });
    expect(exactNanos.num * den).toBe((whole * den + rest) * exactNanos.den);
  }); // prettier-ignore

  it.each([
    // 10 of 31 days: 322.58 GB are free, 677.419… GB at 0.10 up to 161.29 GB, and 0.05 beyond: 16.129… + 25.806…
    ['graduated', {}, 10n, 31n, 1000n * GB, 1_300_000_000_000n, 31n],
    // volume: the same 677.41… GB lie beyond 161.29 GB
    ['volume', { mode: 'volume' as const }, 10n, 31n, 1000n * GB, 1_050_000_000_000n, 31n],
    ['the bound of a part belongs to its tier', { mode: 'volume' as const, included_bytes: 0 }, 1n, 2n, 250n * GB, 25_000_000_000n, 1n],
    ['a byte beyond it does not', { mode: 'volume' as const, included_bytes: 0 }, 1n, 2n, 250n * GB + 1n, 250_000_000_001n, 20n],
    ['a started unit is whole, after a part of what is included', { round_up: true, included_bytes: 1 }, 1n, 2n, GB + 1n, 200_000_000n, 1n],
  ] as const)('of a part of the period, %s', (_, change, minutes, of, rxBytes, num, den) => {
    const { exactNanos } = priceTraffic({ vm: 'v', plan: 'p', rules: { ...rules, included_bytes: 1e12, ...change }, bytes: { rxBytes, txBytes: 0n }, currency: 'CNY', share: { minutes, of } });
    expect(exactNanos.num * den).toBe(num * exactNanos.den);
  }); // prettier-ignore

  it('shows what it was computed from', () => {
    const line = priceTraffic({
      vm: 'v',
      plan: 'p',
      rules: { ...rules, included_bytes: 1e12 },
      bytes: { rxBytes: 1600n * GB, txBytes: 0n },
      currency: 'CNY',
    });
    expect(line).toMatchObject({ quantity: '600', exactNanos: { num: 55_000_000_000n } });
    expect(contentWords(line.say).unit).toBe('GB');
    expect('tiers' in line.detail && line.detail.tiers).toEqual([
      { up_to: 500, units: '500', price: '0.10' },
      { up_to: null, units: '100', price: '0.05' },
    ]);
  });
});

describe('95th percentile', () => {
  it.each([
    [1, 1],
    [19, 19],
    [20, 19],
    [21, 20],
    [100, 95],
    // A month of 30 days: 8640 slots, of which the 432 highest are free.
    [8640, 8208],
    [8928, 8482],
  ])('of %i slots the one of rank %i is taken', (n, rank) => {
    expect(rankOf(n)).toBe(rank);
  });
  it.each([
    ['absent slots are zero', [9n], 20, 0n],
    ['the single highest of twenty is free', [5n, 9n], 20, 5n],
    ['order of arrival does not matter', [9n, 1n, 5n], 3, 9n],
    ['no traffic', [], 288, 0n],
    ['as numbers, not as text', [10n, 9n], 2, 10n],
  ] as const)('%s', (_, given, n, bytes) => {
    expect(percentileBytes(given, n)).toBe(bytes);
  });
  it('37.5 MB in 5 minutes are 1 Mbit/s', () => {
    const rules = { counting: 'p95' as const, direction: 'sum' as const, price_per_mbps: '8.00' };
    const facts = {
      vm: 'v',
      plan: 'p',
      rules,
      slots: [{ rxBytes: 30_000_000n, txBytes: 7_500_000n }],
      slotCount: 1,
      currency: 'CNY',
    };
    const line = pricePercentile(facts);
    expect(rounded(line, 'CNY')).toMatchObject({ quantity: '1', amountNanos: 8_000_000_000n });
    expect(contentWords(line.say).unit).toBe('Mbit/s');
    const larger = pricePercentile({ ...facts, rules: { ...rules, direction: 'max' } });
    expect(larger.quantity).toBe('0.8');
  });
  it.each([
    ['2026-03-01T00:00Z', '2026-03-02T00:00Z', 288],
    ['2026-02-28T16:00Z', '2026-03-31T16:00Z', 8928],
    // A boundary within a slot: both periods see the slot.
    ['2026-03-01T00:03Z', '2026-03-01T00:07Z', 2],
    ['2026-03-01T00:05Z', '2026-03-01T00:05Z', 0],
  ])('from %s to %s there are %i slots of the UTC grid', (from, to, n) => {
    expect(slotsOf([{ fromMinute: ms(from) / MINUTE_MS, toMinute: ms(to) / MINUTE_MS }])).toBe(n);
  });
});

describe('credits', () => {
  // 1.44 a day of 24 hours: 1,000,000 nanos a minute.
  const RATE = ['1.44', 'day', 'UTC'] as const;
  const DAY = ['2026-03-01T00:00Z', '2026-03-02T00:00Z'] as const;
  interface CreditCase {
    method?: CreditMethod;
    from?: string;
    to?: string;
    rate?: readonly [string, 'month' | 'day' | 'hour', string];
    starts?: string | null;
  }
  const credit = (
    outages: readonly (readonly [string, string, Condition?])[],
     { method = time(), from = DAY[0], to = DAY[1], rate = RATE, starts = null }: CreditCase = {},
  ) => {
    const closed = outages.map(([a, b, cause = 'provider']) => ({ startMs: ms(a), endMs: ms(b), condition: conditionCode(cause) }));
    const line = priceCredits({ vm: 'v', service: service(rate, from, to, { method, starts }), outages: closed, fromMinute: ms(from) / MINUTE_MS, toMinute: ms(to) / MINUTE_MS, currency: 'CNY' });
    return line === undefined ? undefined : { nanos: -line.exactNanos.num / line.exactNanos.den, minutes: line.quantity, days: line.detail.days };
  }; // prettier-ignore

  it.each([
    ['one millisecond is one minute', [['2026-03-01T05:00:00.999Z', '2026-03-01T05:00:01.000Z']], 1_000_000n, '1'],
    ['30 seconds over a minute are two', [['2026-03-01T05:00:45Z', '2026-03-01T05:01:15Z']], 2_000_000n, '2'],
    ['an end on the minute does not touch the next', [['2026-03-01T05:00Z', '2026-03-01T05:01Z']], 1_000_000n, '1'],
    ['two outages in one minute are one minute', [['2026-03-01T05:00:01Z', '2026-03-01T05:00:02Z'], ['2026-03-01T05:00:03Z', '2026-03-01T05:00:04Z']], 1_000_000n, '1'],
    ['third parties earn nothing', [['2026-03-01T05:00Z', '2026-03-01T06:00Z', 'third_party']], undefined, undefined],
    ['silence earns nothing unless named', [['2026-03-01T05:00Z', '2026-03-01T06:00Z', 'silent']], undefined, undefined],
    ['25 hours earn the one day that is in the period', [['2026-02-28T23:30Z', '2026-03-02T00:30Z']], 1_440_000_000n, '1440'],
  ] as const)('%s', (_, outages, nanos, minutes) => {
    const found = credit(outages);
    expect([found?.nanos, found?.minutes]).toEqual([nanos, minutes]);
  }); // prettier-ignore

  it('an outage across midnight is split there, each day listed', () => {
    const found = credit([['2026-03-01T23:58:30Z', '2026-03-02T00:01:00Z']], { to: '2026-03-03T00:00Z' });
    expect(found?.days).toEqual([
      { date: '2026-03-01', time_zone: 'UTC', minutes: 2, charge_nanos: 1_440_000_000n, credit_nanos: '2000000', capped: false },
      { date: '2026-03-02', time_zone: 'UTC', minutes: 1, charge_nanos: 1_440_000_000n, credit_nanos: '1000000', capped: false },
    ]);
  });

  it('a multiplier stops at the day charge, and nothing carries over', () => {
    const method = time({ multiplier: { num: 100n, den: 1n } });
    const found = credit([['2026-03-01T00:00Z', '2026-03-01T01:00Z'], ['2026-03-02T00:00Z', '2026-03-02T00:01Z']], { method, to: '2026-03-03T00:00Z' });
    expect(found?.nanos).toBe(1_440_000_000n + 100_000_000n);
  }); // prettier-ignore

  it('a partly served day is capped at what it is charged', () => {
    const method = time({ multiplier: { num: 100n, den: 1n } });
    const found = credit([['2026-03-01T12:00Z', '2026-03-01T13:00Z']], { method, starts: '2026-03-01T12:00Z' });
    expect(found?.nanos).toBe(720_000_000n);
  });

  it.each([
    ['minute', 0, 4n],
    // 90 s and 61 s: 2 and 2 minutes.
    ['outage', 0, 4n],
    ['slot5', 0, 15n],
    ['hour', 0, 120n],
    ['minute', 90_000, 2n],
    ['outage', 90_001, undefined],
  ] as const)('rounding %s with a minimum spell of %i ms counts %s minutes', (rounding, minimumSpellMs, minutes) => {
    // 05:00:30 to 05:02:00 touches 2 minutes; 05:59:30 to 06:00:31 touches 2.
    const found = credit([['2026-03-01T05:00:30Z', '2026-03-01T05:02:00Z'], ['2026-03-01T05:59:30Z', '2026-03-01T06:00:31Z']], { method: time({ rounding, minimumSpellMs }) });
    expect(found?.nanos).toBe(minutes === undefined ? undefined : minutes * 1_000_000n);
  }); // prettier-ignore

  it('the minutes of a day of 23 hours are worth more', () => {
    const berlin = {
      rate: ['1.38', 'day', 'Europe/Berlin'] as const,
      from: '2026-03-29T00:00+01:00',
      to: '2026-03-30T00:00+02:00',
    };
    expect(credit([['2026-03-29T10:00+02:00', '2026-03-29T10:01+02:00']], berlin)?.nanos).toBe(1_000_000n);
    expect(credit([['2026-03-28T00:00+01:00', '2026-03-31T00:00+02:00']], berlin)).toMatchObject({
      nanos: 1_380_000_000n,
      minutes: '1380',
    });
  });

  it('percent per minute of the month sums over daily invoices to the capped month', () => {
    const method: CreditMethod = { kind: 'percent_per_minute', minimumSpellMs: 0, base: 'month', perMinute: { num: 1n, den: 100n }, cap: { num: 1n, den: 10n } };
    const outage = { startMs: ms('2026-02-02T23:54Z'), endMs: ms('2026-02-03T00:06Z'), condition: conditionCode('provider') };
    const month = service(['28.00', 'month', 'UTC'], '2026-02-01T00:00Z', '2026-03-01T00:00Z', { method });
    const of = (from: string, to: string) => {
      const line = priceCredits({ vm: 'v', service: month, outages: [outage], fromMinute: ms(from) / MINUTE_MS, toMinute: ms(to) / MINUTE_MS, currency: 'CNY' });
      return line === undefined ? 0n : -line.exactNanos.num / line.exactNanos.den;
    };
    // 6 minutes of 1 % of 28.00 on the 2nd; on the 3rd the cap of 10 % leaves 4.
    expect(of('2026-02-02T00:00Z', '2026-02-03T00:00Z')).toBe(1_680_000_000n);
    expect(of('2026-02-03T00:00Z', '2026-02-04T00:00Z')).toBe(1_120_000_000n);
    expect(of('2026-02-01T00:00Z', '2026-03-01T00:00Z')).toBe(2_800_000_000n);
  }); // prettier-ignore
});

describe('tiers of monthly uptime', () => {
  const tiers = [
    { below: { num: 999n, den: 1000n }, credit: { num: 10n, den: 100n } },
    { below: { num: 99n, den: 100n }, credit: { num: 30n, den: 100n } },
  ];
  it.each([
    // 43,000 minutes: 43 unavailable are exactly 99.9 %.
    [43_000, 43, '0'],
    [43_000, 44, '10'],
    [43_000, 430, '10'],
    [43_000, 431, '30'],
    [0, 0, '0'],
  ])('%i minutes of which %i are unavailable earn %s percent', (minutes, unavailableMinutes, percent) => {
    const { num, den } = tierCredit(tiers, { minutes, unavailableMinutes });
    expect((num * 100n) / den).toBe(BigInt(percent));
  });
  it('are credited with the period that holds the end of the month', () => {
    const segments = service(['300.00', 'month', 'UTC'], '2026-03-01T00:00Z', '2026-04-01T00:00Z', { method: { kind: 'monthly_tiers', minimumSpellMs: 0, tiers } });
    const outage = { startMs: ms('2026-03-05T00:00Z'), endMs: ms('2026-03-05T01:00Z'), condition: conditionCode('provider') };
    const of = (from: string, to = '2026-04-01T00:00Z') => priceCredits({ vm: 'v', service: segments, outages: [outage], fromMinute: ms(from) / MINUTE_MS, toMinute: ms(to) / MINUTE_MS, currency: 'CNY' });
    expect(of('2026-03-01T00:00Z')).toMatchObject({ exactNanos: { num: -30_000_000_000n, den: 1n } });
    expect(of('2026-03-31T00:00Z')).toMatchObject({ exactNanos: { num: -30_000_000_000n, den: 1n } });
    expect(of('2026-03-05T00:00Z', '2026-03-06T00:00Z')).toBeUndefined();
  }); // prettier-ignore
});

describe('late fees', () => {
  const HOUR = 3_600_000;
  const due = ms('2026-03-02T00:00Z');
  const rule = { perDay: { num: 3n, den: 1000n }, graceMs: 24 * HOUR, clause: 'c' };
  const fee = (fromMs: number, toMs: number, payments: { atMs: number; amountNanos: bigint }[] = []) => {
    const line = priceLateFee({ id: 'i', number: '7', principalNanos: 100_000_000_000n, dueAtMs: due, payments }, { rule, fromMs, toMs, currency: 'CNY' });
    return line === undefined ? undefined : [line.quantity, rounded(line, 'CNY').amountNanos];
  }; // prettier-ignore
  it.each([
    ['nothing within the grace', due, due + 24 * HOUR, [], undefined],
    ['a started day is a day', due, due + 24 * HOUR + 1, [], ['1', 300_000_000n]],
    ['simple: ten days are ten times the same', due, due + 34 * 24 * HOUR, [], ['33', 9_900_000_000n]],
    ['a payment ends it', due, due + 120 * HOUR, [[72, 100]], ['2', 600_000_000n]],
    ['a payment at the start of a day is in time', due, due + 120 * HOUR, [[24, 100]], undefined],
    ['half paid, half the fee', due, due + 49 * HOUR, [[30, 50]], ['2', 450_000_000n]],
    ['a day belongs to the period of its start', due + 36 * HOUR, due + 49 * HOUR, [], ['1', 300_000_000n]],
  ] as const)('%s', (_, fromMs, toMs, payments, expected) => {
    const paid = payments.map(([hours, amount]) => ({ atMs: due + hours * HOUR, amountNanos: BigInt(amount) * 1_000_000_000n }));
    expect(fee(fromMs, toMs, paid)).toEqual(expected);
  });
});

describe('an invoice', () => {
  const event = (feeNanos: bigint, id: string) => ({
    id,
    kind: 'ip_replaced' as const,
    atMs: 0,
    feeNanos,
    clause: 'c',
    reason: 'r',
  });
  it('counts fees that are not free, and lists those that are', () => {
    const [line] = priceFees('v', [event(15_000_000_000n, 'a'), event(0n, 'b'), event(15_000_000_000n, 'c')], 'CNY');
    expect(line).toMatchObject({ quantity: '2', unitPrice: '15.00', exactNanos: { num: 30_000_000_000n } });
    expect(line?.detail.events).toHaveLength(3);
    expect(priceFees('v', [event(0n, 'b')], 'CNY')).toEqual([]);
  });

  it('has its lines in the order of the contract, tax on the rounded ones', () => {
    const [fromMs, toMs] = [ms('2026-03-01T00:00Z'), ms('2026-03-02T00:00Z')];
    const tiers = [{ up_to: null, price: '0.10' }];
    const lines = rateInvoice({
      currency: 'CNY',
      taxPercent: '6',
      charges: [],
      fromMs,
      toMs,
      vms: [
        {
          vm: 'v1',
          service: service(['1.44', 'day', 'UTC'], '2026-03-01T00:00Z', '2026-03-02T00:00Z'),
          outages: [{ startMs: fromMs, endMs: fromMs + 15 * MINUTE_MS, condition: 1 }],
          traffic: [
            {
              plan: 'p',
              rules: { counting: 'sum', included_bytes: 0, unit_bytes: 1_000_000_000, round_up: false, mode: 'graduated', tiers },
              bytes: { rxBytes: 150_000_000n, txBytes: 0n },
              slots: [],
            },
          ],
          fees: [event(15_000_000_000n, 'a')],
        },
      ],
      overdue: [
        {
          invoice: { id: 'i', number: '1', principalNanos: 10_000_000_000n, dueAtMs: fromMs, payments: [] },
          rule: { perDay: { num: 3n, den: 1000n }, graceMs: 0, clause: 'c' },
        },
      ],
    });
    // 1.44 + 0.015 -> 0.02 (half to even) + 15.00 - 0.015 -> 0.02 + 0.03 = 16.47; 6 % = 0.9882 -> 0.99
    expect(lines.map((line) => [line.kind, line.amountNanos / 10_000_000n])).toEqual([
      ['service', 144n],
      ['traffic', 2n],
      ['fee', 1500n],
      ['credit', -2n],
      ['late_fee', 3n],
      ['tax', 99n],
    ]);
  });
});
