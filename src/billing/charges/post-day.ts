import type { Books, BooksEntry } from '../../books/books.ts';
import { type BalanceBody, BLANK_ENTRY } from '../../books/balances.ts';
import { dayEnd, type LocalDay, MINUTE_MS } from '../../domain/zone.ts';
import { ProblemError } from '../../problems/problem.ts';
import { dateText } from '../../rating/served.ts';
import type { BillingContext } from '../context.ts';
import { rateDocument, type RatedDocument } from '../document.ts';
import type { DayRun } from './by-the-day.ts';
import { openEntries } from './days-open.ts';

type Part = NonNullable<BalanceBody['day']>['parts'][number];

const ATTEMPTS_MAX = 20;

/** Writes what is decided to be written, in one insert. */
export function write(books: Books, decide: () => BalanceBody[], by: string): Promise<string[]> {
  return books.writeAll(
    (_, newId) => decide().map((body): BooksEntry => ({ kind: 'balance', id: newId(), body: JSON.stringify(body) })),
    by,
  );
}

/**
 * Rates a run as its invoice would be, but for VMs that are charged by the invoice's period, and without what earlier invoices lacked: both are settled with
 * the invoice.
 */
export function ratedRun(
  context: BillingContext,
  account: string,
  { fromMs, vms }: DayRun,
  toMs: number,
): Promise<RatedDocument> {
  return rateDocument(context, account, fromMs, toMs, { vms });
}

/** What a run comes to, less what was posted for its days, by VM and kind of line. */
export function unposted(
  context: BillingContext,
  account: string,
  { lines }: RatedDocument,
  { fromMs }: DayRun,
  toMs: number,
): Part[] {
  const sums = new Map<string, { vm: string | null; kind: Part['kind']; nanos: bigint }>();
  const add = (vm: string | null, kind: Part['kind'], nanos: bigint): void => {
    const key = `${vm ?? ''} ${kind}`;
    const sum = sums.get(key) ?? { vm, kind, nanos: 0n };
    sums.set(key, { ...sum, nanos: sum.nanos + nanos });
  };
  for (const line of lines) add(line.vm, line.kind, line.amountNanos);
  for (const { day } of openEntries(context.books, account)) {
    if (day.from < fromMs || day.to > toMs) continue;
    for (const part of day.parts) add(part.vm, part.kind, -BigInt(part.nanos));
  }
  return [...sums.values()].filter((part) => part.nanos !== 0n).map((part) => ({ ...part, nanos: part.nanos.toString() }));
}

/** A day to be charged, or corrected. */
export interface Posting {
  readonly run: DayRun;
  readonly day: LocalDay;
  readonly by: string;
  /** The run as it was just rated, for the first attempt. */
  readonly document?: RatedDocument;
}

/** Posts a day's charge, or a correction on it; another run that was faster makes it nothing. */
export async function postDay(
  context: BillingContext,
  account: string,
  kind: 'charge' | 'correction',
  { run, day, by, document }: Posting,
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
    const now = attempt === 0 && document !== undefined ? document : await ratedRun(context, account, run, to);
    const parts = unposted(context, account, now, run, to);
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
            due_at: amount < 0n ? to + run.withinMs : null,
            day: { from, to, date, run_from: run.fromMs, parts },
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
