/**
 * Time zones as tables. A zone is a list of spans of constant offset, derived once from the runtime's zone data;
 * everything about local days, hours and months is then integer arithmetic on UTC minutes (minutes since the epoch).
 * The kernel's day tables, uptime buckets, traffic buckets and day charges all come from here, so they cannot disagree.
 */
export interface Zone {
  readonly name: string;
  /** Span i holds from `fromMinutes[i]` up to `fromMinutes[i + 1]`; the first begins before any instant we take. */
  readonly fromMinutes: readonly number[];
  /** Minutes to add to UTC in span i. */
  readonly offsetMinutes: readonly number[];
  /** Local days asked for so far, by civil day number. */
  readonly days: Map<number, LocalDay>;
}

/** A local calendar day. It may have 23, 24 or 25 hours, or half an hour more or less where zones do that. */
export interface LocalDay {
  startMinute: number;
  /** Its length M. */
  minutes: number;
  year: number;
  /** 1–12. */
  month: number;
  /** 1–31. */
  dayOfMonth: number;
  /** The days of its month that exist: a zone that went over the date line has skipped one. */
  daysInMonth: number;
  /** How many of them there were before this one. */
  daysBefore: number;
  /** Civil days since 1970-01-01, the same number in every zone. */
  dayNumber: number;
}

export const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
/** A day of the clock; a local day may be longer or shorter. */
export const DAY_MS = 86_400_000;
/** Instants we take lie in [1970, 2100); the table reaches a year further so that their days and months end within it. */
const TABLE_TO_MS = Date.UTC(2101, 0, 1);
/** No zone has changed its offset there and back within this time since 1970. */
const PROBE_MS = 3 * DAY_MS;
/** No offset is as large as this. */
const OFFSET_MINUTES_MAX = 900;

/** Eleven years of days a zone are enough to remember. */
const DAYS_KEPT_MAX = 4096;

const zones = new Map<string, Zone>();

/** The zone of an IANA name (`Asia/Taipei`, `UTC`), undefined if the runtime does not know it. The work is done once a zone. */
export function zoneOf(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  // Offsets like "+08:00" pass for zones in newer runtimes, but carry no rules: a plan names a place or UTC.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset', hour: 'numeric' });
  } catch {
    return undefined;
  }
  // Kept under the canonical name only, so that spellings of one name cannot fill the memory.
  const canonical = format.resolvedOptions().timeZone;
  const zone = zones.get(canonical) ?? derive(canonical, format);
  zones.set(canonical, zone);
  return zone;
}

