import { z } from 'zod';
import { localDay, MINUTE_MS, zoneOf } from '../domain/zone.ts';

/**
 * How the numbers of an issuer's documents are written. The number itself is counted by type, without gaps and without an end:
 * prefix and year are how it is shown, so a new way of writing renumbers nothing, and no year begins with a number given before.
 */
const PLACE = /\{(year|number)(?::([1-9]))?\}/g;

/** `INV-{year}-{number:5}`: text with the number, padded with zeros to so many digits, and the year of issue. */
export const numberPattern = z
  .string()
  .max(40)
  .regex(
    /^(?:[A-Za-z0-9./_ -]|\{year\}|\{number(?::[1-9])?\})*$/,
    'must be letters, digits, . / _ - and blanks, with {year} and {number} or {number:5}',
  )
  .refine((text) => text.split('{number').length === 2, 'must have {number} once, or {number:5} for at least five digits');

/** A pattern, and the zone whose year an issue is in. */
export const numberSeries = z.strictObject({ pattern: numberPattern, time_zone: z.string() });
export type NumberSeries = z.infer<typeof numberSeries>;

/** A document's number as it is written; null: it has none yet. */
export function numberText({
  number,
  issued_at: issuedAtMs,
  series,
}: {
  number: number | null;
  issued_at: number | null;
  series?: NumberSeries | undefined;
}): string | null {
  if (number === null) return null;
  if (series === undefined) return number.toString();
  const zone = zoneOf(series.time_zone) ?? zoneOf('UTC');
  if (zone === undefined) throw new Error('the runtime has no UTC');
  const { year } = localDay(zone, Math.floor((issuedAtMs ?? 0) / MINUTE_MS));
  return series.pattern.replaceAll(PLACE, (_, name: string, digits?: string) =>
    name === 'year' ? year.toString() : number.toString().padStart(Number(digits ?? 1), '0'),
  );
}
