import type { Books } from '../../books/books.ts';
import type { InvoiceState } from '../../books/invoices.ts';
import { readDocument, stateOf } from '../../books/ledger.ts';
import { referenced, referenceTaken } from '../../books/payments.ts';
import { entryBody, finalized, sha256 } from '../../books/stored-document.ts';
import { minorDigits, parseAmount, signedNanos } from '../../domain/money.ts';
import { type FieldError, fieldProblem } from '../../problems/field-problems.ts';
import { ProblemError } from '../../problems/problem.ts';
import { readContent } from '../../print/invoice-shape.ts';
import { lineIdOf } from '../line-ids.ts';
import { type IssuedLine } from './corrections.ts';
import { handNoteOf } from './hand-note.ts';
import { type Given, refuseMoreThanHeld, withTax } from './held.ts';

/** What somebody gives back of an invoice: goodwill, or a cancellation. */
export interface HandRequest {
  readonly reason: string;
  /** Net amounts above 0, by the ids of lines. */
  readonly lines: readonly { readonly line: string; readonly amount: string }[];
  /** Unique in its account; null: the note is told from no other. */
  readonly reference: string | null;
  readonly by: string;
  /** Business time: its issue. */
  readonly nowMs: number;
}

/**
 * Makes a credit note by hand. Under a reference the same again is the same note: `isNew` says which it was. Throws `invoice_unknown`,
 * `invoice_conflict` unless the invoice is final, `invalid_reference` for lines that it has not, `line_holds_less`, `reference_taken`.
 */
export async function noteByHand(books: Books, id: string, request: HandRequest): Promise<{ id: string; isNew: boolean }> {
  const { by, nowMs, reference } = request;
  const issued = await readDocument(books, id);
  const { lines } = readContent(issued.rest);
  const asked = sha256(
    JSON.stringify([id, request.reason, request.lines.map(({ line, amount }) => [line, signedNanos(amount).toString()])]),
  );
  let same: string | undefined;
  const made = await books.write((_, newId) => {
    const state = stateOf(books, id);
    same = reference === null ? undefined : sameNote(books, state, reference, asked);
    if (same !== undefined) return undefined;
    refuseUnlessFinal(state);
    const given = givenOf(lines, request, state.head.currency);
    const credited = books.creditedByLine(id);
    refuseMoreThanHeld(lines, credited, given, state.head.currency);
    const noteId = newId();
    const note = handNoteOf(state, issued, lines, withTax(lines, credited, given, state.head.currency), { ...request, asked });
    return { kind: 'invoice', id: noteId, body: entryBody(finalized(noteId, note, books.nextNumber('credit_note'), nowMs)) };
  }, by);
  return { id: made ?? same ?? '', isNew: made !== undefined };
}

function refuseUnlessFinal({ id, head, status }: InvoiceState): void {
  if (head.type === 'credit_note') throw new ProblemError('invoice_conflict', `${id} is a credit note: name the invoice`);
  if (status === 'draft') throw new ProblemError('invoice_conflict', `${id} is a draft: nothing of it was charged yet`);
  if (status === 'void') throw new ProblemError('invoice_conflict', `${id} is void: nothing of it is charged`);
}

/** Throws `invalid_reference` for lines that are none, or are a tax; `invalid_body` for amounts, or a line that is named twice. */
function givenOf(lines: readonly IssuedLine[], { lines: asked }: HandRequest, currency: string): Given[] {
  const faults: FieldError[] = [];
  const unknown: FieldError[] = [];
  const given = asked.flatMap(({ line: named, amount }, i): Given[] => {
    const line = lines.findIndex((_, index) => lineIdOf(index) === named);
    const nanos = parseAmount(amount, minorDigits(currency));
    if (line === -1) unknown.push({ field: `lines.${i}.line`, message: `the invoice has no line ${named}` });
    else if (lines[line]?.kind === 'tax')
      unknown.push({ field: `lines.${i}.line`, message: 'is a tax, which follows the lines that it is on' });
    else if (asked.findIndex((each) => each.line === named) !== i)
      faults.push({ field: `lines.${i}.line`, message: 'is named twice' });
    if (nanos === undefined) faults.push({ field: `lines.${i}.amount`, message: `has more digits than ${currency} has` });
    return nanos === undefined ? [] : [{ line, nanos }];
  });
  if (faults.length > 0) throw fieldProblem('invalid_body', faults);
  if (unknown.length > 0) throw fieldProblem('invalid_reference', unknown);
  return given;
}

/** The note of the same content under its reference; undefined: there is none. Throws `reference_taken`. */
function sameNote(books: Books, { head: { account } }: InvoiceState, reference: string, asked: string): string | undefined {
  const before = books.noteUnder(account, reference);
  if (before !== undefined && books.state(before)?.head.corrects?.asked === asked) return before;
  const charge = books.chargesOf(account).find((each) => each.reference === reference)?.id;
  const other = before ?? referenced(books, account, reference)?.id ?? charge;
  if (other !== undefined) throw referenceTaken(account, reference, other);
  return undefined;
}
