import type { StoredDocument } from '../../src/books/stored-document.ts';
import type { FinalTerms } from '../../src/books/ledger.ts';

/** Whatever a draft says of its period and its seller. */
export const ANYHOW: FinalTerms = { allowIncomplete: true, withoutIssuer: true, nowMs: 0 };

/** A draft of a day of an account in which nothing is charged, though there is a line. */
export function draftOf(account: string): StoredDocument {
  return {
    head: {
      type: 'invoice',
      account,
      currency: 'CNY',
      from: 0,
      to: 86_400_000,
      final: false,
      number: null,
      issued_at: null,
      due_at: 0,
      total_nanos: '0',
      principal_nanos: '0',
      corrects: null,
    },
    rest: '{"lines":[{"kind":"service","vm":null,"description":"","quantity":"1","amount":"0.00","detail":{}}]}',
    evidence: '{}',
    sha256: null,
  };
}
