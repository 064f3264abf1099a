/** Fields that answers and documents have in common: instants in milliseconds, integers exact. */
import { z } from 'zod';
import { type Condition, CONDITIONS } from '../domain/condition.ts';
import { parseInstant } from '../domain/instant.ts';

/** Instants as our server writes them, of minutes that come again with every table and VM: reading them is most of reading a row. */
const WRITTEN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:)([0-5]\d)(?:\.(\d{3}))?Z$/;
const minutes = new Map<string, number>();
const MINUTES_MAX = 50_000;

function readInstant(text: string): number | undefined {
  const [, minute, seconds, fraction = '0'] = WRITTEN.exec(text) ?? [];
  if (minute === undefined) return parseInstant(text);
  const known = minutes.get(minute) ?? parseInstant(`${minute}00Z`);
  if (known === undefined) return undefined;
  if (minutes.size === MINUTES_MAX) minutes.clear();
  minutes.set(minute, known);
  return known + Number(seconds) * 1000 + Number(fraction);
}

export const instant = z.string().transform((text, context) => {
  const ms = readInstant(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'is no instant' });
  return z.NEVER;
});
/** A number, or the digits that `parseExact` made of a long one. */
export const exact = z.unknown().transform((value, context) => {
  if (Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value)))
    return BigInt(value as number | string);
  context.addIssue({ code: 'custom', message: 'is no integer' });
  return z.NEVER;
});
export const condition = z.enum(CONDITIONS as readonly [Condition, ...Condition[]]);
