import type { Catalog } from '../catalog/catalog.ts';
import { type LocalDay, localDay, MINUTE_MS, monthEnd, monthStart, offsetAt, type Zone, zoneOf } from '../domain/zone.ts';
import { ProblemError } from '../problems/problem.ts';
import { utc } from './period.ts';

/** A calendar month, or a day of one. It begins and ends at other instants in other time zones. */
export interface Calendar {
  year: number;
  month: number;
  /** null: the whole month. */
  day: number | null;
}

/** Reads `2026-03` or `2026-03-05`; undefined if it is no month or day from 1970 to 2099. */
export function calendarOf(text: string): Calendar | undefined {
  const match = /^(19[7-9]\d|20\d\d)-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?$/.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  if (match[3] === undefined) return { year, month, day: null };
  const day = Number(match[3]);
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day ? { year, month, day } : undefined;
}

/** A calendar month or day in a zone. Throws `invalid_body` where the zone skipped the day. */
export function boundsIn(zone: Zone, { year, month, day }: Calendar): { fromMs: number; toMs: number } {
  // Noon is on its own day wherever the clock changes.
  const noon = Date.UTC(year, month - 1, day ?? 15, 12) / MINUTE_MS;
  const found: LocalDay = localDay(zone, noon - offsetAt(zone, noon));
  if (day === null) return { fromMs: monthStart(zone, found) * MINUTE_MS, toMs: monthEnd(zone, found) * MINUTE_MS };
  if (found.dayOfMonth !== day) throw new ProblemError('invalid_body', `${zone.name} had no such day`);
  return { fromMs: found.startMinute * MINUTE_MS, toMs: (found.startMinute + found.minutes) * MINUTE_MS };
}

/**
 * An account's period: in its own time zone if it has one, else in that of the plans it was on in the period, or else ever; UTC
 * where there was none. Plans of several zones leave it open whose days to bill: throws `invalid_reference`.
 */
export function periodOf(catalog: Catalog, account: string, calendar: Calendar): { fromMs: number; toMs: number } {
  const own = zoneOf(catalog.account(account)?.body.time_zone ?? '');
  if (own !== undefined) return boundsIn(own, calendar);
  const all = new Map<string, Zone>();
  const inPeriod = new Map<string, Zone>();
  for (const vm of catalog.vmsOf(account)) {
    const { starts_at: startsAt, ends_at: endsAt } = catalog.vm(vm)?.body ?? { starts_at: null, ends_at: null };
    const plans = catalog.datedPlans(vm);
    for (const [i, { fromMs, plan }] of plans.entries()) {
      all.set(plan.zone.name, plan.zone);
      const period = boundsIn(plan.zone, calendar);
      const from = Math.max(fromMs, startsAt ?? fromMs);
      const to = Math.min(plans[i + 1]?.fromMs ?? Infinity, endsAt ?? Infinity);
      if (from < Math.min(to, period.toMs) && to > period.fromMs) inPeriod.set(plan.zone.name, plan.zone);
    }
  }
  const zones = inPeriod.size > 0 ? inPeriod : all;
  const [only = utc()] = zones.values();
  if (zones.size > 1)
    throw new ProblemError(
      'invalid_reference',
      `its plans are in ${[...zones.keys()].sort().join(', ')}: set time_zone of the account`,
    );
  return boundsIn(only, calendar);
}
