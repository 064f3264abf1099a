import { dayEnd, localDay, monthEnd, monthStart, nextChange, offsetAt, type Zone } from './zone.ts';

export const STEPS = ['minute', 'hour', 'day', 'month'] as const;
/** What a row of an answer spans, in local time. */
export type Step = (typeof STEPS)[number];

/** Whether a bucket of this step begins at a UTC minute. */
export function isBoundary(zone: Zone, step: Step, minute: number): boolean {
  switch (step) {
    case 'minute':
      return true;
    case 'hour':
      return isHourBoundary(zone, minute);
    case 'day':
      return localDay(zone, minute).startMinute === minute;
    case 'month':
      return monthStart(zone, localDay(zone, minute)) === minute;
  }
}

/** The first boundary after a UTC minute, which need not be one itself. */
export function nextBoundary(zone: Zone, step: Step, minute: number): number {
  switch (step) {
    case 'minute':
      return minute + 1;
    case 'hour': {
      const local = minute + offsetAt(zone, minute);
      const whole = minute + 60 - (((local % 60) + 60) % 60);
      const change = nextChange(zone, minute);
      if (change > whole) return whole;
      return isHourBoundary(zone, change) ? change : nextBoundary(zone, 'hour', change);
    }
    case 'day':
      return dayEnd(localDay(zone, minute));
    case 'month':
      return monthEnd(zone, localDay(zone, minute));
  }
}

/**
 * The boundaries from `fromMinute` (one itself) on, at most `count` buckets and none that begins at or after `toMinute`:
 * `[b0, b1, … bn]` are n buckets, the last one ending at `bn`.
 */
export function boundaries(zone: Zone, step: Step, fromMinute: number, toMinute: number, count: number): number[] {
  const list = [fromMinute];
  let at = fromMinute;
  while (at < toMinute && list.length <= count) {
    at = nextBoundary(zone, step, at);
    list.push(at);
  }
  return list;
}

/**
 * An hour begins where the local clock shows a whole hour, or where a change of the clock brings another hour than the
 * one before (02:00 to 02:30 in Lord Howe). Back from 02:00 to 01:30 stays in the same hour, which then has 90 minutes.
 */
function isHourBoundary(zone: Zone, minute: number): boolean {
  const local = minute + offsetAt(zone, minute);
  if (local % 60 === 0) return true;
  return Math.floor(local / 60) !== Math.floor((minute - 1 + offsetAt(zone, minute - 1)) / 60);
}

/** The boundary at or before a UTC minute: where the bucket that holds it begins. */
export function bucketStart(zone: Zone, step: Step, minute: number): number {
  const day = localDay(zone, minute);
  switch (step) {
    case 'minute':
      return minute;
    case 'hour': {
      // Walking the hours of the day is 25 steps at most.
      let start = isHourBoundary(zone, day.startMinute) ? day.startMinute : day.startMinute - 60;
      for (let next = nextBoundary(zone, 'hour', start); next <= minute; next = nextBoundary(zone, 'hour', start)) start = next;
      return start;
    }
    case 'day':
      return day.startMinute;
    case 'month':
      return monthStart(zone, day);
  }
}
