import type { Plan } from './plan.ts';
import { dayEnd, type LocalDay, localDay } from './zone.ts';

/**
 * What minutes are worth (SPEC §4), in nanos. The one credit function: minute rows, uptime answers, invoices and refund
 * checks all add up these units.
 */

/** The day charge D of a local day of the plan's zone. */
export function dayCharge(plan: Pick<Plan, 'priceNanos' | 'per'>, day: LocalDay): bigint {
  switch (plan.per) {
    case 'day':
      return plan.priceNanos;
    case 'hour':
      // Exact for whole hours; the half hour of Lord Howe's days is charged as half an hour.
      return (plan.priceNanos * BigInt(day.minutes)) / 60n;
    case 'month': {
      const n = BigInt(day.daysInMonth);
      const d = BigInt(day.daysBefore);
      return (plan.priceNanos * (d + 1n)) / n - (plan.priceNanos * d) / n;
    }
  }
}

/** Σ unit(k) over minutes k of [a, b) of a day with charge D and M minutes: telescoped, `floor(D·b/M) − floor(D·a/M)`. */
export function unitSum(charge: bigint, minutes: number, a: number, b: number): bigint {
  const m = BigInt(minutes);
  return (charge * BigInt(b)) / m - (charge * BigInt(a)) / m;
}

/** unit(k): the worth of minute k of a day with charge D and M minutes. */
export function unit(charge: bigint, minutes: number, k: number): bigint {
  return unitSum(charge, minutes, k, k + 1);
}

/** Σ unit(k) over the UTC minutes [fromMinute, toMinute) under one plan, across days, in one step a day. */
export function creditBetween(plan: Plan, fromMinute: number, toMinute: number): bigint {
  let sum = 0n;
  for (let at = fromMinute; at < toMinute;) {
    const day = localDay(plan.zone, at);
    const until = Math.min(dayEnd(day), toMinute);
    sum += unitSum(dayCharge(plan, day), day.minutes, at - day.startMinute, until - day.startMinute);
    at = until;
  }
  return sum;
}
