import type { Books, BooksEntry } from '../../books/books.ts';
import type { BillingContext } from '../context.ts';
import { type BalanceBody, type BalanceEntry, BLANK_ENTRY } from '../../books/balances.ts';
import { rateDocument, type RatedDocument } from '../document.ts';
import { zoneOfAccount } from '../period.ts';
import { lapsesOf } from '../../ledger/lots.ts';
import { dayEnd, type LocalDay, localDay, MINUTE_MS, monthStart, type Zone } from '../../domain/zone.ts';
import { ProblemError } from '../../problems/problem.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import { dateText } from '../../rating/served.ts';
import { owedAt } from '../../books/standing.ts';
import { carryOutOwed } from '../standing/carry-out.ts';
import { recordState } from './suspend.ts';
import { balanceTermsOf } from '../../books/prepaid-terms.ts';

type Part = NonNullable<BalanceBody['day']>['parts'][number];

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
const ATTEMPTS_MAX = 20;

/**
 * Charges the days of an account to its prepaid balance, where its terms charge by the day. The days since the last final
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
  const { chargeWithinMs } = balanceTermsOf(context, account, nowMs);
  let waiting: string | null = null;
  let more = false;
  if (chargeWithinMs !== null) {
    if (!isBegun) entries.push(...(await correctRuns(context, account, { withinMs: chargeWithinMs, by })));
    for (let n = 0; ; n += 1) {
      more = n > 0 && (n === DAYS_MAX || !inTime());
      if (more) break;
      const made = await chargeNext(context, account, { nowMs, fromMs, untilMs, by, chargeWithinMs });
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

/** Writes what is decided to be written, in one insert. */
export function write(books: Books, decide: () => BalanceBody[], by: string): Promise<string[]> {
  return books.writeAll(
    (_, newId) => decide().map((body): BooksEntry => ({ kind: 'balance', id: newId(), body: JSON.stringify(body) })),
    by,
  );
}

/** The end of the last final invoice of an account: days before it are settled by invoices. */
function invoicedTo(books: Books, account: string): number {
  return books
    .statesOf(account)
    .filter(({ head, status }) => head.type === 'invoice' && head.final && status !== 'void')
    .reduce((last, { head }) => Math.max(last, head.to), 0);
}

/** Charges and corrections of days that no final invoice holds. */
function openEntries(books: Books, account: string): (BalanceEntry & { day: NonNullable<BalanceBody['day']> })[] {
  const since = invoicedTo(books, account);
  return books
    .balanceOf(account)
    .flatMap((entry) => (entry.day !== null && entry.day.from >= since ? [{ ...entry, day: entry.day }] : []));
}

/** Where the days that are rated together with a day begin. */
function runFromOf(books: Books, account: string, zone: Zone, day: LocalDay, firstMs: number): number {
  return Math.max(monthStart(zone, day) * MINUTE_MS, invoicedTo(books, account), firstMs);
}

/**
 * The days charged before, by run, rated again. Where a run comes to something else, its days are corrected one by one, from the first on: what a day is
 * owed, and so every late fee, is then as if all had been known when it was charged.
 */
async function correctRuns(
  context: BillingContext,
  account: string,
  { withinMs, by }: { withinMs: number; by: string },
): Promise<string[]> {
  const { catalog, books } = context;
  const made: string[] = [];
  const runs = new Map<number, Set<number>>();
  const zone = zoneOfAccount(catalog, account);
  const firstMs = Math.min(...openEntries(books, account).map(({ day }) => day.from));
  for (const { day } of openEntries(books, account)) {
    const runFrom = runFromOf(books, account, zone, localDay(zone, day.from / MINUTE_MS), firstMs);
    runs.set(runFrom, (runs.get(runFrom) ?? new Set()).add(day.from));
  }
  for (const [runFrom, begins] of runs) {
    const days = [...begins].sort((a, b) => a - b).map((from) => localDay(zone, from / MINUTE_MS));
    const endMs = Math.max(...days.map((day) => dayEnd(day) * MINUTE_MS));
    if (unposted(context, account, await rated(context, account, runFrom, endMs), runFrom, endMs).length === 0) continue;
    for (const day of days) {
      const id = await postDay(context, account, 'correction', { runFrom, day, withinMs, by });
      if (id !== undefined) made.push(id);
    }
  }
  return made;
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
  chargeWithinMs: number;
}

