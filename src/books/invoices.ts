import { z } from 'zod';
import { changedDays } from './debits.ts';
import { numberSeries } from './number-series.ts';

const nanos = z.string().regex(/^-?\d+$/);

/**
 * What is kept in memory of an invoice or credit note. The document itself (lines, evidence) stays in the table, in the
 * same entry: number and body are one row, there both or neither.
 */
export const invoiceHead = z.strictObject({
  type: z.enum(['invoice', 'credit_note']),
  account: z.string(),
  currency: z.string(),
  from: z.int(),
  to: z.int(),
  final: z.boolean(),
  /** Gapless by type, given when it becomes final. */
  number: z.int().positive().nullable(),
  issued_at: z.int().nullable(),
  due_at: z.int(),
  /** How its number is written; left out: the number alone. */
  series: numberSeries.optional(),
  total_nanos: nanos,
  /** The total without late fees, which bear no late fee themselves. */
  principal_nanos: nanos,
  /** Of a credit note: the invoice it corrects, and how much (positive) of which of its lines. */
  corrects: z
    .strictObject({
      invoice: z.string(),
      /** It gives back from its issue on, what was charged stays right; else it puts right what was never owed. */
      by_hand: z.literal(true).optional(),
      /** Of a refund that was granted: its refund check. The time is charged no more, but it was owed until then. */
      grant: z.string().optional(),
      /** Of one by hand: unique in its account, where whoever made it gave one; and the digest of what he asked for. */
      reference: z.string().optional(),
      asked: z.string().optional(),
      lines: z.array(
        z.strictObject({
          line: z.int(),
          nanos,
          /** Which line of which invoice was rated again, and the days whose minutes changed. */
          of: z.strictObject({ invoice: z.string(), key: z.string(), days: changedDays }).optional(),
        }),
      ),
    })
    .nullable(),
  /** Of what it says and of its evidence, so that rating the same again is known to be the same. */
  digest: z.string().optional(),
  /** Days to pay after its issue; left out by documents of before, whose `due_at` stands in what they say. */
  due_days: z.int().nonnegative().optional(),
  /** Only money that covers it pays it: so its account asked when it was made. */
  settlement: z.literal('manual').optional(),
  /** How much of it, tax included, is for which VM. */
  shares: z.array(z.strictObject({ vm: z.string(), nanos })).optional(),
  /** Of a credit note: when what is unused of it lapses. */
  expires_at: z.int().optional(),
  /** Of an invoice with charges by hand: which of them is which of its lines. */
  charges: z.array(z.strictObject({ id: z.string(), line: z.int() })).optional(),
  /** Of an invoice that charges what an earlier one lacked: which line of which debit is which of its own lines. */
  debits: z.array(z.strictObject({ id: z.string(), part: z.int(), line: z.int(), nanos })).optional(),
});
export type InvoiceHead = z.infer<typeof invoiceHead>;

/** Days, or months, of a line whose unavailable minutes a correction changed. */
export interface MinutesChange {
  key: string;
  days: readonly { date: string; before: number; after: number }[];
}

/** What happened to an invoice after it was written: added, never edited. */
export const settlementBody = z.strictObject({
  invoice: z.string(),
  action: z.enum(['payment', 'refund', 'void']),
  at: z.int(),
  amount_nanos: nanos,
  note: z.string(),
  by: z.string(),
});
export type Settlement = z.infer<typeof settlementBody>;

/** A payment that covers an invoice, or what was given back of one. */
export interface Payment {
  id: string;
  seq: bigint;
  action: 'payment' | 'refund' | 'void';
  atMs: number;
  amountNanos: bigint;
  reference: string | null;
  note: string;
  by: string;
}

/**
 * An invoice or credit note with what has happened to it. Amounts are nanos, those of its head among them: the texts of the head are how it is stored, and
 * nothing computes with them.
 */
export interface InvoiceState {
  id: string;
  /** Of the entry that holds the document. */
  seq: bigint;
  head: Omit<InvoiceHead, 'total_nanos' | 'principal_nanos'>;
  status: 'draft' | 'final' | 'paid' | 'void';
  /** Payments that cover it, and their refunds, in the order in which they were recorded. */
  settlements: readonly Payment[];
  totalNanos: bigint;
  /** The total without late fees, which bear no late fee themselves. */
  principalNanos: bigint;
  /** What the account's money has paid of it. */
  paidNanos: bigint;
  /** By credit notes. */
  creditedNanos: bigint;
  /** What it still asks for: its total less credit notes, payments, and what its days were charged. */
  outstandingNanos: bigint;
  /** What its days were charged by themselves, and how much of that is unpaid. */
  chargedNanos: bigint;
  uncoveredNanos: bigint;
  /** Since when a part of it is late to be paid, its days not counted; null: nothing is open. */
  dueAtMs: number | null;
}

/** Where a document stands in a list: by period, credit notes after invoices, by number, drafts last. */
export interface BooksPosition {
  from: number;
  note: number;
  number: number;
  id: string;
}

export function positionOf({ id, head }: Pick<InvoiceState, 'id' | 'head'>): BooksPosition {
  return { from: head.from, note: head.corrects === null ? 0 : 1, number: head.number ?? Number.MAX_SAFE_INTEGER, id };
}

/** Below 0 if a stands before b. */
export function comparePositions(a: BooksPosition, b: BooksPosition): number {
  return a.from - b.from || a.note - b.note || a.number - b.number || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
