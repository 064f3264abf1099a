import { creditBetween } from '../domain/credit.ts';
import { minorDigits } from '../domain/money.ts';
import type { DatedPlan } from '../domain/plan.ts';
import { MINUTE_MS } from '../domain/zone.ts';

/** What a refund is a share of: `num / den` of the amount paid. */
export interface Share {
  num: bigint;
  den: bigint;
}

export const WHOLE: Share = { num: 1n, den: 1n };

/**
 * The share of the paid time that is left at an instant (SPEC §5): Σ unit(k) over [at, paid_until) by Σ unit(k) over
 * [paid_at, paid_until), of whole minutes, each at the plan in force at its start. Undefined where no minute paid for has a price.
 */
export function remainingShare(
  plans: readonly DatedPlan[],
  paidAtMs: number,
  paidUntilMs: number,
  atMs: number,
): Share | undefined {
  const untilMinute = Math.floor(paidUntilMs / MINUTE_MS);
  const den = worth(plans, Math.ceil(paidAtMs / MINUTE_MS), untilMinute);
  if (den === 0n) return undefined;
  return { num: worth(plans, Math.ceil(Math.max(atMs, paidAtMs) / MINUTE_MS), untilMinute), den };
}

/** Σ unit(k) over UTC minutes [fromMinute, toMinute), in nanos; minutes without a plan are worth nothing. */
function worth(plans: readonly DatedPlan[], fromMinute: number, toMinute: number): bigint {
  let sum = 0n;
  for (const [i, { fromMs, plan }] of plans.entries()) {
    const next = plans[i + 1];
    const from = Math.max(fromMinute, Math.ceil(fromMs / MINUTE_MS));
    const to = Math.min(toMinute, next === undefined ? toMinute : Math.ceil(next.fromMs / MINUTE_MS));
    if (from < to) sum += creditBetween(plan, from, to);
  }
  return sum;
}

/**
 * What is refunded, in nanos: the share of what was paid less what is kept of it or was refunded before, rounded once, half to even, to the
 * currency's minor unit; never below zero.
 */
export function refundNanos(paidNanos: bigint, share: Share, lessNanos: bigint, currency: string): bigint {
  const exact = paidNanos * share.num - lessNanos * share.den;
  if (exact <= 0n) return 0n;
  const minorNanos = 10n ** BigInt(9 - minorDigits(currency));
  const unit = share.den * minorNanos;
  const floor = exact / unit;
  const twice = 2n * (exact % unit);
  const up = twice > unit || (twice === unit && floor % 2n !== 0n);
  return (up ? floor + 1n : floor) * minorNanos;
}
