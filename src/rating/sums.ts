import { formatInstant } from '../domain/instant.ts';
import { exact, exactText, isLess, negated, plus, priceText } from './exact.ts';
import { type PricedAs, type RatedLine, totalOf } from './line.ts';
import type { FormulaSay } from './say.ts';
import type { PlanShare } from './traffic.ts';

/** Sums that a plan asks for besides its price, in nanos; left out: none. */
export interface PlanSums {
  /** What service, traffic and flat sum of a period come to at least, and at most. */
  readonly minimumNanos?: bigint;
  readonly maximumNanos?: bigint;
  readonly flatNanos?: bigint;
}

/** A sum that is charged once: when a VM is first served on a plan. */
export interface Setup {
  readonly plan: string;
  readonly atMs: number;
  readonly nanos: bigint;
}

/** A plan's part of a VM's period: what sums are in proportion to. */
export interface SumFacts {
  readonly vm: string;
  readonly plan: string;
  readonly share: PlanShare;
  readonly currency: string;
}

/** A plan's flat sum for a period. */
export function priceFlat({ vm, plan, share, currency }: SumFacts, nanos: bigint): PricedAs<'flat'> {
  const total = exact(nanos * share.minutes, share.of);
  return {
    kind: 'flat',
    vm,
    say: { about: { code: 'flat', plan }, formula: shareSay(share), unit: { code: 'period' } },
    quantity: '1',
    unitPrice: priceText(total, currency),
    exactNanos: total,
    detail: { plan, sum: priceText(exact(nanos), currency), share, exact_nanos: exactText(total) },
  };
}

/** A sum once. */
export function priceSetup(vm: string, { plan, atMs, nanos }: Setup, currency: string): PricedAs<'setup'> {
  const sum = priceText(exact(nanos), currency);
  return {
    kind: 'setup',
    vm,
    say: { about: { code: 'setup', plan }, formula: [{ code: 'once' }], unit: { code: 'piece' } },
    quantity: '1',
    unitPrice: sum,
    exactNanos: exact(nanos),
    detail: { plan, sum, at: formatInstant(atMs) },
  };
}

/**
 * What brings a plan's lines up to its minimum, or down to its maximum: they are taken as they are charged, rounded, so that the document
 * adds up to the bound. Undefined where they lie between.
 */
export function priceBound(
  { vm, plan, share, currency }: SumFacts,
  { minimumNanos, maximumNanos }: PlanSums,
  lines: readonly Pick<RatedLine, 'amountNanos'>[],
): PricedAs<'minimum'> | PricedAs<'maximum'> | undefined {
  const charged = totalOf(lines);
  const bounds = [
    ['minimum', minimumNanos, 'up_to_minimum'],
    ['maximum', maximumNanos, 'down_to_maximum'],
  ] as const;
  for (const [kind, nanos, code] of bounds) {
    if (nanos === undefined) continue;
    const bound = exact(nanos * share.minutes, share.of);
    const isOut = kind === 'minimum' ? isLess(exact(charged), bound) : isLess(bound, exact(charged));
    if (!isOut) continue;
    const total = plus(bound, negated(exact(charged)));
    return {
      kind,
      vm,
      say: { about: { code: kind, plan }, formula: [{ code }, ...shareSay(share)], unit: { code: 'period' } },
      quantity: '1',
      unitPrice: priceText(total, currency),
      exactNanos: total,
      detail: {
        plan,
        sum: priceText(exact(nanos), currency),
        share,
        lines_nanos: charged,
        exact_nanos: exactText(total),
      },
    };
  }
  return undefined;
}

function shareSay({ minutes, of }: PlanShare): FormulaSay[] {
  return minutes === of ? [] : [{ code: 'share_of_minutes', minutes: Number(minutes), of: Number(of) }];
}
