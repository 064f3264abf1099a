import type { Fraction } from '../domain/credit-policy.ts';
import { minorDigits } from '../domain/money.ts';

/** Exact amounts between a price and its one rounding: fractions of nanos, never floats. Denominators are positive. */
export const ZERO: Fraction = { num: 0n, den: 1n };
export const ONE: Fraction = { num: 1n, den: 1n };

/** The fraction of a whole number, or of a ratio. */
export function exact(num: bigint, den = 1n): Fraction {
  if (den === 0n) throw new Error('a fraction has no denominator 0');
  return den < 0n ? { num: -num, den: -den } : { num, den };
}

/** a + b, in lowest terms so that long sums stay small. */
export function plus(a: Fraction, b: Fraction): Fraction {
  if (a.den === b.den) return { num: a.num + b.num, den: a.den };
  const num = a.num * b.den + b.num * a.den;
  const den = a.den * b.den;
  const divisor = gcd(num < 0n ? -num : num, den);
  return { num: num / divisor, den: den / divisor };
}

export function times(a: Fraction, b: Fraction): Fraction {
  return { num: a.num * b.num, den: a.den * b.den };
}

export function negated(a: Fraction): Fraction {
  return { num: -a.num, den: a.den };
}

export function isLess(a: Fraction, b: Fraction): boolean {
  return a.num * b.den < b.num * a.den;
}

export function least(a: Fraction, b: Fraction): Fraction {
  return isLess(b, a) ? b : a;
}

/** The multiple of `step` nanos nearest to an amount, half to even. */
export function roundedTo(amount: Fraction, step: bigint): bigint {
  const den = amount.den * step;
  const rest = ((amount.num % den) + den) % den;
  const floor = (amount.num - rest) / den;
  const up = 2n * rest > den || (2n * rest === den && floor % 2n !== 0n);
  return (up ? floor + 1n : floor) * step;
}

/** The one rounding of a line (SPEC §6): half to even, to the currency's minor unit, in nanos. */
export function roundedToMinor(amount: Fraction, currency: string): bigint {
  return roundedTo(amount, 10n ** BigInt(9 - minorDigits(currency)));
}

/** A decimal string for people: nine decimals at most (half to even), no fewer than `digitsMin`, no needless zeros. */
export function decimalText(value: Fraction, digitsMin = 0): string {
  // Nanos of a value are its ninth decimals.
  const nanos = roundedTo({ num: value.num * 1_000_000_000n, den: value.den }, 1n);
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '').padEnd(digitsMin, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Nanos as a price for people: at least the currency's minor digits, more where there are more. */
export function priceText(nanos: Fraction, currency: string): string {
  return decimalText({ num: nanos.num, den: nanos.den * 1_000_000_000n }, minorDigits(currency));
}

/** An exact amount as text, for auditors: whole nanos, or `numerator/denominator`. */
export function exactText(amount: Fraction): string {
  const divisor = gcd(amount.num < 0n ? -amount.num : amount.num, amount.den);
  const num = amount.num / (divisor === 0n ? 1n : divisor);
  const den = amount.den / (divisor === 0n ? 1n : divisor);
  return den === 1n ? num.toString() : `${num.toString()}/${den.toString()}`;
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
