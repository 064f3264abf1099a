import type { Fraction } from '../domain/credit-policy.ts';
import { parseAmount } from '../domain/money.ts';
import type { PlanBody } from '../domain/plan.ts';
import { decimalText, exact, exactText, isLess, least, plus, priceText, times, ZERO } from './exact.ts';
import type { Priced } from './line.ts';

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

/** The traffic of a VM's period under one plan. Zero usage is a line of zero, which shows what was included. */
export function priceTraffic(vm: string, plan: string, rules: MeteredTraffic, bytes: Bytes, currency: string): Priced {
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
    description: `Traffic (${COUNTING[rules.counting]}), plan ${plan}`,
    quantity: decimalText(units),
    unit: unitName(rules.unit_bytes),
    unitPrice: priceText(average, currency),
    exactNanos: total,
    formula: `${COUNTING[rules.counting]} - included_bytes, at least 0, / unit_bytes${rules.round_up ? ', started units whole' : ''}; ${
      rules.mode === 'volume' ? 'all units at the price of the tier that holds them' : 'each tier prices its own units'
    }${shares.length > 1 ? '; unit_price is the average' : ''}`,
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

const COUNTING = {
  sum: 'received + sent',
  in: 'received',
  out: 'sent',
  max: 'the larger of received and sent',
} as const;

/** GB is 10⁹ bytes and GiB 2³⁰; a unit without a name is called by its size. */
function unitName(unitBytes: number): string {
  const names: Readonly<Record<number, string>> = {
    1: 'byte',
    [1e6]: 'MB',
    [1e9]: 'GB',
    [1e12]: 'TB',
    [2 ** 20]: 'MiB',
    [2 ** 30]: 'GiB',
    [2 ** 40]: 'TiB',
  };
  return names[unitBytes] ?? `${unitBytes} bytes`;
}

export function priceNanosOf(price: string): bigint {
  const nanos = parseAmount(price);
  if (nanos === undefined) throw new Error(`the price ${price} was stored unchecked`);
  return nanos;
}
