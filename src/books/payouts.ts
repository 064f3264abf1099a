import type { BooksContext } from './context.ts';
import { formatAmount } from '../domain/money.ts';
import { ProblemError } from '../problems/problem.ts';
import { freeMoneyOf } from './payable.ts';
import { moneyBody, referenced, referenceTaken, refuseFuture, refuseNoteOf } from './payments.ts';
import { bindingClause } from './prepaid-terms.ts';

/** Money that leaves an account, as somebody reports it. */
export interface PayoutRequest {
  /** Unique in its account. */
  readonly reference: string;
  /** Above 0. */
  readonly amountNanos: bigint;
  readonly atMs: number;
  readonly note: string;
  readonly by: string;
  /** Business time. */
  readonly nowMs: number;
}

/**
 * Records what was paid out of an account. The same again is the same payout: `isNew` says which it was. Throws `reference_taken`, `balance_bound` for
 * money that the terms keep where it is, `balance_conflict` for more than is free, at its instant and now.
 */
export async function recordPayout(
  context: BooksContext,
  account: string,
  request: PayoutRequest,
): Promise<{ id: string; isNew: boolean }> {
  const { books } = context;
  const { reference, amountNanos, atMs, note, by } = request;
  refuseFuture(atMs, request.nowMs);
  let same: string | undefined;
  const id = await books.write((_, newId) => {
    same = samePayout(context, account, request);
    if (same !== undefined) return undefined;
    refuseBound(context, account, request);
    const body = moneyBody(context, account, {
      ...{ kind: 'payout' as const, atMs, amountNanos: -amountNanos, covers: null, reference, note, by },
    });
    return { kind: 'balance', id: newId(), body: JSON.stringify(body) };
  }, by);
  return { id: id ?? same ?? '', isNew: id !== undefined };
}

/** The id of a payout of the same content under its reference; undefined: there is none. Throws `reference_taken`. */
function samePayout(
  { books }: BooksContext,
  account: string,
  { reference, amountNanos, atMs }: PayoutRequest,
): string | undefined {
  const before = referenced(books, account, reference);
  if (before !== undefined) {
    const isSame = before.kind === 'payout' && BigInt(before.amount_nanos) === -amountNanos && before.at === atMs;
    if (isSame) return before.id;
    throw referenceTaken(account, reference, before.id);
  }
  refuseNoteOf(books, account, reference);
  return undefined;
}

function refuseBound(context: BooksContext, account: string, { amountNanos, atMs, nowMs }: PayoutRequest): void {
  const clause = bindingClause(context, account, 'withdrawal', atMs) ?? bindingClause(context, account, 'withdrawal', nowMs);
  if (clause !== undefined)
    throw new ProblemError('balance_bound', `the balance of ${account} may not be paid out: ${clause}`, { clause });
  const currency = context.catalog.account(account)?.body.currency ?? '';
  // What leaves at an instant has to be free by then, and not have been spent since.
  for (const { freeNanos, boundNanos } of [freeMoneyOf(context, account, atMs), freeMoneyOf(context, account)]) {
    if (freeNanos - boundNanos >= amountNanos) continue;
    const free = `${formatAmount(freeNanos - boundNanos, currency)} ${currency}`;
    if (freeNanos < amountNanos)
      throw new ProblemError(
        'balance_conflict',
        `only ${free} of ${account} is free to go: the rest pays something, or is kept for it`,
      );
    const kept = `${formatAmount(boundNanos, currency)} ${currency} were refunded to the balance only`;
    throw new ProblemError('balance_bound', `only ${free} of ${account} is free to go: ${kept}`, { clause: kept });
  }
}
