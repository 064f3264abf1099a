import { describe, expect, it } from 'vitest';
import { boundaries, isBoundary } from '../../src/domain/bucket.ts';
import { dayEnd, localDay, offsetAt, type Zone, zoneOf } from '../../src/domain/zone.ts';
import { minute, shown, zone } from '../support/zone.ts';

describe('local days', () => {
  // zone, an instant, the day it belongs to, its start, its minutes
  it.each([
    ['UTC', '2026-03-01T12:00Z', '2026-3-1', '2026-03-01T00:00Z', 1440],
    ['Asia/Taipei', '2026-02-28T16:00Z', '2026-3-1', '2026-02-28T16:00Z', 1440],
    ['Asia/Taipei', '2026-02-28T15:59Z', '2026-2-28', '2026-02-27T16:00Z', 1440],
    ['Asia/Kolkata', '2026-03-01T12:00Z', '2026-3-1', '2026-02-28T18:30Z', 1440],
    ['Europe/Berlin', '2026-03-29T12:00Z', '2026-3-29', '2026-03-28T23:00Z', 1380],
    ['Europe/Berlin', '2026-10-25T12:00Z', '2026-10-25', '2026-10-24T22:00Z', 1500],
    ['Europe/Berlin', '2026-10-25T23:00Z', '2026-10-26', '2026-10-25T23:00Z', 1440],
    ['Australia/Lord_Howe', '2026-04-05T00:00Z', '2026-4-5', '2026-04-04T13:00Z', 1470],
    ['Australia/Lord_Howe', '2026-10-04T00:00Z', '2026-10-4', '2026-10-03T13:30Z', 1410],
    // Midnight itself was skipped: the day began at 01:00.
    ['America/Sao_Paulo', '2018-11-04T12:00Z', '2018-11-4', '2018-11-04T03:00Z', 1380],
    // Back from 00:01 to 23:01: the day had begun and goes on.
    ['America/St_Johns', '2006-10-29T03:00Z', '2006-10-29', '2006-10-29T02:30Z', 1500],
    // The 30th of December 2011 did not exist in Samoa.
    ['Pacific/Apia', '2011-12-30T09:59Z', '2011-12-29', '2011-12-29T10:00Z', 1440],
    ['Pacific/Apia', '2011-12-30T10:00Z', '2011-12-31', '2011-12-30T10:00Z', 1440],
    ['Europe/Berlin', '2096-03-25T12:00Z', '2096-3-25', '2096-03-24T23:00Z', 1380],
  ])('%s at %s is in %s, from %s, %i minutes', (name, at, civil, start, minutes) => {
    const day = localDay(zone(name), minute(at));
    expect(`${day.year}-${day.month}-${day.dayOfMonth}`).toBe(civil);
    expect(shown(day.startMinute)).toBe(start);
    expect(day.minutes).toBe(minutes);
  });

  it('knows the days of a month, in leap years and in 2100', () => {
    const days = ['2024-02-10T00:00Z', '2026-02-10T00:00Z', '2026-12-31T00:00Z', '2099-12-31T00:00Z'].map(
      (at) => localDay(zone('UTC'), minute(at)).daysInMonth,
    );
    expect(days).toEqual([29, 28, 31, 31]);
  });

  // zone, its month, the days that exist, the days before each of some of them
  it.each([
    ['Pacific/Apia', '2011-12-15T00:00Z', 30, [1, 0, 29, 28, 31, 29]],
    ['Pacific/Fakaofo', '2011-12-15T00:00Z', 30, [29, 28, 31, 29]],
    ['Pacific/Kwajalein', '1993-08-05T00:00Z', 30, [20, 19, 22, 20, 31, 29]],
    ['Pacific/Kiritimati', '1994-12-05T00:00Z', 30, [1, 0, 30, 29]],
    ['Pacific/Kanton', '1994-12-05T00:00Z', 30, [1, 0, 30, 29]],
    ['Pacific/Kiritimati', '1995-01-05T00:00Z', 31, [1, 0, 31, 30]],
    // A midnight that was skipped, or that came twice, is no day.
    ['America/Sao_Paulo', '2018-11-15T12:00Z', 30, [4, 3, 5, 4]],
    ['America/St_Johns', '2006-10-15T12:00Z', 31, [29, 28, 30, 29]],
  ])('%s has in the month of %s %i days, each with those before it', (name, at, days, before) => {
    const z = zone(name);
    const { dayNumber, dayOfMonth } = localDay(z, minute(at));
    const first = dayNumber - dayOfMonth + 1;
    const found = new Map<number, readonly [number, number]>();
    for (let day = localDay(z, first * 1440 - 900); day.dayNumber < first + 31; day = localDay(z, dayEnd(day)))
      if (day.dayNumber >= first) found.set(day.dayOfMonth, [day.daysInMonth, day.daysBefore]);
    expect(found.size).toBe(days);
    for (let i = 0; i < before.length; i += 2) expect(found.get(before[i] ?? 0)).toEqual([days, before[i + 1]]);
  });

  it('of a month that has one twice is one day of 48 hours', () => {
    // As Manila's last day of 1844 would have been, had it gone back over the date line: no zone has since 1970.
    const back: Zone = { name: 'back', fromMinutes: [-Infinity, 15 * 1440], offsetMinutes: [0, -1440], days: new Map() };
    const days = [14, 15, 16].map((day) => localDay(back, day * 1440));
    expect(days.map(({ dayOfMonth, minutes }) => [dayOfMonth, minutes])).toEqual([
      [15, 2880],
      [15, 2880],
      [16, 1440],
    ]);
    expect(days.map((day) => day.daysInMonth)).toEqual([31, 31, 31]);
  });

  it('of every zone that the runtime knows are as many as a month has that exist, and in their order', () => {
    const skipped: string[] = [];
    for (const name of Intl.supportedValuesOf('timeZone')) {
      const z = zone(name);
      // Months around changes alone: the others are as the calendar has them.
      for (const [i, change] of z.fromMinutes.entries()) {
        if (i === 0 || (z.offsetMinutes[i] ?? 0) - (z.offsetMinutes[i - 1] ?? 0) < 600) continue;
        const after = localDay(z, change);
        const before = localDay(z, change - 1);
        if (after.dayNumber - before.dayNumber > 1) skipped.push(`${name} ${before.year}-${before.month}-${before.dayOfMonth}`);
        expect(before.daysBefore).toBe(before.dayOfMonth - 1);
        if (after.month === before.month) expect(after.daysBefore).toBe(before.daysBefore + 1);
        else expect([before.daysBefore, after.daysBefore]).toEqual([before.daysInMonth - 1, 0]);
      }
    }
    expect(skipped).toContain('Pacific/Apia 2011-12-29');
    expect(skipped.length).toBeGreaterThanOrEqual(5);
  });

  it.each(['Africa/Casablanca', 'Africa/Cairo', 'Asia/Gaza', 'Antarctica/Troll', 'America/Caracas', 'Pacific/Kwajalein'])(
    'days of %s follow each other without gap from 1990 to 2030',
    (name) => {
      const z = zone(name);
      let day = localDay(z, minute('1990-01-01T00:00Z'));
      while (day.year < 2030) {
        const following = localDay(z, dayEnd(day));
        expect(following.startMinute).toBe(dayEnd(day));
        expect(following.minutes).toBeGreaterThanOrEqual(1260);
        day = following;
      }
    },
  );

  it.each(['', 'Mars/Olympus', '+08:00', 'Europe/Berlin; DROP'])('%j is no zone', (name) => {
    expect(zoneOf(name)).toBeUndefined();
  });

  it('changes the offset in the very minute of the change', () => {
    const z = zone('America/New_York');
    expect([minute('2026-03-08T06:59Z'), minute('2026-03-08T07:00Z')].map((at) => offsetAt(z, at))).toEqual([-300, -240]);
  });
});

