import { owedAt } from '../../books/standing.ts';
import type { BillingContext } from '../context.ts';

/** What an account owes: an invoice, or a day that was charged by itself. */
export interface OwedItem {
  /** Of the invoice, or of the day's charge. */
  readonly id: string;
  readonly isDay: boolean;
  readonly dueAtMs: number;
  readonly unpaidNanos: bigint;
}

/**
 * What was due by an instant and not paid by one, by what is known now: what is booked later with an earlier instant counts. What was due first comes first.
 */
export function overdueAt(context: Pick<BillingContext, 'books'>, account: string, atMs: number, dueByMs = atMs): OwedItem[] {
  return owedAt(context, account, atMs)
    .map(({ claim: { id, isDay, dueAtMs }, unpaidNanos }) => ({ id, isDay, dueAtMs, unpaidNanos }))
    .filter(({ dueAtMs }) => dueAtMs <= dueByMs);
}
