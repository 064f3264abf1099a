import type { BooksContext } from './context.ts';
import { compareEntries } from '../ledger/entry.ts';

/**
 * What of an account's free money may leave it: less what refunds gave to the balance only, as far as the balance has held it since. Of what is spent the
 * account's own money goes first, so that what the terms keep here is never paid out.
 */
export function payableNanos({ books }: Pick<BooksContext, 'books'>, account: string): bigint {
  const { entries, allocation } = books.ledgerOf(account);
  const kept = new Map(books.balanceOf(account).map((row) => [row.id, row.kind === 'refund']));
  let balance = 0n;
  let bound = 0n;
  for (const { id, amountNanos } of entries.toSorted(compareEntries)) {
    balance += amountNanos;
    if (kept.get(id) === true) bound += amountNanos;
    if (bound > balance) bound = balance < 0n ? 0n : balance;
  }
  const free = allocation.freeNanos - bound;
  return free < 0n ? 0n : free;
}
