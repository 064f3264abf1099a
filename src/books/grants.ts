import { z } from 'zod';
import type { Entry } from '../journal/entry.ts';
import type { Fund } from '../ledger/allocation.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { stableId } from './stable-id.ts';

const nanos = z.string().regex(/^\d+$/);

/**
 * A refund that was granted: added, never edited, and last of what belongs to it (the event of the VM, its end, the credit notes, what is charged for
 * handling), so that where it is, they are. All amounts are positive.
 */
export const grantBody = z.strictObject({
  account: z.string(),
  currency: z.string(),
  vm: z.string(),
  refund_check: z.string(),
  /** When money became free, or left: business time. */
  at: z.int(),
  /** The time that was given back. Where all that was paid went back it begins before the service ended: that is not charged either. */
  from: z.int(),
  until: z.int(),
  /** When the service ended. */
  ends_at: z.int(),
  basis: z.enum(['full', 'remaining']),
  /** What the refund came to. */
  amount_nanos: nanos,
  /** `balance`: it stays in the account, and is never paid out. Else it left the account by an entry of its own. */
  destination: z.enum(['balance', 'original_payment']),
  /** The credit notes that took back what was invoiced of the time. */
  notes: z.array(z.string()),
  /** The charge by hand of what is kept for handling; null: nothing is. */
  charge: z.string().nullable(),
  /** What of terms paid in advance is kept for them no longer. */
  freed: z.array(z.strictObject({ from: z.int(), until: z.int(), nanos })),
  /** The account's balance once it was granted, below 0 what was owed. */
  balance_nanos: z.string().regex(/^-?\d+$/),
  by: z.string(),
});
export type GrantBody = z.infer<typeof grantBody>;

export interface Grant extends GrantBody {
  readonly id: string;
  readonly seq: bigint;
  readonly recordedAtMs: number;
}

/** The id of the grant of a refund check: written twice, it is there once. */
export function grantIdOf(check: string): string {
  return stableId('grant', check);
}

/** The event of a VM that later refund checks count: of one check there is one, whoever gave the money back. */
export function refundEventIdOf(check: string): string {
  return stableId('refund', check);
}

/** The credit note of a grant on an invoice. */
export function grantNoteIdOf(check: string, invoice: string): string {
  return stableId('grant-note', check, invoice);
}

/** All grants so far, by account, in the order in which they were recorded. */
export class GrantBook {
  readonly #byAccount = new Map<string, Map<string, Grant>>();

  /** Returns the account that it is about. */
  apply({ id, seq, recordedAtMs, body }: Entry): string {
    const grant: Grant = { ...grantBody.parse(JSON.parse(body)), id, seq, recordedAtMs };
    this.#byAccount.set(grant.account, (this.#byAccount.get(grant.account) ?? new Map<string, Grant>()).set(id, grant));
    return grant.account;
  }

  of(account: string): Grant[] {
    return [...(this.#byAccount.get(account)?.values() ?? [])];
  }

  ofVm(account: string, vm: string): Grant[] {
    return this.of(account).filter((grant) => grant.vm === vm);
  }

  /** The grant of a refund check. */
  ofCheck(account: string, check: string): Grant | undefined {
    return this.#byAccount.get(account)?.get(grantIdOf(check));
  }
}

/** What a grant comes to: terms paid in advance give up what is left of them, and what goes back the way it came leaves the account. */
export function grantMoney(grant: Grant): { readonly entries: readonly LedgerEntry[]; readonly funds: readonly Fund[] } {
  const { id, seq, recordedAtMs, by, vm, at: atMs, ends_at: endsMs, refund_check: check } = grant;
  const funds = grant.freed.flatMap(({ from: fromMs, until: untilMs, nanos: freed }): Fund[] => [
    { atMs, amountNanos: -BigInt(freed), covers: { vm, fromMs, untilMs, endsMs } },
    { atMs, amountNanos: BigInt(freed), covers: null },
  ]);
  const amountNanos = -BigInt(grant.amount_nanos);
  if (grant.destination === 'balance' || amountNanos === 0n) return { entries: [], funds };
  const entry: LedgerEntry = {
    ...{ id, kind: 'refund', atMs, seq, recordedAtMs, by, amountNanos, reference: null, note: '' },
    belongsTo: { vm, refund_check: check },
  };
  return { entries: [entry], funds: [...funds, { atMs, amountNanos, covers: null }] };
}
