/** Fields that answers and documents have in common: instants in milliseconds, integers exact. */
import { z } from 'zod';
import { type Condition, CONDITIONS } from '../domain/condition.ts';
import { parseInstant } from '../domain/instant.ts';

/** The starts of a fleet's minutes come again with every table and VM, and reading an instant is most of reading a row. */
const seen = new Map<string, number>();
const SEEN_MAX = 200_000;

export const instant = z.string().transform((text, context) => {
  const ms = seen.get(text) ?? parseInstant(text);
  if (ms !== undefined) {
    if (seen.size === SEEN_MAX) seen.clear();
    seen.set(text, ms);
    return ms;
  }
  context.addIssue({ code: 'custom', message: 'is no instant' });
  return z.NEVER;
});
/** A number, or the digits that `parseExact` made of a long one. */
export const exact = z.union([z.int(), z.string().regex(/^-?\d+$/)]).transform((value) => BigInt(value));
export const condition = z.enum(CONDITIONS as readonly [Condition, ...Condition[]]);
