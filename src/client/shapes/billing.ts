/** What billing answers. Amounts are decimal strings of the currency's unit, as they are printed: exact, and never numbers. */
import { z } from 'zod';

/** An invoice or credit note without its lines. */
export const InvoiceSummary = z.looseObject({
  id: z.string(),
  type: z.string(),
  number: z.number().nullable(),
  number_text: z.string().nullable().optional(),
  status: z.string(),
  account: z.string(),
  currency: z.string(),
  from: z.string(),
  to: z.string(),
  total: z.string(),
});
export type InvoiceSummary = z.infer<typeof InvoiceSummary>;

export const InvoicePage = z.looseObject({ invoices: z.array(InvoiceSummary), next: z.string().nullable() });

export const Invoice = InvoiceSummary.extend({
  lines: z.array(
    z.looseObject({
      kind: z.string(),
      vm: z.string().nullable(),
      description: z.string(),
      quantity: z.string(),
      unit: z.string(),
      unit_price: z.string(),
      amount: z.string(),
    }),
  ),
  outstanding: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});
export type Invoice = z.infer<typeof Invoice>;

/** What a run made of one account. */
export const RunOutcome = z.looseObject({
  account: z.string(),
  outcome: z.string(),
  invoice: z.string().nullable(),
  number: z.number().nullable(),
  currency: z.string(),
  total: z.string().nullable(),
  warnings: z.array(z.string()).default([]),
  code: z.string().nullable(),
  reason: z.string().nullable(),
});
export type RunOutcome = z.infer<typeof RunOutcome>;

/** A part of a run; `accounts` counts those of the whole. */
export const RunPart = z.looseObject({
  period: z.string(),
  dry_run: z.boolean(),
  accounts: z.number(),
  outcomes: z.array(RunOutcome),
  next: z.string().nullable(),
});

const Correction = z.looseObject({
  line: z.number().nullable(),
  kind: z.string(),
  vm: z.string().nullable(),
  before: z.string(),
  after: z.string(),
});

/** A final invoice that rates to something else now, and what corrects it. */
export const Reconciled = z.looseObject({
  number: z.number(),
  account: z.string(),
  reason: z.string(),
  credits: z.array(Correction),
  debits: z.array(Correction),
  credit_notes: z.array(z.string()),
  debit: z.string().nullable(),
  lowered_debits: z.array(z.string()),
});
export type Reconciled = z.infer<typeof Reconciled>;

export const ReconcilePart = z.looseObject({
  checked: z.number(),
  invoices: z.array(Reconciled),
  left: z.number().default(0),
  next: z.string().nullable().default(null),
});

/** What a final invoice charged too little, and the invoice that charges it. */
export const Debit = z.looseObject({
  id: z.string(),
  account: z.string(),
  currency: z.string(),
  invoice: z.string(),
  number: z.number(),
  status: z.string(),
  charged_on: z.string().nullable(),
  total: z.string(),
  reason: z.string(),
});
export type Debit = z.infer<typeof Debit>;
