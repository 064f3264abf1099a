import { chargesOf } from '../books/charges.ts';
import type { InvoiceFacts } from '../rating/order.ts';
import { lateFeeRuleOf } from '../terms/fees.ts';
import type { TermsSheet } from '../terms/sheet.ts';
import { type BillingContext, sheetOf } from './facts.ts';

/** The sheet by which an account is billed: of its VMs' sheets the first, by name, that says how. */
export function billingSheetOf(context: BillingContext, account: string, atMs: number): TermsSheet | undefined {
  for (const id of context.catalog.vmsOf(account)) {
    const vm = context.catalog.vm(id)?.body;
    if (vm === undefined) continue;
    const plan = vm.plans.findLast((each) => each.from <= atMs) ?? vm.plans[0];
    const sheet = sheetOf(context, vm, plan?.plan, atMs);
    if (sheet?.billing != null) return sheet;
  }
  return undefined;
}

/** When an invoice falls due: at the end of its period, or as long after it as the terms take to charge a day. */
export function dueAtOf(context: BillingContext, account: string, toMs: number): number {
  return toMs + (billingSheetOf(context, account, toMs)?.billing?.charge_daily_within ?? 0);
}

/** The final invoices of an account that fell due before a period's end, with the late fee its terms set. */
export function overdueOf(context: BillingContext, account: string, fromMs: number, toMs: number): InvoiceFacts['overdue'] {
  const sheet = billingSheetOf(context, account, fromMs);
  const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
  if (rule === undefined) return [];
  return context.catalog.books.statesOf(account).flatMap(({ id, head, status, settlements, creditedNanos, chargedNanos }) => {
    if (head.type !== 'invoice' || head.number === null || status === 'void' || head.due_at >= toMs) return [];
    const payments = settlements.map(({ action, at, amount_nanos }) => ({
      atMs: at,
      amountNanos: action === 'refund' ? -BigInt(amount_nanos) : BigInt(amount_nanos),
    }));
    // What was charged to the prepaid balance is owed there.
    const principalNanos = BigInt(head.principal_nanos) - creditedNanos - chargedNanos;
    return [{ invoice: { id, number: head.number.toString(), principalNanos, dueAtMs: head.due_at, payments }, rule }];
  });
}

/** The daily charges of an account that late fees are computed from; undefined where its terms set none. */
export function lateChargesOf(context: BillingContext, account: string, fromMs: number): InvoiceFacts['charges'] {
  const sheet = billingSheetOf(context, account, fromMs);
  const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
  return rule === undefined ? undefined : { list: chargesOf(context, account), rule };
}
