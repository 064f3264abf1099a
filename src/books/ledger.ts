import type { Books } from './books.ts';
import { type InvoiceState, outstandingNanos, type Settlement } from './invoices.ts';
import { entryBody, finalized, type StoredDocument } from './stored-document.ts';
import type { DebitHead } from './debits.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import { readContent } from '../print/invoice-shape.ts';
import { ProblemError } from '../problems/problem.ts';
import { checkDebits } from './debit-lines.ts';

/** Every change of the books: drafts, numbers, payments. Each is one entry, decided where no other can come between. */

/** An invoice's state. Throws `invoice_unknown`. */
export function stateOf(books: Books, id: string): InvoiceState {
  const state = books.state(id);
  if (state === undefined) throw new ProblemError('invoice_unknown', `there is no invoice ${id}`);
  return state;
}

/** A document as it is kept. Throws `invoice_unknown`. */
export async function readDocument(books: Books, id: string): Promise<StoredDocument & { seq: bigint }> {
  const entry = await books.document(id);
  if (entry === undefined) throw new ProblemError('invoice_unknown', `there is no invoice ${id}`);
  return { ...(JSON.parse(entry.body) as StoredDocument), seq: entry.seq };
}

/**
 * Keeps a draft. The draft of the same account and period is replaced; a final invoice that overlaps it stands against it.
 * Throws `invoice_conflict`.
 */
export async function keepDraft(books: Books, document: StoredDocument, by: string): Promise<string> {
  const id = await books.write((_, newId) => {
    refuseOverlap(books, document.head, undefined);
    const same = books
      .statesOf(document.head.account)
      .find(({ head, status }) => status === 'draft' && head.from === document.head.from && head.to === document.head.to);
    return { kind: 'invoice', id: same?.id ?? newId(), body: entryBody(document) };
  }, by);
  return id ?? '';
}

/** What may become final all the same, for whoever says so. */
export interface FinalTerms {
  /** A period that is not over, or was not when the draft was rated. */
  allowIncomplete: boolean;
  /** A document that names no seller. */
  withoutIssuer: boolean;
  /** The clock by which a period is over. */
  nowMs: number;
}

/**
 * Makes a draft final: its number and body are one row. Once more, or at the same time, it is the same invoice with the same
 * number. Throws `invoice_unknown`, `invoice_conflict`, `nothing_to_bill`, `period_not_over`, `issuer_missing`.
 */
export async function finalize(books: Books, id: string, by: string, terms: FinalTerms): Promise<void> {
  const draft = await readDocument(books, id);
  if (!draft.head.final) refuseUnfit(draft, terms);
  let written = 'done' as 'done' | 'changed';
  await books.write((nowMs) => {
    const { head, status, seq } = stateOf(books, id);
    if (status === 'void') throw new ProblemError('invoice_conflict', `invoice ${id} is void`);
    if (head.final) return undefined;
    refuseOverlap(books, head, id);
    // Rated again since it was read: what was shown last is what becomes final.
    if (seq !== draft.seq) {
      written = 'changed';
      return undefined;
    }
    checkDebits(books, head);
    return { kind: 'invoice', id, body: entryBody(finalized(id, draft, books.nextNumber(head.type), nowMs)) };
  }, by);
  if (written === 'changed') {
    // by another process, it may be
    await books.refresh();
    await finalize(books, id, by, terms);
  }
}

/** Throws where a draft would make no invoice, though the books allow it. */
function refuseUnfit({ head, rest }: StoredDocument, { allowIncomplete, withoutIssuer, nowMs }: FinalTerms): void {
  const { lines, period_over: wasOver, issuer } = readContent(rest);
  const until = formatInstant(head.to);
  if (lines.length === 0)
    throw new ProblemError('nothing_to_bill', `${head.account} has nothing to bill up to ${until}: make the draft void`);
  if (!allowIncomplete && nowMs < head.to)
    throw new ProblemError('period_not_over', `the period is over at ${until}: rate it again then`);
  if (!allowIncomplete && wasOver === false)
    throw new ProblemError('period_not_over', `the draft was rated before the period was over at ${until}: rate it again`);
  if (!withoutIssuer && (issuer ?? null) === null)
    throw new ProblemError('issuer_missing', 'the draft names no seller: the server had no issuer.json when it was rated');
}

