/**
 * The lines of an invoice straight from SPEC §4 to §6, out of its own evidence: minute by minute, a VM at a time. Uses nothing
 * of the product but names of conditions.
 */
import type { Condition } from '../../domain/condition.ts';
import { dayChargeNanos, localDay, type ModelPlan } from './credit.ts';
import {
  halfEven,
  modelLateFee,
  type ModelOutage,
  modelP95,
  modelTax,
  modelTierShare,
  type ModelTraffic,
  modelTraffic,
  type Ratio,
  sumOf,
} from './rater.ts';

const MINUTE = 60_000;

export type ModelCredit =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'time';
      readonly rounding: 'minute' | 'outage' | 'slot5' | 'hour';
      readonly multiplier: Ratio;
      readonly dayCap: Ratio;
    }
  | { readonly kind: 'percent_per_minute'; readonly base: 'day' | 'month'; readonly perMinute: Ratio; readonly cap: Ratio }
  | { readonly kind: 'monthly_tiers'; readonly tiers: readonly { readonly below: Ratio; readonly credit: Ratio }[] };

/** What unavailable time earns under a sheet: which causes, of what length at least, and how. */
export interface ModelPolicy {
  readonly creditable: readonly Condition[];
  readonly minimumSpellMs: number;
  /** Days after the calendar month within which credit must be claimed; null: it is given unasked. */
  readonly claimWithinDays: number | null;
  readonly credit: ModelCredit;
}

export interface ModelAgreement {
  readonly fromMs: number;
  readonly planId: string;
  readonly plan: ModelPlan;
  readonly policy: ModelPolicy;
}

export interface ModelVmTraffic {
  readonly plan: string;
  readonly rules:
    ModelTraffic | { readonly counting: 'p95'; readonly direction: 'sum' | 'max'; readonly pricePerMbpsNanos: bigint };
  readonly rx: bigint;
  readonly tx: bigint;
  /** Bytes (rx, tx) of the slots of 5 minutes that had any. */
  readonly slots: readonly (readonly [bigint, bigint])[];
}

export interface ModelVm {
  readonly vm: string;
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  readonly agreements: readonly ModelAgreement[];
  /** Causes after incidents, each with its end. */
  readonly outages: readonly ModelOutage[];
  readonly traffic: readonly ModelVmTraffic[];
  /** When credit was claimed, and for which time. */
  readonly claims: readonly { readonly atMs: number; readonly fromMs: number; readonly toMs: number }[];
  /** What each recorded event of the period costs, zero where it is free. */
  readonly fees: readonly { readonly kind: string; readonly nanos: bigint }[];
}

export interface ModelInvoice {
  /** Nanos of the currency's minor unit. */
  readonly minorNanos: bigint;
  readonly taxPercentNanos: bigint;
  readonly fromMs: number;
  readonly toMs: number;
  /** The whole calendar months around the period. */
  readonly monthsFromMs: number;
  readonly monthsToMs: number;
  /** Whether terms and plans hold from their day, each plan's part by itself: once they did not. */
  readonly fromTheirDay: boolean;
  readonly vms: readonly ModelVm[];
  /** Final invoices that fell due: a line each. */
  readonly overdue: readonly ModelOwed[];
  /** Daily charges that the balance did not cover: one line. */
  readonly charges: readonly ModelOwed[];
}

export interface ModelOwed {
  readonly invoice: string;
  readonly principalNanos: bigint;
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
  readonly lateFromMs: number;
  readonly perDay: Ratio;
}

export interface ModelLine {
  readonly kind: 'service' | 'traffic' | 'fee' | 'credit' | 'late_fee' | 'tax';
  readonly vm: string | null;
  /** The plan of traffic, the kind of a fee, the invoice of a late fee. */
  readonly about: string | null;
  /** Days, minutes or events, where it is a whole number of these. */
  readonly quantity: number | null;
  readonly nanos: bigint;
}