/** The first day that is not charged yet. */
function nextDay(context: BillingContext, account: string, zone: Zone, fromMs?: number): LocalDay {
  const { books } = context;
  const charged = Math.max(invoicedTo(books, account), ...openEntries(books, account).map(({ day }) => day.to));
  const begin = charged > 0 ? charged : (fromMs ?? firstDayOf(context, account));
  return localDay(zone, Math.ceil(begin / MINUTE_MS));
}

/** How many days that have ended by an instant are not charged to an account yet; 0 where its terms don't charge by the day. */
export function daysOver(context: BillingContext, account: string, nowMs: number, untilMs: number): number {
  if (balanceTermsOf(context, account, nowMs).chargeWithinMs === null) return 0;
  const zone = zoneOfAccount(context.catalog, account);
  const isLate = owesDays(context, account, nowMs);
  let days = 0;
  for (let day = nextDay(context, account, zone); dayEnd(day) * MINUTE_MS <= untilMs; day = localDay(zone, dayEnd(day)))
    if (isLate || isServed(context, account, day)) days += 1;
  return days;
}

async function chargeNext(
  context: BillingContext,
  account: string,
  { nowMs, fromMs, untilMs, by, chargeWithinMs }: ChargeLimits,
): Promise<Next> {
  const { books } = context;
  const zone = zoneOfAccount(context.catalog, account);
  const open = openEntries(books, account);
  const day = nextDayWithCharges(context, account, zone, { fromMs, nowMs, untilMs });
  if (day === undefined) return {};
  const endMs = dayEnd(day) * MINUTE_MS;
  const firstMs = open.length === 0 ? day.startMinute * MINUTE_MS : Math.min(...open.map((each) => each.day.from));
  const runFrom = runFromOf(books, account, zone, day, firstMs);
  // A day whose usage is not complete yet waits as long as the terms let it.
  const document = await rated(context, account, runFrom, endMs);
  if (!document.complete && nowMs < endMs + chargeWithinMs) return { waiting: dateText(day) };
  return {
    entry: await postDay(context, account, 'charge', { runFrom, day, withinMs: chargeWithinMs, by, document }),
  };
}

/** The next day that is over and may come to anything: a VM is served then, or something is late. */
function nextDayWithCharges(
  context: BillingContext,
  account: string,
  zone: Zone,
  { fromMs, nowMs, untilMs }: { fromMs: number | undefined; nowMs: number; untilMs: number },
): LocalDay | undefined {
  const isLate = owesDays(context, account, nowMs);
  let day = nextDay(context, account, zone, fromMs);
  while (dayEnd(day) * MINUTE_MS <= untilMs) {
    if (isLate || isServed(context, account, day)) return day;
    day = localDay(zone, dayEnd(day));
  }
  return undefined;
}

function owesDays(context: BillingContext, account: string, nowMs: number): boolean {
  return owedAt(context, account, nowMs).some(({ claim }) => claim.isDay);
}

/** Whether any VM of an account is on a plan in a day. */
function isServed({ catalog }: BillingContext, account: string, day: LocalDay): boolean {
  return catalog.vmsOf(account).some((id) => {
    const vm = catalog.vm(id)?.body;
    const first = Math.max(vm?.starts_at ?? -Infinity, vm?.plans[0]?.from ?? Infinity);
    return first < dayEnd(day) * MINUTE_MS && (vm?.ends_at ?? Infinity) > day.startMinute * MINUTE_MS;
  });
}

/** Rates a run as its invoice would be, without what earlier invoices lacked: that is settled with the invoice. */
function rated(context: BillingContext, account: string, fromMs: number, toMs: number): Promise<RatedDocument> {
  return rateDocument(context, account, fromMs, toMs, {});
}

