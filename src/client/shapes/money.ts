import { z } from 'zod';

/** What an account is charged by hand. */
export const HandCharge = z.looseObject({
  id: z.string(),
  account: z.string(),
  reference: z.string(),
  kind: z.string(),
  description: z.string(),
  amount: z.string(),
  currency: z.string(),
  status: z.enum(['pending', 'billed', 'withdrawn']),
  invoice: z.looseObject({ id: z.string(), number: z.int().nullable(), line: z.string() }).nullable(),
});
export type HandCharge = z.infer<typeof HandCharge>;

const note = z.looseObject({ id: z.string(), number: z.int().nullable(), invoice: z.string(), total: z.string() });

/** A refund that was granted. */
export const Grant = z.looseObject({
  refund: z.looseObject({
    id: z.string(),
    refund_check: z.string(),
    account: z.string(),
    vm: z.string(),
    amount: z.string(),
    currency: z.string(),
    destination: z.enum(['balance', 'original_payment']),
    ends_at: z.string(),
  }),
  credit_note: note.nullable(),
  credit_notes: z.array(note),
  balance: z.string(),
});
export type Grant = z.infer<typeof Grant>;

/** An entry of a ledger, and the balance with it. */
export const Entered = z.looseObject({
  entry: z.looseObject({ id: z.string(), kind: z.string(), amount: z.string(), reference: z.string().nullable() }).nullable(),
  balance: z.string(),
});
export type Entered = z.infer<typeof Entered>;