export function modelInvoice(facts: ModelInvoice): ModelLine[] {
  const { fromMs, toMs, minorNanos } = facts;
  const lines: ModelLine[] = [];
  const add = (line: Omit<ModelLine, 'nanos'>, exact: Ratio): void => {
    lines.push({ ...line, nanos: halfEven(exact, minorNanos) });
  };
  for (const vm of facts.vms) {
    const months = minutesServed(vm, facts.monthsFromMs, facts.monthsToMs);
    const period = months.filter((each) => each.atMs >= fromMs && each.atMs < toMs);
    const { fromTheirDay } = facts;
    // Once all plans of a VM were one line, and traffic of each as if it had been on all the time.
    for (const part of fromTheirDay ? groupsBy(period, (each) => each.agreement.planId) : [period]) {
      const [first] = part;
      if (first === undefined) continue;
      const days = new Map<string, { served: number; whole: number }>();
      for (const { dayKey, dayMinutes } of part) {
        const day = days.get(dayKey) ?? { served: 0, whole: dayMinutes };
        day.served += 1;
        days.set(dayKey, day);
      }
      const isWhole = [...days.values()].every((day) => day.served === day.whole);
      const quantity = isWhole ? days.size : part.length;
      const about = fromTheirDay ? first.agreement.planId : null;
      add({ kind: 'service', vm: vm.vm, about, quantity }, { num: chargeOf(part), den: 1n });
    }
    for (const traffic of vm.traffic) {
      const own = period.filter((each) => each.agreement.planId === traffic.plan);
      const exact = fromTheirDay ? priceTraffic(traffic, own, period) : priceWholeTraffic(traffic, fromMs, toMs);
      add({ kind: 'traffic', vm: vm.vm, about: traffic.plan, quantity: null }, exact);
    }
    for (const kind of new Set(vm.fees.map((fee) => fee.kind))) {
      const charged = vm.fees.filter((fee) => fee.kind === kind && fee.nanos > 0n);
      const nanos = charged.reduce((sum, fee) => sum + fee.nanos, 0n);
      if (charged.length > 0) add({ kind: 'fee', vm: vm.vm, about: kind, quantity: charged.length }, { num: nanos, den: 1n });
    }
    const credits = creditsOf(vm, months, facts).filter((each) => each.nanos.num > 0n);
    if (credits.length > 0) {
      const sum = sumOf(credits.map((each) => each.nanos));
      const quantity = credits.reduce((minutes, each) => minutes + each.minutes, 0);
      add({ kind: 'credit', vm: vm.vm, about: null, quantity }, { num: -sum.num, den: sum.den });
    }
  }
  const feeOf = ({ principalNanos, payments, lateFromMs, perDay }: ModelOwed): Ratio =>
    modelLateFee(principalNanos, payments, lateFromMs, perDay, fromMs, toMs);
  for (const owed of facts.overdue) {
    const fee = feeOf(owed);
    if (fee.num > 0n) add({ kind: 'late_fee', vm: null, about: owed.invoice, quantity: null }, fee);
  }
  const late = sumOf(facts.charges.map(feeOf).filter((fee) => fee.num > 0n));
  if (late.num > 0n) add({ kind: 'late_fee', vm: null, about: null, quantity: null }, late);
  if (facts.taxPercentNanos > 0n) {
    const tax = modelTax(lines.map((line) => line.nanos), facts.taxPercentNanos); // prettier-ignore
    add({ kind: 'tax', vm: null, about: null, quantity: null }, tax);
  }
  return lines;
}

/** A minute of service: what it costs, and under what. */
interface Served {
  readonly atMs: number;
  readonly agreement: ModelAgreement;
  /** Which stretch of one plan it belongs to. */
  readonly stretch: number;
  readonly dayKey: string;
  readonly dayFromMs: number;
  readonly dayMinutes: number;
  readonly monthKey: string;
  readonly nanos: bigint;
}

