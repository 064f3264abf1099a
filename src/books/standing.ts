import type { BooksContext } from './context.ts';
import { type BalanceState, ledgerEntry } from './balances.ts';
import { balanceOf, belowSince, type Debt, debtsOf } from './coverage.ts';
import { outstandingNanos } from './invoices.ts';
import { parseAmount } from '../domain/money.ts';
import { balanceTermsOf } from './prepaid-terms.ts';

/** How an account stands at an instant. */
export interface Standing {
  balanceNanos: bigint;
  thresholdNanos: bigint;
  state: BalanceState;
  /** When the state began; null: it has always been so. */
  sinceMs: number | null;
  /** When each state that holds now began; the worst of them is the state. */
  began: Partial<Record<BalanceState, number>>;
  /** The clause by which it is suspended. */
  clause: string | null;
  /** Charges that the balance has not covered. */
  unpaid: readonly Debt[];
}

/**
 * The standing of an account: `overdue` as soon as a charge, or a final invoice of an account without daily charges, is not
 * covered when it falls due; `suspended` so long after that as its terms say; `low` below the account's threshold.
 */
export function standingOf(context: BooksContext, account: string, nowMs: number): Standing {
  const { books } = context;
  const entries = books.balanceOf(account).map(ledgerEntry);
  const balanceNanos = balanceOf(entries);
  const thresholdNanos = parseAmount(context.catalog.account(account)?.body.low_balance ?? '0') ?? 0n;
  const unpaid = debtsOf(entries, nowMs).filter((debt) => debt.unpaidNanos > 0n);
  const dueInvoices = books
    .statesOf(account)
    .filter(({ head, status }) => head.type === 'invoice' && status === 'final')
    .filter((each) => outstandingNanos(each) > 0n)
    .map(({ head }) => head.due_at);
  const overdueMs = [...unpaid.map((debt) => debt.dueAtMs), ...dueInvoices]
    .filter((at) => at <= nowMs)
    .reduce<number | null>((first, at) => (first === null || at < first ? at : first), null);
  const { suspend } = balanceTermsOf(context, account, nowMs);
  const began: Standing['began'] = {};
  const lowMs = entries.length === 0 ? null : belowSince(entries, thresholdNanos, nowMs);
  if (lowMs !== null) began.low = lowMs;
  if (overdueMs !== null) began.overdue = overdueMs;
  const suspendedMs = overdueMs === null || suspend === null ? null : overdueMs + suspend.afterMs;
  if (suspendedMs !== null && suspendedMs <= nowMs) began.suspended = suspendedMs;
  const state = (['suspended', 'overdue', 'low'] as const).find((each) => began[each] !== undefined) ?? 'ok';
  const clause = state === 'suspended' ? (suspend?.clause ?? null) : null;
  return {
    balanceNanos,
    thresholdNanos,
    state,
    sinceMs: began[state] ?? recoveredAt(context, account),
    began,
    clause,
    unpaid,
  };
}

/** When an account was last recorded to be well again. */
function recoveredAt(context: BooksContext, account: string): number | null {
  return context.books.balanceOf(account).findLast((entry) => entry.state?.is === 'ok')?.state?.since ?? null;
}
