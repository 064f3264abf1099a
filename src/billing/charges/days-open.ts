import type { BalanceBody, BalanceEntry } from '../../books/balances.ts';
import type { Books } from '../../books/books.ts';
import { owedAt } from '../../books/standing.ts';
import { dayEnd, type LocalDay, localDay, MINUTE_MS, monthStart, type Zone } from '../../domain/zone.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import type { BillingContext } from '../context.ts';
import { zoneOfAccount } from '../period.ts';
import { type ChargedVms, chargedVmsOf, firstByDayMs, isServedByDay, mayBeLate } from './by-the-day.ts';

/** The end of the last final invoice of an account: days before it are settled by invoices. */
export function invoicedTo(books: Books, account: string): number {
  return books
    .statesOf(account)
    .filter(({ head, status }) => head.type === 'invoice' && head.final && status !== 'void')
    .reduce((last, { head }) => Math.max(last, head.to), 0);
}

/** Charges and corrections of days that no final invoice holds. */
export function openEntries(books: Books, account: string): (BalanceEntry & { day: NonNullable<BalanceBody['day']> })[] {
  const since = invoicedTo(books, account);
  return books
    .balanceOf(account)
    .flatMap((entry) => (entry.day !== null && entry.day.from >= since ? [{ ...entry, day: entry.day }] : []));
}

/** The earliest instant from which days are rated together with a day: of its month, not invoiced, not before the first that was charged. */
export function earliestOf(books: Books, account: string, zone: Zone, day: LocalDay, firstMs: number): number {
  return Math.max(monthStart(zone, day) * MINUTE_MS, invoicedTo(books, account), firstMs);
}

/** How many days that have ended by an instant are not charged to an account yet; 0 where its terms don't charge by the day. */
export function daysOver(context: BillingContext, account: string, nowMs: number, untilMs: number): number {
  const vms = chargedVmsOf(context, account);
  if (vms === undefined) return 0;
  const zone = zoneOfAccount(context.catalog, account);
  const isLate = owesDays(context, account, nowMs);
  let days = 0;
  for (let day = nextDay(context, account, vms, zone); dayEnd(day) * MINUTE_MS <= untilMs; day = localDay(zone, dayEnd(day)))
    if (isServedByDay(vms, day) || (isLate && mayBeLate(vms, day))) days += 1;
  return days;
}

/** The next day that is over and may come to anything: a VM that is charged by the day is served then, or something is late. */
export function nextDayWithCharges(
  context: BillingContext,
  account: string,
  vms: ChargedVms,
  { zone, fromMs, nowMs, untilMs }: { zone: Zone; fromMs: number | undefined; nowMs: number; untilMs: number },
): LocalDay | undefined {
  const isLate = owesDays(context, account, nowMs);
  let day = nextDay(context, account, vms, zone, fromMs);
  while (dayEnd(day) * MINUTE_MS <= untilMs) {
    if (isServedByDay(vms, day) || (isLate && mayBeLate(vms, day))) return day;
    day = localDay(zone, dayEnd(day));
  }
  return undefined;
}

/** The first day that is not charged yet. */
function nextDay({ books }: BillingContext, account: string, vms: ChargedVms, zone: Zone, fromMs?: number): LocalDay {
  const charged = Math.max(invoicedTo(books, account), ...openEntries(books, account).map(({ day }) => day.to));
  const begin = charged > 0 ? charged : (fromMs ?? firstDayOf(account, vms));
  return localDay(zone, Math.ceil(begin / MINUTE_MS));
}

function owesDays(context: BillingContext, account: string, nowMs: number): boolean {
  return owedAt(context, account, nowMs).some(({ claim }) => claim.isDay);
}

/** The day in which the first service that is charged by the day began. */
function firstDayOf(account: string, vms: ChargedVms): number {
  const first = firstByDayMs(vms);
  if (first > 0) return first;
  throw oneFieldProblem(
    'invalid_body',
    'from',
    `no VM of ${account} says when its service began: name the first day that is charged`,
  );
}
