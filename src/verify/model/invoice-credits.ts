/** What lost minutes earn, by day and by month (SPEC §6). */
import { localDay } from './credit.ts';
import { type ModelOutage, modelTierShare, type Ratio, sumOf } from './rater.ts';
import type { ModelCredit, ModelPolicy, ModelVm, ModelInvoice } from './invoice-facts.ts';
import { MINUTE, type Served, chargeOf } from './served.ts';

interface Credit {
  readonly minutes: number;
  readonly nanos: Ratio;
}

export function creditsOf(vm: ModelVm, months: readonly Served[], { fromMs, toMs, fromTheirDay }: ModelInvoice): Credit[] {
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

export function groupsBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return [...groups.values()];
}
