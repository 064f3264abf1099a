import type { CreditPolicy } from '../domain/credit-policy.ts';
import { dayCharge, unitSum } from '../domain/credit.ts';
import type { DatedPlan, Plan } from '../domain/plan.ts';
import { DAY_MS, dayEnd, type LocalDay, localDay, MINUTE_MS, type Zone } from '../domain/zone.ts';

/**
 * Which minutes were served on which plan, and what they cost. A minute counts by its start: it belongs to the plan in
 * force then, and is served if its start lies in `[starts_at, ends_at)`. So every minute is charged once or not at all.
 */
export interface Segment {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly plan: Plan;
  readonly policy: CreditPolicy;
}

/** The part of a local day under one segment. */
export interface Part {
  readonly segment: Segment;
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Σ unit(k) over its minutes. */
  readonly chargeNanos: bigint;
}

/** A local day as it is charged: D is the sum of its parts. */
export interface ServedDay {
  readonly zone: Zone;
  readonly day: LocalDay;
  readonly parts: Part[];
  chargeNanos: bigint;
}

export interface ServiceTerms {
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  /** In order of `fromMs`; a plan stands there again from where its policy is another. */
  readonly plans: readonly DatedPlan[];
  readonly policyOf: (plan: Plan, fromMs: number) => CreditPolicy;
}

/** The first minute that starts at or after an instant. */
export function minuteFrom(ms: number): number {
  return Math.ceil(ms / MINUTE_MS);
}

/** The segments of a VM's service within UTC minutes [fromMinute, toMinute). */
export function segmentsOf(terms: ServiceTerms, fromMinute: number, toMinute: number): Segment[] {
  const from = Math.max(fromMinute, terms.startsAtMs === null ? fromMinute : minuteFrom(terms.startsAtMs));
  const to = Math.min(toMinute, terms.endsAtMs === null ? toMinute : minuteFrom(terms.endsAtMs));
  return terms.plans.flatMap(({ fromMs, plan }, i) => {
    const next = terms.plans[i + 1];
    const a = Math.max(from, minuteFrom(fromMs));
    const b = Math.min(to, next === undefined ? to : minuteFrom(next.fromMs));
    return a < b ? [{ fromMinute: a, toMinute: b, plan, policy: terms.policyOf(plan, fromMs) }] : [];
  });
}

/** Segments cut to UTC minutes [fromMinute, toMinute). */
export function clipSegments(segments: readonly Segment[], fromMinute: number, toMinute: number): Segment[] {
  return segments.flatMap((segment) => {
    const a = Math.max(segment.fromMinute, fromMinute);
    const b = Math.min(segment.toMinute, toMinute);
    return a < b ? [{ ...segment, fromMinute: a, toMinute: b }] : [];
  });
}

/** What of a period was served on one plan, however often it came back, and its share of all that was served. */
export interface PlanPart {
  readonly plan: string;
  readonly segments: readonly Segment[];
  readonly share: { readonly minutes: bigint; readonly of: bigint };
}

/** Segments by plan, in the order in which the plans were first on. */
export function partsOf(segments: readonly Segment[]): PlanPart[] {
  const byPlan = new Map<string, Segment[]>();
  for (const segment of segments) byPlan.set(segment.plan.id, [...(byPlan.get(segment.plan.id) ?? []), segment]);
  const of = minutesIn(segments);
  return Array.from(byPlan, ([plan, own]) => ({ plan, segments: own, share: { minutes: minutesIn(own), of } }));
}

function minutesIn(segments: readonly Segment[]): bigint {
  return segments.reduce((sum, { fromMinute, toMinute }) => sum + BigInt(toMinute - fromMinute), 0n);
}

/** Segments of which neighbours on one plan are one, whatever terms held: what is charged is the same. */
export function joined(segments: readonly Segment[]): Segment[] {
  const runs: Segment[] = [];
  for (const segment of segments) {
    const before = runs.at(-1);
    if (before?.plan.id === segment.plan.id && before.toMinute === segment.fromMinute)
      runs[runs.length - 1] = { ...before, toMinute: segment.toMinute };
    else runs.push(segment);
  }
  return runs;
}

/** The local days of segments, in order; days of different zones are different days. */
export function servedDays(segments: readonly Segment[]): ServedDay[] {
  const days = new Map<string, ServedDay>();
  for (const segment of segments) {
    const { zone } = segment.plan;
    for (let at = segment.fromMinute; at < segment.toMinute;) {
      const day = localDay(zone, at);
      const until = Math.min(dayEnd(day), segment.toMinute);
      const charge = unitSum(dayCharge(segment.plan, day), day.minutes, at - day.startMinute, until - day.startMinute);
      const key = `${zone.name} ${day.dayNumber}`;
      const served = days.get(key) ?? { zone, day, parts: [], chargeNanos: 0n };
      served.parts.push({ segment, fromMinute: at, toMinute: until, chargeNanos: charge });
      served.chargeNanos += charge;
      days.set(key, served);
      at = until;
    }
  }
  return [...days.values()];
}

/** Minutes of a day that were served. */
export function servedMinutes(day: { readonly parts: readonly Part[] }): number {
  return day.parts.reduce((sum, part) => sum + part.toMinute - part.fromMinute, 0);
}

/** The date of a local day: 2026-03-01. */
export function dateText(day: LocalDay): string {
  return new Date(day.dayNumber * DAY_MS).toISOString().slice(0, 10);
}
