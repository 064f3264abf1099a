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
  const moves = [
    ...entries.map((entry) => ({ ...entry, boundNanos: kept.get(entry.id) === true ? entry.amountNanos : 0n })),
    // What a grant leaves in the account moves no money: it is the account's already.
    ...books.grants
      .of(account)
      .flatMap(({ destination, amount_nanos, at, ...grant }) =>
        destination === 'balance' ? [{ ...grant, atMs: at, amountNanos: 0n, boundNanos: BigInt(amount_nanos) }] : [],
      ),
  ];
  let balance = 0n;
  let bound = 0n;
  for (const { atMs: from, amountNanos, boundNanos } of moves.sort(compareEntries)) {
    if (from > atMs) break;
    balance += amountNanos;
    bound += boundNanos;
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
