import type { OverdueInvoice } from '../rating/late-fee.ts';
import type { BooksContext } from './context.ts';

/** What an account owed and how it was paid, as late fees are computed from it: its days, and the rest of its invoices. */
export interface Owed {
  readonly days: OverdueInvoice[];
  readonly invoices: OverdueInvoice[];
}

/** Every claim of an account with what of its principal was covered, and when. */
export function owedOf({ books }: BooksContext, account: string): Owed {
  const dates = new Map(books.balanceOf(account).flatMap(({ id, day }) => (day === null ? [] : [[id, day.date] as const])));
  const owed: Owed = { days: [], invoices: [] };
  for (const { claim, payments } of books.ledgerOf(account).allocation.claims) {
    const { id, dueAtMs, principalNanos } = claim;
    const date = dates.get(id);
    const one = { id, principalNanos, dueAtMs, payments };
    if (date !== undefined) owed.days.push({ ...one, number: date });
    else owed.invoices.push({ ...one, number: (books.state(id)?.head.number ?? 0).toString() });
  }
  return owed;
}
