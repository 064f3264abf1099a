import type { Fraction } from '../domain/credit-policy.ts';
import { parseAmount } from '../domain/money.ts';
import type { PlanBody } from '../domain/plan.ts';
import { decimalText, exact, exactText, isLess, least, negated, plus, priceText, roundedTo, times, ZERO } from './exact.ts';
import type { PricedAs } from './line.ts';

type Traffic = NonNullable<PlanBody['traffic']>;
export type MeteredTraffic = Exclude<Traffic, { counting: 'p95' }>;
type Tier = MeteredTraffic['tiers'][number];

export interface Bytes {
  rxBytes: bigint;
  txBytes: bigint;
}

/** What of the period's traffic counts, in bytes; `max` compares the two totals of the period, not minute by minute. */
export function countedBytes(counting: MeteredTraffic['counting'], { rxBytes, txBytes }: Bytes): bigint {
  switch (counting) {
    case 'sum':
      return rxBytes + txBytes;
    case 'in':
      return rxBytes;
    case 'out':
      return txBytes;
    case 'max':
      return rxBytes > txBytes ? rxBytes : txBytes;
  }
}

/** Which part of the served minutes of a period was on a plan (SPEC §6a). */
export interface PlanShare {
  readonly minutes: bigint;
  readonly of: bigint;
}

export const WHOLE: PlanShare = { minutes: 1n, of: 1n };

export interface TierShare {
  upTo: number | null;
  /** `upTo` as far as it counts for a part of the period. */
  bound: Fraction | null;
  units: Fraction;
  priceNanos: bigint;
}

/**
 * Which units cost which price. `graduated`: each tier prices its own units, from the bound before to its own, which
 * belongs to it. `volume`: the tier that holds the whole quantity prices all of it. Of a part of a period the bounds are in proportion.
 */
export function tierShares(
  mode: MeteredTraffic['mode'],
  tiers: readonly Tier[],
  units: Fraction,
  share: PlanShare = WHOLE,
): TierShare[] {
  const shares: TierShare[] = [];
  let below: Fraction = ZERO;
  for (const { up_to, price } of tiers) {
    const priceNanos = priceNanosOf(price);
    const bound = up_to === null ? null : exact(BigInt(up_to) * share.minutes, share.of);
    const holdsAll = bound === null || !isLess(bound, units);
    if (mode === 'volume') {
      if (holdsAll) return [{ upTo: up_to, bound, units, priceNanos }];
      continue;
    }
    const top = bound === null ? units : least(bound, units);
    shares.push({ upTo: up_to, bound, units: plus(top, negated(below)), priceNanos });
    if (holdsAll) break;
    below = bound;
  }
  return shares;
}

export interface TrafficFacts {
  readonly vm: string;
  readonly plan: string;
  readonly class?: string;
  readonly rules: MeteredTraffic;
  readonly bytes: Bytes;
  readonly currency: string;
  /** Left out: the plan was on for all that was served of the period. */
  readonly share?: PlanShare;
}

/**
 * The traffic of a VM's period under one plan, by itself: what is included, and the tiers' bounds, in proportion to its share of the
 * served minutes, so that nobody buys a month's allowance with a day. Zero usage is a line of zero, which shows what was included.
 */
export function priceTraffic({ vm, plan, rules, bytes, currency, share = WHOLE, ...of }: TrafficFacts): PricedAs<'traffic'> {
  const classed = of.class === undefined ? {} : { class: of.class };
  const isPart = share.minutes !== share.of;
  const counted = countedBytes(rules.counting, bytes);
  const included = exact(BigInt(rules.included_bytes) * share.minutes, share.of);
  const unitBytes = BigInt(rules.unit_bytes);
  const over = plus(exact(counted), negated(included));
  const billable = isLess(over, ZERO) ? ZERO : over;
  const begun = exact(billable.num, billable.den * unitBytes);
  const units = rules.round_up ? exact((begun.num + begun.den - 1n) / begun.den) : begun;
  const shares = tierShares(rules.mode, rules.tiers, units, share);
  const total = shares.reduce((sum, tier) => plus(sum, times(tier.units, exact(tier.priceNanos))), ZERO);
  const [only] = shares;
  const average =
    only !== undefined && (shares.length === 1 || units.num === 0n)
      ? exact(only.priceNanos)
      : exact(total.num * units.den, total.den * units.num);
  return {
    kind: 'traffic',
    vm,
    say: {
      about: { code: 'traffic', counting: rules.counting, plan, ...classed },
      formula: [
        { code: 'metered', counting: rules.counting, started_units_whole: rules.round_up },
        { code: rules.mode === 'volume' ? 'tiers_volume' : 'tiers_graduated' },
        ...(isPart ? [{ code: 'part_of_period', minutes: Number(share.minutes), of: Number(share.of) } as const] : []),
        ...(shares.length > 1 ? [{ code: 'average' } as const] : []),
      ],
      unit: { code: 'bytes', size: rules.unit_bytes },
    },
    quantity: decimalText(units),
    unitPrice: priceText(average, currency),
    exactNanos: total,
    detail: {
      plan,
      ...classed,
      rx_bytes: bytes.rxBytes,
      tx_bytes: bytes.txBytes,
      counted_bytes: counted,
      included_bytes: roundedTo(included, 1n),
      billable_bytes: roundedTo(billable, 1n),
      ...(isPart
        ? {
            share: { minutes: share.minutes, of: share.of },
            included_exact: exactText(included),
            billable_exact: exactText(billable),
          }
        : {}),
      unit_bytes: unitBytes,
      exact_nanos: exactText(total),
      tiers: shares.map((tier) => ({
        up_to: tier.upTo,
        ...(isPart && tier.bound !== null ? { bound: exactText(tier.bound) } : {}),
        units: exactText(tier.units),
        price: priceText(exact(tier.priceNanos), currency),
      })),
    },
  };
}

export function priceNanosOf(price: string): bigint {
  const nanos = parseAmount(price);
  if (nanos === undefined) throw new Error(`the price ${price} was stored unchecked`);
  return nanos;
}
