/**
 * A month as the calendar draws it: every local day with the hours that it has (23, 24 or 25, or parts of hours), each with what uptime says of it.
 * Days and hours are cut by the same file as the server's buckets, so a row of an answer always has its cell.
 */
import { boundaries } from '../../../src/domain/bucket.ts';
import {
  dayEnd,
  type LocalDay,
  localDay,
  MINUTE_MS,
  monthEnd,
  monthStart,
  offsetAt,
  type Zone,
  zoneOf,
} from '../../../src/domain/zone.ts';
import { parseInstant } from '../../../src/domain/instant.ts';

/** A row of uptime, by the hour or by the minute. */
export interface UptimeRow {
  readonly start: string;
  readonly up_ms: number;
  readonly down_ms: Readonly<Record<string, number>>;
  readonly silent_ms: number;
  readonly unavailable_minutes: number;
  readonly credit_nanos: bigint | number;
}

/** What a cell is drawn as. Blank: not served, or not counted yet. */
export type Look = 'blank' | 'up' | 'credited' | 'uncredited' | 'maintenance' | 'silent';
export const LOOKS: readonly Look[] = ['up', 'credited', 'uncredited', 'maintenance', 'silent', 'blank'];

/** Causes by how much they ask to be looked at, and the letter that stands for each. */
export const LETTERS: Readonly<Record<string, string>> = {
  provider: 'P',
  third_party: 'T',
  force_majeure: 'F',
  attack: 'A',
  silent: 'S',
  maintenance: 'M',
  customer: 'C',
  arrears: 'R',
};

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Cell extends Span {
  /** The hour that the local clock shows: the column. A clock that goes back shows one twice. */
  readonly hour: number;
  /** `02:00`, `01:30`: what the clock shows as it begins. */
  readonly clock: string;
  readonly row: UptimeRow | undefined;
}

export interface Day extends Span {
  /** `2026-03-29`. */
  readonly date: string;
  readonly dayOfMonth: number;
  readonly cells: readonly Cell[];
}

export interface Month extends Span {
  readonly zone: string;
  /** `2026-03`. */
  readonly name: string;
  readonly days: readonly Day[];
  readonly before: string;
  readonly after: string;
}

const two = (number: number): string => String(number).padStart(2, '0');
const nameOf = ({ year, month }: LocalDay): string => `${year}-${two(month)}`;

function knownZone(name: string): Zone {
  const zone = zoneOf(name);
  if (zone === undefined) throw new Error(`this browser does not know the zone ${name}`);
  return zone;
}

/** The month of an instant in a zone: `2026-03`. */
export function monthAt(zoneName: string, atMs: number): string {
  return nameOf(localDay(knownZone(zoneName), Math.floor(atMs / MINUTE_MS)));
}

/** The span of a month by name; undefined for what is no month. */
export function spanOfMonth(zoneName: string, name: string): Span | undefined {
  const match = /^(\d{4})-(\d{2})$/.exec(name);
  const [year, month] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || month < 1 || month > 12 || year < 1970 || year > 2099) return undefined;
  const zone = knownZone(zoneName);
  // the middle of a month is in that month in every zone
  const middle = localDay(zone, Date.UTC(year, month - 1, 15, 12) / MINUTE_MS);
  return { fromMs: monthStart(zone, middle) * MINUTE_MS, toMs: monthEnd(zone, middle) * MINUTE_MS };
}

/** The days and hours of a month, with the rows of uptime by the hour. Undefined for what is no month. */
export function monthOf(zoneName: string, name: string, rows: readonly UptimeRow[]): Month | undefined {
  const span = spanOfMonth(zoneName, name);
  if (span === undefined) return undefined;
  const zone = knownZone(zoneName);
  const byStart = new Map(rows.map((row) => [parseInstant(row.start), row]));
  const [from, to] = [span.fromMs / MINUTE_MS, span.toMs / MINUTE_MS];
  const days: Day[] = [];
  for (let at = from; at < to;) {
    const day = localDay(zone, at);
    const end = dayEnd(day);
    const edges = boundaries(zone, 'hour', at, end, 60);
    const cells = edges.slice(0, -1).map((start, i): Cell => {
      const local = (((start + offsetAt(zone, start)) % 1440) + 1440) % 1440;
      const [fromMs, toMs] = [start * MINUTE_MS, (edges[i + 1] ?? end) * MINUTE_MS];
      const clock = `${two(Math.floor(local / 60))}:${two(local % 60)}`;
      return { fromMs, toMs, hour: Math.floor(local / 60), clock, row: byStart.get(fromMs) };
    });
    days.push({
      fromMs: at * MINUTE_MS,
      toMs: end * MINUTE_MS,
      date: `${nameOf(day)}-${two(day.dayOfMonth)}`,
      dayOfMonth: day.dayOfMonth,
      cells,
    });
    at = end;
  }
  return { ...span, zone: zoneName, name, days, before: monthAt(zoneName, span.fromMs - 1), after: monthAt(zoneName, span.toMs) };
}

/** Milliseconds of each cause that a row has, those first that ask most to be looked at; silence is one of them. */
export function causesOf(row: UptimeRow): readonly (readonly [cause: string, ms: number])[] {
  const all: Readonly<Record<string, number>> = { ...row.down_ms, silent: row.silent_ms };
  const order = [...Object.keys(LETTERS), ...Object.keys(all).filter((cause) => !Object.hasOwn(LETTERS, cause))];
  return order.flatMap((cause) => {
    const ms = all[cause] ?? 0;
    return ms > 0 ? [[cause, ms] as const] : [];
  });
}

/** How a row is drawn: by its worst cause, and whether it earned credit. */
export function lookOf(row: UptimeRow | undefined): {
  readonly look: Look;
  readonly cause: string | undefined;
  readonly share: number;
} {
  if (row === undefined) return { look: 'blank', cause: undefined, share: 0 };
  const causes = causesOf(row);
  const worst = causes[0]?.[0];
  if (worst === undefined) return { look: 'up', cause: undefined, share: 0 };
  const downMs = causes.reduce((sum, [, ms]) => sum + ms, 0);
  const look: Look =
    BigInt(row.credit_nanos) > 0n
      ? 'credited'
      : worst === 'silent'
        ? 'silent'
        : worst === 'maintenance'
          ? 'maintenance'
          : 'uncredited';
  return { look, cause: worst, share: downMs / (downMs + row.up_ms) };
}

export interface Sum {
  readonly upMs: number;
  readonly countedMs: number;
  readonly unavailableMinutes: number;
  readonly credit: bigint;
}

/** What rows come to. */
export function sumOf(rows: readonly (UptimeRow | undefined)[]): Sum {
  let [upMs, countedMs, unavailableMinutes, credit] = [0, 0, 0, 0n];
  for (const row of rows) {
    if (row === undefined) continue;
    upMs += row.up_ms;
    countedMs += row.up_ms + causesOf(row).reduce((sum, [, ms]) => sum + ms, 0);
    unavailableMinutes += row.unavailable_minutes;
    credit += BigInt(row.credit_nanos);
  }
  return { upMs, countedMs, unavailableMinutes, credit };
}