/** Keeps a credit note, final from the start. `check` sees the books last: it throws where too much would be credited. */
export async function keepCreditNote(books: Books, document: StoredDocument, check: () => void, by: string): Promise<string> {
  const id = await books.write((nowMs, newId) => {
    check();
    const made = newId();
    return { kind: 'invoice', id: made, body: entryBody(finalized(made, document, books.nextNumber('credit_note'), nowMs)) };
  }, by);
  return id ?? '';
}

/** Keeps a debit for the next invoice, or another version of one that no invoice has charged yet. `check` throws where it may not be. */
export async function keepDebit(
  books: Books,
  body: { head: DebitHead; evidence: string },
  check: () => void,
  by: string,
  id?: string,
): Promise<string> {
  const kept = await books.write((_, newId) => {
    check();
    return { kind: 'debit', id: id ?? newId(), body: JSON.stringify(body) };
  }, by);
  return kept ?? '';
}

/** The evidence of a debit, as it was kept. Throws `invoice_unknown`. */
export async function readDebit(books: Books, id: string): Promise<{ head: DebitHead; evidence: string }> {
  const entry = await books.document(id, 'debit');
  if (entry === undefined) throw new ProblemError('invoice_unknown', `there is no debit ${id}`);
  return JSON.parse(entry.body) as { head: DebitHead; evidence: string };
}

/** Records a payment or refund. Throws `invoice_conflict` for an invoice that takes none, or a refund of more than was paid. */
export function recordPayment(
  books: Books,
  id: string,
  payment: Pick<Settlement, 'action' | 'at' | 'note'> & { amountNanos: bigint },
  by: string,
): Promise<unknown> {
  return books.write((_, newId) => {
    const state = stateOf(books, id);
    const { status, head, paidNanos, chargedNanos } = state;
    if (head.type !== 'invoice' || status === 'draft' || status === 'void')
      throw new ProblemError('invoice_conflict', `${id} is ${status}: payments go on final invoices`);
    if (payment.action === 'refund' && payment.amountNanos > paidNanos)
      throw new ProblemError('invoice_conflict', `only ${formatAmount(paidNanos, head.currency)} of ${id} has been paid`);
    const open = outstandingNanos(state);
    if (payment.action === 'payment' && chargedNanos !== 0n && payment.amountNanos > open)
      throw new ProblemError(
        'invoice_conflict',
        `${formatAmount(open, head.currency)} of ${id} is open, the rest was charged to the prepaid balance: top that up`,
      );
    return settlement(newId(), { ...payment, invoice: id, by });
  }, by);
}

/** Makes an invoice void; its number stays used. Throws `invoice_conflict` while money is on it or a credit note names it. */
export function voidInvoice(books: Books, id: string, note: string, by: string): Promise<unknown> {
  return books.write((nowMs, newId) => {
    const { status, paidNanos } = stateOf(books, id);
    if (status === 'void') return undefined;
    if (paidNanos !== 0n) throw new ProblemError('invoice_conflict', `${id} has payments: refund them first`);
    if (books.notesOn(id).length > 0) throw new ProblemError('invoice_conflict', `${id} has credit notes`);
    const charged = books.debitsOn(id).find((debit) => debit.status === 'charged');
    if (charged !== undefined)
      throw new ProblemError('invoice_conflict', `invoice ${charged.on?.number ?? 0} charges what ${id} lacked`);
    return settlement(newId(), { action: 'void', at: nowMs, amountNanos: 0n, note, invoice: id, by });
  }, by);
}

function settlement(
  id: string,
  { amountNanos, ...rest }: Omit<Settlement, 'amount_nanos'> & { amountNanos: bigint },
): { kind: 'settlement'; id: string; body: string } {
  const { invoice, action, at, note, by } = rest;
  const body: Settlement = { invoice, action, at, amount_nanos: amountNanos.toString(), note, by };
  return { kind: 'settlement', id, body: JSON.stringify(body) };
}

/** Throws `invoice_conflict` if another final invoice of the account has any of the period. */
function refuseOverlap(
  books: Books,
  head: { account: string; from: number; to: number; type: string },
  id: string | undefined,
): void {
  if (head.type !== 'invoice') return;
  const other = books
    .statesOf(head.account)
    .find(
      (state) =>
        state.id !== id &&
        state.head.type === 'invoice' &&
        state.head.final &&
        state.status !== 'void' &&
        state.head.from < head.to &&
        state.head.to > head.from,
    );
  if (other !== undefined)
    throw new ProblemError(
      'invoice_conflict',
      `invoice ${other.head.number ?? 0} of ${head.account} covers the period or a part of it`,
      {
        invoice: other.id,
      },
    );
}
