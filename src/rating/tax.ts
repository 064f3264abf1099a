import { parseAmount, signedNanos } from '../domain/money.ts';
import { TAXED, type Taxed } from '../domain/taxed.ts';
import { discountedAs } from './discounts.ts';
import { decimalText, exact, exactText, priceText } from './exact.ts';
import { isDebited, type PricedAs, type RatedLine, totalOf } from './line.ts';

/** Tax on the sum of the rounded lines before it. Undefined at a rate of zero. */
export function priceTax(taxPercent: string, before: readonly RatedLine[], currency: string): PricedAs<'tax'> | undefined {
  const percentNanos = parseAmount(taxPercent);
  if (percentNanos === undefined) throw new Error(`the tax rate ${taxPercent} was stored unchecked`);
  return percentNanos === 0n ? undefined : taxOn(percentNanos, totalOf(before), currency);
}

/** A tax of an account, on some kinds of lines. */
export interface TaxRate {
  /** null: the account's own rate, on what no other tax is on. */
  readonly name: string | null;
  readonly percent: string;
  readonly kinds: readonly Taxed[];
  readonly exemptReason: string | null;
}

/**
 * Taxes by the kind of line, each once on the sum of the rounded lines that it is on. One that an account names stands there also at zero, with
 * why; a discount is taxed as what it lowers.
 */
export function priceTaxes(taxes: readonly TaxRate[], lines: readonly RatedLine[], currency: string): PricedAs<'tax'>[] {
  const parts = lines.filter((line) => ownRateOf(line) === undefined).flatMap(taxedParts);
  return taxes.flatMap(({ name, percent, kinds, exemptReason }) => {
    const on = parts.filter(([kind]) => kinds.includes(kind));
    const percentNanos = parseAmount(percent);
    if (percentNanos === undefined) throw new Error(`the tax rate ${percent} was stored unchecked`);
    if (on.length === 0 || (name === null && percentNanos === 0n)) return [];
    const priced = taxOn(percentNanos, on.reduce((sum, [, nanos]) => sum + nanos, 0n), currency); // prettier-ignore
    return [
      {
        ...priced,
        say: { ...priced.say, about: { code: 'tax', percent: priced.detail.percent, ...(name === null ? {} : { name }) } },
        detail: {
          ...(name === null ? {} : { name }),
          kinds,
          ...(exemptReason === null ? {} : { exempt_reason: exemptReason }),
          ...priced.detail,
        },
      },
    ];
  });
}

/** As what a line is taxed; undefined: it is a tax. */
export function taxedAs(kind: RatedLine['kind']): Taxed | undefined {
  return discountedAs(kind) ?? TAXED.find((each) => each === kind);
}

function taxedParts(line: RatedLine): [Taxed, bigint][] {
  if (line.kind === 'discount' && !isDebited(line))
    return line.detail.parts.map(({ kind, amount }) => [kind, signedNanos(amount)]);
  const kind = taxedAs(line.kind);
  return kind === undefined ? [] : [[kind, line.amountNanos]];
}

function taxOn(percentNanos: bigint, base: bigint, currency: string): PricedAs<'tax'> {
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
