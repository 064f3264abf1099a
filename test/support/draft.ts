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
    rest: draftContent(account),
    evidence: '{}',
    sha256: null,
  };
}

/** What such a draft says; `note` tells one from another. */
export function draftContent(account: string, note = ''): string {
  const at = '1970-01-01T00:00:00Z';
  const line = { kind: 'service', vm: null, description: note, quantity: '1', unit: 'day', unit_price: '0.00', amount: '0.00' };
  return JSON.stringify({
    account,
    customer: { name: account, language: 'en' },
    currency: 'CNY',
    from: at,
    to: '1970-01-02T00:00:00Z',
    due_at: at,
    lines: [{ ...line, formula: '', query: null, detail: {} }],
    total: '0.00',
  });
}
