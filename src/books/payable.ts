import type { BooksContext } from './context.ts';
import { allocate } from '../ledger/allocation.ts';
import { compareEntries } from '../ledger/entry.ts';

/** Money of an account that pays nothing and is kept for nothing; and how much of it the terms give to the balance only. */
export interface FreeMoney {
  readonly freeNanos: bigint;
  readonly boundNanos: bigint;
}

/**
 * An account's free money, as far as the balance has held it up to an instant (infinity: all that is there). Of what is spent the account's own money
 * goes first, so that what the terms keep here is never paid out.
 */
export function freeMoneyOf({ books }: Pick<BooksContext, 'books'>, account: string, atMs = Infinity): FreeMoney {
  const { entries, claims, funds, allocation } = books.ledgerOf(account);
  const kept = new Map(books.balanceOf(account).map((row) => [row.id, row.kind === 'refund']));
  let balance = 0n;
  let bound = 0n;
  for (const { id, atMs: from, amountNanos } of entries.toSorted(compareEntries)) {
    if (from > atMs) break;
    balance += amountNanos;
    if (kept.get(id) === true) bound += amountNanos;
    if (bound > balance) bound = balance < 0n ? 0n : balance;
  }
  const { freeNanos } = atMs === Infinity ? allocation : allocate(claims, funds, atMs);
  const free = freeNanos < 0n ? 0n : freeNanos;
  return { freeNanos: free, boundNanos: bound < free ? bound : free };
}

/** What of an account's free money may leave it. */
export function payableNanos(context: Pick<BooksContext, 'books'>, account: string): bigint {
  const { freeNanos, boundNanos } = freeMoneyOf(context, account);
  return freeNanos - boundNanos;
}
