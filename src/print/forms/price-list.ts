import { PAPER_POLICY, paperHtml } from '../paper/html.ts';
import { paperPdf } from '../pdf/paper.ts';
import { priceListPaper } from '../price-list/price-list-paper.ts';
import type { PriceList } from '../price-list/price-list-shape.ts';

/** A price list in the forms that people read. */
export function priceListPage(list: PriceList): { html: string; policy: string } {
  return { html: paperHtml(priceListPaper(list)), policy: PAPER_POLICY };
}

export function priceListFile(list: PriceList): Promise<Buffer> {
  return paperPdf(priceListPaper(list));
}
