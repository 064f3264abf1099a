import type { OverdueInvoice } from '../rating/late-fee.ts';
import type { Claim } from '../ledger/allocation.ts';
import { sharesOf } from '../ledger/shares.ts';
import type { BooksContext } from './context.ts';
import type { DayRow } from './days-of-account.ts';

/** What an account owed and how it was paid, as late fees are computed from it: its days, and the rest of its invoices. */
export interface Owed {
  readonly days: OverdueInvoice[];
  readonly invoices: OverdueInvoice[];
}

/** Every claim of an account with what of its principal was covered, and when. */
export function owedOf({ books }: BooksContext, account: string): Owed {
  const dates = new Map(books.balanceOf(account).flatMap(({ id, day }) => (day === null ? [] : [[id, day.date] as const])));
  const owed: Owed = { days: [], invoices: [] };
  const { allocation, daysOn } = books.ledgerOf(account);
  for (const { claim, payments } of allocation.claims) {
    const { id, dueAtMs, principalNanos } = claim;
    const date = dates.get(id);
    const shares = claim.shares === undefined ? undefined : sharesLeft(claim.shares, daysOn.get(id) ?? []);
    const one = { id, principalNanos, dueAtMs, payments, ...(shares === undefined ? {} : { shares }) };
    if (date !== undefined) owed.days.push({ ...one, number: date });
    else owed.invoices.push({ ...one, number: (books.state(id)?.head.number ?? 0).toString() });
  }
  return owed;
}

/** The VMs that a claim is owed for; undefined: not known. */
export function vmsOwedFor({ books }: Pick<BooksContext, 'books'>, account: string, { id, shares }: Claim): string[] | undefined {
  return shares === undefined ? undefined : [...sharesLeft(shares, books.ledgerOf(account).daysOn.get(id) ?? []).keys()].sort();
}

/** Whose what is left of an invoice is: less what its days were charged. Where that leaves nobody anything, as of roundings, it is whose the invoice is. */
function sharesLeft(shares: ReadonlyMap<string, bigint>, days: readonly DayRow[]): ReadonlyMap<string, bigint> {
  if (days.length === 0) return shares;
  const parts = days.flatMap(({ day }) => day.parts.map(({ vm, kind, nanos }) => ({ vm, kind, nanos: BigInt(nanos) })));
  const charged = sharesOf(parts.filter(({ kind }) => kind !== 'late_fee'));
  // A share's tax is rounded down, to the nano, once for all days and once for the invoice.
  const left = [...shares].map(([vm, nanos]) => [vm, nanos - (charged.get(vm) ?? 0n)] as const).filter(([, nanos]) => nanos > 1n);
  return left.length === 0 ? shares : new Map(left);
}
