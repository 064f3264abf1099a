/** An RFC 3339 date-time: the eleven groups are date, time, fraction and offset. */
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Milliseconds since the Unix epoch (negative before it) of an RFC 3339 text with an offset, fractions cut to
 * milliseconds; undefined if the text is none, or names no real calendar day, or a leap second.
 */
export function instantMs(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const part = (group: number): number => Number(match[group] ?? '0');
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const [offsetHour, offsetMinute] = [part(9), part(10)];
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const millis = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  // Date.UTC takes years below 100 for 19xx; setUTCFullYear does not.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, millis);
  const eastOfUtc = match[8] === '-' ? -1 : 1;
  return date.getTime() - eastOfUtc * (offsetHour * 60 + offsetMinute) * 60_000;
}

function daysOfMonth(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
