/** What an entry of an account's ledger is. */
export const ENTRY_KINDS = ['charge', 'payment', 'credit_note', 'refund', 'payout', 'late_fee', 'adjustment'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** What an entry belongs to: documents by id and number, days, VMs and the terms that were paid for. */
export interface BelongsTo {
  readonly invoice?: string;
  readonly number?: number;
  readonly credit_note?: string;
  readonly credit_note_number?: number;
  /** The local day that it charges, `2026-03-05`. */
  readonly day?: string;
  readonly vm?: string;
  /** Of a payment for a term: the time that it covers, in milliseconds. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly refund_check?: string;
  /** Of a transfer: the account at the other end. */
  readonly account?: string;
}

/** An entry of an account's ledger: added, never edited. Amounts are signed as the customer's credit. */
export interface LedgerEntry {
  readonly id: string;
  readonly kind: EntryKind;
  /** The instant from which it holds. */
  readonly atMs: number;
  /** The number of the row of the journal that it follows from: the order in which entries were recorded. */
  readonly seq: bigint;
  readonly recordedAtMs: number;
  readonly by: string;
  readonly amountNanos: bigint;
  readonly belongsTo: BelongsTo;
  readonly reference: string | null;
  readonly note: string;
}

/** The order of statements: by the instants from which entries hold, then as they were recorded. */
export function compareEntries(a: Pick<LedgerEntry, 'id' | 'seq' | 'atMs'>, b: Pick<LedgerEntry, 'id' | 'seq' | 'atMs'>): number {
  return a.atMs - b.atMs || (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The sum of all entries that hold at an instant: the customer's credit, below 0 what is owed. */
export function balanceAt(entries: readonly Pick<LedgerEntry, 'atMs' | 'amountNanos'>[], atMs = Infinity): bigint {
  return entries.reduce((sum, each) => (each.atMs <= atMs ? sum + each.amountNanos : sum), 0n);
}