/** The offset in minutes that `… GMT+08:00`, `… GMT-00:44:30` or `… GMT` ends with. */
function offsetShown(text: string): number {
  const match = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
  if (match === null) throw new Error(`the runtime shows an offset as "${text}"`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  // Before 1972 Liberia was half a minute off; whole minutes are what we count in.
  const offset = Math.round(Number(hours) * 60 + Number(minutes) + Number(seconds) / 60);
  return sign === '-' ? -offset : offset;
}

function derive(name: string, format: Intl.DateTimeFormat): Zone {
  const offsetAt = (ms: number): number => offsetShown(format.format(ms));
  const fromMinutes = [Number.NEGATIVE_INFINITY];
  const offsetMinutes = [offsetAt(0)];
  let offset = offsetAt(0);
  for (let ms = 0; ms < TABLE_TO_MS; ms += PROBE_MS) {
    if (offsetAt(ms + PROBE_MS) === offset) continue;
    let before = ms;
    let after = ms + PROBE_MS;
    while (after - before > MINUTE_MS) {
      const middle = before + Math.floor((after - before) / 2 / MINUTE_MS) * MINUTE_MS;
      if (offsetAt(middle) === offset) before = middle;
      else after = middle;
    }
    offset = offsetAt(after);
    fromMinutes.push(after / MINUTE_MS);
    offsetMinutes.push(offset);
  }
  return { name, fromMinutes, offsetMinutes, days: new Map() };
}

/** The span that holds at a UTC minute. */
function spanAt(zone: Zone, minute: number): number {
  let low = 0;
  let high = zone.fromMinutes.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((zone.fromMinutes[middle] ?? 0) <= minute) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Minutes to add to UTC at a UTC minute. */
export function offsetAt(zone: Zone, minute: number): number {
  return zone.offsetMinutes[spanAt(zone, minute)] ?? 0;
}

/** The first UTC minute after this one from which another offset holds; infinity when none does. */
export function nextChange(zone: Zone, minute: number): number {
  return zone.fromMinutes[spanAt(zone, minute) + 1] ?? Number.POSITIVE_INFINITY;
}

/**
 * The UTC minute in which a civil day begins: the first at which the local clock shows midnight or later. So days follow
 * each other without gap or overlap also where a change of the clock skips or repeats midnight.
 */
function dayStart(zone: Zone, dayNumber: number): number {
  const local = dayNumber * DAY_MINUTES;
  for (let i = spanAt(zone, local - OFFSET_MINUTES_MAX); ; i += 1) {
    const from = zone.fromMinutes[i] ?? Number.POSITIVE_INFINITY;
    const until = zone.fromMinutes[i + 1] ?? Number.POSITIVE_INFINITY;
    const at = Math.max(from, local - (zone.offsetMinutes[i] ?? 0));
    if (at < until) return at;
  }
}

/** The local day that a UTC minute belongs to. */
export function localDay(zone: Zone, minute: number): LocalDay {
  let dayNumber = Math.floor((minute + offsetAt(zone, minute)) / DAY_MINUTES);
  // Where the clock went back over midnight, the repeated evening belongs to the day that has already begun;
  // where a whole day was skipped, that day is empty.
  while (dayStart(zone, dayNumber + 1) <= minute) dayNumber += 1;
  return dayOf(zone, dayNumber);
}

function dayOf(zone: Zone, dayNumber: number): LocalDay {
  const known = zone.days.get(dayNumber);
  if (known !== undefined) return known;
  const civil = new Date(dayNumber * DAY_MS);
  const year = civil.getUTCFullYear();
  const month = civil.getUTCMonth() + 1;
  const dayOfMonth = civil.getUTCDate();
  const startMinute = dayStart(zone, dayNumber);
  const first = dayNumber - dayOfMonth + 1;
  const day: LocalDay = {
    startMinute,
    minutes: dayStart(zone, dayNumber + 1) - startMinute,
    year,
    month,
    dayOfMonth,
    daysInMonth: daysBetween(zone, first, first + civilDays(year, month)),
    daysBefore: daysBetween(zone, first, dayNumber),
    dayNumber,
  };
  if (zone.days.size >= DAYS_KEPT_MAX) zone.days.clear();
  zone.days.set(dayNumber, day);
  return day;
}

/** How many of the civil days [from, to) a zone has: a day that ends where it begins was skipped. */
function daysBetween(zone: Zone, from: number, to: number): number {
  let days = 0;
  for (let day = from, start = dayStart(zone, from); day < to; day += 1) {
    const end = dayStart(zone, day + 1);
    if (end > start) days += 1;
    start = end;
  }
  return days;
}

/** The days of a month by the calendar. */
function civilDays(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** The UTC minute in which the local day after `day` begins. */
export function dayEnd(day: LocalDay): number {
  return day.startMinute + day.minutes;
}

/** The UTC minute in which the local month after that of `day` begins. */
export function monthEnd(zone: Zone, day: LocalDay): number {
  return dayStart(zone, day.dayNumber - day.dayOfMonth + 1 + civilDays(day.year, day.month));
}

/** The UTC minute in which the local month of `day` begins. */
export function monthStart(zone: Zone, day: LocalDay): number {
  return dayStart(zone, day.dayNumber - day.dayOfMonth + 1);
}
