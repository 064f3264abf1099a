import PDFDocument from 'pdfkit';
import type { ShownInvoice } from './invoice-shape.ts';
import { type Page, pageOf, type PageRow } from './page.ts';
import { pause } from './pause.ts';
import { fontsFor } from './pdf-fonts.ts';
import { drawPicture, PDF_STRIPS } from './pdf-picture.ts';
import { PdfSheet, WIDTH } from './pdf-sheet.ts';
import type { Style } from './pdf-text.ts';
import { pictureOf } from './picture.ts';

const BODY: Style = { size: 9 };
const STRONG: Style = { size: 9, weight: 'bold' };
const SMALL: Style = { size: 7.5, colour: '#59636e' };
const LABEL: Style = { size: 7.5, weight: 'bold', colour: '#59636e' };
const LINK: Style = { size: 7, colour: '#1d4f80' };
const PATH: Style = { size: 7, colour: '#1b1f24' };
const TONES = { open: '#7a4b00', paid: '#14532d', void: '#8e1b1b', not_final: '#8e1b1b' } as const;
/** Rows between two pauses, some ten milliseconds' work: a long document must not keep the server from its other work. */
const ROWS_AT_ONCE = 5;

/** ASCII, and what is printed between texts. */
const EVER = `${Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')}·–−`;

/** Columns of the table of lines: left edge and width. */
const COLUMNS = {
  line: [0, 22],
  vm: [26, 80],
  item: [110, 150],
  quantity: [262, 102],
  unitPrice: [366, 70],
  amount: [438, WIDTH - 438],
} as const;

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
  const { labels } = page;
  const picture = pictureOf(invoice.usage_days, PDF_STRIPS, labels, page.language);
  await pause();
  const text = JSON.stringify([page, picture?.account, picture?.vms.map(({ name, summary }) => [name, summary]), picture?.note]);
  await pause();
  const fonts = await fontsFor(`${text}${Object.values(labels).map(String).join('')}${EVER}`, page.language, invoice.currency);
  await pause();
  const madeAt = new Date(page.madeAtMs);
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    bufferPages: true,
    pdfVersion: '1.7',
    lang: page.language,
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

function head(sheet: PdfSheet, page: Page): void {
  const { labels, state } = page;
  const title: Style = { size: 22, weight: 'bold' };
  const badge: Style = { size: 10, weight: 'bold', colour: state.tone === 'not_final' ? '#ffffff' : TONES[state.tone] };
  const badgeWidth = sheet.pen.width(state.text, badge) + 18;
  const top = sheet.y;
  sheet.box(WIDTH - badgeWidth, top + 5, badgeWidth, 21, TONES[state.tone], state.tone === 'not_final');
  sheet.put(state.text, WIDTH - badgeWidth + 9, top + 8.5, badgeWidth, badge);
  sheet.y = sheet.put(page.title, 0, top, WIDTH - badgeWidth - 10, title) + 14;

  const factsX = 312;
  const labelWidth = Math.min(90, 8 + Math.max(...page.facts.map((fact) => sheet.pen.width(fact.label, SMALL))));
  let factsY = sheet.y;
  for (const { label, text } of page.facts) {
    sheet.put(label, factsX, factsY + 1, labelWidth, SMALL);
    factsY = sheet.put(text, factsX + labelWidth, factsY, WIDTH - factsX - labelWidth, BODY) + 1.5;
  }
  const bottoms = [factsY];
  for (const [i, [label, lines]] of ([[labels.from, page.seller], [labels.billTo, page.customer]] as const).entries()) {
    if (lines.length === 0) continue;
    const x = i === 0 ? 0 : page.seller.length === 0 ? 0 : 156;
    let y = sheet.put(label, x, sheet.y, 140, LABEL) + 1;
    for (const [j, line] of lines.entries()) y = sheet.put(line, x, y, 144, j === 0 ? STRONG : BODY);
    bottoms.push(y);
  } // prettier-ignore
  sheet.y = Math.max(...bottoms) + 14;

  sheet.pdf.rect(sheet.left, sheet.y, WIDTH, 30).fill('#f1f4f6');
  sheet.put(page.headline.label, 10, sheet.y + 9, 200, { size: 10 });
  sheet.put(page.headline.text, 200, sheet.y + 5, WIDTH - 210, { size: 15, weight: 'bold', align: 'right' });
  sheet.y += 44;
}

async function table(sheet: PdfSheet, { labels, rows, amountHead }: Page): Promise<void> {
  const heads = { line: '#', vm: labels.vm, item: labels.item, quantity: labels.quantity, unitPrice: labels.unitPrice, amount: amountHead };
  const drawHead = (): void => {
    let bottom = sheet.y;
    for (const [name, [x, width]] of Object.entries(COLUMNS) as [keyof typeof COLUMNS, readonly [number, number]][]) {
      const style: Style = { ...LABEL, align: name === 'quantity' || name === 'unitPrice' || name === 'amount' ? 'right' : 'left' };
      bottom = Math.max(bottom, sheet.put(heads[name], x, sheet.y, width, style));
    }
    sheet.y = bottom + 3;
    sheet.rule('#59636e', 0.8);
    sheet.y += 4;
  };
  sheet.need(60);
  drawHead();
  sheet.onNewPage = drawHead;
  let vm = '';
  for (const [i, row] of rows.entries()) {
    if (row.vm !== '') vm = row.vm;
    drawRow(sheet, row, vm);
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await pause();
  }
  sheet.onNewPage = undefined;
} // prettier-ignore

