/**
 * Invoices straight from SPEC §4 and §6, slow and obvious: minutes one by one, slots written out, every amount a pair of
 * bigints. Uses nothing of the product but names of conditions.
 */
import type { Condition } from '../../domain/condition.ts';
import { dayChargeNanos, localDay, type ModelPlan, unitNanos } from './credit.ts';

const MINUTE = 60_000;

/** An amount num/den of nanos. */
export interface Ratio {
  readonly num: bigint;
  readonly den: bigint;
}

export function sumOf(ratios: readonly Ratio[]): Ratio {
  return ratios.reduce((a, b) => ({ num: a.num * b.den + b.num * a.den, den: a.den * b.den }), { num: 0n, den: 1n });
}

/** Half to even, to a multiple of `step` nanos: of the two neighbours the nearer, of two as near the even one. */
export function halfEven({ num, den }: Ratio, step: bigint): bigint {
  const negative = num < 0n;
  const size = negative ? -num : num;
  const low = size / (den * step);
  const toLow = size - low * den * step;
  const toHigh = (low + 1n) * den * step - size;
  const steps = toLow < toHigh ? low : toHigh < toLow ? low + 1n : low % 2n === 0n ? low : low + 1n;
  return (negative ? -steps : steps) * step;
}

export interface ModelPhase {
  readonly fromMs: number;
  readonly plan: ModelPlan;
}

export interface ModelService {
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  readonly phases: readonly ModelPhase[];
}

/** The plan a minute is charged on: null if it is not served. */
export function chargedOn(service: ModelService, minuteMs: number): ModelPlan | null {
  if (service.startsAtMs !== null && minuteMs < service.startsAtMs) return null;
  if (service.endsAtMs !== null && minuteMs >= service.endsAtMs) return null;
  return service.phases.findLast((phase) => phase.fromMs <= minuteMs)?.plan ?? null;
}

/** Σ unit(k) of the served minutes of a period. */
export function modelService(service: ModelService, fromMs: number, toMs: number): bigint {
  let sum = 0n;
  for (let at = fromMs; at < toMs; at += MINUTE) {
    const plan = chargedOn(service, at);
    if (plan !== null) sum += unitNanos(plan, at);
  }
  return sum;
}

export interface ModelOutage {
  readonly startMs: number;
  readonly endMs: number;
  readonly cause: Condition;
}

export interface ModelTimePolicy {
  readonly rounding: 'minute' | 'outage' | 'slot5' | 'hour';
  readonly minimumSpellMs: number;
  readonly multiplier: Ratio;
  readonly dayCap: Ratio;
}

/** The credit of the local day that holds an instant, for a service on one plan. */
export function modelDayCredit(
  service: ModelService,
  plan: ModelPlan,
  dayMs: number,
  outages: readonly ModelOutage[],
  policy: ModelTimePolicy,
): Ratio {
  const day = localDay(plan.timeZone, dayMs);
  const counting = outages.filter(
    (each) => plan.creditable.includes(each.cause) && each.endMs - each.startMs >= policy.minimumSpellMs,
  );
  const served: number[] = [];
  for (let at = day.fromMs; at < day.toMs; at += MINUTE) if (chargedOn(service, at) !== null) served.push(at);
  const whole = served.length === (day.toMs - day.fromMs) / MINUTE;
  const charged = whole ? dayChargeNanos(plan, day) : served.reduce((sum, at) => sum + unitNanos(plan, at), 0n);
  let worth = 0n;
  if (policy.rounding === 'outage') {
    let n = 0;
    for (const outage of counting) {
      let ms = 0;
      for (const at of served) ms += Math.max(0, Math.min(outage.endMs, at + MINUTE) - Math.max(outage.startMs, at));
      n += Math.ceil(ms / MINUTE);
    }
    n = Math.min(n, served.length);
    worth = n === 0 ? 0n : (charged * BigInt(n)) / BigInt(served.length);
  } else {
    const slot = { minute: 1, slot5: 5, hour: 60 }[policy.rounding] * MINUTE;
    const servedTime = new Set(served);
    const lost = new Set<number>();
    // Touched is touched while served: what happens outside the service is no outage of it.
    for (const outage of counting) {
      for (
        let at = Math.floor(Math.max(outage.startMs, day.fromMs) / MINUTE) * MINUTE;
        at < Math.min(outage.endMs, day.toMs);
        at += MINUTE
      )
        if (servedTime.has(at)) lost.add(Math.floor((at - day.fromMs) / slot));
    }
    for (const at of served) if (lost.has(Math.floor((at - day.fromMs) / slot))) worth += unitNanos(plan, at);
  }
  const asked = { num: worth * policy.multiplier.num, den: policy.multiplier.den };
  const cap = { num: charged * policy.dayCap.num, den: policy.dayCap.den };
  return asked.num * cap.den <= cap.num * asked.den ? asked : cap;
}

export interface ModelTraffic {
  readonly counting: 'sum' | 'in' | 'out' | 'max';
  readonly included: bigint;
  readonly unitBytes: bigint;
  readonly roundUp: boolean;
  readonly mode: 'graduated' | 'volume';
  readonly tiers: readonly { readonly upTo: bigint | null; readonly priceNanos: bigint }[];
}

