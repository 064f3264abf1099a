/** What a minute is worth (SPEC §4). Local days come from Intl alone, walked minute by minute. */
import type { Condition } from '../../domain/condition.ts';
import { MINUTE_MS } from './timeline.ts';

export interface ModelPlan {
  /** An IANA name. */
  readonly timeZone: string;
  readonly price: { readonly amountNanos: bigint; readonly per: 'hour' | 'day' | 'month' };
  readonly creditable: readonly Condition[];
}

/** A plan of the catalog from an instant on, until the next. */
export interface DatedPlan {
  readonly plan: ModelPlan;
  readonly fromMs: number;
}

/** A local calendar day as instants, and its date. */
export interface LocalDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The plan in force at an instant: the one that began last (of two at the same instant the later in the list), or null. */
export function planAt(plans: readonly DatedPlan[], atMs: number): ModelPlan | null {
  let inForce: DatedPlan | null = null;
  for (const dated of plans) {
    if (dated.fromMs <= atMs && (inForce === null || dated.fromMs >= inForce.fromMs)) inForce = dated;
  }
  return inForce?.plan ?? null;
}

/** unit(k) of the minute that starts at `minuteMs`, in nanos: the minutes of a local day sum to the day's charge exactly. */
export function unitNanos(plan: ModelPlan, minuteMs: number): bigint {
  const day = localDay(plan.timeZone, minuteMs);
  const minutes = BigInt((day.toMs - day.fromMs) / MINUTE_MS);
  const k = BigInt((minuteMs - day.fromMs) / MINUTE_MS);
  const charge = dayChargeNanos(plan, day);
  return (charge * (k + 1n)) / minutes - (charge * k) / minutes;
}

/** D of a local day, in nanos. */
export function dayChargeNanos(plan: ModelPlan, day: LocalDay): bigint {
  const { amountNanos, per } = plan.price;
  if (per === 'day') return amountNanos;
  if (per === 'hour') return (amountNanos * BigInt((day.toMs - day.fromMs) / MINUTE_MS)) / 60n;
  const days = daysOfMonth(plan.timeZone, day);
  const n = BigInt(days.length);
  const d = BigInt(days.indexOf(day.day));
  return (amountNanos * (d + 1n)) / n - (amountNanos * d) / n;
}

/**
 * The local day that holds an instant: every minute around it with the same local date. Holds for zones whose offset is
 * whole minutes and whose dates never run backwards, which is every zone today.
 */
export function localDay(timeZone: string, atMs: number): LocalDay {
  const known = daysSeen.get(timeZone) ?? [];
  const seen = known.find((day) => day.fromMs <= atMs && atMs < day.toMs);
  if (seen !== undefined) return seen;
  const date = localDate(timeZone, atMs);
  let fromMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  let toMs = fromMs + MINUTE_MS;
  while (localDate(timeZone, fromMs - MINUTE_MS) === date) fromMs -= MINUTE_MS;
  while (localDate(timeZone, toMs) === date) toMs += MINUTE_MS;
  const [month = 0, day = 0, year = 0] = date.split('/').map(Number);
  const found = { year, month, day, fromMs, toMs };
  daysSeen.set(timeZone, [...known, found]);
  return found;
}

/** The days of a local month that any clock has shown, in order: looked for every quarter of an hour, for no day is as short as that. */
function daysOfMonth(timeZone: string, { year, month }: LocalDay): readonly number[] {
  const key = `${timeZone} ${year} ${month}`;
  const known = monthsSeen.get(key);
  if (known !== undefined) return known;
  const days = new Set<number>();
  const DAY_MS = 86_400_000;
  for (let at = Date.UTC(year, month - 1, 1) - 2 * DAY_MS; at < Date.UTC(year, month, 1) + 2 * DAY_MS; at += DAY_MS / 96) {
    const [m = 0, d = 0] = localDate(timeZone, at).split('/').map(Number);
    if (m === month) days.add(d);
  }
  const found = [...days].sort((a, b) => a - b);
  monthsSeen.set(key, found);
  return found;
}

/** month/day/year. */
function localDate(timeZone: string, atMs: number): string {
  const format =
    formats.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' });
  formats.set(timeZone, format);
  return format.format(atMs);
}

const formats = new Map<string, Intl.DateTimeFormat>();
const monthsSeen = new Map<string, readonly number[]>();
const daysSeen = new Map<string, LocalDay[]>();
