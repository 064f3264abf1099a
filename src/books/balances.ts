import { z } from 'zod';
import { LINE_KINDS } from '../rating/line.ts';

const signed = z.string().regex(/^-?\d+$/);

export const BALANCE_KINDS = [
  'top_up',
  'charge',
  'correction',
  'invoice',
  'refund',
  'adjustment',
  'withdrawal',
  'transfer',
  'expiry',
  'state',
  'payment',
  'repayment',
  'payout',
] as const;

export const BALANCE_STATES = ['ok', 'low', 'overdue', 'suspended'] as const;
export type BalanceState = (typeof BALANCE_STATES)[number];

/** What a payment covers: an invoice by its id, or a term of a VM. */
export const coversBody = z.union([
  z.strictObject({ invoice: z.string() }),
  z.strictObject({ vm: z.string(), from: z.int(), until: z.int() }),
]);
export type Covers = z.infer<typeof coversBody>;

/**
 * A movement of an account's money that is no document: added, never edited. Positive amounts are the account's money, negative ones what it owes
 * or what left. Rows of kind `invoice` were written by versions that kept prepaid balances apart from invoices: what they said follows from the
 * documents.
 */
export const balanceBody = z.strictObject({
  account: z.string(),
  currency: z.string(),
  kind: z.enum(BALANCE_KINDS),
  /** When it counts: a payment when it was made, a day's charge at the day's end. */
  at: z.int(),
  amount_nanos: signed,
  /** When what it charges has to be covered; null: it takes from what is there. */
  due_at: z.int().nullable(),
  /** Of a charge or its correction: the local day, and what of it is which kind of line of which VM (positive: charged). */
  day: z
    .strictObject({
      from: z.int(),
      to: z.int(),
      date: z.string(),
      /** Where the run of days began that were rated together: corrections are of the whole run. */
      run_from: z.int(),
      parts: z.array(
        z.strictObject({
          vm: z.string().nullable(),
          kind: z.enum(LINE_KINDS),
          nanos: signed,
        }),
      ),
    })
    .nullable(),
  /** The invoice whose rest it settles, or the one a credit came from. */
  invoice: z.string().nullable(),
  /** The VM a refund is about, and the refund check that found it due. */
  vm: z.string().nullable(),
  refund_check: z.string().nullable(),
  /** Of a transfer: the account at the other end. */
  other: z.string().nullable(),
  /** Unused after this, it lapses. */
  expires_at: z.int().nullable(),
  /** Of an expiry: the entry that lapsed. */
  lapsed: z.string().nullable(),
  /** Of a state: which, since when, by which clause. */
  state: z.strictObject({ is: z.enum(BALANCE_STATES), since: z.int(), clause: z.string().nullable() }).nullable(),
  /** Of a payment: what it covers; null, or left out by top-ups: it is free. */
  covers: coversBody.nullish(),
  /** Unique among the account's payments and payouts; left out by rows of before, whose `source` may be one. */
  reference: z.string().nullish(),
  /** Who says so: the reference of a payment, or why. */
  source: z.string(),
  by: z.string(),
});
export type BalanceBody = z.infer<typeof balanceBody>;

export interface BalanceEntry extends BalanceBody {
  id: string;
  seq: bigint;
  recordedAtMs: number;
}

/** What is filled in where a kind of entry has no use for it. */
export const BLANK_ENTRY = {
  due_at: null,
  day: null,
  invoice: null,
  vm: null,
  refund_check: null,
  other: null,
  expires_at: null,
  lapsed: null,
  state: null,
} as const satisfies Partial<BalanceBody>;
