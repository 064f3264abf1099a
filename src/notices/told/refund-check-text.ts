import { z } from 'zod';

/** What notices take of a refund check as it is on record. */
export const refundCheckText = z.object({
  vm: z.string(),
  decision: z.string(),
  currency: z.string(),
  amount: z.string().nullable(),
  terms: z.string(),
  terms_version: z.int(),
  what_if: z.boolean(),
});
