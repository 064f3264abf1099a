/** What a line of a statement is about; numbers and dates are given in the document's language. */
export interface EntryAbout {
  readonly invoice: string | null;
  readonly creditNote: string | null;
  /** The day that a charge or its late fee is for. */
  readonly day: string | null;
  readonly vm: string | null;
  /** The time that a payment covers. */
  readonly term: string | null;
  /** The account at the other end. */
  readonly account: string | null;
  readonly made: 'void' | 'lapse' | 'correction' | null;
}

/** Kinds of entries, as the ledger has them. */
export type StatementKind = 'charge' | 'payment' | 'credit_note' | 'refund' | 'payout' | 'late_fee' | 'adjustment';

/** What a statement of account says. */
export interface StatementWords {
  readonly title: string;
  readonly madeOn: string;
  readonly owed: string;
  readonly inCredit: string;
  readonly settled: string;
  readonly opening: string;
  readonly closing: string;
  readonly date: string;
  readonly entry: string;
  readonly charges: string;
  readonly credits: string;
  readonly balance: string;
  readonly none: string;
  readonly reference: (reference: string) => string;
  /** How amounts are signed. */
  readonly remark: string;
  readonly what: Readonly<Record<StatementKind, (about: EntryAbout) => string>>;
}
