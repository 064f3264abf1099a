import { invoiceCsv as csvOfBefore } from '../csv.ts';
import { HTML_POLICY, invoiceHtml as htmlOfBefore } from '../html.ts';
import type { ShownInvoice } from '../invoice-shape.ts';
import { invoicePaper } from '../invoice/invoice-paper.ts';
import { PAPER_POLICY, paperHtml } from '../paper/html.ts';
import { paperPdf } from '../pdf/paper.ts';
import { invoicePdf as pdfOfBefore } from '../pdf/pdf.ts';

/**
 * Invoices and credit notes in the forms that people read. A document is printed by the layout that it was made with: what was sent
 * to a customer is the same for ever.
 */

/** HTML, and what a browser may do with it. */
export function invoicePage(invoice: ShownInvoice): { html: string; policy: string } {
  if (isOfBefore(invoice)) return { html: htmlOfBefore(invoice), policy: HTML_POLICY };
  return { html: paperHtml(invoicePaper(invoice)), policy: PAPER_POLICY };
}

export function invoiceFile(invoice: ShownInvoice): Promise<Buffer> {
  return isOfBefore(invoice) ? pdfOfBefore(invoice) : paperPdf(invoicePaper(invoice));
}

export function invoiceTable(invoice: ShownInvoice): string {
  return csvOfBefore(invoice);
}

function isOfBefore({ layout = 1 }: ShownInvoice): boolean {
  return layout < 2;
}
