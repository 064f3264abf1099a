/** Instants as people and programs write them (SPEC, conventions), and as we write them. */

/** Instants we take lie in [1970, 2100). */
export const INSTANT_MS_END = Date.UTC(2100, 0, 1);

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/i;

/**
 * Milliseconds since the epoch of an RFC 3339 text or of integer milliseconds (a number, or its digits as a text);
 * fractions are cut to milliseconds. Undefined for anything else, a day that does not exist, a leap second, and years
 * outside 1970 to 2099.
 */
export function parseInstant(given: string | number): number | undefined {
  const ms = typeof given === 'number' ? given : /^(0|[1-9]\d{0,14})$/.test(given) ? Number(given) : parseRfc3339(given);
  return ms !== undefined && Number.isSafeInteger(ms) && ms >= 0 && ms < INSTANT_MS_END ? ms : undefined;
}

function parseRfc3339(text: string): number | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day));
  // Date.UTC lets the 31st of April run into May; such a day is no day.
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const fraction = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === '-' ? -1 : 1);
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
}

/** RFC 3339 in UTC; milliseconds only when they are not zero. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
