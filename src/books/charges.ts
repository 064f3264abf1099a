import type { BooksContext } from './context.ts';
import { ledgerEntry } from './balances.ts';
import { debtsOf } from './coverage.ts';
import type { OverdueInvoice } from '../rating/late-fee.ts';

/** The daily charges of an account as late fees are computed from them: each with what covered it, and when. */
export function chargesOf(context: BooksContext, account: string): OverdueInvoice[] {
  const entries = context.books.balanceOf(account);
  const dates = new Map(entries.map((entry) => [entry.id, entry.day?.date ?? entry.invoice ?? entry.id]));
  return debtsOf(entries.map(ledgerEntry)).map(({ id, dueAtMs, principalNanos, payments }) => ({
    id,
    number: dates.get(id) ?? id,
    principalNanos,
    dueAtMs,
    payments,
  }));
}