function minutesServed(vm: ModelVm, fromMs: number, toMs: number): Served[] {
  const served: Served[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += MINUTE) {
    if (vm.startsAtMs !== null && atMs < vm.startsAtMs) continue;
    if (vm.endsAtMs !== null && atMs >= vm.endsAtMs) continue;
    let stretch = -1;
    vm.agreements.forEach((each, i) => {
      if (each.fromMs <= atMs) stretch = i;
    });
    const agreement = vm.agreements[stretch];
    if (agreement === undefined) continue;
    const { plan } = agreement;
    const before = served.at(-1);
    const sameDay = before?.stretch === stretch && atMs < before.dayFromMs + before.dayMinutes * MINUTE;
    const day = sameDay ? null : localDay(plan.timeZone, atMs);
    const dayFromMs = day?.fromMs ?? before?.dayFromMs ?? 0;
    const dayMinutes = day === null ? (before?.dayMinutes ?? 0) : (day.toMs - day.fromMs) / MINUTE;
    const charge = day === null ? null : dayChargeNanos(plan, day);
    charges.set(plan, charge ?? charges.get(plan) ?? 0n);
    const k = BigInt((atMs - dayFromMs) / MINUTE);
    const m = BigInt(dayMinutes);
    const d = charges.get(plan) ?? 0n;
    served.push({
      atMs,
      agreement,
      stretch,
      dayKey: day === null ? (before?.dayKey ?? '') : `${plan.timeZone} ${day.year}-${day.month}-${day.day}`,
      dayFromMs,
      dayMinutes,
      monthKey: day === null ? (before?.monthKey ?? '') : `${plan.timeZone} ${day.year}-${day.month}`,
      nanos: (d * (k + 1n)) / m - (d * k) / m,
    });
  }
  return served;
}

/** The charge of the day last met, by plan. */
const charges = new WeakMap<ModelPlan, bigint>();

function chargeOf(minutes: readonly Served[]): bigint {
  return minutes.reduce((sum, each) => sum + each.nanos, 0n);
}

const FIVE = 5 * MINUTE;

/** The traffic of a plan by itself: its share of the served minutes, and the slots of 5 minutes in which any of its own lies. */
function priceTraffic({ rules, rx, tx, slots }: ModelVmTraffic, own: readonly Served[], period: readonly Served[]): Ratio {
  if (rules.counting !== 'p95') return modelTraffic(rules, rx, tx, BigInt(own.length), BigInt(period.length));
  const n = new Set(own.map((each) => Math.floor(each.atMs / FIVE))).size;
  return modelP95(slots.map(slotBytes(rules.direction)), n, rules.pricePerMbpsNanos);
}

function priceWholeTraffic({ rules, rx, tx, slots }: ModelVmTraffic, fromMs: number, toMs: number): Ratio {
  if (rules.counting !== 'p95') return modelTraffic(rules, rx, tx);
  const n = Math.ceil(toMs / FIVE) - Math.floor(fromMs / FIVE);
  return modelP95(slots.map(slotBytes(rules.direction)), n, rules.pricePerMbpsNanos);
}

function slotBytes(direction: 'sum' | 'max'): (slot: readonly [bigint, bigint]) => bigint {
  return ([a, b]) => (direction === 'sum' ? a + b : a > b ? a : b);
}

interface Credit {
  readonly minutes: number;
  readonly nanos: Ratio;
}