/**
 * Traffic, priced crumb by crumb: a unit's price is spread over its bytes, each of them `of` crumbs, and every crumb lies in the tier of
 * its place. Of a plan that had `minutes` of the `of` served minutes, so much of what is included and of the tiers counts.
 */
export function modelTraffic(rules: ModelTraffic, rx: bigint, tx: bigint, minutes = 1n, of = 1n): Ratio {
  const bytes = { sum: rx + tx, in: rx, out: tx, max: rx > tx ? rx : tx }[rules.counting];
  const unit = rules.unitBytes * of;
  let billable = bytes * of - rules.included * minutes;
  if (billable < 0n) billable = 0n;
  if (rules.roundUp && billable % unit !== 0n) billable += unit - (billable % unit);
  const boundOf = (upTo: bigint): bigint => upTo * rules.unitBytes * minutes;
  if (rules.mode === 'volume') {
    const tier = rules.tiers.find((each) => each.upTo === null || billable <= boundOf(each.upTo));
    return { num: billable * (tier?.priceNanos ?? 0n), den: unit };
  }
  let num = 0n;
  rules.tiers.forEach((tier, i) => {
    const low = boundOf(rules.tiers[i - 1]?.upTo ?? 0n);
    const high = tier.upTo === null ? billable : boundOf(tier.upTo);
    const top = billable < high ? billable : high;
    if (top > low) num += (top - low) * tier.priceNanos;
  });
  return { num, den: unit };
}

/** The 95th percentile of n slots, those not given being zero. */
export function modelP95(given: readonly bigint[], n: number, pricePerMbpsNanos: bigint): Ratio {
  const all = [...given, ...Array.from({ length: n - given.length }, () => 0n)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  // The smallest rank with rank / n >= 95 / 100.
  let rank = 1;
  while (rank * 100 < 95 * n) rank += 1;
  const bytes = all[rank - 1] ?? 0n;
  return { num: bytes * 8n * pricePerMbpsNanos, den: 300_000_000n };
}

/** The share of a month's charge that its uptime earns: of the tiers that it falls below, the lowest. */
export function modelTierShare(
  total: number,
  unavailable: number,
  tiers: readonly { readonly below: Ratio; readonly credit: Ratio }[],
): Ratio {
  let share: Ratio = { num: 0n, den: 1n };
  for (const tier of tiers) {
    if (total > 0 && BigInt(total - unavailable) * tier.below.den < tier.below.num * BigInt(total)) share = tier.credit;
  }
  return share;
}

/** Tax in percent of rounded amounts. */
export function modelTax(amountsNanos: readonly bigint[], percentNanos: bigint): Ratio {
  return { num: amountsNanos.reduce((a, b) => a + b, 0n) * percentNanos, den: 100_000_000_000n };
}

/** Served minutes of a time, each with what it costs and whether a counting outage touches it. */
function minutesOf(
  service: ModelService,
  plan: ModelPlan,
  fromMs: number,
  toMs: number,
  outages: readonly ModelOutage[],
  minimumSpellMs: number,
): { charge: bigint; minutes: number; lost: number } {
  let charge = 0n;
  let minutes = 0;
  let lost = 0;
  const begin = Math.max(fromMs, Math.floor((service.startsAtMs ?? fromMs) / MINUTE) * MINUTE);
  for (let at = begin; at < Math.min(toMs, service.endsAtMs ?? toMs); at += MINUTE) {
    if (chargedOn(service, at) === null) continue;
    minutes += 1;
    charge += unitNanos(plan, at);
    const touched = outages.some(
      (each) =>
        plan.creditable.includes(each.cause) &&
        each.endMs - each.startMs >= minimumSpellMs &&
        each.startMs < at + MINUTE &&
        each.endMs > at,
    );
    if (touched) lost += 1;
  }
  return { charge, minutes, lost };
}

export interface ModelPerMinute {
  readonly perMinute: Ratio;
  readonly cap: Ratio;
  readonly minimumSpellMs: number;
}

/** A percentage of the charge of a day, or month, for every unavailable minute of it, at most the cap of it. */
export function modelPerMinute(
  service: ModelService,
  plan: ModelPlan,
  fromMs: number,
  toMs: number,
  outages: readonly ModelOutage[],
  { perMinute, cap, minimumSpellMs }: ModelPerMinute,
): Ratio {
  const { charge, lost } = minutesOf(service, plan, fromMs, toMs, outages, minimumSpellMs);
  const asked = { num: perMinute.num * BigInt(lost), den: perMinute.den };
  const share = asked.num * cap.den <= cap.num * asked.den ? asked : cap;
  return { num: share.num * charge, den: share.den };
}

/** The whole line of a month's tiers: the share that its uptime earns, of what its served minutes cost. */
export function modelMonthlyTiers(
  service: ModelService,
  plan: ModelPlan,
  fromMs: number,
  toMs: number,
  outages: readonly ModelOutage[],
  tiers: readonly { readonly below: Ratio; readonly credit: Ratio }[],
  minimumSpellMs: number,
): Ratio {
  const { charge, minutes, lost } = minutesOf(service, plan, fromMs, toMs, outages, minimumSpellMs);
  const share = modelTierShare(minutes, lost, tiers);
  return { num: share.num * charge, den: share.den };
}
