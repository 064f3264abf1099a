import { z } from 'zod';
import type { Entry } from '../journal/entry.ts';

/** Why somebody charges by hand: `quoted` at the price that was quoted, `damage` by a clause, `handling` what a granted refund keeps. */
export const HAND_CHARGE_KINDS = ['one_off', 'quoted', 'damage', 'handling'] as const;
export type HandChargeKind = (typeof HAND_CHARGE_KINDS)[number];

/**
 * What an account is charged by hand: a line of its next invoice, which alone is money of its ledger. Of an id the last version is in force: once more
 * with `withdrawn` it is charged no more.
 */
export const handChargeBody = z.strictObject({
  account: z.string(),
  currency: z.string(),
  /** Unique in its account. */
  reference: z.string(),
  kind: z.enum(HAND_CHARGE_KINDS),
  description: z.string(),
  /** Net, above 0, in the account's currency. */
  amount_nanos: z.string().regex(/^\d+$/),
  /** null: taxed as the account is. */
  tax_percent: z.string().nullable(),
  reason: z.string(),
  /** By which it is owed. */
  clause: z.string().nullable(),
  vm: z.string().nullable(),
  at: z.int(),
  /** Where it was agreed in another currency: how much, and what one unit of that is in the account's, as somebody recorded it. */
  foreign: z.strictObject({ amount: z.string(), currency: z.string(), rate: z.string() }).nullable(),
  refund_check: z.string().nullable(),
  withdrawn: z.strictObject({ at: z.int(), by: z.string() }).nullable(),
  by: z.string(),
});
export type HandChargeBody = z.infer<typeof handChargeBody>;

export interface HandCharge extends HandChargeBody {
  readonly id: string;
  readonly recordedAtMs: number;
}

/** All charges by hand, by account, in the order in which they were first recorded. */
export class HandChargeBook {
  readonly #byAccount = new Map<string, Map<string, HandCharge>>();

  /** Returns the account that it is about. */
  apply({ id, recordedAtMs, body }: Entry): string {
    const made = handChargeBody.parse(JSON.parse(body));
    const own = this.#byAccount.get(made.account) ?? new Map<string, HandCharge>();
    this.#byAccount.set(made.account, own.set(id, { ...made, id, recordedAtMs: own.get(id)?.recordedAtMs ?? recordedAtMs }));
    return made.account;
  }

  of(account: string): HandCharge[] {
    return [...(this.#byAccount.get(account)?.values() ?? [])];
  }

  find(account: string, id: string): HandCharge | undefined {
    return this.#byAccount.get(account)?.get(id);
  }
}
