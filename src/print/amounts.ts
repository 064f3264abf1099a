import { minorDigits, parseAmount } from '../domain/money.ts';
import { formatAmount } from '../domain/money.ts';

/** Sums of amounts as documents write them: whole nanos, never floats. */

/** The nanos of an amount with its sign; 0 for what is none. */
export function nanosOf(amount: string): bigint {
  const negative = amount.startsWith('-');
  const nanos = parseAmount(negative ? amount.slice(1) : amount) ?? 0n;
  return negative ? -nanos : nanos;
}

/** The sum of amounts, as text of the currency. */
export function sumText(amounts: readonly string[], currency: string): string {
  return formatAmount(amounts.reduce((sum, each) => sum + nanosOf(each), 0n), currency); // prettier-ignore
}

/** The same amount with the other sign. */
export function negated(amount: string): string {
  if (nanosOf(amount) === 0n) return amount;
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
}

export function isZero(amount: string | undefined): boolean {
  return amount === undefined || nanosOf(amount) === 0n;
}

/** A decimal cut to so many digits after the point for reading, half away from zero; needless zeros left out. */
export function shortDecimal(decimal: string, digits: number): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  if (whole === '' || fraction.length <= digits) return decimal;
  const scaled = BigInt(whole + fraction.slice(0, digits)) + (Number(fraction[digits]) >= 5 ? 1n : 0n);
  const text = scaled.toString().padStart(digits + 1, '0');
  const rest = (digits === 0 ? '' : text.slice(-digits)).replace(/0+$/, '');
  return `${sign}${digits === 0 ? text : text.slice(0, -digits)}${rest === '' ? '' : `.${rest}`}`;
}

/** `"736137295234/1000000000"` to three digits: `736.137`. */
export function shortFraction(exact: string): string {
  const [num = '0', den = '1'] = exact.split('/');
  if (!/^-?\d+$/.test(num) || !/^\d+$/.test(den) || BigInt(den) === 0n) return exact;
  const thousandths = (BigInt(num) * 2000n + BigInt(den)) / (2n * BigInt(den));
  const text = thousandths.toString().padStart(4, '0');
  return shortDecimal(`${text.slice(0, -3)}.${text.slice(-3)}0`, 3);
}

/** Digits that a price of the currency shows at least. */
export function digitsOf(currency: string): number {
  return minorDigits(currency);
}
