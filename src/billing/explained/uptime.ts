import { parseInstant } from '../../domain/instant.ts';
import { MINUTE_MS } from '../../domain/zone.ts';
import type { CreditItemDetail, TierCreditDetail } from '../../rating/detail.ts';
import { tierCredit } from '../../rating/credit-share.ts';
import { decimalText, exact, isLess, roundedTo, times } from '../../rating/exact.ts';
import type { Segment } from '../../rating/served.ts';
import { fineText } from './parts.ts';

/** A month's uptime against the tier that it fell below. Percentages are decimal text. */
export interface MonthUptime {
  /** The instant at which the month begins in its zone. */
  month: string;
  time_zone: string;
  minutes: number;
  unavailable_minutes: number;
  /** Cut, never rounded up: a month that missed its tier does not look as if it had reached it. */
  uptime_percent: string;
  below_percent: string;
  credit_percent: string;
  /** The month's charge, which it is a share of. */
  of: string;
}

/** The months of a credit by tiers. */
export function uptimesOf(days: readonly CreditItemDetail[], service: readonly Segment[], currency: string): MonthUptime[] {
  return days.flatMap((item) => (isTier(item) ? [uptimeOf(item, service, currency)].flat() : []));
}

function isTier(item: CreditItemDetail): item is TierCreditDetail {
  return 'service_minutes' in item;
}

function uptimeOf(item: TierCreditDetail, service: readonly Segment[], currency: string): MonthUptime[] {
  const { month, time_zone, service_minutes: minutes, minutes: unavailable, charge_nanos: charge } = item;
  const begins = (parseInstant(month) ?? 0) / MINUTE_MS;
  const method = service
    .filter(
      ({ plan, fromMinute, toMinute }) => plan.zone.name === time_zone && toMinute > begins && fromMinute < begins + 32 * 1440,
    )
    .map(({ policy }) => policy.method)
    .findLast((each) => each.kind === 'monthly_tiers');
  if (method?.kind !== 'monthly_tiers') return [];
  const uptime = exact(BigInt(minutes - unavailable), BigInt(Math.max(1, minutes)));
  const tier = method.tiers.findLast(({ below }) => isLess(uptime, below));
  if (tier === undefined) return [];
  const hundred = exact(100n);
  const credit = tierCredit(method.tiers, { minutes, unavailableMinutes: unavailable });
  return [
    {
      month,
      time_zone,
      minutes,
      unavailable_minutes: unavailable,
      uptime_percent: cutText((uptime.num * 1_000_000n) / uptime.den),
      below_percent: decimalText(times(tier.below, hundred)),
      credit_percent: decimalText(times(credit, hundred)),
      of: fineText(roundedTo(exact(charge), 1n), currency),
    },
  ];
}

/** Millionths as percent with four digits at most. */
function cutText(millionths: bigint): string {
  return decimalText(exact(millionths, 10_000n));
}
