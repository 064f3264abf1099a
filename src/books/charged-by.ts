import type { VmBody } from '../catalog/bodies.ts';
import type { Books } from './books.ts';

/** By what a VM's account was charged for its service, in words; undefined if by nothing. */
export function chargedBy(
  books: Books,
  id: string,
  { account, plans, starts_at: startsAt, ends_at: endsAt }: VmBody,
): string | undefined {
  const from = Math.max(startsAt ?? 0, plans[0]?.from ?? Infinity);
  const invoice = books
    .statesOf(account)
    .find(
      ({ head, status }) =>
        head.type === 'invoice' && head.final && status !== 'void' && head.to > from && head.from < (endsAt ?? Infinity),
    );
  if (invoice !== undefined) return `invoice ${invoice.head.number ?? 0}`;
  const parts = books.balanceOf(account).flatMap(({ day }) => (day === null ? [] : day.parts.filter((part) => part.vm === id)));
  return parts.reduce((sum, part) => sum + BigInt(part.nanos), 0n) === 0n ? undefined : 'the days of its balance';
}

/** What an account has on record in its currency, in words; undefined if nothing. */
export function bookedOn(books: Books, account: string): string | undefined {
  if (books.balanceOf(account).length > 0) return 'payments or other entries';
  if (books.chargesOf(account).length > 0) return 'charges by hand';
  return books.statesOf(account).length > 0 ? 'invoices' : undefined;
}
