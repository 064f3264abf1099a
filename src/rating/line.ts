import type { Fraction } from '../domain/credit-policy.ts';
import type { DebitDetail, LineDetails } from './detail.ts';
import { roundedToMinor } from './exact.ts';
import type { LineSay } from './say.ts';

export const LINE_KINDS = [
  'service',
  'traffic',
  'flat',
  'setup',
  'add_on',
  'minimum',
  'maximum',
  'fee',
  'charge',
  'credit',
  'discount',
  'late_fee',
  'tax',
] as const;
export type LineKind = (typeof LINE_KINDS)[number];

interface PricedLine<K extends LineKind, Detail> {
  kind: K;
  /** null: the line is about the account. */
  vm: string | null;
  /** What it is for and how its amount comes about: codes, no words. */
  say: LineSay;
  /** Decimal strings for people; what was computed with is in `detail`. */
  quantity: string;
  unitPrice: string;
  exactNanos: Fraction;
  detail: Detail;
}

/** What a pricer says of a line; amounts still exact. */
export type Priced = { [K in LineKind]: PricedAs<K> }[LineKind];
export type PricedAs<K extends LineKind> = PricedLine<K, LineDetails[K]>;

interface Rounded {
  /** Rounded once, half to even, to the minor unit. */
  amountNanos: bigint;
}

/** A line that charges what an earlier invoice lacked: of the kind of the line that it corrects. */
export type DebitedLine = PricedLine<LineKind, DebitDetail> & Rounded;

/** A line as it is charged. */
export type RatedLine = (Priced & Rounded) | DebitedLine;

/** Whether a line charges what an earlier invoice lacked. */
export function isDebited(line: RatedLine): line is DebitedLine {
  return 'debit' in line.detail;
}

/** Rounds a line: the only place where an amount is rounded. */
export function rounded(priced: Priced, currency: string): Priced & Rounded {
  return { ...priced, amountNanos: roundedToMinor(priced.exactNanos, currency) };
}

/** The sum of rounded lines. */
export function totalOf(lines: readonly Rounded[]): bigint {
  return lines.reduce((sum, line) => sum + line.amountNanos, 0n);
}
