import { z } from 'zod';
import { aboutLines, clauseSays, explainedShape } from './explained-shape.ts';
import { TAXED } from '../domain/taxed.ts';
import { itemOf, type ItemSay, lineSay } from '../rating/say.ts';
import { noteSay } from '../rating/note.ts';
import { LINE_KINDS } from '../rating/line.ts';

/**
 * Invoices and credit notes as their JSON has them: the content that was kept when they were made, by this version or one before,
 * and what has happened to them since. Everything that reads a document's JSON reads it by these shapes.
 */
const about = {
  address: z.string().optional(),
  tax_id: z.string().optional(),
  registration: z.string().optional(),
  email: z.string().optional(),
  website: z.string().optional(),
  payment: z.string().optional(),
  api_url: z.string().optional(),
};
// In the order in which they are kept: a credit note keeps them as its invoice did.
const issuer = z.object({
  name: z.string(),
  ...about,
  tax_name: z.string().optional(),
  payment_terms: z.string().optional(),
  numbers: z.object({ invoice: z.string().optional(), credit_note: z.string().optional() }).optional(),
});
const customer = z.object({ name: z.string(), language: z.string(), ...about, purchase_order: z.string().optional() });

/** The members of a line's detail that are printed; others are for programs. */
const detail = z.looseObject({
  rx_bytes: z.number().optional(),
  tx_bytes: z.number().optional(),
  included_bytes: z.number().optional(),
  counted_bytes: z.number().optional().catch(undefined),
  billable_bytes: z.number().optional().catch(undefined),
  slot_bytes: z.number().optional().catch(undefined),
  slots: z.int().optional().catch(undefined),
  rank: z.int().optional().catch(undefined),
  tiers: z
    .array(z.looseObject({ units: z.string(), price: z.string() }))
    .optional()
    .catch(undefined),
  plan: z.string().optional().catch(undefined),
  /** Of a charge by hand. */
  why: z.string().optional().catch(undefined),
  clause: clauseSays.nullable().optional().catch(undefined),
  /** Of a discount: what it takes off which kind; of one in percent, what it is of. */
  parts: z
    .array(z.object({ kind: z.string(), amount: z.string() }))
    .optional()
    .catch(undefined),
  base: z.string().optional().catch(undefined),
  kind: z.string().optional().catch(undefined),
  sum: z.string().optional().catch(undefined),
  per: z.enum(['month', 'day', 'hour']).optional().catch(undefined),
  foreign: z.looseObject({}).optional().catch(undefined),
  /** Of a tax: what it is called, and why none is charged. */
  name: z.string().optional().catch(undefined),
  exempt_reason: z.string().optional().catch(undefined),
  /** Of a correction: the invoice, and what its line came to. */
  invoice: z.string().optional().catch(undefined),
  before: z.string().optional().catch(undefined),
  after: z.string().optional().catch(undefined),
  unavailable_minutes: z.object({ before: z.int(), after: z.int() }).optional().catch(undefined),
  reason: z.string().optional(),
  percent: z.string().optional(),
  days: z
    .array(
      z.looseObject({
        date: z.string().optional(),
        /** The instant at which a month begins in its zone. */
        month: z.string().optional(),
        time_zone: z.string().optional(),
        minutes: z.int().optional(),
        capped: z.boolean().optional(),
        /** Minutes that a correction changed. */
        before: z.int().optional().catch(undefined),
        after: z.int().optional().catch(undefined),
      }),
    )
    .optional(),
});

/** A line as documents keep it. */
export const shownLineShape = z.object({
  kind: z.enum(LINE_KINDS),
  vm: z.string().nullable(),
  description: z.string(),
  quantity: z.string(),
  unit: z.string(),
  unit_price: z.string(),
  amount: z.string(),
  formula: z.string(),
  query: z.string().nullable(),
  samples: z.string().optional(),
  explained: explainedShape.optional().catch(undefined),
  detail: detail.default({}),
  // Documents of before it was kept have none; and what a later version said, this one can't say: both have their English.
  say: lineSay.optional().catch(undefined),
});
export type ShownLine = z.infer<typeof shownLineShape>;

/** Figures by day. Bytes may have been rounded by a JSON parser, which a picture does not show. */
const vmDays = z.object({
  vm: z.string(),
  /** Left out by documents of before it was told. */
  served_ms: z.array(z.number()).optional(),
  up_ms: z.array(z.number()),
  not_up_ms: z.record(z.string(), z.array(z.number())),
  rx_bytes: z.array(z.number()),
  tx_bytes: z.array(z.number()),
});
export type ShownVmDays = z.infer<typeof vmDays>;

const days = z.object({ time_zone: z.string(), dates: z.array(z.string()), vms: z.array(vmDays) });
export type ShownDays = z.infer<typeof days>;

/** What is kept of a document, but for its id, number and instant of issue: never changed once it is final. */
export const keptContent = z.object({
  ...aboutLines,
  account: z.string(),
  /** null, or left out by documents of before there was one. */
  issuer: issuer.nullish(),
  customer,
  currency: z.string(),
  from: z.string(),
  to: z.string(),
  time_zone: z.string().optional(),
  /** Its taxes by the kind of line; left out: one on all. */
  taxes: z
    .array(
      z.object({
        name: z.string().nullable(),
        percent: z.string(),
        kinds: z.array(z.enum(TAXED)),
        exempt_reason: z.string().nullable(),
      }),
    )
    .optional(),
  /** Of documents whose issue does not say it. */
  due_at: z.string().optional(),
  total: z.string(),
  corrects: z.object({ invoice: z.string(), number: z.int().nullable(), number_text: z.string().optional() }).optional(),
  usage_complete: z.boolean().optional(),
  period_over: z.boolean().optional(),
  warnings: z.array(z.string()).optional(),
  /** The warnings in codes. */
  notes: z.array(noteSay).optional().catch(undefined),
  usage_days: days.optional(),
  lines: z.array(shownLineShape),
});
export type KeptContent = z.infer<typeof keptContent>;

/** A document as it is shown: its content with its state. */
export interface ShownInvoice extends KeptContent {
  due_at: string;
  id: string;
  type: 'invoice' | 'credit_note';
  number: number | null;
  /** The number as it is written; left out: the number alone. */
  number_text?: string | null;
  issued_at: string | null;
  status: 'preview' | 'draft' | 'final' | 'paid' | 'void';
  outstanding?: string;
  paid?: string;
  credited?: string;
  /** What was paid on it and given back, in the order in which it was recorded. */
  payments?: readonly { kind: string; at: string; amount: string; note: string; reference?: string | null }[];
  /** What the prepaid balance was charged for it, and how much of that it covered. */
  balance?: { charged: string; covered: string; uncovered: string };
  credit_notes?: readonly { id: string; number: number | null; number_text?: string | null }[];
  sha256: { content: string; evidence: string } | null;
}

/** The kept part of a document, as far as it is read. Throws where it is none: what the server kept itself is damaged. */
export function readContent(text: string): KeptContent {
  const parsed = keptContent.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(`a kept document is not as expected: ${z.prettifyError(parsed.error)}`);
}

/** What a line is for: by its code, or as it was written before there were codes. */
export function shownItem({ say, description }: Pick<ShownLine, 'say' | 'description'>): ItemSay {
  return say === undefined ? { code: 'as_written', text: description } : itemOf(say);
}
