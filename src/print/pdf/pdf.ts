import PDFDocument from 'pdfkit';
import type { ShownInvoice } from '../invoice-shape.ts';
import { pageOf } from '../page.ts';
import { pause } from './pause.ts';
import { fontsFor } from './fonts.ts';
import { drawPicture, PDF_STRIPS } from './picture.ts';
import { digests, formulas, head, paragraphs, sources, totals } from './parts.ts';
import { PdfSheet } from './sheet.ts';
import { table } from './table.ts';
import { pictureOf } from '../picture.ts';

/** ASCII, and what is printed between texts. */
const EVER = `${Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')}·–−`;

let queue: Promise<unknown> = Promise.resolve();

/** An invoice as PDF. The same invoice in the same state gives the same bytes. One is made at a time. */
export function invoicePdf(invoice: ShownInvoice): Promise<Buffer> {
  const made = queue.then(() => makePdf(invoice));
  queue = made.catch(() => undefined);
  return made;
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
  const madeAt = new Date(page.madeAtMs);
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    bufferPages: true,
    pdfVersion: '1.7',
    lang: language,
    displayTitle: true,
    info: {
      Title: [page.title, page.author].filter((part) => part !== null).join(' – '),
      Author: page.author ?? 'Uptally',
      Subject: `${invoice.customer.name} (${invoice.account}), ${invoice.from} – ${invoice.to}`,
      Keywords: [invoice.id, ...page.digests.map((digest) => digest.text)].join(' '),
      Creator: 'Uptally',
      Producer: 'Uptally (PDFKit)',
      CreationDate: madeAt,
      ModDate: madeAt,
    },
  });
  const chunks: Buffer[] = [];
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => {
    pdf.on('end', resolve);
    pdf.on('error', reject);
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
  pdf.end();
  await ended;
  return Buffer.concat(chunks);
}
