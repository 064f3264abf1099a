import type { AccountBody } from '../catalog/bodies.ts';
import { TAXED, type Taxed } from '../domain/taxed.ts';
import type { TaxRate } from '../rating/tax.ts';

/** The taxes of an account, every kind of line in exactly one of them; undefined where it has one on all. */
export function taxesOf({ taxes, tax_percent: percent }: Pick<AccountBody, 'taxes' | 'tax_percent'>): TaxRate[] | undefined {
  if (taxes === undefined) return undefined;
  const named = new Set(taxes.flatMap(({ kinds }) => kinds ?? []));
  const rest = TAXED.filter((kind) => !named.has(kind));
  const rates = taxes.map((tax) => ({
    ...{ name: tax.name, percent: tax.percent, kinds: tax.kinds ?? rest },
    exemptReason: 'exempt_reason' in tax ? tax.exempt_reason : null,
  }));
  const isWhole = rest.length === 0 || taxes.some(({ kinds }) => kinds === null);
  return isWhole ? rates : [...rates, { name: null, percent, kinds: rest, exemptReason: null }];
}

/** The rate of an account on a kind of line. */
export function taxPercentOn(body: Pick<AccountBody, 'taxes' | 'tax_percent'>, kind: Taxed): string {
  return taxesOf(body)?.find(({ kinds }) => kinds.includes(kind))?.percent ?? body.tax_percent;
}

/** Taxes as documents and their evidence keep them; nothing where there is one on all. */
export function taxesJson(taxes: readonly TaxRate[] | undefined): { taxes?: unknown[] } {
  if (taxes === undefined) return {};
  return {
    taxes: taxes.map(({ name, percent, kinds, exemptReason }) => ({ name, percent, kinds, exempt_reason: exemptReason })),
  };
}
