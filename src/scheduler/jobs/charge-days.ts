import { chargedVmsOf } from '../../billing/charges/by-the-day.ts';
import { chargeDays } from '../../billing/charges/charge-days.ts';
import { daysOver, openEntries } from '../../billing/charges/days-open.ts';
import { inBatches, readTogether } from '../../billing/together.ts';
import { attempt } from '../failure.ts';
import type { Job, JobContext, Part, Turn } from '../job.ts';

/** The watermark has to pass the end of the day, and the last samples to be stored. */
const DELAY_MS = 10 * 60_000;

/** A day of a prepaid account's use is charged once it is over, and what earlier days have become since is corrected. */
export const chargeDaysJob: Job = {
  name: 'charge-days',
  does: 'charges the days that are over to accounts whose terms charge by the day, and settles and suspends as they say',
  every: 'day',
  delayMs: DELAY_MS,
  isTogether: false,
  async *run(context, turn) {
    const { billing } = context;
    const isDaily = (account: string): boolean =>
      chargedVmsOf(billing, account) !== undefined || openEntries(billing.books, account).length > 0;
    const daily = new Set(turn.accounts.filter(isDaily));
    for (const accounts of inBatches(billing.catalog, [...daily])) {
      const together = { ...context, billing: readTogether(billing, accounts) };
      for (const account of accounts) yield await attempt(account, () => part(together, turn, account));
    }
    for (const account of turn.accounts)
      if (!daily.has(account)) yield await attempt(account, () => part(context, turn, account));
  },
};

async function part({ billing }: JobContext, { slot, dryRun, by }: Turn, account: string): Promise<Part> {
  const nowMs = billing.businessNow();
  const untilMs = slot.toMs;
  if (dryRun) {
    const days = daysOver(billing, account, nowMs, untilMs);
    return days === 0 ? { account, outcome: 'nothing' } : { account, outcome: 'changed', counts: { days } };
  }
  let entries = 0;
  let waiting: string | null = null;
  for (let more = true, isBegun = false; more; isBegun = true) {
    const run = await chargeDays(billing, account, { nowMs, untilMs, by, isBegun });
    entries += run.entries.length;
    ({ more, waiting } = run);
  }
  const counts = entries === 0 ? {} : { entries };
  if (waiting !== null) {
    const reason = `the usage of ${waiting} is not complete yet`;
    return { account, outcome: 'waiting', counts, code: 'not_metered', reason };
  }
  return { account, outcome: entries === 0 ? 'nothing' : 'changed', counts };
}
