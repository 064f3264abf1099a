import type { Labels } from '../words/labels.ts';
import { pause } from './pause.ts';
import { type PdfSheet, WIDTH } from './sheet.ts';
import { lineHeight, type Style } from './text.ts';
import { legendOf, type Picture } from '../picture.ts';
import { type Ink, INKS, type Strip } from '../strip.ts';

const GUTTER = 18;
const COLUMN = (WIDTH - GUTTER) / 2;
export const PDF_STRIPS = {
  account: { width: WIDTH, uptime: 26, gap: 5, traffic: 26 },
  vm: { width: COLUMN, uptime: 10, gap: 3, traffic: 12 },
};
const NAME: Style = { size: 7.5, weight: 'bold' };
const SUMMARY: Style = { size: 6.5, colour: '#59636e' };
const CAPTION_GAP = 2;
const STRIP_GAP = 7;

/** The picture of an invoice's days: the account's strip over the width, those of its VMs in two columns. */
export async function drawPicture(sheet: PdfSheet, { account, vms, note }: Picture, labels: Labels): Promise<void> {
  sheet.heading(labels.usage, 100);
  sheet.y = drawStrip(sheet, account, 0, sheet.y, WIDTH) + 1;
  for (const { x, text } of account.ticks) sheet.put(text, x, sheet.y, 80, SUMMARY);
  sheet.y += lineHeight(SUMMARY) + 3;
  legend(sheet, labels);
  if (note !== null) sheet.flow(note, 0, WIDTH, { ...SUMMARY, size: 7.5 });
  sheet.y += 3;
  for (let i = 0; i < vms.length; i += 2) {
    const pair = vms.slice(i, i + 2);
    sheet.need(Math.max(...pair.map((strip) => captionHeight(sheet, strip, COLUMN) + strip.height)) + STRIP_GAP);
    const top = sheet.y;
    const bottoms = pair.map((strip, column) => drawStrip(sheet, strip, column * (COLUMN + GUTTER), top, COLUMN));
    sheet.y = Math.max(...bottoms) + STRIP_GAP;
    if (i % 8 === 6) await pause();
  }
}

function captionHeight(sheet: PdfSheet, { summary }: Strip, width: number): number {
  return lineHeight(NAME) + sheet.pen.lines(summary, width, SUMMARY).length * lineHeight(SUMMARY) + CAPTION_GAP;
}

/** Answers the bottom. */
function drawStrip(sheet: PdfSheet, { name, summary, boxes, height }: Strip, x: number, y: number, width: number): number {
  const below = sheet.put(summary, x, sheet.put(name, x, y, width, NAME), width, SUMMARY) + CAPTION_GAP;
  for (const [ink, colour] of Object.entries(INKS) as [Ink, string][]) {
    const own = boxes.filter((box) => box.ink === ink);
    if (own.length === 0) continue;
    for (const box of own) sheet.pdf.rect(sheet.left + x + box.x, below + box.y, box.w, box.h);
    sheet.pdf.fill(colour);
  }
  return below + height;
}

function legend(sheet: PdfSheet, labels: Labels): void {
  let x = 0;
  for (const [ink, text] of legendOf(labels)) {
    const width = sheet.pen.width(text, SUMMARY);
    sheet.pdf.rect(sheet.left + x, sheet.y + 1.5, 6, 6).fill(INKS[ink]);
    sheet.put(text, x + 9, sheet.y, width + 1, SUMMARY);
    x += width + 22;
  }
  sheet.y += lineHeight(SUMMARY) + 3;
}
