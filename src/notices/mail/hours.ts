import { localDay, MINUTE_MS, type Zone, zoneOf } from '../../domain/zone.ts';
import { utc } from '../../billing/period.ts';
import type { MailBody } from '../subscriptions/subscription.ts';

const HOUR_MS = 3_600_000;

/** From when on what was to be mailed at an instant may be: not in quiet hours, and with a digest when its hour or day is over. */
export function opensAtMs({ quiet, digest }: Pick<MailBody, 'quiet' | 'digest'>, askedAtMs: number, nowMs: number): number {
  const zone = zoneOf(quiet?.time_zone ?? 'UTC') ?? utc();
  const opensMs = Math.max(nowMs, digestMs(zone, digest, askedAtMs));
  return quiet === null ? opensMs : Math.max(opensMs, quietUntilMs(zone, quiet, opensMs));
}

function digestMs(zone: Zone, digest: MailBody['digest'], askedAtMs: number): number {
  if (digest === 'none') return askedAtMs;
  if (digest === 'hourly') return (Math.floor(askedAtMs / HOUR_MS) + 1) * HOUR_MS;
  const { startMinute, minutes } = localDay(zone, Math.floor(askedAtMs / MINUTE_MS));
  return (startMinute + minutes) * MINUTE_MS;
}

/** The end of the quiet hours that an instant is in; 0: it is in none. */
function quietUntilMs(zone: Zone, { from, until }: NonNullable<MailBody['quiet']>, atMs: number): number {
  const minute = Math.floor(atMs / MINUTE_MS);
  const { startMinute, minutes } = localDay(zone, minute);
  const [begins, ends] = [minuteOf(from), minuteOf(until)];
  const now = minute - startMinute;
  const isOvernight = begins > ends;
  if (isOvernight && now >= begins) return (startMinute + minutes + ends) * MINUTE_MS;
  if (isOvernight ? now < ends : now >= begins && now < ends) return (startMinute + ends) * MINUTE_MS;
  return 0;
}

function minuteOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}
