import type { CreditMethod, CreditPolicy, Fraction } from '../domain/credit-policy.ts';
import { dayCharge, unitSum } from '../domain/credit.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { exact, isLess, least, times } from './exact.ts';
import { type Part, type ServedDay, servedMinutes } from './served.ts';
import { clippedRuns, type ClosedOutage, lengthOf, touchedMinutes } from './unavailable.ts';

type TimeMethod = Extract<CreditMethod, { kind: 'time' }>;

/** The credit of one local day under one method. */
export interface DayCredit {
  readonly day: ServedDay;
  /** Unavailable minutes as the method counts them. */
  readonly minutes: number;
  readonly chargeNanos: bigint;
  readonly creditNanos: Fraction;
  readonly capped: boolean;
}

/** Parts of a day that share a method, and until when it is claimed: they have the day's cap together. */
export interface MethodGroup<M extends CreditMethod> {
  readonly method: M;
  readonly parts: readonly Part[];
  readonly chargeNanos: bigint;
}

/** The parts of a day by method; policies that say the same are one. */
export function groupsOf<K extends CreditMethod['kind']>(
  day: ServedDay,
  kind: K,
): MethodGroup<Extract<CreditMethod, { kind: K }>>[] {
  const groups = new Map<string, { method: Extract<CreditMethod, { kind: K }>; parts: Part[]; chargeNanos: bigint }>();
  for (const part of day.parts) {
    const { policy } = part.segment;
    const { method } = policy;
    if (!isKind(method, kind)) continue;
    const key = policyKey(policy);
    const group = groups.get(key) ?? { method, parts: [], chargeNanos: 0n };
    group.parts.push(part);
    group.chargeNanos += part.chargeNanos;
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What tells ways of crediting apart: not their causes, which belong to the minutes. */
export function policyKey({ method, claimWithinDays }: CreditPolicy): string {
  return JSON.stringify([method, claimWithinDays], (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function isKind<K extends CreditMethod['kind']>(method: CreditMethod, kind: K): method is Extract<CreditMethod, { kind: K }> {
  return method.kind === kind;
}

/** A day's credit by time (SPEC §4): `min(cap × D, multiplier × worth)`. Nothing carries into another day. Undefined if nothing counts. */
export function creditOfDay(
  day: ServedDay,
  group: MethodGroup<TimeMethod>,
  outages: readonly ClosedOutage[],
): DayCredit | undefined {
  const { minutes, worthNanos } =
    group.method.rounding === 'outage' ? byOutage(group, outages) : bySlots(day, group, outages, SLOTS[group.method.rounding]);
  if (minutes === 0) return undefined;
  const asked = times(group.method.multiplier, exact(worthNanos));
  const cap = times(group.method.dayCap, exact(group.chargeNanos));
  return { day, minutes, chargeNanos: group.chargeNanos, creditNanos: least(asked, cap), capped: isLess(cap, asked) };
}

const SLOTS = { minute: 1, slot5: 5, hour: 60 } as const;

interface Worth {
  minutes: number;
  worthNanos: bigint;
}

/** Σ unit(k) over the touched slots of the local day. */
function bySlots(day: ServedDay, group: MethodGroup<TimeMethod>, outages: readonly ClosedOutage[], slotMinutes: number): Worth {
  const { startMinute, minutes: dayMinutes } = day.day;
  let minutes = 0;
  let worthNanos = 0n;
  for (const part of group.parts) {
    const runs = touchedMinutes(part, outages, { originMinute: startMinute, slotMinutes });
    minutes += lengthOf(runs);
    const charge = dayCharge(part.segment.plan, day.day);
    for (const run of runs) worthNanos += unitSum(charge, dayMinutes, run.fromMinute - startMinute, run.toMinute - startMinute);
  }
  return { minutes, worthNanos };
}

/** Each outage clipped to the day counts its minutes rounded up, n in all and at most M: `floor(D·n/M)` of what the day is charged. */
function byOutage(group: MethodGroup<TimeMethod>, outages: readonly ClosedOutage[]): Worth {
  const served = servedMinutes(group);
  const minutes = Math.min(served, lengthsRoundedUp(group.parts, outages));
  return { minutes, worthNanos: (group.chargeNanos * BigInt(minutes)) / BigInt(served) };
}

function lengthsRoundedUp(parts: readonly Part[], outages: readonly ClosedOutage[]): number {
  let minutes = 0;
  for (const outage of outages) {
    // An outage over a change of plan within the day is still one outage.
    let ms = 0;
    for (const part of parts) for (const run of clippedRuns(part, [outage])) ms += run.toMs - run.fromMs;
    minutes += Math.ceil(ms / MINUTE_MS);
  }
  return minutes;
}
