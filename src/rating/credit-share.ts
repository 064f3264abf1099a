import type { CreditMethod, Fraction } from '../domain/credit-policy.ts';
import { localDay, monthEnd, monthStart, type Zone } from '../domain/zone.ts';
import { exact, isLess, least, negated, plus, times, ZERO } from './exact.ts';
import { clipSegments, type Segment, servedDays } from './served.ts';
import { type ClosedOutage, lengthOf, type MinuteRun, touchedMinutes } from './unavailable.ts';

/** Credits that are a share of a charge: by the month's uptime, or a percentage a minute. */
export interface Uptime {
  minutes: number;
  unavailableMinutes: number;
  chargeNanos: bigint;
}

/** Served and unavailable minutes of segments, and what they cost: each minute under the policy it was served under. */
export function uptimeOf(segments: readonly Segment[], outages: readonly ClosedOutage[]): Uptime {
  const sum: Uptime = { minutes: 0, unavailableMinutes: 0, chargeNanos: 0n };
  for (const day of servedDays(segments)) {
    sum.chargeNanos += day.chargeNanos;
    for (const part of day.parts) {
      sum.minutes += part.toMinute - part.fromMinute;
      sum.unavailableMinutes += lengthOf(touchedMinutes(part, outages));
    }
  }
  return sum;
}

/** The share that a month's uptime earns: of the tiers reached, the last. Compared exactly; a month without service earns nothing. */
export function tierCredit(
  tiers: Extract<CreditMethod, { kind: 'monthly_tiers' }>['tiers'],
  uptime: Pick<Uptime, 'minutes' | 'unavailableMinutes'>,
): Fraction {
  if (uptime.minutes === 0) return ZERO;
  const share = exact(BigInt(uptime.minutes - uptime.unavailableMinutes), BigInt(uptime.minutes));
  return tiers.findLast((tier) => isLess(share, tier.below))?.credit ?? ZERO;
}

type PerMinute = Extract<CreditMethod, { kind: 'percent_per_minute' }>;

/** `min(cap, perMinute × unavailable minutes)` of a charge. */
export function perMinuteCredit(method: PerMinute, unavailableMinutes: number, chargeNanos: bigint): Fraction {
  const asked = times(method.perMinute, exact(BigInt(unavailableMinutes)));
  return times(least(asked, method.cap), exact(chargeNanos));
}

/** The local calendar months that UTC minutes [fromMinute, toMinute) touch. */
export function monthsOf(zone: Zone, fromMinute: number, toMinute: number): MinuteRun[] {
  const months: MinuteRun[] = [];
  for (let at = fromMinute; at < toMinute;) {
    const day = localDay(zone, at);
    const month = { fromMinute: monthStart(zone, day), toMinute: monthEnd(zone, day) };
    months.push(month);
    at = month.toMinute;
  }
  return months;
}

/**
 * What a month's minutes earn within a run of them: what they have earned up to its end less what they had up to
 * its beginning, so that the invoices of a month's days sum to the month's credit, cap included.
 */
export function monthShareWithin(
  method: PerMinute,
  month: readonly Segment[],
  outages: readonly ClosedOutage[],
  { fromMinute, toMinute }: MinuteRun,
): { minutes: number; creditNanos: Fraction } {
  const { chargeNanos } = uptimeOf(month, outages);
  const upTo = (minute: number): number => uptimeOf(clipSegments(month, 0, minute), outages).unavailableMinutes;
  const before = upTo(fromMinute);
  const after = upTo(toMinute);
  const creditNanos = plus(perMinuteCredit(method, after, chargeNanos), negated(perMinuteCredit(method, before, chargeNanos)));
  return { minutes: after - before, creditNanos };
}
