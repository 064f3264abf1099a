import { type BalanceBody, BLANK_ENTRY } from '../../books/balances.ts';
import type { Books } from '../../books/books.ts';
import { lapsesOf } from '../../ledger/lots.ts';
import { dayEnd, MINUTE_MS } from '../../domain/zone.ts';
import { dateText } from '../../rating/served.ts';
import type { BillingContext } from '../context.ts';
import { zoneOfAccount } from '../period.ts';
import { carryOutOwed } from '../standing/carry-out.ts';
import { type ChargedVms, chargedVmsOf, runOf, vmsNow } from './by-the-day.ts';
import { correctDays } from './correct-days.ts';
import { earliestOf, nextDayWithCharges, openEntries } from './days-open.ts';
import { postDay, ratedRun, write } from './post-day.ts';
import { recordState } from './suspend.ts';

/** What a run did for an account. */
export interface ChargeRun {
  account: string;
  /** Entries made, in order. */
  entries: readonly string[];
  /** The day that is not charged yet because its usage is not complete; null: none is waiting. */
  waiting: string | null;
  /** Whether days that are over are left: another call goes on. */
  more: boolean;
}

/** Days charged by one call at most: another call goes on. */
const DAYS_MAX = 62;

/**
 * Charges the days of an account to its prepaid balance: of those VMs whose own terms charge by the day. The days since the last final
 * invoice, or since the month began, are rated together up to each day's end, and the day is charged what that adds: so the
 * charges of a month sum to the invoice of the month, to the nano. Days charged before are rated again, and what changed is
 * a correction. Each entry is decided where no other can come between: a run repeated, done twice at once, or cut off
 * anywhere, charges every day of every VM once. Throws `invalid_body` where the first day is not known.
 */
export async function chargeDays(
  context: BillingContext,
  account: string,
  {
    nowMs,
    fromMs,
    untilMs = nowMs,
    by,
    isBegun = false,
    inTime = () => true,
  }: {
    nowMs: number;
    fromMs?: number | undefined;
    /** Days that end later are not charged yet. */
    untilMs?: number;
    by: string;
    /** A call goes on where the one before ended, which has seen to what was charged earlier. */
    isBegun?: boolean;
    /** Whether another day may be begun; one is charged at least. */
    inTime?: () => boolean;
  },
): Promise<ChargeRun> {
  const { books } = context;
  const entries: string[] = [];
  const vms = chargedVmsOf(context, account);
  let waiting: string | null = null;
  let more = false;
  // also where no VM is charged by the day any more: what was charged by mistake is given back
  if (!isBegun) entries.push(...(await correctDays(context, account, vms ?? vmsNow(context, account), by)));
  if (vms !== undefined) {
    for (let n = 0; ; n += 1) {
      more = n > 0 && (n === DAYS_MAX || !inTime());
      if (more) break;
      const made = await chargeNext(context, account, vms, { nowMs, fromMs, untilMs, by });
      if (made.waiting !== undefined) waiting = made.waiting;
      if (made.entry === undefined) break;
      entries.push(made.entry);
    }
  }
  entries.push(...(await write(books, () => lapses(books, account, nowMs, by), by)));
  await carryOutOwed(context, account, nowMs, by);
  entries.push(...(await recordState(context, account, nowMs, by)));
  return { account, entries, waiting, more };
}

interface Next {
  entry?: string | undefined;
  waiting?: string;
}

interface ChargeLimits {
  nowMs: number;
  fromMs: number | undefined;
  untilMs: number;
  by: string;
}

async function chargeNext(
  context: BillingContext,
  account: string,
  vms: ChargedVms,
  { nowMs, fromMs, untilMs, by }: ChargeLimits,
): Promise<Next> {
  const { books } = context;
  const zone = zoneOfAccount(context.catalog, account);
  const open = openEntries(books, account);
  const day = nextDayWithCharges(context, account, vms, { zone, fromMs, nowMs, untilMs });
  if (day === undefined) return {};
  const endMs = dayEnd(day) * MINUTE_MS;
  const firstMs = open.length === 0 ? day.startMinute * MINUTE_MS : Math.min(...open.map((each) => each.day.from));
  const run = runOf(vms, zone, day, earliestOf(books, account, zone, day, firstMs));
  // A day whose usage is not complete yet waits as long as the terms let it.
  const document = await ratedRun(context, account, run, endMs);
  if (!document.complete && nowMs < endMs + run.withinMs) return { waiting: dateText(day) };
  return { entry: await postDay(context, account, 'charge', { run, day, by, document }) };
}

/** Entries that lapsed unused. */
export function lapses(books: Books, account: string, nowMs: number, by: string): BalanceBody[] {
  const entries = books.balanceOf(account);
  return lapsesOf(books.ledgerOf(account).lots, nowMs).map(({ id, atMs, nanos }) => ({
    ...BLANK_ENTRY,
    account,
    currency: entries[0]?.currency ?? '',
    kind: 'expiry',
    at: atMs,
    amount_nanos: (-nanos).toString(),
    lapsed: id,
    source: `what was left of ${id} lapsed`,
    by,
  }));
}
