import type { Plan } from './plan.ts';

/**
 * How unavailable time becomes credit: what a terms sheet says of it, ready to compute with. Fractions are exact pairs of
 * integers, never floats. `src/terms/policy.ts` makes one from a sheet and a plan; the rater computes with it.
 */
export interface CreditPolicy {
  /** The clause that a credit line names; null without a terms sheet. */
  readonly clause: string | null;
  /** Condition codes that count as unavailable; empty with method `none`. */
  readonly creditable: ReadonlySet<number>;
  /** Condition codes of which a person has to say whether they count; none of `creditable`. */
  readonly unsure: ReadonlySet<number>;
  readonly method: CreditMethod;
  /** Days after the end of the period within which the customer must ask; null: credits are given unasked. */
  readonly claimWithinDays: number | null;
  /** Days that an unused credit lasts from its invoice on; null: for good. */
  readonly expiresAfterDays: number | null;
}

export type CreditMethod =
  /** Unavailability earns nothing. */
  | { readonly kind: 'none' }
  /** The worth of the unavailable time itself, day by day (SPEC §4): `min(cap × D, multiplier × worth)`. */
  | {
      readonly kind: 'time';
      readonly rounding: CreditRounding;
      /** Outages (their own whole length) shorter than this do not count; 0: all do. */
      readonly minimumSpellMs: number;
      readonly multiplier: Fraction;
      /** Of the day's charge, at most 1. */
      readonly dayCap: Fraction;
    }
  /** A share of the base's service charge for every unavailable minute, at most `cap` of it. */
  | {
      readonly kind: 'percent_per_minute';
      readonly minimumSpellMs: number;
      /** Which service charge it is a share of: that of the local day or of the local calendar month of the minutes. */
      readonly base: 'day' | 'month';
      readonly perMinute: Fraction;
      /** Of the base's charge, at most 1. */
      readonly cap: Fraction;
    }
  /** A share of the calendar month's service charge by the month's uptime; of the tiers reached, the last counts. */
  | { readonly kind: 'monthly_tiers'; readonly minimumSpellMs: number; readonly tiers: readonly CreditTier[] };

/**
 * What the clock's grid does to unavailable time. `minute`: a minute touched counts whole. `outage`: each outage, clipped
 * to the day, counts its minutes rounded up. `slot5` and `hour`: a slot of 5 or 60 minutes of the local day counts whole
 * once touched (the last slot of a day may be shorter).
 */
export type CreditRounding = 'minute' | 'outage' | 'slot5' | 'hour';

/** Reached when uptime (total − unavailable) / total is below `below`; strictly descending in a policy. */
export interface CreditTier {
  readonly below: Fraction;
  /** Of the month's service charge, at most 1. */
  readonly credit: Fraction;
}

export interface Fraction {
  readonly num: bigint;
  readonly den: bigint;
}

/** The policy where neither VM nor plan names a terms sheet: SPEC §4 with every default, and the plan's causes. */
export function defaultCreditPolicy(plan: Plan): CreditPolicy {
  return {
    clause: null,
    creditable: plan.creditable,
    unsure: new Set(),
    method: {
      kind: 'time',
      rounding: 'minute',
      minimumSpellMs: 0,
      multiplier: { num: 1n, den: 1n },
      dayCap: { num: 1n, den: 1n },
    },
    claimWithinDays: null,
    expiresAfterDays: null,
  };
}
