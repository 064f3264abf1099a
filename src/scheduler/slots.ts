import { formatInstant } from '../domain/instant.ts';
import { dayEnd, localDay, MINUTE_MS, monthEnd, monthStart, type Zone } from '../domain/zone.ts';

/** How often a job is due. Hours are the same everywhere; days and months are those of a zone. */
export type Every = 'hour' | 'day' | 'month';

/** One turn of a job: the hour, local day or local month [fromMs, toMs) that it is about. */
export interface Slot {
  /** `2026-03-01T05:00:00Z`, `2026-03-01` or `2026-03`. */
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;

/** The turn that an instant lies in. */
export function slotAt(zone: Zone, every: Every, ms: number): Slot {
  if (every === 'hour') {
    const fromMs = Math.floor(ms / HOUR_MS) * HOUR_MS;
    return { name: formatInstant(fromMs), fromMs, toMs: fromMs + HOUR_MS };
  }
  const day = localDay(zone, Math.floor(ms / MINUTE_MS));
  const month = `${day.year}-${String(day.month).padStart(2, '0')}`;
  const [from, to] = every === 'month' ? [monthStart(zone, day), monthEnd(zone, day)] : [day.startMinute, dayEnd(day)];
  const name = every === 'month' ? month : `${month}-${String(day.dayOfMonth).padStart(2, '0')}`;
  return { name, fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS };
}

/** The last turn that was due by an instant, where each is due so long after its end. */
export function newestDue(zone: Zone, every: Every, delayMs: number, nowMs: number): Slot {
  return slotAt(zone, every, slotAt(zone, every, nowMs - delayMs).fromMs - 1);
}

/** The turns that have become due since the one that ended at `afterMs`, in their order, some at most. */
export function dueSince(zone: Zone, every: Every, delayMs: number, afterMs: number, nowMs: number, count: number): Slot[] {
  const due: Slot[] = [];
  for (let slot = slotAt(zone, every, afterMs); due.length < count && slot.toMs + delayMs <= nowMs;) {
    due.push(slot);
    slot = slotAt(zone, every, slot.toMs);
  }
  return due;
}

/** The same as one turn, under the name of the newest. */
export function dueTogether(zone: Zone, every: Every, delayMs: number, afterMs: number, nowMs: number): Slot[] {
  const newest = newestDue(zone, every, delayMs, nowMs);
  return newest.toMs <= afterMs ? [] : [{ ...newest, fromMs: afterMs }];
}

/** The turn of a name; undefined where it is none of this job's, or the zone has no such day. */
export function slotNamed(zone: Zone, every: Every, name: string): Slot | undefined {
  const near = Date.parse(every === 'month' ? `${name}-15T12:00:00Z` : every === 'day' ? `${name}T12:00:00Z` : name);
  if (Number.isNaN(near)) return undefined;
  // Noon of Greenwich is on the day before or after in some places.
  return [0, -12, 12].map((hours) => slotAt(zone, every, near + hours * HOUR_MS)).find((slot) => slot.name === name);
}
