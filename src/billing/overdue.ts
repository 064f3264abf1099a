import type { BillingContext } from './context.ts';
import { chargesOf } from '../books/charges.ts';
import type { InvoiceFacts } from '../rating/order.ts';
import { lateFeeRuleOf } from '../terms/fees.ts';
import { billingSheetOf } from '../terms/agreed.ts';

/** When an invoice falls due: at the end of its period, or as long after it as the terms take to charge a day. */
export function dueAtOf(context: BillingContext, account: string, toMs: number): number {
  return toMs + (billingSheetOf(context, account, toMs)?.billing?.charge_daily_within ?? 0);
}

/** The final invoices of an account that fell due before a period's end, with the late fee its terms set. */
export function overdueOf(context: BillingContext, account: string, fromMs: number, toMs: number): InvoiceFacts['overdue'] {
  const sheet = billingSheetOf(context, account, fromMs);
  const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
  if (rule === undefined) return [];
  return context.books.statesOf(account).flatMap((state) => {
    const { id, head, status, settlements, creditedNanos, chargedNanos } = state;
    if (head.type !== 'invoice' || head.number === null || status === 'void' || head.due_at >= toMs) return [];
    const payments = settlements.map(({ action, at, amount_nanos }) => ({
      atMs: at,
      amountNanos: action === 'refund' ? -BigInt(amount_nanos) : BigInt(amount_nanos),
    }));
    // What was charged to the prepaid balance is owed there.
    const principalNanos = state.principalNanos - creditedNanos - chargedNanos;
    return [{ invoice: { id, number: head.number.toString(), principalNanos, dueAtMs: head.due_at, payments }, rule }];
  });
}

/** The daily charges of an account that late fees are computed from; undefined where its terms set none. */
export function lateChargesOf(context: BillingContext, account: string, fromMs: number): InvoiceFacts['charges'] {
  const sheet = billingSheetOf(context, account, fromMs);
  const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
  return rule === undefined ? undefined : { list: chargesOf(context, account), rule };
}