function creditsOf(vm: ModelVm, months: readonly Served[], { fromMs, toMs, fromTheirDay }: ModelInvoice): Credit[] {
  const lost = lostMinutes(vm, months);
  const within = (each: Served): boolean => each.atMs >= fromMs && each.atMs < toMs;
  const credits: Credit[] = [];
  for (const day of groupsBy(months.filter(within), (each) => each.dayKey)) {
    for (const group of groupsBy(day, (each) => methodKey(each.agreement.policy))) {
      const [first] = group;
      if (first === undefined) continue;
      const { policy } = first.agreement;
      const dayToMs = first.dayFromMs + first.dayMinutes * MINUTE;
      if (!isGiven(vm, policy, first.agreement.plan.timeZone, first.dayFromMs, dayToMs)) continue;
      if (policy.credit.kind === 'time') credits.push(timeCredit(vm, group, lost, policy, policy.credit));
      if (policy.credit.kind === 'percent_per_minute' && policy.credit.base === 'day') {
        const minutes = group.filter((each) => lost.has(each)).length;
        credits.push({ minutes, nanos: shareOf(policy.credit, minutes, chargeOf(group)) });
      }
    }
  }
  for (const month of groupsBy(months, (each) => each.monthKey)) {
    if (!month.some(within) && !endsWithin(month, fromMs, toMs)) continue;
    const ways = groupsBy(month, ({ agreement: { policy } }) =>
      policy.credit.kind === 'monthly_tiers' ? 'tiers' : methodKey(policy),
    );
    for (const alike of fromTheirDay ? ways : likeTheLast(month)) {
      const decides = fromTheirDay ? alike[0] : alike.at(-1);
      if (decides !== undefined) credits.push(...monthCredits(vm, alike, decides, lost, fromMs, toMs));
    }
  }
  return credits;
}

/** As it once was: only the minutes under the method of the month's last minute earn a share of the month. */
function likeTheLast(month: readonly Served[]): Served[][] {
  const last = month.at(-1);
  if (last === undefined) return [];
  return [month.filter((each) => methodKey(each.agreement.policy) === methodKey(last.agreement.policy))];
}

/** What minutes of a month earn together as a share of what they cost. */
function monthCredits(
  vm: ModelVm,
  alike: readonly Served[],
  { agreement: { policy, plan }, atMs }: Served,
  lost: ReadonlySet<Served>,
  fromMs: number,
  toMs: number,
): Credit[] {
  const { credit } = policy;
  const [monthFromMs, monthToMs] = monthAround(plan.timeZone, atMs);
  if (!isGiven(vm, policy, plan.timeZone, monthFromMs, monthToMs)) return [];
  if (credit.kind === 'monthly_tiers') {
    if (!endsWithin(alike, fromMs, toMs)) return [];
    const minutes = alike.filter((each) => lost.has(each)).length;
    const share = modelTierShare(alike.length, minutes, credit.tiers);
    return [{ minutes, nanos: { num: share.num * chargeOf(alike), den: share.den } }];
  }
  if (credit.kind === 'percent_per_minute' && credit.base === 'month') {
    const charge = chargeOf(alike);
    const upTo = (ms: number): number => alike.filter((each) => each.atMs < ms && lost.has(each)).length;
    const after = shareOf(credit, upTo(toMs), charge);
    const before = shareOf(credit, upTo(fromMs), charge);
    const nanos = sumOf([after, { num: -before.num, den: before.den }]);
    return [{ minutes: upTo(toMs) - upTo(fromMs), nanos }];
  }
  return [];
}

/** Whether the calendar month of some minutes ends in the period. */
function endsWithin(month: readonly Served[], fromMs: number, toMs: number): boolean {
  const last = month.at(-1);
  if (last === undefined) return false;
  const [, endMs] = monthAround(last.agreement.plan.timeZone, last.atMs);
  return endMs > fromMs && endMs <= toMs;
}

/** The local calendar month that holds an instant, day by day. */
function monthAround(timeZone: string, atMs: number): [number, number] {
  let first = localDay(timeZone, atMs);
  let last = first;
  const { month } = first;
  for (let day = first; day.month === month; day = localDay(timeZone, day.fromMs - 1)) first = day;
  for (let day = last; day.month === month; day = localDay(timeZone, day.toMs)) last = day;
  return [first.fromMs, last.toMs];
}

