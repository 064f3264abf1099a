import { isMadeReference } from '../books/made-reference.ts';
import { contentOf, type StoredDocument } from '../books/stored-document.ts';
import type { Books } from '../books/books.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import { toJson } from '../domain/json.ts';
import { numberText } from '../books/number-series.ts';
import { readContent, type ShownInvoice } from '../print/invoice-shape.ts';
import { dueAtOfHead } from '../books/document-money.ts';
import { readDocument, stateOf } from '../books/ledger.ts';
import { withLineIds } from './line-ids.ts';

/** A document with what has happened to it since, as JSON text; amounts and integers exact. Throws `invoice_unknown`. */
export async function invoiceJson(books: Books, id: string): Promise<string> {
  const document = await readDocument(books, id);
  return withState(id, document, happened(books, id, document));
}

/** The same to be printed. Throws `invoice_unknown`. */
export async function shownInvoice(books: Books, id: string): Promise<ShownInvoice> {
  const document = await readDocument(books, id);
  const { type, number, issued_at: issuedAtMs, series } = document.head;
  return {
    id,
    type,
    number,
    ...(series === undefined ? {} : { number_text: numberText(document.head) }),
    issued_at: issuedAtMs === null ? null : formatInstant(issuedAtMs),
    ...readContent(document.rest),
    due_at: formatInstant(dueAtOfHead(document.head)),
    ...happened(books, id, document),
  };
}

/** What has happened to a document since it was made. */
function happened(books: Books, id: string, document: StoredDocument) {
  const state = stateOf(books, id);
  const { head, status, settlements, paidNanos, creditedNanos, chargedNanos, uncoveredNanos, outstandingNanos } = state;
  const balance = books.daysOf(state);
  const amount = (nanos: bigint): string => formatAmount(nanos, head.currency);
  return {
    status,
    paid: amount(paidNanos),
    credited: amount(creditedNanos),
    outstanding: amount(head.type === 'credit_note' || status === 'void' ? 0n : outstandingNanos),
    ...(balance.length === 0
      ? {}
      : {
          // What these days were charged by themselves already; what of it is not paid is owed there.
          balance: {
            charged: amount(chargedNanos),
            covered: amount(chargedNanos - uncoveredNanos),
            uncovered: amount(uncoveredNanos),
            entries: balance.map((each) => ({
              id: each.id,
              kind: each.kind,
              date: each.day.date,
              amount: amount(BigInt(each.amount_nanos)),
            })),
          },
        }),
    payments: settlements.map((each) => ({
      kind: each.action,
      at: formatInstant(each.atMs),
      amount: amount(each.amountNanos),
      reference: each.reference === null || isMadeReference(each.reference) ? null : each.reference,
      note: each.note,
      by: each.by,
    })),
    credit_notes: books.notesOn(id).map((note) => ({
      id: note.id,
      number: note.head.number,
      ...(note.head.series === undefined ? {} : { number_text: numberText(note.head) }),
    })),
    sha256: document.sha256,
  };
}

/** A document that is not kept, as JSON text. */
export function previewJson(document: StoredDocument): string {
  return withState('preview', document, { status: 'preview', sha256: null });
}

function withState(id: string, document: StoredDocument, state: Record<string, unknown>): string {
  const content = contentOf(id, { ...document, rest: withLineIds(document.rest) });
  return `${content.slice(0, -1)},${toJson(state).slice(1)}`;
}
