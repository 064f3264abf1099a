import type { BooksContext } from './context.ts';
import { type BalanceBody, BLANK_ENTRY, type Covers } from './balances.ts';
import type { Books } from './books.ts';
import { formatAmount } from '../domain/money.ts';
import { oneFieldProblem } from '../problems/field-problems.ts';
import { ProblemError } from '../problems/problem.ts';

/** A payment as somebody reports it. */
export interface PaymentRequest {
  /** Unique in its account; null: it has none, and is told from no other. */
  readonly reference: string | null;
  /** Above 0. */
  readonly amountNanos: bigint;
  /** When it was paid; undefined: now, whenever it is told again. */
  readonly atMs: number | undefined;
  readonly covers: Covers | null;
  readonly note: string;
  readonly by: string;
  /** Business time. */
  readonly nowMs: number;
  /** Whether it is only asked what would become of it; left out: it is recorded. */
  readonly isDryRun?: boolean;
}

/** How far clocks may differ. */
const AHEAD_MS = 300_000;

/** Throws `invalid_body` for an instant that lies in the future. */
export function refuseFuture(atMs: number, nowMs: number): void {
  if (atMs > nowMs + AHEAD_MS) throw oneFieldProblem('invalid_body', 'at', 'must not lie in the future');
}

/**
 * Records a payment of an account. The same again is the same payment: `isNew` says which it was. A dry run checks all the same; the id of what would
 * be new is empty. Throws `reference_taken` where its reference was
 * used for something else, `invoice_conflict` for an invoice that takes none, `invalid_reference` for another account's VM.
 */
export async function recordPayment(
  context: BooksContext,
  account: string,
  request: PaymentRequest,
): Promise<{ id: string; isNew: boolean }> {
  const { books } = context;
  const { covers, reference, by, note, nowMs, amountNanos } = request;
  if (request.atMs !== undefined) refuseFuture(request.atMs, nowMs);
  checkCovers(context, account, covers);
  let same: string | undefined;
  if (request.isDryRun === true) {
    same = samePayment(books, account, request);
    return { id: same ?? '', isNew: same === undefined };
  }
  const id = await books.write((_, newId) => {
    same = samePayment(books, account, request);
    if (same !== undefined) return undefined;
    checkCovers(context, account, covers);
    const body = moneyBody(context, account, {
      kind: 'payment',
      atMs: request.atMs ?? nowMs,
      amountNanos,
      covers,
      reference,
      note,
      by,
    });
    return { kind: 'balance', id: newId(), body: JSON.stringify(body) };
  }, by);
  return { id: id ?? same ?? '', isNew: id !== undefined };
}

/** The id of a payment of the same content under its reference; undefined: there is none. Throws `reference_taken`. */
function samePayment(
  books: Books,
  account: string,
  { reference, amountNanos, atMs, covers }: PaymentRequest,
): string | undefined {
  if (reference === null) return undefined;
  const before = referenced(books, account, reference);
  if (before === undefined) {
    refuseNoteOf(books, account, reference);
    return undefined;
  }
  const isSame =
    (before.kind === 'payment' || before.kind === 'top_up') &&
    BigInt(before.amount_nanos) === amountNanos &&
    (atMs === undefined || before.at === atMs) &&
    JSON.stringify(before.covers ?? null) === JSON.stringify(covers);
  if (isSame) return before.id;
  throw referenceTaken(account, reference, before.id);
}

/** The row of an account that has a reference. */
export function referenced(books: Books, account: string, reference: string): (BalanceBody & { id: string }) | undefined {
  return books.balanceOf(account).find((row) => referenceOf(row) === reference);
}

/** Throws `reference_taken` where a credit note or a charge by hand of the account has the reference. */
export function refuseNoteOf(books: Books, account: string, reference: string): void {
  const other = books.noteUnder(account, reference) ?? books.chargesOf(account).find((each) => each.reference === reference)?.id;
  if (other !== undefined) throw referenceTaken(account, reference, other);
}

/** Top-ups of before have their reference, or a note, as their source. */
function referenceOf({ kind, reference, source }: BalanceBody): string | null {
  return reference === undefined ? (kind === 'top_up' && source !== '' ? source : null) : reference;
}

