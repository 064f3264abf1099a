import type { Books } from './books.ts';
import type { VmBody } from '../catalog/bodies.ts';
import { parseAmount } from '../domain/money.ts';

/** What was paid for a VM in advance, and for which time. */
export interface PaidTerm {
  readonly paidAtMs: number;
  readonly fromMs: number;
  /** Where a part of it was refunded, the instant from which on it was. */
  readonly untilMs: number;
  readonly nanos: bigint;
}

/**
 * The term of a VM that was paid last, by payments up to an instant that cover one: several for the same term are one, paid when the last of them came.
 * Undefined where no payment says it covers a term of the VM.
 */
export function paidTermOf(books: Books, account: string, vm: string, atMs = Infinity): PaidTerm | undefined {
  const terms = new Map<string, PaidTerm>();
  let last: PaidTerm | undefined;
  const paid = books.balanceOf(account).flatMap(({ covers, at, amount_nanos }) => {
    if (at > atMs || covers === null || covers === undefined || !('vm' in covers) || covers.vm !== vm) return [];
    return [{ ...covers, at, amount_nanos }];
  });
  for (const { from: fromMs, until: untilMs, at, amount_nanos } of paid.sort((a, b) => a.at - b.at)) {
    const key = `${fromMs} ${untilMs}`;
    last = { paidAtMs: at, fromMs, untilMs, nanos: (terms.get(key)?.nanos ?? 0n) + BigInt(amount_nanos) };
    terms.set(key, last);
  }
  if (last === undefined) return undefined;
  const { paidAtMs } = last;
  const ends = books.grants
    .ofVm(account, vm)
    .flatMap(({ at, ends_at: endsAt }) => (at >= paidAtMs && at <= atMs ? [endsAt] : []));
  return { ...last, untilMs: Math.min(last.untilMs, ...ends) };
}

/** `paid_at`, `paid_until` and `paid_amount` of a VM: what its payments say; where none covers a term, what was declared with it. */
export function paidOf(
  books: Books,
  vm: string,
  body: VmBody,
  atMs = Infinity,
): { atMs: number | null; fromMs: number | null; untilMs: number | null; nanos: bigint | null } {
  const term = paidTermOf(books, body.account, vm, atMs);
  if (term !== undefined) return { atMs: term.paidAtMs, fromMs: term.fromMs, untilMs: term.untilMs, nanos: term.nanos };
  const nanos = body.paid_amount === null ? null : (parseAmount(body.paid_amount) ?? null);
  return { atMs: body.paid_at, fromMs: null, untilMs: body.paid_until, nanos };
}
