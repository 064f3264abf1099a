import { describe, expect, it } from 'vitest';
import type { CreditPolicy } from '../../src/domain/credit-policy.ts';
import { type Zone, zoneOf } from '../../src/domain/zone.ts';
import { claimByOf, claimOutcome } from '../../src/rating/credit-claims.ts';

/** Until when a credit is to be claimed, and which claims are in time; instants as people write them. */
const zone = (name: string): Zone => {
  const found = zoneOf(name);
  if (found === undefined) throw new Error(name);
  return found;
};
const minute = (text: string): number => Date.parse(text) / 60_000;
const policy = (claimWithinDays: number | null): CreditPolicy => ({
  clause: null,
  creditable: new Set(),
  method: { kind: 'none' },
  unsure: new Set(),
  claimWithinDays,
  expiresAfterDays: null,
});

describe('a credit is claimed by so many days of 24 hours after the end of its local month', () => {
  it.each([
    [null, 'UTC', '2026-03-05T00:00Z', null],
    [0, 'UTC', '2026-03-05T00:00Z', '2026-04-01T00:00:00Z'],
    [30, 'UTC', '2026-03-01T00:00Z', '2026-05-01T00:00:00Z'],
    [30, 'UTC', '2026-03-31T23:59Z', '2026-05-01T00:00:00Z'],
    [30, 'UTC', '2026-02-28T23:59Z', '2026-03-31T00:00:00Z'],
    [1, 'UTC', '2028-02-10T00:00Z', '2028-03-02T00:00:00Z'],
    [7, 'UTC', '2026-12-31T12:00Z', '2027-01-08T00:00:00Z'],
    // The month begins and ends at 16:00 of the day before.
    [10, 'Asia/Taipei', '2026-02-28T15:59Z', '2026-03-10T16:00:00Z'],
    [10, 'Asia/Taipei', '2026-02-28T16:00Z', '2026-04-10T16:00:00Z'],
    // The clock changes within the month, and within the days: those are of 24 hours all the same.
    [10, 'America/New_York', '2026-03-02T00:00Z', '2026-04-11T04:00:00Z'],
    [10, 'America/New_York', '2026-02-02T00:00Z', '2026-03-11T05:00:00Z'],
  ])('%s days in %s for %s: %s', (days, name, text, by) => {
    expect(claimByOf(policy(days), zone(name), minute(text))).toBe(by === null ? null : Date.parse(by));
  });
});

describe('a claim of any of a day is a claim of the day', () => {
  const day = { fromMinute: minute('2026-03-05T00:00Z'), toMinute: minute('2026-03-06T00:00Z'), zone: zone('UTC') };
  const at = (text: string): number => Date.parse(`2026-${text}Z`);
  /** Claims as: when, of which time. */
  type Said = readonly [at: string, from: string, to: string];
  it.each<[name: string, days: number | null, claims: readonly Said[], given: boolean, claimedAt: string | null]>([
    ['unasked', null, [], true, null],
    ['nobody asked', 30, [], false, null],
    ['the day itself', 30, [['04-02T00:00', '03-05T00:00', '03-06T00:00']], true, '04-02T00:00'],
    ['a minute of it', 30, [['04-02T00:00', '03-05T23:59', '03-06T00:00']], true, '04-02T00:00'],
    ['the day before', 30, [['04-02T00:00', '03-04T00:00', '03-05T00:00']], false, null],
    ['the day after', 30, [['04-02T00:00', '03-06T00:00', '03-07T00:00']], false, null],
    ['the whole month', 30, [['04-02T00:00', '03-01T00:00', '04-01T00:00']], true, '04-02T00:00'],
    ['a millisecond before its time is over', 30, [['04-30T23:59:59.999', '03-05T00:00', '03-06T00:00']], true, '04-30T23:59:59.999'],
    ['as its time is over', 30, [['05-01T00:00', '03-05T00:00', '03-06T00:00']], false, '05-01T00:00'],
    ['too late, and before that in time', 30, [['05-02T00:00', '03-05T00:00', '03-06T00:00'], ['04-01T00:00', '03-05T12:00', '03-05T13:00']], true, '04-01T00:00'],
    ['while it lasted', 0, [['03-05T12:00', '03-05T12:00', '03-05T12:01']], true, '03-05T12:00'],
  ])('%s', (_, days, said, given, claimedAt) => {
    const claims = said.map(([when, from, to]) => ({ atMs: at(when), fromMs: at(from), toMs: at(to) }));
    const outcome = claimOutcome({ ...day, policy: policy(days) }, claims);
    expect(outcome.given).toBe(given);
    expect(outcome.claimedAtMs).toBe(claimedAt === null ? null : at(claimedAt));
  }); // prettier-ignore
});
