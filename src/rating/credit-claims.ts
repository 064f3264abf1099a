import type { CreditPolicy } from '../domain/credit-policy.ts';
import { DAY_MS, localDay, MINUTE_MS, monthEnd, type Zone } from '../domain/zone.ts';

/** A customer asked for the credit of the unavailable time of [fromMs, toMs). */
export interface CreditClaim {
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Until when a credit must be claimed: so many days of 24 hours after the end of the local calendar month that holds the
 * minute, however that month is invoiced. null: it is given unasked.
 */
export function claimByOf(policy: CreditPolicy, zone: Zone, minute: number): number | null {
  if (policy.claimWithinDays === null) return null;
  return monthEnd(zone, localDay(zone, minute)) * MINUTE_MS + policy.claimWithinDays * DAY_MS;
}

export interface ClaimOutcome {
  /** Whether the credit is given: unasked, or claimed before its time was over. */
  given: boolean;
  claimByMs: number | null;
  /** The first claim of it; null: there is none. */
  claimedAtMs: number | null;
}

/** What became of the credit of a local day or month, UTC minutes [fromMinute, toMinute): a claim of any of its time is a claim of it. */
export function claimOutcome(
  { fromMinute, toMinute, policy, zone }: { fromMinute: number; toMinute: number; policy: CreditPolicy; zone: Zone },
  claims: readonly CreditClaim[],
): ClaimOutcome {
  const claimByMs = claimByOf(policy, zone, fromMinute);
  if (claimByMs === null) return { given: true, claimByMs, claimedAtMs: null };
  const own = claims.filter((claim) => claim.fromMs < toMinute * MINUTE_MS && claim.toMs > fromMinute * MINUTE_MS);
  const claimedAtMs = own.length === 0 ? null : Math.min(...own.map((claim) => claim.atMs));
  return { given: claimedAtMs !== null && claimedAtMs < claimByMs, claimByMs, claimedAtMs };
}
