/** Prepaid balances, as they are answered. Amounts are decimal strings. */
import { z } from 'zod';

export const BalanceEntry = z.looseObject({
  kind: z.string(),
  at: z.string(),
  amount: z.string(),
  balance: z.string(),
  source: z.string(),
  day: z.looseObject({ date: z.string() }).nullable(),
});
export type BalanceEntry = z.infer<typeof BalanceEntry>;

/** `entries`: the newest first; `before` asks for older ones, null when there are none. */
export const Balance = z.looseObject({
  account: z.string(),
  currency: z.string(),
  balance: z.string(),
  state: z.string(),
  since: z.string().nullable(),
  clause: z.string().nullable(),
  unpaid: z.array(z.looseObject({ due_at: z.string(), amount: z.string() })),
  entries: z.array(BalanceEntry),
  before: z.string().nullable().default(null),
});
export type Balance = z.infer<typeof Balance>;

/** What charging the days that are over made of one account. */
export const ChargedAccount = z.looseObject({
  account: z.string(),
  entries: z.array(BalanceEntry),
  waiting: z.string().nullable(),
  more: z.boolean().default(false),
  state: z.string(),
  balance: z.string(),
});
export type ChargedAccount = z.infer<typeof ChargedAccount>;

export const ChargePart = z.looseObject({
  accounts: z.array(ChargedAccount),
  left: z.number(),
  next: z.string().nullable(),
});
