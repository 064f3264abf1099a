import { vmsOwedFor } from '../../books/charges.ts';
import { owedAt } from '../../books/standing.ts';
import type { BillingContext } from '../context.ts';

/** What an account owes: an invoice, or a day that was charged by itself. */
export interface OwedItem {
  /** Of the invoice, or of the day's charge. */
  readonly id: string;
  readonly isDay: boolean;
  readonly dueAtMs: number;
  readonly unpaidNanos: bigint;
  /** The VMs that it is owed for; undefined: not known. */
  readonly vms: readonly string[] | undefined;
}

/**
 * What was due by an instant and not paid by one, by what is known now: what is booked later with an earlier instant counts. What was due first comes first.
 */
export function overdueAt(context: Pick<BillingContext, 'books'>, account: string, atMs: number, dueByMs = atMs): OwedItem[] {
  return owedAt(context, account, atMs)
    .filter(({ claim }) => claim.dueAtMs <= dueByMs)
    .map(({ claim, unpaidNanos }) => {
      const { id, isDay, dueAtMs } = claim;
      return { id, isDay, dueAtMs, unpaidNanos, vms: vmsOwedFor(context, account, claim) };
    });
}
