import type { ByHand } from '../rating/by-hand.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Books } from './books.ts';
import type { HandCharge } from './hand-charges.ts';
import type { InvoiceHead } from './invoices.ts';

/** What an account is charged by hand and no final invoice has yet, in the order in which it was recorded: for its next invoice. */
export function pendingByHand(books: Books, account: string): ByHand[] {
  return books
    .chargesOf(account)
    .flatMap(({ on, ...charge }) => (on === null && charge.withdrawn === null ? [byHand(charge)] : []));
}

/** What an invoice charges by hand, in the order of its lines. */
export function billedByHand(books: Books, { account, charges = [] }: Pick<InvoiceHead, 'account' | 'charges'>): ByHand[] {
  const own = new Map(books.chargesOf(account).map((charge) => [charge.id, charge]));
  return charges.flatMap(({ id }) => {
    const charge = own.get(id);
    return charge === undefined ? [] : [byHand(charge)];
  });
}

/** Throws `invoice_conflict` unless everything that a draft charges by hand is still to be charged. */
export function checkByHand(books: Books, { account, charges = [] }: Pick<InvoiceHead, 'account' | 'charges'>): void {
  const pending = new Set(pendingByHand(books, account).map(({ id }) => id));
  const gone = charges.find(({ id }) => !pending.has(id));
  if (gone !== undefined)
    throw new ProblemError('invoice_conflict', 'what is charged by hand has changed since the draft: make the draft again', {
      charge: gone.id,
    });
}

function byHand({ id, reference, kind, description, reason, clause, vm, foreign, by, ...charge }: HandCharge): ByHand {
  return {
    ...{ id, reference, kind, description, reason, clause, vm, foreign, by },
    nanos: BigInt(charge.amount_nanos),
    taxPercent: charge.tax_percent,
    atMs: charge.at,
  };
}
