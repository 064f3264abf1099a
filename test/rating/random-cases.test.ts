import { describe, expect, it } from 'vitest';
import type { CreditPolicy, Fraction } from '../../src/domain/credit-policy.ts';
import { CONDITIONS, conditionCode } from '../../src/domain/condition.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { MINUTE_MS } from '../../src/domain/zone.ts';
import { priceCredits } from '../../src/rating/credits.ts';
import { tierCredit } from '../../src/rating/credit-share.ts';
import { roundedTo } from '../../src/rating/exact.ts';
import { owedUnderRules } from '../../src/billing/late-rules.ts';
import { priceLateCharges } from '../../src/rating/late-fee.ts';
import { modelLateFees } from '../../src/verify/model/late.ts';
import { type Priced, rounded } from '../../src/rating/line.ts';
import { pricePercentile } from '../../src/rating/percentile.ts';
import { clipSegments, segmentsOf } from '../../src/rating/served.ts';
import { priceService } from '../../src/rating/service.ts';
import { priceTax } from '../../src/rating/tax.ts';
import { priceTraffic } from '../../src/rating/traffic.ts';
import { localDay as modelDay, type ModelPlan } from '../../src/verify/model/credit.ts';
import {
  halfEven,
  modelDayCredit,
  modelMonthlyTiers,
  type ModelOutage,
  modelP95,
  modelPerMinute,
  type ModelService,
  modelService,
  modelTax,
  modelTierShare,
  modelTraffic,
  type Ratio,
  sumOf,
} from '../../src/verify/model/rater.ts';
import { below, pick, type Random, randomOf } from '../support/random.ts';
import { zone } from '../support/zone.ts';

/** The product's pricers against the model's, which share no arithmetic: not a nano of difference in any case. */
const ZONES = ['UTC', 'Asia/Taipei', 'Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'] as const;
const DAYS = ['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-02-28', '2024-02-29', '2026-12-31'];
const EVERY_MINOR = { JPY: 1_000_000_000n, CNY: 10_000_000n, KWD: 1_000_000n } as const;
const CURRENCIES = ['JPY', 'CNY', 'KWD'] as const;

function same(priced: Priced | undefined, model: Ratio, currency: keyof typeof EVERY_MINOR, told: () => unknown): void {
  const exact = priced?.exactNanos ?? { num: 0n, den: 1n };
  const equal = exact.num * model.den === model.num * exact.den;
  const minor = halfEven(model, EVERY_MINOR[currency]);
  const line = priced === undefined ? 0n : rounded(priced, currency).amountNanos;
  // Built only for a failure: a hundred thousand texts would be most of the time.
  if (!equal || line !== minor) expect({ exact, line, case: told() }).toEqual({ exact: model, line: minor, case: told() });
}

const amount = (random: Random, digits: number): string => {
  const nanos = BigInt(below(random, 10 ** Math.min(digits, 9)));
  const text = nanos.toString().padStart(10, '0');
  return `${text.slice(0, -9)}.${text.slice(-9)}`;
};
const nanosOf = (text: string): bigint => BigInt(text.replace('.', ''));
const bytes = (random: Random): bigint => {
  const size = 2n ** BigInt(below(random, 60));
  return pick(random, [0n, size, size - 1n, size + 1n, (size * BigInt(below(random, 1000))) / 1000n]);
};

function plans(random: Random): { product: Plan; model: ModelPlan } {
  const timeZone = pick(random, ZONES);
  const per = pick(random, ['day', 'hour', 'month'] as const);
  const priceNanos = BigInt(below(random, 10 ** 9)) * pick(random, [1n, 1000n, 999_983n]);
  const creditable = pick(random, [['provider'], ['provider', 'silent'], ['provider', 'attack']] as const);
  return {
    product: {
      id: 'p',
      currency: 'CNY',
      zone: zone(timeZone),
      priceNanos,
      per,
      creditable: new Set(creditable.map(conditionCode)),
    },
    model: { timeZone, price: { amountNanos: priceNanos, per }, creditable: [...creditable] },
  };
}

