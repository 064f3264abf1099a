import type { Books, BooksEntry } from './books.ts';
import { refundEventIdOf } from './grants.ts';
import type { BooksContext } from './context.ts';
import { type BalanceBody, BLANK_ENTRY } from './balances.ts';
import { payableNanos } from './payable.ts';
import { referenced, refuseFuture } from './payments.ts';
import type { EventBody } from '../catalog/events.ts';
import { formatAmount, minorDigits, parseAmount } from '../domain/money.ts';
import { ProblemError } from '../problems/problem.ts';
import { oneFieldProblem } from '../problems/field-problems.ts';
import { bindingClause } from './prepaid-terms.ts';

/** What people book on a balance; charges and corrections are made by the runs. */
export interface Posting {
  kind: 'top_up' | 'refund' | 'adjustment' | 'withdrawal' | 'transfer';
  /** Above 0; an adjustment may be negative. */
  amount: string;
  atMs: number;
  /** The reference of a payment: booked once more under the same one, it is the same entry. */
  reference: string | null;
  note: string;
  /** Of a transfer. */
  to: string | null;
  /** Of a refund. */
  refundCheck: string | null;
  expiresAtMs: number | null;
  by: string;
}

/**
 * Books an entry on an account's balance. Returns its id; the same reference, or refund check, again is the same entry.
 * Throws `balance_bound` with the clause where the terms don't let the balance go, `balance_conflict` where too little is
 * there, `invalid_body` for an amount that is none.
 */
export async function post(context: BooksContext, account: string, posting: Posting, nowMs: number): Promise<string> {
  const { catalog, books } = context;
  const currency = catalog.account(account)?.body.currency ?? '';
  const amountNanos = nanosOf(posting.amount, currency);
  const { kind, by, to } = posting;
  if (kind === 'withdrawal' || kind === 'transfer') {
    const clause = bindingClause(context, account, kind, posting.atMs);
    if (clause !== undefined)
      throw new ProblemError(
        'balance_bound',
        `the balance of ${account} may not be ${kind === 'transfer' ? 'moved' : 'paid out'}: ${clause}`,
        { clause },
      );
  }
  if (kind === 'transfer' && (to === null || to === account || catalog.account(to)?.body.currency !== currency))
    throw new ProblemError('balance_conflict', `to: must be another account in ${currency}`);
  refuseFuture(posting.atMs, nowMs);
  const refund = kind === 'refund' ? await refundOf(context, account, posting.refundCheck, amountNanos) : null;
  let same: string | undefined;
  const made = await books.writeAll((_, newId) => {
    same = sameEntry(books, account, posting, amountNanos);
    if (same !== undefined) return [];
    if (refund !== null) refuseGranted(books, account, refund);
    if (refund !== null) checkRefunded(context, account, refund, amountNanos, currency);
    const takes = kind === 'withdrawal' || kind === 'transfer';
    const there = takes ? payableNanos(context, account) : 0n;
    if (takes && there < amountNanos)
      throw new ProblemError('balance_conflict', `only ${formatAmount(there, currency)} ${currency} of ${account} is free to go`);
    const body: BalanceBody = {
      ...BLANK_ENTRY,
      account,
      currency,
      kind,
      at: posting.atMs,
      amount_nanos: (takes ? -amountNanos : amountNanos).toString(),
      vm: refund?.vm ?? null,
      refund_check: posting.refundCheck,
      other: to,
      expires_at: posting.expiresAtMs,
      reference: posting.reference,
      source: posting.reference ?? posting.note,
      by,
    };
    const entry: BooksEntry = { kind: 'balance', id: newId(), body: JSON.stringify(body) };
    return refund === null ? [entry] : [refundEvent(refund, posting), entry];
  }, by);
  return made.at(-1) ?? same ?? '';
}

/** What later refund checks of the VM count as refunded. First of its insert and under its check's id: cut off and done again, it is there once. */
function refundEvent({ vm, checkId, amount }: Refund, { atMs }: Posting): BooksEntry {
  const body: EventBody = {
    vm,
    at: atMs,
    kind: 'refund',
    note: `to the balance, by refund check ${checkId}`,
    amount,
    withdrawn: false,
  };
  return { kind: 'event', id: refundEventIdOf(checkId), body: JSON.stringify(body) };
}

