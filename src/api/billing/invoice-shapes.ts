import { z } from 'zod';
import { LINE_KINDS } from '../../rating/line.ts';
import { lineSay } from '../../rating/say.ts';
import { instantShape } from '../shared/shapes.ts';

/** Invoices and credit notes as the API shows them. */
const lineShape = z.looseObject({
  id: z.string().describe('Tells the line from others of its document, for good.'),
  kind: z.enum(LINE_KINDS),
  vm: z.string().nullable(),
  description: z.string(),
  quantity: z.string(),
  unit: z.string(),
  unit_price: z.string(),
  amount: z.string(),
  formula: z.string(),
  query: z.string().nullable(),
  detail: z.looseObject({}),
  say: lineSay.optional().describe('What the line says in codes; lines of documents made before there were codes have none.'),
});
export const invoiceShape = z.looseObject({
  id: z.string(),
  type: z.enum(['invoice', 'credit_note']),
  number: z.int().nullable(),
  number_text: z.string().nullable().optional().describe('The number as it is written, where the issuer says how.'),
  status: z.enum(['preview', 'draft', 'final', 'paid', 'void']),
  account: z.string(),
  currency: z.string(),
  from: instantShape,
  to: instantShape,
  lines: z.array(lineShape),
  total: z.string(),
  sha256: z.object({ content: z.string(), evidence: z.string() }).nullable(),
});
