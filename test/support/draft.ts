import type { StoredDocument } from '../../src/billing/document.ts';

/** A draft of a day of an account in which nothing is charged. */
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
    rest: '{"lines":[]}',
    evidence: '{}',
    sha256: null,
  };
}