/** Throws `balance_conflict` where a grant gave time of the same payment back: that money is in the account, and not a second time. */
function refuseGranted(books: Books, account: string, { vm, paidAtMs }: Refund): void {
  const grant = books.grants.ofVm(account, vm).find(({ at }) => at >= paidAtMs);
  if (grant !== undefined)
    throw new ProblemError('balance_conflict', `what was paid for ${vm} was refunded by refund check ${grant.refund_check}`);
}

/** Of one payment no more is refunded than was paid, whatever several checks found due. Throws `balance_conflict`. */
function checkRefunded(
  { catalog, books }: BooksContext,
  account: string,
  refund: Refund,
  amountNanos: bigint,
  currency: string,
): void {
  const { vm, paidAtMs, paidNanos } = refund;
  const booked = books.balanceOf(account).filter((entry) => entry.kind === 'refund' && entry.vm === vm);
  const own = new Set(booked.map((entry) => refundEventIdOf(entry.refund_check ?? '')));
  const recorded = catalog.events
    .of(vm)
    .filter(
      ({ id, body }) => body.kind === 'refund' && body.at >= paidAtMs && !own.has(id) && id !== refundEventIdOf(refund.checkId),
    );
  const before =
    booked.reduce((sum, entry) => sum + (entry.at >= paidAtMs ? BigInt(entry.amount_nanos) : 0n), 0n) +
    recorded.reduce((sum, { body }) => sum + (parseAmount(body.amount ?? '0') ?? 0n), 0n);
  if (before + amountNanos > paidNanos)
    throw new ProblemError(
      'balance_conflict',
      `of the ${formatAmount(paidNanos, currency)} ${currency} paid for ${vm} ${formatAmount(before, currency)} were refunded already`,
    );
}

function nanosOf(text: string, currency: string): bigint {
  const negative = text.startsWith('-');
  const nanos = parseAmount(negative ? text.slice(1) : text, minorDigits(currency));
  if (nanos !== undefined && nanos !== 0n) return negative ? -nanos : nanos;
  throw oneFieldProblem('invalid_body', 'amount', `must be an amount of ${currency} other than 0`);
}

/** An entry booked before under the same reference or refund check; another amount under it is a conflict. */
function sameEntry(
  books: Books,
  account: string,
  { kind, reference, refundCheck }: Posting,
  amountNanos: bigint,
): string | undefined {
  const before = books.balanceOf(account).find((entry) => refundCheck !== null && entry.refund_check === refundCheck);
  const same = before ?? (reference === null ? undefined : referenced(books, account, reference));
  if (same === undefined) return undefined;
  const nanos = BigInt(same.amount_nanos);
  const isSameKind = before !== undefined || same.kind === kind || (kind === 'top_up' && same.kind === 'payment');
  if (isSameKind && (nanos < 0n ? -nanos : nanos) === (amountNanos < 0n ? -amountNanos : amountNanos)) return same.id;
  throw new ProblemError('balance_conflict', `${reference ?? refundCheck ?? ''} was booked before, with another amount`);
}

/** A refund check that allows a refund to the balance. */
interface Refund {
  vm: string;
  checkId: string;
  amount: string;
  paidAtMs: number;
  paidNanos: bigint;
}

/** What a refund check allows to be refunded to the balance. Throws `balance_conflict` where it does not. */
async function refundOf(
  { catalog, books }: BooksContext,
  account: string,
  id: string | null,
  amountNanos: bigint,
): Promise<Refund> {
  if (id === null) throw new ProblemError('balance_conflict', 'a refund names the refund check that found it due');
  const check = JSON.parse(await books.refundChecks.read(id)) as {
    vm: string;
    what_if: boolean;
    decision: string;
    amount: string | null;
    destination: string;
    calculation: { paid_amount: string } | null;
    facts: { paid_at: string | null };
  };
  const refuse = (why: string): never => {
    throw new ProblemError('balance_conflict', `refund check ${id} ${why}`);
  };
  if (catalog.vm(check.vm)?.body.account !== account) refuse(`is about ${check.vm}, which is not of ${account}`);
  if (check.what_if) refuse('asked what would be under other terms');
  if (check.decision !== 'eligible') refuse(`says ${check.decision}`);
  if (check.destination !== 'balance') refuse('pays the money back the way it came');
  const amount = check.amount ?? '0';
  if ((parseAmount(amount) ?? 0n) !== amountNanos) refuse(`is about ${amount}`);
  return {
    vm: check.vm,
    checkId: id,
    amount,
    paidAtMs: Date.parse(check.facts.paid_at ?? '') || 0,
    paidNanos: parseAmount(check.calculation?.paid_amount ?? amount) ?? amountNanos,
  };
}