describe('buckets', () => {
  it.each([
    ['UTC', 'hour', '2026-03-01T00:00Z', '2026-03-01T02:00Z', ['2026-03-01T00:00Z', '2026-03-01T01:00Z', '2026-03-01T02:00Z']],
    [
      'Asia/Kolkata',
      'hour',
      '2026-02-28T18:30Z',
      '2026-02-28T20:30Z',
      ['2026-02-28T18:30Z', '2026-02-28T19:30Z', '2026-02-28T20:30Z'],
    ],
    // Back at 15:00Z from 02:00 to 01:30: the hour of 01 has 90 minutes.
    [
      'Australia/Lord_Howe',
      'hour',
      '2026-04-04T14:00Z',
      '2026-04-04T16:30Z',
      ['2026-04-04T14:00Z', '2026-04-04T15:30Z', '2026-04-04T16:30Z'],
    ],
    // On at 15:30Z from 02:00 to 02:30: the hour of 02 has 30.
    [
      'Australia/Lord_Howe',
      'hour',
      '2026-10-03T14:30Z',
      '2026-10-03T17:00Z',
      ['2026-10-03T14:30Z', '2026-10-03T15:30Z', '2026-10-03T16:00Z', '2026-10-03T17:00Z'],
    ],
    // The hour of 02 comes twice, as two buckets.
    [
      'Europe/Berlin',
      'hour',
      '2026-10-25T00:00Z',
      '2026-10-25T02:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'],
    ],
    [
      'Europe/Berlin',
      'day',
      '2026-03-28T23:00Z',
      '2026-03-30T22:00Z',
      ['2026-03-28T23:00Z', '2026-03-29T22:00Z', '2026-03-30T22:00Z'],
    ],
    [
      'Asia/Taipei',
      'month',
      '2026-01-31T16:00Z',
      '2026-03-31T16:00Z',
      ['2026-01-31T16:00Z', '2026-02-28T16:00Z', '2026-03-31T16:00Z'],
    ],
    ['UTC', 'minute', '2026-03-01T00:00Z', '2026-03-01T00:02Z', ['2026-03-01T00:00Z', '2026-03-01T00:01Z', '2026-03-01T00:02Z']],
  ] as const)('%s by %s from %s to %s', (name, step, from, to, edges) => {
    const z = zone(name);
    const found = boundaries(z, step, minute(from), minute(to), 1000);
    expect(found.map(shown)).toEqual(edges);
    for (const edge of found) expect(isBoundary(z, step, edge)).toBe(true);
  });

  it.each([
    ['Europe/Berlin', '2026-03-29T00:00Z', 23],
    ['Europe/Berlin', '2026-10-25T00:00Z', 25],
    ['Asia/Taipei', '2026-03-01T00:00Z', 24],
    ['Australia/Lord_Howe', '2026-04-05T00:00Z', 24],
    ['Australia/Lord_Howe', '2026-10-04T00:00Z', 24],
  ])('the day of %s at %s has %i hours', (name, at, hours) => {
    const day = localDay(zone(name), minute(at));
    expect(boundaries(zone(name), 'hour', day.startMinute, dayEnd(day), 1000)).toHaveLength(hours + 1);
  });

  it('stops after the buckets asked for', () => {
    expect(boundaries(zone('UTC'), 'minute', 0, 1000, 3)).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['UTC', 'hour', '2026-03-01T00:30Z', false],
    ['Asia/Kolkata', 'hour', '2026-03-01T00:30Z', true],
    ['Asia/Kolkata', 'day', '2026-03-01T00:00Z', false],
    ['Asia/Taipei', 'month', '2026-03-01T00:00Z', false],
    ['Asia/Taipei', 'month', '2026-02-28T16:00Z', true],
    ['Asia/Taipei', 'day', '2026-02-28T16:01Z', false],
  ] as const)('%s: is a %s begun at %s? %s', (name, step, at, is) => {
    expect(isBoundary(zone(name), step, minute(at))).toBe(is);
  });
});
