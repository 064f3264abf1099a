/**
 * Money is an integer number of nanos (10⁻⁹ of the currency unit); in JSON it is a decimal string. Nothing here touches
 * floating point.
 */
export const NANOS_PER_UNIT = 1_000_000_000n;
const DIGITS_MAX = 9;

/** ISO 4217 minor digits where they are not 2. The runtime's own table differs (it follows use, not the standard). */
const MINOR_DIGITS: Readonly<Record<string, number>> = {
  ...{
    BIF: 0,
    CLP: 0,
    DJF: 0,
    GNF: 0,
    ISK: 0,
    JPY: 0,
    KMF: 0,
    KRW: 0,
    PYG: 0,
    RWF: 0,
    UGX: 0,
    UYI: 0,
    VND: 0,
    VUV: 0,
    XAF: 0,
    XOF: 0,
    XPF: 0,
  },
  ...{ BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3 },
  ...{ CLF: 4, UYW: 4 },
};

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Whether a text is a currency code we know (`CNY`). */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}

/** Digits after the point in which amounts of a currency are written: JPY 0, CNY 2, KWD 3. */
export function minorDigits(currency: string): number {
  return MINOR_DIGITS[currency] ?? 2;
}

/**
 * The nanos of a decimal string without sign (`"300.00"`, `"0.0005"`), at most `digitsMax` digits after the point.
 * Undefined if it is not one.
 */
export function parseAmount(text: string, digitsMax: number = DIGITS_MAX): bigint | undefined {
  const match = /^(0|[1-9]\d{0,14})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  if (fraction.length > digitsMax) return undefined;
  return BigInt(whole) * NANOS_PER_UNIT + BigInt(fraction.padEnd(DIGITS_MAX, '0'));
}

/** The nanos of an amount as documents write it, with its sign. Throws where it is none. */
export function signedNanos(amount: string): bigint {
  const negative = amount.startsWith('-');
  const nanos = parseAmount(negative ? amount.slice(1) : amount);
  if (nanos === undefined) throw new Error(`a document holds the amount ${amount}`);
  return negative ? -nanos : nanos;
}

/** Whether an amount has no more digits than its currency's minor unit. */
export function fitsCurrency(amount: string, code: string): boolean {
  return parseAmount(amount, minorDigits(code)) !== undefined;
}

/** The decimal string of an amount in the currency's minor digits; an amount that does not fit them is a broken invariant. */
export function formatAmount(nanos: bigint, currency: string): string {
  const digits = minorDigits(currency);
  const minorNanos = 10n ** BigInt(DIGITS_MAX - digits);
  if (nanos % minorNanos !== 0n) throw new Error(`${nanos.toString()} nanos are no whole minor units of ${currency}`);
  const sign = nanos < 0n ? '-' : '';
  const minor = ((nanos < 0n ? -nanos : nanos) / minorNanos).toString().padStart(digits + 1, '0');
  return digits === 0 ? sign + minor : `${sign}${minor.slice(0, -digits)}.${minor.slice(-digits)}`;
}

/** Rounds half to even to the currency's minor unit. */
export function roundToMinor(nanos: bigint, currency: string): bigint {
  const minorNanos = 10n ** BigInt(DIGITS_MAX - minorDigits(currency));
  const rest = ((nanos % minorNanos) + minorNanos) % minorNanos;
  const floor = nanos - rest;
  const twice = 2n * rest;
  const up = twice > minorNanos || (twice === minorNanos && (floor / minorNanos) % 2n !== 0n);
  return up ? floor + minorNanos : floor;
}