/** What a run comes to, less what was posted for its days, by VM and kind of line. */
function unposted(context: BillingContext, account: string, { lines }: RatedDocument, runFrom: number, toMs: number): Part[] {
  const sums = new Map<string, { vm: string | null; kind: Part['kind']; nanos: bigint }>();
  const add = (vm: string | null, kind: Part['kind'], nanos: bigint): void => {
    const key = `${vm ?? ''} ${kind}`;
    const sum = sums.get(key) ?? { vm, kind, nanos: 0n };
    sums.set(key, { ...sum, nanos: sum.nanos + nanos });
  };
  for (const line of lines) add(line.vm, line.kind, line.amountNanos);
  for (const { day } of openEntries(context.books, account)) {
    if (day.from < runFrom || day.to > toMs) continue;
    for (const part of day.parts) add(part.vm, part.kind, -BigInt(part.nanos));
  }
  return [...sums.values()].filter((part) => part.nanos !== 0n).map((part) => ({ ...part, nanos: part.nanos.toString() }));
}

interface Posting {
  runFrom: number;
  day: LocalDay;
  /** So long after its end it falls due, however late it is booked. */
  withinMs: number;
  by: string;
  /** The run as it was just rated, for the first attempt. */
  document?: RatedDocument;
}

/** Posts a day's charge, or a correction on it; another run that was faster makes it nothing. */
async function postDay(
  context: BillingContext,
  account: string,
  kind: 'charge' | 'correction',
  { runFrom, day, withinMs, by, document }: Posting,
): Promise<string | undefined> {
  const { catalog, books } = context;
  const from = day.startMinute * MINUTE_MS;
  const to = dayEnd(day) * MINUTE_MS;
  const currency = catalog.account(account)?.body.currency ?? '';
  const chargedAlready = (): boolean =>
    books.balanceOf(account).some((entry) => entry.kind === 'charge' && entry.day?.from === from);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const seen = books.accountSeq(account);
    if (kind === 'charge' && chargedAlready()) return undefined;
    const now = attempt === 0 && document !== undefined ? document : await rated(context, account, runFrom, to);
    const parts = unposted(context, account, now, runFrom, to);
    if (kind === 'correction' && parts.length === 0) return undefined;
    const amount = parts.reduce((sum, part) => sum - BigInt(part.nanos), 0n);
    const date = dateText(day);
    const seenThen = { moved: false };
    const [id] = await write(
      books,
      () => {
        seenThen.moved = books.accountSeq(account) !== seen;
        if (seenThen.moved) return [];
        return [
          {
            ...BLANK_ENTRY,
            account,
            currency,
            kind,
            at: to,
            amount_nanos: amount.toString(),
            due_at: amount < 0n ? to + withinMs : null,
            day: { from, to, date, run_from: runFrom, parts },
            source: kind === 'charge' ? `usage of ${date}` : `rated again up to ${date}`,
            by,
          },
        ];
      },
      by,
    );
    if (!seenThen.moved) return id;
  }
  throw new ProblemError('balance_conflict', `the balance of ${account} changed again and again while it was charged`);
}

/** The local day in which the first VM's service began. */
function firstDayOf({ catalog }: BillingContext, account: string): number {
  const starts = catalog.vmsOf(account).flatMap((id) => {
    const vm = catalog.vm(id)?.body;
    const start = Math.max(vm?.starts_at ?? 0, vm?.plans[0]?.from ?? 0);
    return vm === undefined || vm.plans.length === 0 ? [] : [start];
  });
  const first = Math.min(...starts);
  if (first > 0) return first === Infinity ? Number.MAX_SAFE_INTEGER / 2 : first;
  throw oneFieldProblem(
    'invalid_body',
    'from',
    `no VM of ${account} says when its service began: name the first day that is charged`,
  );
}

/** Entries that lapsed unused. */
function lapses(books: Books, account: string, nowMs: number, by: string): BalanceBody[] {
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
