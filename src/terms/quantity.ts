import { z } from 'zod';
import type { Fraction } from '../domain/credit-policy.ts';
import { NANOS_PER_UNIT, parseAmount } from '../domain/money.ts';

/** Limits as a sheet writes them: always with their unit, so that 10 can't mean GB to one reader and GiB to another. */
const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, bigint>> = {
  B: 1n,
  kB: 10n ** 3n,
  MB: 10n ** 6n,
  GB: 10n ** 9n,
  TB: 10n ** 12n,
  KiB: 2n ** 10n,
  MiB: 2n ** 20n,
  GiB: 2n ** 30n,
  TiB: 2n ** 40n,
};

/** `"24h"`: milliseconds once read. */
export const duration = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})(ms|s|min|h|d)$/, {
    error: 'must be a whole number and a unit of time: ms, s, min, h or d, such as "24h"',
    abort: true,
  })
  .transform((text) => {
    const [, count = '0', unitName = 'ms'] = /^(\d+)([a-z]+)$/.exec(text) ?? [];
    return Number(count) * (DURATION_MS[unitName] ?? 0);
  });

/** `"10GB"` (10⁹) or `"10GiB"` (2³⁰): bytes once read. */
export const bytes = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})(B|[kMGT]B|[KMGT]iB)$/, {
    error: 'must be a whole number and a unit of data: B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as "10GB"',
    abort: true,
  })
  .transform((text) => {
    const [, count = '0', unitName = 'B'] = /^(\d+)([A-Za-z]+)$/.exec(text) ?? [];
    return BigInt(count) * (BYTES[unitName] ?? 0n);
  });

/** `"99.9"`: the exact fraction 0.999 once read. */
export const percent = z
  .string()
  .refine((text) => parseAmount(text) !== undefined, {
    error: 'must be a percentage as a decimal string such as "99.9", without sign',
    abort: true,
  })
  .meta({ pattern: '^(0|[1-9][0-9]*)([.][0-9]{1,9})?$' })
  .transform((text): Fraction => reduced(parseAmount(text) ?? 0n, 100n * NANOS_PER_UNIT));

/** `"1.5"`: an exact factor once read. */
export const factor = z
  .string()
  .refine((text) => (parseAmount(text) ?? 0n) > 0n, { error: 'must be a decimal string above 0 such as "10"', abort: true })
  .meta({ pattern: '^(0|[1-9][0-9]*)([.][0-9]{1,9})?$' })
  .transform((text): Fraction => reduced(parseAmount(text) ?? 0n, NANOS_PER_UNIT));

function reduced(num: bigint, den: bigint): Fraction {
  let [a, b] = [num, den];
  while (b !== 0n) [a, b] = [b, a % b];
  return { num: num / a, den: den / a };
}

/** Negative, zero or positive as a is less than, equal to or greater than b. */
export function compareFractions(a: Fraction, b: Fraction): number {
  const difference = a.num * b.den - b.num * a.den;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `90061001` ms as `25 h 1 min 1.001 s`: exact, and read at a glance. */
export function showDuration(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const whole = Math.abs(ms);
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const rest = whole % 60_000;
  const seconds = rest % 1000 === 0 ? `${rest / 1000}` : `${Math.floor(rest / 1000)}.${`${rest % 1000}`.padStart(3, '0')}`;
  const parts = [
    ...(hours > 0 ? [`${hours} h`] : []),
    ...(minutes > 0 ? [`${minutes} min`] : []),
    ...(rest > 0 ? [`${seconds} s`] : []),
  ];
  return parts.length === 0 ? '0 s' : sign + parts.join(' ');
}