/** Whether the credit of a local day or month is given: unasked, or first claimed before its time was over. */
function isGiven(vm: ModelVm, policy: ModelPolicy, timeZone: string, fromMs: number, toMs: number): boolean {
  const { claimWithinDays } = policy;
  if (claimWithinDays === null) return true;
  const own = vm.claims.filter((claim) => claim.fromMs < toMs && claim.toMs > fromMs).map((claim) => claim.atMs);
  const [, monthToMs] = monthAround(timeZone, fromMs);
  return own.some((atMs) => atMs < monthToMs + claimWithinDays * 86_400_000);
}

function timeCredit(
  vm: ModelVm,
  group: readonly Served[],
  lost: ReadonlySet<Served>,
  policy: ModelPolicy,
  credit: Extract<ModelCredit, { kind: 'time' }>,
): Credit {
  const charged = chargeOf(group);
  let minutes = 0;
  let worth: bigint;
  if (credit.rounding === 'outage') {
    for (const outage of vm.outages) {
      if (!countsUnder(outage, policy)) continue;
      let ms = 0;
      for (const { atMs, agreement } of group) {
        if (!countsUnder(outage, agreement.policy)) continue;
        ms += Math.max(0, Math.min(outage.endMs, atMs + MINUTE) - Math.max(outage.startMs, atMs));
      }
      minutes += Math.ceil(ms / MINUTE);
    }
    minutes = Math.min(minutes, group.length);
    worth = (charged * BigInt(minutes)) / BigInt(group.length);
  } else {
    const size = { minute: 1, slot5: 5, hour: 60 }[credit.rounding] * MINUTE;
    const slotOf = (each: Served): string => `${each.stretch} ${Math.floor((each.atMs - each.dayFromMs) / size)}`;
    const touched = new Set(group.filter((each) => lost.has(each)).map(slotOf));
    const counted = group.filter((each) => touched.has(slotOf(each)));
    minutes = counted.length;
    worth = chargeOf(counted);
  }
  const asked = { num: worth * credit.multiplier.num, den: credit.multiplier.den };
  const cap = { num: charged * credit.dayCap.num, den: credit.dayCap.den };
  return { minutes, nanos: asked.num * cap.den <= cap.num * asked.den ? asked : cap };
}

function shareOf(
  { perMinute, cap }: Extract<ModelCredit, { kind: 'percent_per_minute' }>,
  minutes: number,
  charge: bigint,
): Ratio {
  const asked = { num: perMinute.num * BigInt(minutes), den: perMinute.den };
  const share = asked.num * cap.den <= cap.num * asked.den ? asked : cap;
  return { num: share.num * charge, den: share.den };
}

/** Served minutes of which any part was spent in an outage that counts. */
function lostMinutes(vm: ModelVm, served: readonly Served[]): Set<Served> {
  const at = new Map(served.map((each) => [each.atMs, each]));
  const lost = new Set<Served>();
  const firstMs = served[0]?.atMs ?? 0;
  const lastMs = served.at(-1)?.atMs ?? 0;
  for (const outage of vm.outages) {
    const from = Math.max(firstMs, Math.floor(outage.startMs / MINUTE) * MINUTE);
    for (let ms = from; ms < outage.endMs && ms <= lastMs; ms += MINUTE) {
      const minute = at.get(ms);
      if (minute !== undefined && countsUnder(outage, minute.agreement.policy)) lost.add(minute);
    }
  }
  return lost;
}

function countsUnder(outage: ModelOutage, { creditable, minimumSpellMs, credit }: ModelPolicy): boolean {
  return credit.kind !== 'none' && creditable.includes(outage.cause) && outage.endMs - outage.startMs >= minimumSpellMs;
}

/** What tells ways of crediting apart: not their causes, which belong to the minutes. */
function methodKey(policy: ModelPolicy): string {
  const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
  const key = keys.get(policy) ?? JSON.stringify([policy.credit, policy.minimumSpellMs, policy.claimWithinDays], text);
  keys.set(policy, key);
  return key;
}

const keys = new WeakMap<ModelPolicy, string>();

function groupsBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return [...groups.values()];
}
