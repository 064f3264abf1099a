/** What is billed besides service, traffic and fees (SPEC §6a): sums of plans, and add-ons. */
import { unitNanos } from './credit.ts';
import type { ModelAddOn, ModelSums, ModelVm } from './invoice-facts.ts';
import type { Ratio } from './rater.ts';
import { MINUTE, type Served } from './served.ts';

/**
 * A plan's flat sum, and what its lines lack of the minimum or exceed the maximum by, of a part of `own` of the `of` served minutes.
 * @param charged what the lines of the plan come to by now, rounded
 */
export function* sumsOfPeriod(
  sums: ModelSums,
  own: bigint,
  of: bigint,
  charged: () => bigint,
): Generator<{ readonly kind: 'flat' | 'minimum' | 'maximum'; readonly exact: Ratio }> {
  if (own === 0n) return;
  if (sums.flat !== null) yield { kind: 'flat', exact: { num: sums.flat * own, den: of } };
  const sum = charged() * of;
  const least = (sums.minimum ?? 0n) * own - sum;
  const most = sums.maximum === null ? 0n : sums.maximum * own - sum;
  if (sums.minimum !== null && least > 0n) yield { kind: 'minimum', exact: { num: least, den: of } };
  else if (most < 0n) yield { kind: 'maximum', exact: { num: most, den: of } };
}

/** The first minute that a VM was ever served on a plan; null: none. */
export function firstServedMs({ startsAtMs, endsAtMs, agreements }: ModelVm, planId: string): number | null {
  for (const [i, each] of agreements.entries()) {
    if (each.planId !== planId) continue;
    const firstMs = Math.ceil(Math.max(each.fromMs, startsAtMs ?? each.fromMs) / MINUTE) * MINUTE;
    const next = agreements[i + 1]?.fromMs ?? Infinity;
    if (firstMs < next && (endsAtMs === null || firstMs < endsAtMs)) return firstMs;
  }
  return null;
}

/** An add-on minute by minute, at its own price in the time zone of the plan; null: it was had in no minute. */
export function addOnNanos({ price, quantity, fromMs, untilMs }: ModelAddOn, period: readonly Served[]): bigint | null {
  const had = period.filter(({ atMs }) => atMs >= fromMs && (untilMs === null || atMs < untilMs));
  if (had.length === 0) return null;
  const whole = { ...price, amountNanos: price.amountNanos * quantity };
  return had.reduce((sum, { atMs, agreement }) => sum + unitNanos({ ...agreement.plan, price: whole }, atMs), 0n);
}
