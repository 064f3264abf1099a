import type { ShownInvoice } from '../invoice-shape.ts';
import { pageOf } from '../page.ts';
import { pictureOf } from '../picture.ts';
import { EVER, newPdf, oneAtATime } from './file.ts';
import { fontsFor } from './fonts.ts';
import { digests, formulas, head, paragraphs, sources, totals } from './parts.ts';
import { pause } from './pause.ts';
import { drawPicture, PDF_STRIPS } from './picture.ts';
import { PdfSheet } from './sheet.ts';
import { table } from './table.ts';

/** An invoice as PDF. The same invoice in the same state gives the same bytes. One is made at a time. */
export function invoicePdf(invoice: ShownInvoice): Promise<Buffer> {
  return oneAtATime(() => makePdf(invoice));
}

async function makePdf(invoice: ShownInvoice): Promise<Buffer> {
  const page = pageOf(invoice);
  await pause();
  const { labels, language } = page.words;
  const picture = pictureOf(invoice.usage_days, PDF_STRIPS, page.words);
  await pause();
  const text = JSON.stringify([page, picture?.account, picture?.vms.map(({ name, summary }) => [name, summary]), picture?.note]);
  await pause();
  const fonts = await fontsFor(`${text}${Object.values(labels).map(String).join('')}${EVER}`, language, invoice.currency);
  await pause();
  const { pdf, bytes } = newPdf({
    title: page.title,
    author: page.author,
    subject: `${invoice.customer.name} (${invoice.account}), ${invoice.from} – ${invoice.to}`,
    keywords: [invoice.id, ...page.digests.map((digest) => digest.text)],
    language,
    madeAtMs: page.madeAtMs,
  });
  const sheet = new PdfSheet(pdf, fonts, page);
  await pause();
  head(sheet, page);
  await pause();
  await table(sheet, page);
  totals(sheet, page);
  paragraphs(sheet, labels.toPay, page.payment);
  paragraphs(sheet, labels.notes, page.notes);
  if (picture !== null) await drawPicture(sheet, picture, labels);
  formulas(sheet, page);
  await sources(sheet, page);
  digests(sheet, page);
  await sheet.finish();
  await pause();
  return bytes();
}
