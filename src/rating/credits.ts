import type { CreditMethod, Fraction } from '../domain/credit-policy.ts';
import { type CreditClaim, claimOutcome } from './credit-claims.ts';
import { type CreditFacts, creditItems } from './credit-items.ts';
import type { CreditItemDetail } from './detail.ts';
import { exactText, negated, plus, priceText, ZERO } from './exact.ts';
import type { PricedAs } from './line.ts';
import type { FormulaSay } from './say.ts';

/** What a VM's credit for a period is computed from. */
export interface VmCreditFacts extends CreditFacts {
  readonly vm: string;
  /** What was claimed, where the terms want that. */
  readonly claims?: readonly CreditClaim[];
}

const FORMULA: Readonly<Record<CreditMethod['kind'], readonly FormulaSay[]>> = {
  none: [],
  time: [{ code: 'credit_by_time' }],
  percent_per_minute: [{ code: 'credit_by_percent' }],
  monthly_tiers: [{ code: 'credit_by_tier' }],
};

/** The credit of a VM for a period: one line, negative, its days in the detail. Undefined if nothing is due. */
export function priceCredits({
  currency,
  vm,
  claims = [],
  ...facts
}: VmCreditFacts & { currency: string }): PricedAs<'credit'> | undefined {
  const items = creditItems(facts).filter((item) => claimOutcome(item, claims).given);
  if (items.length === 0) return undefined;
  const total = items.reduce((sum, item) => plus(sum, item.creditNanos), ZERO);
  const clauses = new Set(items.flatMap((item) => item.clauses));
  const kinds = [...new Set(items.map((item) => item.policy.method.kind))];
  const minutes = items.reduce((sum, item) => sum + item.minutes, 0);
  return {
    kind: 'credit',
    vm,
    say: {
      about: { code: 'credit', minutes },
      formula: [...kinds.flatMap((kind) => FORMULA[kind]), { code: 'average' }],
      unit: { code: 'minute' },
    },
    quantity: minutes.toString(),
    unitPrice: priceText({ num: -total.num, den: total.den * BigInt(minutes) }, currency),
    exactNanos: negated(total),
    detail: {
      ...(clauses.size === 0 ? {} : { clauses: [...clauses] }),
      exact_nanos: exactText(negated(total)),
      days: items.map((item) => item.detail),
    },
  };
}

/** A credit that the terms give to whoever asks in time, and nobody has. */
export interface UnclaimedCredit {
  readonly vm: string;
  readonly detail: CreditItemDetail;
  readonly minutes: number;
  readonly creditNanos: Fraction;
  readonly claimByMs: number;
  /** When it was claimed too late; null: it has not been claimed. */
  readonly claimedAtMs: number | null;
  readonly clause: string | null;
}

/** The credits of a VM's period that are not given because they were not claimed, or too late. */
export function unclaimedCredits({ vm, claims = [], ...facts }: VmCreditFacts): UnclaimedCredit[] {
  return creditItems(facts).flatMap((item) => {
    const { given, claimByMs, claimedAtMs } = claimOutcome(item, claims);
    if (given || claimByMs === null) return [];
    const { detail, minutes, creditNanos, policy } = item;
    return [{ vm, detail, minutes, creditNanos, claimByMs, claimedAtMs, clause: policy.clause }];
  });
}
