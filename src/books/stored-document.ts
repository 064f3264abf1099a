import { createHash } from 'node:crypto';
import type { InvoiceHead } from './invoices.ts';
import { formatInstant } from '../domain/instant.ts';
import { dueAtOfHead } from './document-money.ts';
import { toJson } from '../domain/json.ts';
import { numberText } from './number-series.ts';

/**
 * An invoice or credit note as it is kept: one entry that holds its number and all that it says. `rest` and `evidence` are
 * JSON texts, kept as they are, so that digests are those of the very bytes that were shown.
 */
export interface StoredDocument {
  head: InvoiceHead;
  rest: string;
  evidence: string;
  /** Of the content and the evidence; null until it is final. */
  sha256: { content: string; evidence: string } | null;
}

/** The content of a document: everything about it that can't change once it is final. */
export function contentOf(id: string, { head, rest }: Pick<StoredDocument, 'head' | 'rest'>): string {
  const first = {
    id,
    type: head.type,
    number: head.number,
    ...(head.series === undefined ? {} : { number_text: numberText(head) }),
    issued_at: head.issued_at === null ? null : formatInstant(head.issued_at),
    // Only its issue says when it falls due. What documents of before say of it stands in the rest.
    ...(head.due_days === undefined ? {} : { due_at: formatInstant(dueAtOfHead(head)) }),
  };
  return `${toJson(first).slice(0, -1)},${rest.slice(1)}`;
}

/** The document as it becomes final under a number, at an instant of business: what it says stays, its digests are taken. */
export function finalized(id: string, draft: StoredDocument, number: number, nowMs: number): StoredDocument {
  const head = { ...draft.head, final: true, number, issued_at: nowMs };
  const content = contentOf(id, { head, rest: draft.rest });
  return { ...draft, head, sha256: { content: sha256(content), evidence: sha256(draft.evidence) } };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** The body of the entry that a document is kept in; the head stands first, since readers of the books take only it. */
export function entryBody({ head, rest, evidence, sha256: digests }: StoredDocument): string {
  return JSON.stringify({ head, rest, evidence, sha256: digests });
}
