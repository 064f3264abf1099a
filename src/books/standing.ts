import type { BooksContext } from './context.ts';
import type { BalanceState } from './balances.ts';
import { allocate, type Paid } from '../ledger/allocation.ts';
import { balanceAt } from '../ledger/entry.ts';
import { belowSince } from '../ledger/lots.ts';
import { parseAmount, roundToMinor } from '../domain/money.ts';
import { vmsOwedFor } from './charges.ts';
import { sheetsOwedUnder, suspensionUnder } from './prepaid-terms.ts';

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
  /** Charges that are not paid in full, in the order in which they fall due. */
  unpaid: readonly Paid[];
}

/**
 * What an account owes at an instant, invoice by invoice and day by day, in the order in which it falls due: what was issued by then, less what was
 * paid by then. Late fees, reminders and suspension follow from this.
 */
export function owedAt({ books }: Pick<BooksContext, 'books'>, account: string, atMs: number): readonly Paid[] {
  const { claims, funds } = books.ledgerOf(account);
  return allocate(claims, funds, atMs).claims.filter(({ unpaidNanos }) => unpaidNanos > 0n);
}

/** What is open of an invoice at an instant, of a day by the id of its charge: 0 where nothing is, or nothing was issued. */
export function outstandingAt(context: Pick<BooksContext, 'books'>, account: string, id: string, atMs: number): bigint {
  return owedAt(context, account, atMs).find(({ claim }) => claim.id === id)?.unpaidNanos ?? 0n;
}

/** The sum of an account's entries that hold at an instant. */
export function balanceOfAccount({ books }: Pick<BooksContext, 'books'>, account: string, atMs = Infinity): bigint {
  return balanceAt(books.ledgerOf(account).entries, atMs);
}

/**
 * The standing of an account: `overdue` as soon as a day, or an invoice, is not paid when it falls due; `suspended` so long after that as its terms
 * say; `low` where the money that is there for days to come is below the account's threshold.
 */
export function standingOf(context: BooksContext, account: string, nowMs: number): Standing {
  const balanceNanos = balanceOfAccount(context, account);
  const body = context.catalog.account(account)?.body;
  // Versions of before took one with more digits than the currency has.
  const thresholdNanos = roundToMinor(parseAmount(body?.low_balance ?? '0') ?? 0n, body?.currency ?? '');
  const unpaid = owedAt(context, account, nowMs);
  const overdueMs = unpaid
    .map(({ claim }) => claim.dueAtMs)
    .filter((at) => at <= nowMs)
    .reduce<number | null>((first, at) => (first === null || at < first ? at : first), null);
  const suspension = suspensionOf(context, account, unpaid, nowMs);
  const began: Standing['began'] = {};
  const { ahead } = context.books.ledgerOf(account).allocation;
  const lowMs = holdsMoneyAhead(context, account) ? belowSince(ahead, thresholdNanos, nowMs) : null;
  if (lowMs !== null) began.low = lowMs;
  if (overdueMs !== null) began.overdue = overdueMs;
  if (suspension !== null && suspension.atMs <= nowMs) began.suspended = suspension.atMs;
  const state = (['suspended', 'overdue', 'low'] as const).find((each) => began[each] !== undefined) ?? 'ok';
  const clause = state === 'suspended' ? (suspension?.clause ?? null) : null;
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

/** When an account is to be suspended for what it owes, by the sheets of whom it owes it for; null: none of them says. */
function suspensionOf(
  context: BooksContext,
  account: string,
  unpaid: readonly Paid[],
  nowMs: number,
): { atMs: number; clause: string } | null {
  let first: { atMs: number; clause: string } | null = null;
  for (const { claim } of unpaid) {
    if (claim.dueAtMs > nowMs) continue;
    const sheets = sheetsOwedUnder(context, account, vmsOwedFor(context, account, claim), nowMs);
    const rule = suspensionUnder(sheets);
    if (rule === null) continue;
    const atMs = claim.dueAtMs + rule.afterMs;
    if (first === null || atMs < first.atMs) first = { atMs, clause: rule.clause };
  }
  return first;
}

/** Whether an account ever held money in advance: one that pays by the invoice only is never low. */
function holdsMoneyAhead({ books }: BooksContext, account: string): boolean {
  return books.balanceOf(account).some(({ kind, covers }) => kind !== 'invoice' && kind !== 'state' && (covers ?? null) === null);
}

/** When an account was last recorded to be well again. */
function recoveredAt(context: BooksContext, account: string): number | null {
  return context.books.balanceOf(account).findLast((entry) => entry.state?.is === 'ok')?.state?.since ?? null;
}
