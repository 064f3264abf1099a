import type { BillingContext } from './context.ts';
import { owedOf } from '../books/charges.ts';
import { DUE_DAYS } from '../ledger/due.ts';
import type { InvoiceFacts } from '../rating/order.ts';
import { lateFeeRuleOf } from '../terms/fees.ts';
import { billingSheetOf } from '../terms/agreed.ts';

/** How many days an account has to pay an invoice, of those after its issue: its own, else its sheet's. */
export function dueDaysOf(context: BillingContext, account: string, toMs: number): number {
  const own = context.catalog.account(account)?.body.due_days;
  return own ?? billingSheetOf(context, account, toMs)?.billing?.due_days ?? DUE_DAYS;
}

/** The final invoices of an account that fell due before a period's end, with the late fee its terms set. */
export function overdueOf(context: BillingContext, account: string, fromMs: number, toMs: number): InvoiceFacts['overdue'] {
  const sheet = billingSheetOf(context, account, fromMs);
  const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
  if (rule === undefined) return [];
  // What was charged by the day is owed there.
  return owedOf(context, account)
    .invoices.filter(({ dueAtMs }) => dueAtMs < toMs)
    .map((invoice) => ({ invoice, rule }));
}

/** The daily charges of an account that late fees are computed from; undefined where its terms set none. */
export function lateChargesOf(context: BillingContext, account: string, fromMs: number): InvoiceFacts['charges'] {
  const sheet = billingSheetOf(context, account, fromMs);
  const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
  return rule === undefined ? undefined : { list: owedOf(context, account).days, rule };
}
