import type { Books } from './books.ts';
import type { InvoiceState, Settlement } from './invoices.ts';
import { entryBody, finalized, type StoredDocument } from './stored-document.ts';
import type { DebitHead } from './debits.ts';
import { formatInstant } from '../domain/instant.ts';
import { readContent } from '../print/invoice-shape.ts';
import { ProblemError } from '../problems/problem.ts';
import { checkByHand } from './charged-by-hand.ts';
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
  /** Business time: by it a period is over, and an invoice is issued. */
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
  await books.write(() => {
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
    checkByHand(books, head);
    return { kind: 'invoice', id, body: entryBody(finalized(id, draft, books.nextNumber(head.type), terms.nowMs)) };
  }, by);
  if (written === 'changed') {
    // by another process, it may be
    await books.refresh();
    await finalize(books, id, by, terms);
  }
}

/** Throws where a draft would make no invoice, though the books allow it. */
function refuseUnfit({ head, rest }: StoredDocument, { allowIncomplete, withoutIssuer, nowMs }: FinalTerms): void {
  const { lines, period_over: wasOver, usage_complete: isComplete, issuer } = readContent(rest);
  const until = formatInstant(head.to);
  if (lines.length === 0)
    throw new ProblemError('nothing_to_bill', `${head.account} has nothing to bill up to ${until}: make the draft void`);
  if (!allowIncomplete && nowMs < head.to)
    throw new ProblemError('period_not_over', `the period is over at ${until}: rate it again then`);
  if (!allowIncomplete && wasOver === false)
    throw new ProblemError('period_not_over', `the draft was rated before the period was over at ${until}: rate it again`);
  if (!allowIncomplete && isComplete === false)
    throw new ProblemError(
      'invoice_conflict',
      `not everything had been metered up to ${until} when the draft was rated: make it again later, or allow what is incomplete`,
    );
  if (!withoutIssuer && (issuer ?? null) === null)
    throw new ProblemError('issuer_missing', 'the draft names no seller: the server had no issuer.json when it was rated');
}

/** Keeps a credit note, final from the start, issued at an instant. `check` sees the books last: it throws where too much would be credited. */
export async function keepCreditNote(
  books: Books,
  document: StoredDocument,
  check: () => void,
  { by, nowMs }: { by: string; nowMs: number },
): Promise<string> {
  const id = await books.write((_, newId) => {
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

/**
 * Makes an invoice void at an instant; its number stays used, and what free money paid of it is free again. Throws `invoice_conflict` while a payment
 * covers it or a credit note names it.
 */
export function voidInvoice(
  books: Books,
  id: string,
  { note, by, nowMs }: { note: string; by: string; nowMs: number },
): Promise<unknown> {
  return books.write((_, newId) => {
    const { status, settlements } = stateOf(books, id);
    if (status === 'void') return undefined;
    const covered = settlements.reduce(
      (sum, { action, amountNanos }) => (action === 'refund' ? sum - amountNanos : sum + amountNanos),
      0n,
    );
    if (covered !== 0n) throw new ProblemError('invoice_conflict', `${id} has payments: refund them first`);
    if (books.notesOn(id).length > 0) throw new ProblemError('invoice_conflict', `${id} has credit notes`);
    const charged = books.debitsOn(id).find((debit) => debit.status === 'charged');
    if (charged !== undefined)
      throw new ProblemError('invoice_conflict', `invoice ${charged.on?.number ?? 0} charges what ${id} lacked`);
    const body: Settlement = { invoice: id, action: 'void', at: nowMs, amount_nanos: '0', note, by };
    return { kind: 'settlement', id: newId(), body: JSON.stringify(body) };
  }, by);
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