export function referenceTaken(account: string, reference: string, entry: string): ProblemError {
  return new ProblemError('reference_taken', `${account} has an entry ${entry} under ${reference}, and it says something else`, {
    entry,
  });
}

/** A row of money. */
export function moneyBody(
  { catalog }: Pick<BooksContext, 'catalog'>,
  account: string,
  row: {
    kind: BalanceBody['kind'];
    atMs: number;
    amountNanos: bigint;
    covers: Covers | null;
    reference: string | null;
    note: string;
    by: string;
  },
): BalanceBody {
  const { kind, atMs, amountNanos, covers, reference, note, by } = row;
  return {
    ...BLANK_ENTRY,
    ...{ account, kind, covers, reference, by },
    currency: catalog.account(account)?.body.currency ?? '',
    at: atMs,
    amount_nanos: amountNanos.toString(),
    source: note === '' ? (reference ?? '') : note,
  };
}

function checkCovers({ books, catalog }: BooksContext, account: string, covers: Covers | null): void {
  if (covers === null) return;
  if ('vm' in covers) {
    if (catalog.vm(covers.vm)?.body.account !== account)
      throw oneFieldProblem('invalid_reference', 'covers.vm', `${account} has no VM ${covers.vm}`);
    return;
  }
  const state = books.state(covers.invoice);
  if (state?.head.account !== account) throw new ProblemError('invoice_unknown', `${account} has no invoice ${covers.invoice}`);
  if (state.head.type !== 'invoice' || state.status === 'draft' || state.status === 'void')
    throw new ProblemError(
      'invoice_conflict',
      `${covers.invoice} is ${state.head.type === 'invoice' ? state.status : 'a credit note'}: payments go on final invoices`,
    );
}

/** The invoice of an account that an id or a number names. Throws `invoice_unknown`. */
export function invoiceNamed({ books }: Pick<BooksContext, 'books'>, account: string, named: string | number): string {
  const own = books.statesOf(account).filter(({ head }) => head.type === 'invoice');
  const number = typeof named === 'number' ? named : /^[1-9]\d{0,14}$/.test(named) ? Number(named) : undefined;
  const found = own.find(({ id }) => id === named) ?? own.find(({ head }) => number !== undefined && head.number === number);
  if (found === undefined) throw new ProblemError('invoice_unknown', `${account} has no invoice ${named}`);
  return found.id;
}

/**
 * Records that a part of what was paid on an invoice went back to who paid it. Throws `invoice_conflict` for more than is left of the payments that
 * cover it: what refund checks gave back of it already, to the balance, is not there a second time.
 */
export function recordRepayment(
  context: BooksContext,
  invoice: string,
  { atMs, amountNanos, note, by }: { atMs: number; amountNanos: bigint; note: string; by: string },
): Promise<unknown> {
  const { books } = context;
  return books.write((_, newId) => {
    const state = books.state(invoice);
    if (state === undefined) throw new ProblemError('invoice_unknown', `there is no invoice ${invoice}`);
    const { head, status, settlements } = state;
    if (head.type !== 'invoice' || status === 'draft' || status === 'void')
      throw new ProblemError('invoice_conflict', `${invoice} is ${status}: payments go on final invoices`);
    const paid = settlements.reduce(
      (sum, each) => (each.action === 'refund' ? sum - each.amountNanos : sum + each.amountNanos),
      0n,
    );
    // What a refund was granted of it went back already, to the balance or out of the account.
    const granted = books.notesOn(invoice).filter((note) => note.head.corrects?.grant !== undefined);
    const left = granted.reduce((sum, note) => sum + BigInt(note.head.total_nanos), paid);
    if (amountNanos > left)
      throw new ProblemError(
        'invoice_conflict',
        `only ${formatAmount(left < 0n ? 0n : left, head.currency)} of what was paid on ${invoice} is left`,
      );
    const body = moneyBody(context, head.account, {
      ...{ kind: 'repayment' as const, atMs, amountNanos: -amountNanos, covers: { invoice }, reference: null, note, by },
    });
    return { kind: 'balance', id: newId(), body: JSON.stringify(body) };
  }, by);
}
