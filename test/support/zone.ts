import { type Zone, zoneOf } from '../../src/domain/zone.ts';

/** A zone that is there. */
export function zone(name: string): Zone {
  const found = zoneOf(name);
  if (found === undefined) throw new Error(`no zone ${name}`);
  return found;
}

/** The UTC minute of an RFC 3339 instant. */
export function minute(text: string): number {
  return Date.parse(text) / 60_000;
}

/** RFC 3339 to the minute. */
export function shown(utcMinute: number): string {
  return new Date(utcMinute * 60_000).toISOString().slice(0, 16) + 'Z';
}
