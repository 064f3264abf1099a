import { owedOf } from '../../../src/books/charges.ts';
import type { BooksContext } from '../../../src/books/context.ts';
import { roundedToMinor } from '../../../src/rating/exact.ts';
import { type LateFeeRule, type OverdueInvoice, priceLateCharges, priceLateFee } from '../../../src/rating/late-fee.ts';
import { billingSheetOf } from '../../../src/terms/agreed.ts';
import { lateFeeRuleOf } from '../../../src/terms/fees.ts';
import { CURRENCY, type MadeLine } from './documents.ts';

export function ruleOf(context: BooksContext, account: string, atMs: number): LateFeeRule | undefined {
  const sheet = billingSheetOf(context, account, atMs);
  return sheet === undefined ? undefined : lateFeeRuleOf(sheet);
}

/** What invoices that are late bear of a period, by the invoice, to the cent. */
export function feesNow(context: BooksContext, account: string, fromMs: number, toMs: number): Map<string, bigint> {
  const rule = ruleOf(context, account, fromMs);
  const fees = new Map<string, bigint>();
  for (const invoice of rule === undefined ? [] : owedOf(context, account).invoices) {
    const priced = rule === undefined ? undefined : priceLateFee(invoice, { rule, fromMs, toMs, currency: CURRENCY });
    if (priced !== undefined) fees.set(invoice.id, roundedToMinor(priced.exactNanos, CURRENCY));
  }
  return fees;
}

export function feeLines(context: BooksContext, account: string, fromMs: number, toMs: number): MadeLine[] {
  return [...feesNow(context, account, fromMs, toMs)].map(([invoice, nanos]) => ({
    ...{ kind: 'late_fee' as const, vm: null, nanos, detail: { invoice } },
  }));
}

/** What days that are late bear in a time, to the cent. */
export function feeOfDays(days: readonly OverdueInvoice[], rule: LateFeeRule, fromMs: number, toMs: number): bigint {
  const priced = priceLateCharges(days, { rule, fromMs, toMs, currency: CURRENCY });
  return priced === undefined ? 0n : roundedToMinor(priced.exactNanos, CURRENCY);
}
