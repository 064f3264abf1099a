/**
 * JSON whose integers keep all their digits. JSON.parse rounds those beyond 2⁵³, and bytes of a month or credits in 10⁻⁹ may well be larger:
 * they come as bigints.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';

/** No answer can hold it by chance, and nobody outside knows it: a string with it is one that we have made. */
const MARK = `\u0000${randomBytes(12).toString('hex')}:`;
/** A string, to be passed over, or an integer of sixteen digits and more that is no part of a longer number. */
const LONG_INTEGER = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/** The value of a JSON text; integers that a number cannot hold exactly for certain are bigints. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as unknown;
  const marked = text.replaceAll(LONG_INTEGER, (found) => (found.startsWith('"') ? found : JSON.stringify(MARK + found)));
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  ) as unknown;
}

/** A whole number of any size in an answer: always a bigint, also where it is small. */
export const whole = z.union([z.bigint(), z.int()]).transform(BigInt);
