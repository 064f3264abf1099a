import type { Fraction } from '../domain/credit-policy.ts';
import { parseAmount } from '../domain/money.ts';
import type { PlanBody } from '../domain/plan.ts';
import { decimalText, exact, exactText, isLess, least, plus, priceText, times, ZERO } from './exact.ts';
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

export interface TierShare {
  upTo: number | null;
  units: Fraction;
  priceNanos: bigint;
}

/**
 * Which units cost which price. `graduated`: each tier prices its own units, from the bound before to its own, which
 * belongs to it. `volume`: the tier that holds the whole quantity prices all of it.
 */
export function tierShares(mode: MeteredTraffic['mode'], tiers: readonly Tier[], units: Fraction): TierShare[] {
  const shares: TierShare[] = [];
  let below: Fraction = ZERO;
  for (const { up_to, price } of tiers) {
    const priceNanos = priceNanosOf(price);
    const bound = up_to === null ? null : exact(BigInt(up_to));
    const holdsAll = bound === null || !isLess(bound, units);
    if (mode === 'volume') {
      if (holdsAll) return [{ upTo: up_to, units, priceNanos }];
      continue;
    }
    const top = bound === null ? units : least(bound, units);
    shares.push({ upTo: up_to, units: plus(top, { num: -below.num, den: below.den }), priceNanos });
    if (holdsAll) break;
    below = bound;
  }
  return shares;
}

export interface TrafficFacts {
  readonly vm: string;
  readonly plan: string;
  readonly rules: MeteredTraffic;
  readonly bytes: Bytes;
  readonly currency: string;
}

/** The traffic of a VM's period under one plan. Zero usage is a line of zero, which shows what was included. */
export function priceTraffic({ vm, plan, rules, bytes, currency }: TrafficFacts): PricedAs<'traffic'> {
  const counted = countedBytes(rules.counting, bytes);
  const included = BigInt(rules.included_bytes);
  const unitBytes = BigInt(rules.unit_bytes);
  const billable = counted > included ? counted - included : 0n;
  const units = rules.round_up ? exact((billable + unitBytes - 1n) / unitBytes) : exact(billable, unitBytes);
  const shares = tierShares(rules.mode, rules.tiers, units);
  const total = shares.reduce((sum, share) => plus(sum, times(share.units, exact(share.priceNanos))), ZERO);
  const [only] = shares;
  const average =
    only !== undefined && (shares.length === 1 || units.num === 0n)
      ? exact(only.priceNanos)
      : exact(total.num * units.den, total.den * units.num);
  return {
    kind: 'traffic',
    vm,
    say: {
      about: { code: 'traffic', counting: rules.counting, plan },
      formula: [
        { code: 'metered', counting: rules.counting, started_units_whole: rules.round_up },
        { code: rules.mode === 'volume' ? 'tiers_volume' : 'tiers_graduated' },
        ...(shares.length > 1 ? [{ code: 'average' } as const] : []),
      ],
      unit: { code: 'bytes', size: rules.unit_bytes },
    },
    quantity: decimalText(units),
    unitPrice: priceText(average, currency),
    exactNanos: total,
    detail: {
      plan,
      rx_bytes: bytes.rxBytes,
      tx_bytes: bytes.txBytes,
      counted_bytes: counted,
      included_bytes: included,
      billable_bytes: billable,
      unit_bytes: unitBytes,
      exact_nanos: exactText(total),
      tiers: shares.map((share) => ({
        up_to: share.upTo,
        units: exactText(share.units),
        price: priceText(exact(share.priceNanos), currency),
      })),
    },
  };
}

export function priceNanosOf(price: string): bigint {
  const nanos = parseAmount(price);
  if (nanos === undefined) throw new Error(`the price ${price} was stored unchecked`);
  return nanos;
}
