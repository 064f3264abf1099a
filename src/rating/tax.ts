import { parseAmount } from '../domain/money.ts';
import { decimalText, exact, exactText, priceText } from './exact.ts';
import { isDebited, type PricedAs, type RatedLine, totalOf } from './line.ts';

/** Tax on the sum of the rounded lines before it. Undefined at a rate of zero. */
export function priceTax(taxPercent: string, before: readonly RatedLine[], currency: string): PricedAs<'tax'> | undefined {
  const percentNanos = parseAmount(taxPercent);
  if (percentNanos === undefined) throw new Error(`the tax rate ${taxPercent} was stored unchecked`);
  if (percentNanos === 0n) return undefined;
  const base = totalOf(before);
  const total = exact(base * percentNanos, 100n * 1_000_000_000n);
  const percent = decimalText(exact(percentNanos, 1_000_000_000n));
  return {
    kind: 'tax',
    vm: null,
    say: {
      about: { code: 'tax', percent },
      formula: [{ code: 'tax' }],
      unit: { code: 'currency', currency },
    },
    quantity: priceText(exact(base), currency),
    unitPrice: decimalText(exact(percentNanos, 100n * 1_000_000_000n)),
    exactNanos: total,
    detail: { percent, base_nanos: base, exact_nanos: exactText(total) },
  };
}

/** The rate of its own that a charge by hand has; undefined: it is taxed as its account is. */
export function ownRateOf(line: RatedLine): string | undefined {
  return line.kind === 'charge' && !isDebited(line) ? line.detail.tax_percent : undefined;
}

/** Tax on charges by hand with rates of their own, one for each rate. */
export function priceOwnTaxes(lines: readonly RatedLine[], currency: string): PricedAs<'tax'>[] {
  const byRate = new Map<string, RatedLine[]>();
  for (const line of lines) {
    const rate = ownRateOf(line);
    if (rate !== undefined) byRate.set(rate, [...(byRate.get(rate) ?? []), line]);
  }
  return [...byRate].flatMap(([rate, own]) => {
    const priced = priceTax(rate, own, currency);
    const charges = own.flatMap(({ detail }) => ('charge' in detail && 'why' in detail ? [detail.charge] : []));
    return priced === undefined ? [] : [{ ...priced, detail: { charges, ...priced.detail } }];
  });
}
