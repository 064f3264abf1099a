import type { Books } from '../../books/books.ts';
import type { GrantBody } from '../../books/grants.ts';
import { formatAmount } from '../../domain/money.ts';
import type { GrantNote } from './grant-notes.ts';
import { type Grantable, nothingToGrant } from './grantable.ts';

export interface GrantMoney {
  readonly amountNanos: bigint;
  readonly freed: GrantBody['freed'];
}

/**
 * How much a grant gives back: what is due, and no more than becomes free by it. Of an invoice that is what its credit note takes back and nobody owes;
 * of time that no invoice has charged what is left of the payment for its term. Throws `nothing_to_grant` where that is nothing.
 */
export function grantMoney(books: Books, of: Grantable, notes: readonly GrantNote[], begunNanos: bigint | undefined): GrantMoney {
  const { account, vm, currency, dueNanos, untilMs } = of;
  const { allocation, daysOn } = books.ledgerWithout(account, new Set(notes.map(({ id }) => id)));
  const unpaid = (id: string): bigint => allocation.byId.get(id)?.unpaidNanos ?? 0n;
  let fromInvoices = 0n;
  for (const { invoice, nanos } of notes) {
    const days = daysOn.get(invoice) ?? [];
    fromInvoices += notBelow0(nanos - days.reduce((sum, { id }) => sum + unpaid(id), unpaid(invoice)));
  }
  const terms = allocation.terms.filter((term) => term.vm === vm && term.untilMs === untilMs);
  const left = terms.reduce((sum, { nanos, usedNanos }) => sum + notBelow0(nanos - usedNanos), 0n);
  const fromTerms = least(left, notBelow0(dueNanos - fromInvoices));
  // One that was begun and cut off gives what its event says.
  const amountNanos = begunNanos ?? least(dueNanos, fromInvoices + fromTerms);
  if (amountNanos <= 0n) {
    const due = `${formatAmount(dueNanos, currency)} ${currency}`;
    throw nothingToGrant(
      `${due} are due by refund check ${of.check}, but the ledger of ${account} has no payment for that time of ${vm}: record it, with what it covers`,
    );
  }
  let rest = amountNanos;
  const taken = notes.reduce((sum, { nanos }) => sum + nanos, 0n);
  const freed = terms.flatMap(({ fromMs: from, untilMs: until, nanos, usedNanos }) => {
    const most = least(notBelow0(nanos), notBelow0(nanos - usedNanos) + taken);
    const own = least(rest, most);
    rest -= own;
    return own === 0n ? [] : [{ from, until, nanos: own.toString() }];
  });
  return { amountNanos, freed };
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const notBelow0 = (value: bigint): bigint => (value < 0n ? 0n : value);
