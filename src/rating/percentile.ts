import type { PlanBody } from '../domain/plan.ts';
import { decimalText, exact, exactText, priceText, times } from './exact.ts';
import type { PricedAs } from './line.ts';
import { type Bytes, priceNanosOf } from './traffic.ts';
import type { MinuteRun } from './unavailable.ts';

export const SLOT_MINUTES = 5;
const SLOT_SECONDS = 300n;
const MBIT = 1_000_000n;

export type P95Traffic = Extract<NonNullable<PlanBody['traffic']>, { counting: 'p95' }>;

/** Slots of the UTC epoch's grid of 5 minutes that runs of UTC minutes touch, in order and apart; one that two touch counts once. */
export function slotsOf(runs: readonly MinuteRun[]): number {
  let slots = 0;
  let counted = -Infinity;
  for (const { fromMinute, toMinute } of runs) {
    if (toMinute <= fromMinute) continue;
    const first = Math.max(counted, Math.floor(fromMinute / SLOT_MINUTES));
    counted = Math.ceil(toMinute / SLOT_MINUTES);
    slots += counted - first;
  }
  return slots;
}

/** The 1-based rank `ceil(0.95 n)`, in integers: 0.95 has no exact float. */
export function rankOf(n: number): number {
  return Number((95n * BigInt(n) + 99n) / 100n);
}

/** The bytes of the slot of rank `ceil(0.95 n)` of n slots in ascending order; slots that are not given are zero. */
export function percentileBytes(given: readonly bigint[], n: number): bigint {
  if (given.length > n) throw new Error(`${given.length} slots given of ${n}`);
  const rank = rankOf(n);
  const absent = n - given.length;
  if (rank <= absent) return 0n;
  return given.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))[rank - absent - 1] ?? 0n;
}

export interface PercentileFacts {
  readonly vm: string;
  readonly plan: string;
  readonly class?: string;
  readonly rules: P95Traffic;
  /** Those with traffic. */
  readonly slots: readonly Bytes[];
  /** All slots in which the VM was served on the plan. */
  readonly slotCount: number;
  readonly currency: string;
}

/** The 95th percentile of a VM's period, per Mbit/s. */
export function pricePercentile({ vm, plan, rules, slots, slotCount, currency, ...of }: PercentileFacts): PricedAs<'traffic'> {
  const classed = of.class === undefined ? {} : { class: of.class };
  const withTraffic = slots.map(({ rxBytes, txBytes }) =>
    rules.direction === 'sum' ? rxBytes + txBytes : rxBytes > txBytes ? rxBytes : txBytes,
  );
  const bytes = percentileBytes(withTraffic, slotCount);
  const mbps = exact(bytes * 8n, SLOT_SECONDS * MBIT);
  const total = times(mbps, exact(priceNanosOf(rules.price_per_mbps)));
  return {
    kind: 'traffic',
    vm,
    say: {
      about: { code: 'percentile', direction: rules.direction, plan, ...classed },
      formula: [{ code: 'percentile_rank' }, { code: 'percentile_rate' }],
      unit: { code: 'mbit_per_second' },
    },
    quantity: decimalText(mbps),
    unitPrice: priceText(exact(priceNanosOf(rules.price_per_mbps)), currency),
    exactNanos: total,
    detail: { plan, ...classed, slots: slotCount, rank: rankOf(slotCount), slot_bytes: bytes, exact_nanos: exactText(total) },
  };
}
