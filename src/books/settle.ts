import type { TermsContext } from '../terms/agreed.ts';
import { type BalanceBody, BLANK_ENTRY } from './balances.ts';
import type { Books } from './books.ts';
import { outstandingNanos } from './invoices.ts';
import { balanceTermsOf } from './prepaid-terms.ts';
import { DAY_MS } from '../domain/zone.ts';

/**
 * What final invoices come to beyond what their days were charged: debits of earlier invoices, credit notes, a rounding of
 * other bounds. Charged to the balance, or given back to it, naming the invoice; once, since it counts as charged afterwards.
 */
export function settlementsDue(books: Books, account: string, nowMs: number, context: TermsContext, by: string): BalanceBody[] {
  const expiryDays = expiryDaysOf(context, account, nowMs);
  return books.statesOf(account).flatMap((state) => {
    const { id, head, status, chargedNanos } = state;
    if (head.type !== 'invoice' || !head.final) return [];
    const days = books
      .balanceEntriesOf({ id, head })
      .reduce((sum, entry) => sum - (entry.day === null ? 0n : BigInt(entry.amount_nanos)), 0n);
    // The days of a void invoice are open again; what settled its rest goes back.
    const rest = status === 'void' ? days - chargedNanos : outstandingNanos(state);
    if (rest === 0n) return [];
    const notes = books.notesOn(id);
    const credit = rest < 0n && notes.length > 0 && status !== 'void';
    return [
      {
        ...BLANK_ENTRY,
        account,
        currency: head.currency,
        kind: 'invoice',
        at: nowMs,
        amount_nanos: (-rest).toString(),
        due_at: rest > 0n ? Math.max(head.due_at, nowMs) : null,
        invoice: id,
        expires_at: credit && expiryDays !== null ? nowMs + expiryDays * DAY_MS : null,
        source: credit
          ? `credit notes ${notes.map((note) => note.head.number ?? 0).join(', ')} on invoice ${head.number ?? 0}`
          : `the rest of invoice ${head.number ?? 0}${status === 'void' ? ', which is void' : ''}`,
        by,
      },
    ];
  });
}

/** How long a credit kept as balance lasts; null: for good. */
function expiryDaysOf(context: TermsContext, account: string, atMs: number): number | null {
  const credit = balanceTermsOf(context, account, atMs).sheet?.credit;
  return credit === undefined || credit.kind === 'none' ? null : credit.expires_after_days;
}
