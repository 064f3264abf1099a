import type { BillingContext } from './context.ts';
import { owedOf } from '../books/charges.ts';
import { DUE_DAYS } from '../ledger/due.ts';
import type { InvoiceFacts } from '../rating/order.ts';
import { agreedTermsOfAccount } from '../terms/agreed.ts';
import { lateRulesOf, owedUnderRules } from './late-rules.ts';

/**
 * How many days an account has to pay an invoice, of those after its issue: its own, else those of its VMs' sheets, of several the longest: nobody has to pay
 * sooner for what a neighbour agreed on.
 */
export function dueDaysOf(context: BillingContext, account: string, toMs: number): number {
  const own = context.catalog.account(account)?.body.due_days;
  if (own !== undefined) return own;
  const days = [...agreedTermsOfAccount(context, account, toMs)].flatMap(({ billing }) => billing?.due_days ?? []);
  return days.length === 0 ? DUE_DAYS : Math.max(...days);
}

/** The final invoices of an account that fell due before a period's end, with the late fees that its VMs' terms set: a line a rule. */
export function overdueOf(context: BillingContext, account: string, fromMs: number, toMs: number): InvoiceFacts['overdue'] {
  // What was charged by the day is owed there.
  const owed = owedOf(context, account).invoices.filter(({ dueAtMs }) => dueAtMs < toMs);
  const rules = lateRulesOf(context, account, fromMs);
  return owed.flatMap((each) =>
    owedUnderRules([each], rules, toMs).flatMap(({ rule, list }) => list.map((invoice) => ({ invoice, rule }))),
  );
}

/** The daily charges of an account that late fees are computed from, by rule. */
export function lateChargesOf(context: BillingContext, account: string, fromMs: number, toMs: number): InvoiceFacts['charges'] {
  return owedUnderRules(owedOf(context, account).days, lateRulesOf(context, account, fromMs), toMs);
}
