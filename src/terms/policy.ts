import { conditionCode } from '../domain/condition.ts';
import type { CreditPolicy } from '../domain/credit-policy.ts';
import type { Plan } from '../domain/plan.ts';
import { clauseShown, type TermsSheet } from './sheet.ts';

/** Condition codes that count as unavailable on `plan` under `sheet`: those the sheet names, else the plan's, less what it excludes. */
export function creditableUnder(sheet: TermsSheet, plan: Pick<Plan, 'creditable'>): Set<number> {
  const named = sheet.credit.kind === 'none' ? undefined : sheet.credit.creditable?.map(conditionCode);
  const creditable = new Set(named ?? plan.creditable);
  for (const cause of sheet.excluded.flatMap((rule) => rule.causes)) creditable.delete(conditionCode(cause));
  return creditable;
}

/** How unavailable time of a VM on `plan` becomes credit under `sheet`. Percentages come out as fractions of 1. */
export function creditPolicyOf(sheet: TermsSheet, plan: Pick<Plan, 'creditable'>): CreditPolicy {
  const { credit } = sheet;
  const clause = clauseShown(sheet, credit.clause);
  if (credit.kind === 'none')
    return {
      clause,
      creditable: new Set(),
      unsure: new Set(),
      method: { kind: 'none' },
      claimWithinDays: null,
      expiresAfterDays: null,
    };
  const creditable = creditableUnder(sheet, plan);
  // Where the plan makes it count nothing is unsure.
  const unsure = new Set((credit.unsure ?? []).map(conditionCode).filter((code) => !creditable.has(code)));
  return {
    clause,
    creditable,
    unsure,
    method: methodOf(credit),
    claimWithinDays: credit.claim_within_days,
    expiresAfterDays: credit.expires_after_days,
  };
}

function methodOf(credit: Exclude<TermsSheet['credit'], { kind: 'none' }>): CreditPolicy['method'] {
  const minimumSpellMs = credit.minimum_spell;
  switch (credit.kind) {
    case 'time':
      return {
        kind: 'time',
        rounding: credit.rounding,
        minimumSpellMs,
        multiplier: credit.multiplier,
        dayCap: credit.day_cap_percent,
      };
    case 'percent_per_minute':
      return {
        kind: 'percent_per_minute',
        minimumSpellMs,
        base: credit.base,
        perMinute: credit.percent_per_minute,
        cap: credit.cap_percent,
      };
    case 'monthly_tiers':
      return {
        kind: 'monthly_tiers',
        minimumSpellMs,
        tiers: credit.tiers.map((tier) => ({ below: tier.below_percent, credit: tier.credit_percent })),
      };
  }
}
