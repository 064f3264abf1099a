import type { InvoiceHead, InvoiceState } from '../../books/invoices.ts';
import { numberText } from '../../books/number-series.ts';
import type { StoredDocument } from '../../books/stored-document.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { readContent } from '../../print/invoice-shape.ts';

/** What every credit note on an invoice has, whoever decided on it: the parties and names of the invoice, and the same period. */
export function notePartsOf({ id, head }: InvoiceState, issued: StoredDocument, totalNanos: bigint) {
  const { issuer, customer, time_zone, titles = { plans: {}, vms: {} } } = readContent(issued.rest);
  const numbered = numberText(head);
  const pattern = issuer?.numbers?.credit_note;
  const amount = (nanos: bigint): string => formatAmount(nanos, head.currency);
  return {
    amount,
    /** Before the lines. */
    opening: {
      layout: 2,
      account: head.account,
      issuer,
      customer,
      currency: head.currency,
      from: formatInstant(head.from),
      to: formatInstant(head.to),
      time_zone,
      corrects: { invoice: id, number: head.number, ...(numbered === null ? {} : { number_text: numbered }) },
    },
    titles,
    /** Behind them. */
    closing: { total: amount(totalNanos), warnings: [] },
    headOf: (corrects: NonNullable<InvoiceHead['corrects']>): InvoiceHead => ({
      type: 'credit_note',
      account: head.account,
      currency: head.currency,
      from: head.from,
      to: head.to,
      due_at: head.due_at,
      due_days: 0,
      final: false,
      number: null,
      issued_at: null,
      ...(pattern === undefined ? {} : { series: { pattern, time_zone: time_zone ?? 'UTC' } }),
      total_nanos: totalNanos.toString(),
      principal_nanos: totalNanos.toString(),
      corrects,
    }),
  };
}
