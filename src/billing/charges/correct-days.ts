import { dayEnd, type LocalDay, localDay, MINUTE_MS } from '../../domain/zone.ts';
import type { BillingContext } from '../context.ts';
import { zoneOfAccount } from '../period.ts';
import { type ChargedVms, type DayRun, runOf } from './by-the-day.ts';
import { earliestOf, openEntries } from './days-open.ts';
import { postDay, ratedRun, unposted } from './post-day.ts';

/** A day that was charged, and what it was rated together with. */
interface ChargedDay {
  readonly day: LocalDay;
  readonly run: DayRun;
}

/**
 * The days charged before, by run, rated again. Where a run comes to something else, its days are corrected one by one, from the first on: what a day is
 * owed, and so every late fee, is then as if all had been known when it was charged.
 */
export async function correctDays(context: BillingContext, account: string, vms: ChargedVms, by: string): Promise<string[]> {
  const made: string[] = [];
  for (const days of daysByRun(context, account, vms)) {
    const last = days.at(-1);
    if (last === undefined) continue;
    const endMs = dayEnd(last.day) * MINUTE_MS;
    const rated = await ratedRun(context, account, last.run, endMs);
    if (unposted(context, account, rated, last.run, endMs).length === 0) continue;
    for (const { day, run } of days) {
      const id = await postDay(context, account, 'correction', { run, day, by });
      if (id !== undefined) made.push(id);
    }
  }
  return made;
}

/** The days of an account that no final invoice holds, in order, those that are rated together by themselves. */
function daysByRun({ catalog, books }: BillingContext, account: string, vms: ChargedVms): Iterable<readonly ChargedDay[]> {
  const zone = zoneOfAccount(catalog, account);
  const begins = [...new Set(openEntries(books, account).map(({ day }) => day.from))].sort((a, b) => a - b);
  const [firstMs = 0] = begins;
  const runs = new Map<number, ChargedDay[]>();
  for (const from of begins) {
    const day = localDay(zone, from / MINUTE_MS);
    const run = runOf(vms, zone, day, earliestOf(books, account, zone, day, firstMs));
    const days = runs.get(run.fromMs) ?? [];
    days.push({ day, run });
    runs.set(run.fromMs, days);
  }
  return runs.values();
}