function outagesOf(random: Random, fromMs: number, toMs: number): ModelOutage[] {
  const outages: ModelOutage[] = [];
  let at = fromMs + below(random, 20_000_000) - 10_000_000;
  while (at < toMs && outages.length < 6) {
    const endMs = at + 1 + below(random, pick(random, [50, 60_000, 200_000, 20_000_000]));
    outages.push({ startMs: at, endMs, cause: pick(random, CONDITIONS.slice(1)) });
    at = endMs + pick(random, [0, 1, below(random, 60_000), below(random, 30_000_000)]);
  }
  return outages;
}

const policyOf =
  (method: CreditPolicy['method']) =>
  (plan: Plan): CreditPolicy => ({
    clause: null,
    creditable: plan.creditable,
    unsure: new Set(),
    method,
    claimWithinDays: null,
    expiresAfterDays: null,
  });
const NONE = policyOf({ kind: 'none' });

describe('the pricers agree with the model', () => {
  it('in 60,000 cases of traffic', () => {
    const random = randomOf(1);
    for (let i = 0; i < 60_000; i += 1) {
      const unit = pick(random, [1, 1_000_000_000, 2 ** 30, 7, 1 + below(random, 5_000_000)]);
      const bounds = Array.from({ length: below(random, 4) }, () => 1 + below(random, pick(random, [3, 1000, 1_000_000])));
      const tiers = [...new Set(bounds)].sort((a, b) => a - b).map((upTo) => ({ up_to: upTo, price: amount(random, 9) }));
      const rules = {
        counting: pick(random, ['sum', 'in', 'out', 'max'] as const),
        included_bytes: pick(random, [0, unit, below(random, 10 ** 12)]),
        unit_bytes: unit,
        round_up: random() < 0.3,
        mode: pick(random, ['graduated', 'volume'] as const),
        tiers: [...tiers, { up_to: null, price: amount(random, 9) }],
      };
      // Half of the cases sit on a bound, or a byte beside it.
      const edge =
        BigInt(pick(random, [...bounds, 0])) * BigInt(unit) + BigInt(rules.included_bytes) + BigInt(below(random, 3) - 1);
      const rx = random() < 0.5 ? bytes(random) : edge < 0n ? 0n : edge;
      const tx = random() < 0.5 ? 0n : bytes(random);
      const currency = pick(random, CURRENCIES);
      const of = random() < 0.5 ? 1n : BigInt(1 + below(random, 44_640));
      const share = { minutes: of - BigInt(below(random, Number(of))), of };
      const model = modelTraffic(
        {
          counting: rules.counting,
          included: BigInt(rules.included_bytes),
          unitBytes: BigInt(unit),
          roundUp: rules.round_up,
          mode: rules.mode,
          tiers: rules.tiers.map((tier) => ({
            upTo: tier.up_to === null ? null : BigInt(tier.up_to),
            priceNanos: nanosOf(tier.price),
          })),
        },
        rx,
        tx,
        share.minutes,
        share.of,
      );
      const given = { vm: 'v', plan: 'p', rules, bytes: { rxBytes: rx, txBytes: tx }, currency, share };
      same(priceTraffic(given), model, currency, () => given);
    }
  });

  it('in 10,000 cases of the 95th percentile', () => {
    const random = randomOf(2);
    for (let i = 0; i < 10_000; i += 1) {
      const n = 1 + below(random, 60);
      const given = Array.from({ length: below(random, n + 1) }, () => ({ rxBytes: bytes(random), txBytes: bytes(random) }));
      const price = amount(random, 9);
      const direction = pick(random, ['sum', 'max'] as const);
      const priced = pricePercentile({
        vm: 'v',
        plan: 'p',
        rules: { counting: 'p95', direction, price_per_mbps: price },
        slots: given,
        slotCount: n,
        currency: 'CNY',
      });
      const slots = given.map(({ rxBytes: rx, txBytes: tx }) => (direction === 'sum' ? rx + tx : rx > tx ? rx : tx));
      same(priced, modelP95(slots, n, nanosOf(price)), 'CNY', () => ({ given, n, price }));
    }
  });

  it('in 1,000 cases of service with plan changes, starts and ends, days of 23 and 25 hours', () => {
    const random = randomOf(3);
    for (let i = 0; i < 1_000; i += 1) {
      const fromMs = modelDay(pick(random, ZONES), Date.parse(`${pick(random, DAYS)}T12:00Z`)).fromMs;
      const toMs = fromMs + MINUTE_MS * (1 + below(random, 2000));
      const chosen = Array.from({ length: 1 + below(random, 3) }, () => plans(random));
      const starts = [...new Set(chosen.map(() => fromMs - 3_600_000 + below(random, 90_000_000)))].sort((a, b) => a - b);
      const dated = starts.map((at, j) => ({ fromMs: at, ...(chosen[j] ?? plans(random)) }));
      const service: ModelService = {
        startsAtMs: random() < 0.5 ? null : fromMs + below(random, 3_600_000),
        endsAtMs: random() < 0.5 ? null : fromMs + 3_600_000 + below(random, 90_000_000),
        phases: dated.map(({ fromMs: at, model }) => ({ fromMs: at, plan: model })),
      };
      const segments = segmentsOf(
        { ...service, plans: dated.map(({ fromMs: at, product }) => ({ fromMs: at, plan: product })), policyOf: NONE },
        fromMs / MINUTE_MS,
        toMs / MINUTE_MS,
      );
      const model = { num: modelService(service, fromMs, toMs), den: 1n };
      same(priceService('v', segments, 'CNY'), model, 'CNY', () => ({ service, fromMs, toMs }));
    }
  });

  it('in 4,000 cases of credits over one to three days, every rounding, multiplier, cap and minimum spell', () => {
    const random = randomOf(4);
    const one: Fraction = { num: 1n, den: 1n };
    for (let i = 0; i < 4_000; i += 1) {
      const { product, model } = plans(random);
      const days = 1 + below(random, 3);
      let toMs = modelDay(model.timeZone, Date.parse(`${pick(random, DAYS)}T12:00Z`)).fromMs;
      const fromMs = toMs;
      const starts: number[] = [];
      for (let d = 0; d < days; d += 1) {
        starts.push(toMs);
        toMs = modelDay(model.timeZone, toMs).toMs;
      }
      const method = {
        kind: 'time' as const,
        rounding: pick(random, ['minute', 'minute', 'outage', 'slot5', 'hour'] as const),
        minimumSpellMs: pick(random, [0, 0, 60_000, 300_000]),
        multiplier: pick(random, [one, { num: 10n, den: 1n }, { num: 3n, den: 2n }]),
        dayCap: pick(random, [one, one, { num: 1n, den: 3n }]),
      };
      const service: ModelService = {
        startsAtMs: random() < 0.7 ? null : fromMs + below(random, 50_000_000),
        endsAtMs: random() < 0.7 ? null : fromMs + 50_000_001 + below(random, 50_000_000),
        phases: [{ fromMs: 0, plan: model }],
      };
      const outages = outagesOf(random, fromMs, toMs);
      const credit = sumOf(starts.map((at) => modelDayCredit(service, model, at, outages, method)));
      const segments = segmentsOf(
        { ...service, plans: [{ fromMs: 0, plan: product }], policyOf: policyOf(method) },
        fromMs / MINUTE_MS,
        toMs / MINUTE_MS,
      );
      const closed = outages.map(({ startMs, endMs, cause }) => ({ startMs, endMs, condition: conditionCode(cause) }));
      const priced = priceCredits({
        vm: 'v',
        service: clipSegments(segments, 0, 1e9),
        outages: closed,
        fromMinute: fromMs / MINUTE_MS,
        toMinute: toMs / MINUTE_MS,
        currency: 'CNY',
      });
      same(priced, { num: -credit.num, den: credit.den }, 'CNY', () => ({
        service,
        outages,
        method,
        timeZone: model.timeZone,
        fromMs,
      }));
    }
  });

  it('in 300 cases of whole lines of monthly tiers, and of a percentage a minute of the day and of the month', () => {
    const random = randomOf(8);
    const tiers = [
      { below: { num: 999n, den: 1000n }, credit: { num: 1n, den: 10n } },
      { below: { num: 95n, den: 100n }, credit: { num: 1n, den: 3n } },
      { below: { num: 1n, den: 2n }, credit: { num: 1n, den: 1n } },
    ];
    for (let i = 0; i < 300; i += 1) {
      const { product, model } = plans(random);
      const { fromMs: dayMs } = modelDay(model.timeZone, Date.parse(`${pick(random, DAYS)}T12:00Z`));
      // The local month of the day, found by walking day by day.
      const monthOf = (ms: number): string =>
        new Intl.DateTimeFormat('en-CA', { timeZone: model.timeZone, year: 'numeric', month: '2-digit' }).format(ms);
      let fromMs = dayMs;
      while (monthOf(modelDay(model.timeZone, fromMs - 1).fromMs) === monthOf(dayMs))
        ({ fromMs } = modelDay(model.timeZone, fromMs - 1));
      let toMs = dayMs;
      while (monthOf(toMs) === monthOf(dayMs)) ({ toMs } = modelDay(model.timeZone, toMs));
      const startsAtMs = dayMs + below(random, 20_000_000);
      const endsAtMs = startsAtMs + 1 + below(random, pick(random, [10_000_000, 100_000_000]));
      const service: ModelService = { startsAtMs, endsAtMs, phases: [{ fromMs: 0, plan: model }] };
      const outages = outagesOf(random, startsAtMs, endsAtMs);
      const closed = outages.map(({ startMs, endMs, cause }) => ({ startMs, endMs, condition: conditionCode(cause) }));
      const minimumSpellMs = pick(random, [0, 0, 60_000]);
      const perMinute = { num: 1n, den: BigInt(1 + below(random, 200)) };
      const cap = pick(random, [
        { num: 1n, den: 1n },
        { num: 1n, den: 10n },
      ]);
      const priced = (method: CreditPolicy['method'], a: number, b: number): Priced | undefined => {
        const segments = segmentsOf(
          { ...service, plans: [{ fromMs: 0, plan: product }], policyOf: policyOf(method) },
          fromMs / MINUTE_MS,
          toMs / MINUTE_MS,
        );
        return priceCredits({
          vm: 'v',
          service: segments,
          outages: closed,
          fromMinute: a / MINUTE_MS,
          toMinute: b / MINUTE_MS,
          currency: 'CNY',
        });
      };
      const told = () => ({ service, outages, timeZone: model.timeZone, fromMs, toMs, minimumSpellMs, perMinute, cap });
      const negative = ({ num, den }: Ratio): Ratio => ({ num: -num, den });
      const whole = modelMonthlyTiers(service, model, fromMs, toMs, outages, tiers, minimumSpellMs);
      same(priced({ kind: 'monthly_tiers', minimumSpellMs, tiers }, fromMs, toMs), negative(whole), 'CNY', told);
      // The month's end lies on another invoice: nothing on this one.
      same(priced({ kind: 'monthly_tiers', minimumSpellMs, tiers }, fromMs, toMs - 60_000), { num: 0n, den: 1n }, 'CNY', told);
      const rule = { perMinute, cap, minimumSpellMs };
      const month = modelPerMinute(service, model, fromMs, toMs, outages, rule);
      same(priced({ kind: 'percent_per_minute', base: 'month', ...rule }, fromMs, toMs), negative(month), 'CNY', told);
      const days: Ratio[] = [];
      for (let at = fromMs; at < toMs; at = modelDay(model.timeZone, at).toMs)
        days.push(modelPerMinute(service, model, at, modelDay(model.timeZone, at).toMs, outages, rule));
      same(priced({ kind: 'percent_per_minute', base: 'day', ...rule }, fromMs, toMs), negative(sumOf(days)), 'CNY', told);
    }
  }, 120_000);

  it('in 20,000 cases of tiers of monthly uptime', () => {
    const random = randomOf(5);
    const tiers = [
      { below: { num: 999n, den: 1000n }, credit: { num: 1n, den: 10n } },
      { below: { num: 99n, den: 100n }, credit: { num: 1n, den: 4n } },
      { below: { num: 95n, den: 100n }, credit: { num: 1n, den: 1n } },
    ];
    for (let i = 0; i < 20_000; i += 1) {
      const minutes = below(random, 45) * pick(random, [1, 20, 1000]);
      const unavailableMinutes = Math.min(
        minutes,
        pick(random, [minutes / 1000, minutes / 100, minutes / 20].map(Math.floor)) + below(random, 2),
      );
      const share = tierCredit(tiers, { minutes, unavailableMinutes });
      const model = modelTierShare(minutes, unavailableMinutes, tiers);
      if (share.num * model.den !== model.num * share.den)
        expect({ minutes, unavailableMinutes, share }).toEqual({ minutes, unavailableMinutes, share: model });
    }
  });

  it('in 10,000 cases of late fees, by the rules of up to three VMs, of which some change', () => {
    const random = randomOf(6);
    const hour = 3_600_000;
    const RULES = [
      { perDay: { num: 3n, den: 1000n }, graceMs: 0, clause: 'c' },
      { perDay: { num: 30n, den: 10_000n }, graceMs: 24 * hour, clause: 'c' },
      { perDay: { num: 1n, den: 2000n }, graceMs: 36 * hour, clause: 'd' },
      null,
    ];
    for (let i = 0; i < 10_000; i += 1) {
      const vms = ['a', 'b', 'c'].slice(0, 1 + below(random, 3)).map((vm) => {
        const change = (1 + below(random, 240)) * hour;
        const terms = [pick(random, RULES), pick(random, RULES)].map((rule, n) => ({ fromMs: n === 0 ? 0 : change, rule }));
        return { vm, terms };
      });
      const owed = Array.from({ length: 1 + below(random, 2) }, (_, n) => {
        const principalNanos = BigInt(1 + below(random, 100_000)) * 10_000_000n;
        const payments = Array.from({ length: below(random, 3) }, () => ({
          ...{ atMs: below(random, 240) * hour, amountNanos: pick(random, [principalNanos, principalNanos / 3n]) },
        }));
        const shares = new Map(vms.map(({ vm }) => [vm, BigInt(1 + below(random, 9)) * 1_000_000_000n]));
        return { id: `i${n}`, number: '1', principalNanos, dueAtMs: below(random, 96) * hour, payments, shares };
      });
      const fromMs = below(random, 120) * hour;
      const toMs = fromMs + (1 + below(random, 120)) * hour;
      const rules = {
        vms: new Map(
          vms.map(({ vm, terms: [before, after] }) => {
            const untilMs = after?.fromMs ?? 0;
            const dated = [
              { rule: before?.rule, fromMs: 0, untilMs },
              { rule: after?.rule, fromMs: untilMs, untilMs: Infinity },
            ];
            return [vm, dated.flatMap(({ rule, ...time }) => (rule == null || time.fromMs === time.untilMs ? [] : [{ rule, ...time }]))] as const; // prettier-ignore
          }),
        ),
        rest: undefined,
      };
      const period = { fromMs, toMs, currency: 'CNY' };
      const rated = owedUnderRules(owed, rules, toMs).flatMap(
        ({ list, rule }) => priceLateCharges(list, { rule, ...period }) ?? [],
      );
      const model = modelLateFees(
        owed.map(({ id: invoice, shares, ...each }) => ({
          ...{ ...each, invoice, sharedNanos: [...shares.values()].reduce((a, b) => a + b, 0n) },
          shares: vms.map(({ vm, terms }) => ({ nanos: shares.get(vm) ?? 0n, terms })),
        })),
        fromMs,
        toMs,
      );
      const show = () => ({ vms, owed, fromMs, toMs });
      if (rated.length !== model.length) expect({ ...show(), rated }).toEqual({ ...show(), rated: model });
      for (const [n, line] of rated.entries()) same(line, model[n] ?? { num: 0n, den: 1n }, 'CNY', show);
    }
  });

  it('in 20,000 cases of tax and of rounding', () => {
    const random = randomOf(7);
    for (let i = 0; i < 20_000; i += 1) {
      const currency = pick(random, CURRENCIES);
      const step = EVERY_MINOR[currency];
      const lines = Array.from({ length: below(random, 4) }, () => BigInt(below(random, 20_000) - 5_000) * step);
      const percent = pick(random, ['0', '6', '5', '19.6', '0.5', '50', amount(random, 9)]);
      const before = lines.map((amountNanos) => ({ amountNanos }) as Parameters<typeof priceTax>[1][number]);
      const percentNanos = BigInt(Math.round(Number(percent) * 1e9));
      same(priceTax(percent, before, currency), modelTax(lines, percentNanos), currency, () => ({ lines, percent }));
      const half = { num: BigInt(below(random, 2001) - 1000) * step, den: pick(random, [1n, 2n, 4n, 3n]) };
      if (roundedTo(half, step) !== halfEven(half, step)) expect(roundedTo(half, step)).toBe(halfEven(half, step));
    }
  });
});
