import { z } from 'zod';
import { LINE_KINDS } from '../rating/line.ts';
import { itemSay, reasonSay } from '../rating/say.ts';

/**
 * A debit: what re-rating found that a final invoice charged too little. It is recorded once, charged by a line of the next
 * invoice of the account, and never an edit of the one it corrects.
 */
const nanos = z.string().regex(/^\d+$/);

/** The local days or months whose unavailable minutes changed. */
export const changedDays = z.array(z.strictObject({ date: z.string(), before: z.int(), after: z.int() }));

const part = z.strictObject({
  /** The index of the line that it corrects, from 0; null: the invoice has none. */
  line: z.int().nullable(),
  /** What tells this line from others of its invoice; see `lineKey` of the corrections. */
  key: z.string(),
  kind: z.enum(LINE_KINDS),
  vm: z.string().nullable(),
  description: z.string(),
  /** What the line is for, in codes; debits of before there were codes have the description alone. */
  say: itemSay.optional(),
  /** Above 0; 0 once it was taken back before it was charged. */
  nanos,
  /** What the line came to and what it comes to now, in the currency. */
  before: z.string(),
  after: z.string(),
  minutes: z.strictObject({ before: z.int(), after: z.int() }),
  days: changedDays,
  /** Of a tax on some kinds of lines: which. */
  tax: z.strictObject({ percent: z.string().optional(), name: z.string().optional(), kinds: z.array(z.string()) }).optional(),
});
export type DebitPart = z.infer<typeof part>;

export const debitHead = z.strictObject({
  account: z.string(),
  currency: z.string(),
  /** The invoice that charged too little. */
  invoice: z.string(),
  number: z.int(),
  reason: z.string(),
  /** The reason in codes. */
  reasons: z.array(reasonSay).optional(),
  parts: z.array(part),
  /** Of the evidence kept with it. */
  evidence_sha256: z.string(),
});
export type DebitHead = z.infer<typeof debitHead>;

export interface DebitState {
  id: string;
  head: DebitHead;
  /** `pending`: for the next invoice. `void`: the invoice that it corrects has been made void. */
  status: 'pending' | 'charged' | 'void';
  /** The final invoice that charges it, and by which lines. */
  on: {
    invoice: string;
    number: number | null;
    lines: readonly { id: string; part: number; line: number; nanos: string }[];
  } | null;
}
