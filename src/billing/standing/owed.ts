import { ledgerEntry } from '../../books/balances.ts';
import { debtsOf } from '../../books/coverage.ts';
import { outstandingNanos } from '../../books/invoices.ts';
import type { BillingContext } from '../context.ts';

/** What an account owes: an invoice, or a day that was charged to its balance. */
export interface OwedItem {
  /** Of the invoice, or of the day's charge. */
  readonly id: string;
  readonly isDay: boolean;
  readonly dueAtMs: number;
  readonly unpaidNanos: bigint;
}

/**
 * What was due by an instant and not paid by one, by what is known now: what is booked later with an earlier instant counts. What was due first comes first.
 */
export function overdueAt({ books }: Pick<BillingContext, 'books'>, account: string, atMs: number, dueByMs = atMs): OwedItem[] {
  const days = debtsOf(books.balanceOf(account).map(ledgerEntry), atMs).map((debt) => ({ ...debt, isDay: true }));
  const invoices = books.statesOf(account).flatMap((state) => {
    const { id, head, status, settlements } = state;
    if (head.type !== 'invoice' || (status !== 'final' && status !== 'paid')) return [];
    const later = settlements
      .filter(({ at }) => at > atMs)
      .reduce((sum, { action, amount_nanos }) => sum + (action === 'refund' ? -BigInt(amount_nanos) : BigInt(amount_nanos)), 0n);
    return [{ id, isDay: false, dueAtMs: head.due_at, unpaidNanos: outstandingNanos(state) + later }];
  });
  return [...days, ...invoices]
    .filter(({ dueAtMs, unpaidNanos }) => dueAtMs <= dueByMs && unpaidNanos > 0n)
    .map(({ id, isDay, dueAtMs, unpaidNanos }) => ({ id, isDay, dueAtMs, unpaidNanos }))
    .sort((a, b) => a.dueAtMs - b.dueAtMs || (a.id < b.id ? -1 : 1));
}
