import type { Fraction } from '../domain/credit-policy.ts';
import { roundedToMinor } from './exact.ts';

export const LINE_KINDS = ['service', 'traffic', 'fee', 'credit', 'late_fee', 'tax'] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** What a pricer says of a line; amounts still exact. */
export interface Priced {
  kind: LineKind;
  /** null: the line is about the account. */
  vm: string | null;
  description: string;
  /** Decimal strings for people; what was computed with is in `detail`. */
  quantity: string;
  unit: string;
  unitPrice: string;
  exactNanos: Fraction;
  /** How the amount comes about, in one line. */
  formula: string;
  detail: Record<string, unknown>;
}

/** A line as it is charged. */
export interface RatedLine extends Priced {
  /** Rounded once, half to even, to the minor unit. */
  amountNanos: bigint;
}

/** Rounds a line: the only place where an amount is rounded. */
export function rounded(priced: Priced, currency: string): RatedLine {
  return { ...priced, amountNanos: roundedToMinor(priced.exactNanos, currency) };
}

/** The sum of rounded lines. */
export function totalOf(lines: readonly RatedLine[]): bigint {
  return lines.reduce((sum, line) => sum + line.amountNanos, 0n);
}
