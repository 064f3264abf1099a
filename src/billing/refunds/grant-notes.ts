import { correctedOf } from '../../books/debit-lines.ts';
import type { Books } from '../../books/books.ts';
import { grantNoteIdOf } from '../../books/grants.ts';
import { readDocument, stateOf } from '../../books/ledger.ts';
import type { StoredDocument } from '../../books/stored-document.ts';
import type { EventBody } from '../../catalog/events.ts';
import type { VmBody } from '../../catalog/bodies.ts';
import { formatInstant } from '../../domain/instant.ts';
import { readContent } from '../../print/invoice-shape.ts';
import type { BillingContext } from '../context.ts';
import { changedCatalog, withEvent } from '../corrections/changed-catalog.ts';
import { planSteps } from '../corrections/correction-plan.ts';
import { correctionsOf } from '../corrections/corrections.ts';
import { creditNoteOf } from '../corrections/credit-note.ts';
import { finalInvoices, ratedAgain } from '../corrections/reconcile.ts';
import type { Grantable } from './grantable.ts';

/** A credit note of a grant: drafted, or there already. */
export interface GrantNote {
  readonly id: string;
  /** The invoice that it takes from. */
  readonly invoice: string;
  /** Above 0. */
  readonly nanos: bigint;
  /** null: it is there. */
  readonly draft: StoredDocument | null;
}

/** What a grant makes of its VM. */
export interface Ending {
  readonly vm: VmBody;
  readonly event: { readonly id: string; readonly body: EventBody };
}

/** The credit notes of a grant that are there, by id. */
export function notesThere(books: Books, { account, check }: Pick<Grantable, 'account' | 'check'>): Map<string, GrantNote> {
  const notes = new Map<string, GrantNote>();
  for (const { id, head } of books.statesOf(account)) {
    const { corrects } = head;
    if (corrects?.grant !== check || !head.final) continue;
    notes.set(id, { id, invoice: corrects.invoice, nanos: -stateOf(books, id).totalNanos, draft: null });
  }
  return notes;
}

/**
 * What invoices charged of the time that a grant gives back: each is rated once more as if the service had ended, and what it charged too much by that
 * is a credit note. Notes of the grant that are there count as they are.
 */
export async function grantNotes(context: BillingContext, of: Grantable, ending: Ending): Promise<GrantNote[]> {
  const { books } = context;
  const { account, vm, check, fromMs } = of;
  const changed = changedCatalog(context.catalog, { kind: 'vm', id: vm, body: ending.vm });
  const then = { ...context, catalog: withEvent(changed, ending.event.id, ending.event.body) };
  const reasons = [{ code: 'refund' as const, check, vm, from: formatInstant(fromMs), until: formatInstant(of.untilMs) }];
  const notes = notesThere(books, of);
  for (const { id, head } of finalInvoices(context, account)) {
    if (head.to <= fromMs) continue;
    const content = readContent((await readDocument(books, id)).rest);
    const { lines } = content;
    const rated = await ratedAgain(then, head, content);
    const found = correctionsOf(lines, correctedOf(books, id), rated.lines);
    for (const step of planSteps(books, id, found, head.currency)) {
      // What is lacking, or was not charged yet, is not the grant's: reconciling sees to it.
      if (step.kind !== 'credit') continue;
      const noteId = grantNoteIdOf(check, `${id} ${step.invoice}`);
      if (notes.has(noteId)) continue;
      const state = stateOf(books, step.invoice);
      const issued = await readDocument(books, step.invoice);
      const made = creditNoteOf(state, issued, step.lines, { rated: { id, number: head.number }, reasons }, rated.evidence);
      const { corrects } = made.head;
      const draft = { ...made, head: { ...made.head, corrects: corrects === null ? null : { ...corrects, grant: check } } };
      const nanos = step.lines.reduce((sum, line) => sum + line.nanos, 0n);
      if (nanos > 0n) notes.set(noteId, { id: noteId, invoice: step.invoice, nanos, draft });
    }
  }
  return [...notes.values()];
}