/** A row stays whole; the first one on a page names its VM again. */
function drawRow(sheet: PdfSheet, row: PageRow, vm: string): void {
  const right = { align: 'right' as const };
  const cells = (name: string) => [
    { at: COLUMNS.line, text: row.line.toString(), style: SMALL },
    { at: COLUMNS.vm, text: name, style: STRONG },
    { at: COLUMNS.item, text: `${row.description}  (${row.formula})`, style: BODY },
    { at: COLUMNS.quantity, text: row.quantity, style: { ...BODY, ...right } },
    { at: COLUMNS.unitPrice, text: row.unitPrice, style: { ...BODY, ...right } },
    { at: COLUMNS.amount, text: row.amount, style: { ...BODY, ...right } },
  ];
  const { pen } = sheet;
  const more = row.more.flatMap((text) => pen.lines(text, COLUMNS.item[1], SMALL));
  const heightOf = (list: ReturnType<typeof cells>): number => {
    const tallest = Math.max(...list.map(({ at, text, style }) => pen.lines(text, at[1], style).length * style.size * 1.4));
    const item = list[2];
    const itemLines = item === undefined ? 0 : pen.lines(item.text, item.at[1], item.style).length * item.style.size * 1.4;
    return Math.max(tallest, itemLines + more.length * SMALL.size * 1.4);
  };
  const height = heightOf(cells(vm)) + 8;
  const turned = sheet.need(height);
  const list = cells(turned && row.vm === '' ? vm : row.vm);
  const top = sheet.y;
  let itemBottom = top;
  for (const [i, { at, text, style }] of list.entries()) {
    const bottom = sheet.put(text, at[0], i === 0 ? top + 1.4 : top, at[1], style);
    if (i === 2) itemBottom = bottom;
  }
  pen.write(more, sheet.left + COLUMNS.item[0], itemBottom, COLUMNS.item[1], SMALL);
  sheet.y = top + height - 4;
  sheet.rule('#d9dee3', 0.5);
  sheet.y += 4;
}

function totals(sheet: PdfSheet, page: Page): void {
  sheet.need(page.totals.length * 17 + 6);
  for (const { label, text, strong } of page.totals) {
    const style: Style = { size: strong ? 10.5 : 9, weight: strong ? 'bold' : 'regular', align: 'right' };
    sheet.put(label, 160, sheet.y, 270, style);
    sheet.y = sheet.put(text, 436, sheet.y, WIDTH - 436, style) + 2;
  }
  sheet.y += 4;
}

function paragraphs(sheet: PdfSheet, label: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  sheet.heading(label, 16);
  for (const line of lines) sheet.flow(line, 0, WIDTH, BODY);
}

function formulas(sheet: PdfSheet, { labels, formulas: list }: Page): void {
  if (list.length === 0) return;
  sheet.heading(labels.formulas, 12);
  for (const { label, text } of list) {
    sheet.need(12);
    sheet.put(`(${label})`, 0, sheet.y, 20, SMALL);
    sheet.flow(text, 22, WIDTH - 22, { ...SMALL, colour: '#1b1f24' });
  }
}

async function sources(sheet: PdfSheet, { labels, sources: list }: Page): Promise<void> {
  if (list.length === 0) return;
  sheet.heading(labels.sources, 30);
  sheet.flow(labels.sourcesText, 0, WIDTH, SMALL);
  sheet.y += 3;
  let labelWidth = 0;
  for (const [i, { label }] of list.entries()) {
    labelWidth = Math.max(labelWidth, 8 + sheet.pen.width(label, SMALL));
    if (i % 100 === 99) await pause();
  }
  for (const [i, { label, path, href }] of list.entries()) {
    sheet.need(11);
    sheet.put(label, 0, sheet.y - 0.5, labelWidth, { ...SMALL, size: 7 });
    sheet.flow(path, labelWidth, WIDTH - labelWidth, href === null ? PATH : { ...LINK, link: href });
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await pause();
  }
}

function digests(sheet: PdfSheet, { labels, digests: list }: Page): void {
  sheet.heading(labels.digests, 40);
  sheet.flow(list.length === 0 ? labels.notFinal : labels.digestText, 0, WIDTH, SMALL);
  for (const { label, text } of list) {
    sheet.need(12);
    sheet.put(label, 0, sheet.y, 60, SMALL);
    sheet.flow(text, 60, WIDTH - 60, { size: 7.5 });
  }
  if (sheet.pen.missing) sheet.flow(labels.missing, 0, WIDTH, SMALL);
}
