import { formatInstant } from '../domain/instant.ts';
import { exact, priceText } from './exact.ts';
import type { PricedAs } from './line.ts';

/** Something that somebody charges an account besides what is metered, in the account's currency. */
export interface ByHand {
  readonly id: string;
  readonly reference: string;
  readonly kind: 'one_off' | 'quoted' | 'damage' | 'handling';
  readonly description: string;
  readonly nanos: bigint;
  /** null: taxed as the account is. */
  readonly taxPercent: string | null;
  readonly reason: string;
  readonly clause: string | null;
  readonly vm: string | null;
  readonly atMs: number;
  readonly foreign: { readonly amount: string; readonly currency: string; readonly rate: string } | null;
  readonly by: string;
}

/** A line each: what was decided on is not computed. */
export function priceByHand(charge: ByHand, currency: string): PricedAs<'charge'> {
  const { id, reference, kind, description, nanos, taxPercent, reason, clause, vm, atMs, foreign, by } = charge;
  return {
    kind: 'charge',
    vm,
    say: {
      about: { code: 'charge', kind, text: description },
      formula: [{ code: 'charge', kind }, ...(foreign === null ? [] : [{ code: 'exchanged' as const, ...foreign }])],
      unit: { code: 'piece' },
    },
    quantity: '1',
    unitPrice: priceText(exact(nanos), currency),
    exactNanos: exact(nanos),
    detail: {
      ...{ charge: id, reference, kind, why: reason, clause, at: formatInstant(atMs), by },
      ...(taxPercent === null ? {} : { tax_percent: taxPercent }),
      ...(foreign === null ? {} : { foreign }),
    },
  };
}
