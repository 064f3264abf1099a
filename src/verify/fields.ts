/** Fields that answers and documents have in common: instants in milliseconds, integers exact. */
import { z } from 'zod';
import { type Condition, CONDITIONS } from '../domain/condition.ts';
import { parseInstant } from '../domain/instant.ts';

export const instant = z.string().transform((text, context) => {
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'is no instant' });
  return z.NEVER;
});
/** A number, or the digits that `parseExact` made of a long one. */
export const exact = z.union([z.int(), z.string().regex(/^-?\d+$/)]).transform((value) => BigInt(value));
export const condition = z.enum(CONDITIONS as readonly [Condition, ...Condition[]]);
