import { notesFrom, type Paper, type Row, type Section, type TableSection } from '../paper/paper.ts';
import { type Picture, pictureOf } from '../picture.ts';
import { EVER, newPdf, oneAtATime } from './file.ts';
import { fontsFor } from './fonts.ts';
import { head } from './parts.ts';
import { pause } from './pause.ts';
import { drawPicture, PDF_STRIPS } from './picture.ts';
import { PdfSheet, WIDTH } from './sheet.ts';
import { BODY, LABEL, ROWS_AT_ONCE, SMALL, STRONG } from './styles.ts';
import { lineHeight, type Style, type TextLine } from './text.ts';

const GAP = 6;
const NOTE: Style = { size: 7.5, colour: '#59636e' };
const DARK_SMALL: Style = { size: 7.5, colour: '#1b1f24' };

/** A document of `layout` 2 as PDF. The same document gives the same bytes. One is made at a time. */
export function paperPdf(paper: Paper): Promise<Buffer> {
  return oneAtATime(() => makePdf(paper));
}

async function makePdf(paper: Paper): Promise<Buffer> {
  const { labels, language } = paper.words;
  const pictures = new Map<Section, Picture>();
  for (const section of paper.sections) {
    const picture = section.kind === 'picture' ? pictureOf(section.days, PDF_STRIPS, paper.words) : null;
    if (picture !== null) pictures.set(section, picture);
    await pause();
  }
  const drawn = [...pictures.values()].map(({ account, vms, note }) => [
    account.summary,
    account.ticks,
    note,
    ...[account, ...vms].map(({ name, summary }) => [name, summary]),
  ]);
  const { sections, title, state, seller, customer, facts, headline } = paper;
  const text = JSON.stringify([
    title,
    state,
    seller,
    customer,
    facts,
    headline,
    sections.filter(({ kind }) => kind !== 'picture'),
    drawn,
  ]);
  await pause();
  const fonts = await fontsFor(`${text}${Object.values(labels).map(String).join('')}${EVER}`, language, paper.currency);
  await pause();
  const { pdf, bytes } = newPdf({ ...paper, language });
  const sheet = new PdfSheet(pdf, fonts, paper);
  head(sheet, paper);
  await pause();
  for (const section of sections) {
    await drawSection(sheet, section, pictures.get(section), paper);
    await pause();
  }
  if (sheet.pen.missing) sheet.flow(labels.missing, 0, WIDTH, SMALL);
  await sheet.finish();
  await pause();
  return bytes();
}

async function drawSection(sheet: PdfSheet, section: Section, picture: Picture | undefined, { words }: Paper): Promise<void> {
  switch (section.kind) {
    case 'table':
      await drawTable(sheet, section);
      return;
    case 'text':
      sheet.heading(section.heading, 16);
      for (const line of section.lines) sheet.flow(line, 0, WIDTH, section.small ? DARK_SMALL : BODY);
      return;
    case 'facts': {
      sheet.heading(section.heading, 40);
      if (section.intro !== null) sheet.flow(section.intro, 0, WIDTH, SMALL);
      const width = Math.min(170, 10 + Math.max(0, ...section.facts.map(({ label }) => sheet.pen.width(label, SMALL))));
      for (const { label, text } of section.facts) {
        sheet.need(12);
        sheet.put(label, 0, sheet.y, width, SMALL);
        sheet.flow(text, width, WIDTH - width, DARK_SMALL);
      }
      return;
    }
    case 'picture':
      if (picture !== undefined) await drawPicture(sheet, picture, words.labels);
  }
}

interface Placed {
  x: number;
  width: number;
  align: 'left' | 'right';
}

async function drawTable(sheet: PdfSheet, { heading, columns, rows, remark, sums }: TableSection): Promise<void> {
  const shares = columns.reduce((sum, { width }) => sum + width, 0);
  let x = 0;
  const placed: Placed[] = columns.map(({ width: share, align }) => {
    const width = (share / shares) * (WIDTH + GAP);
    const own = { x, width: width - GAP, align };
    x += width;
    return own;
  });
  if (heading !== null) sheet.heading(heading, 60);
  const drawHead = (): void => {
    const top = sheet.y;
    const heights = columns.map(({ head: text }, i) => linesIn(sheet, text, placed[i], LABEL).length);
    const tallest = Math.max(...heights);
    for (const [i, { head: text }] of columns.entries()) {
      const at = placed[i];
      // Heads stand on one base line, as their columns hang from it.
      if (at !== undefined)
        sheet.put(text, at.x, top + (tallest - (heights[i] ?? 0)) * lineHeight(LABEL), at.width, { ...LABEL, align: at.align });
    }
    sheet.y = top + tallest * lineHeight(LABEL) + 3;
    sheet.rule('#59636e', 0.8);
    sheet.y += 4;
  };
  sheet.need(60);
  drawHead();
  sheet.onNewPage = drawHead;
  const from = placed[notesFrom(columns)];
  for (const [i, row] of rows.entries()) {
    drawRow(sheet, row, placed, from);
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await pause();
  }
  sheet.onNewPage = undefined;
  if (remark !== null) sheet.flow(remark, 0, WIDTH, SMALL);
  drawSums(sheet, sums);
}

function linesIn(sheet: PdfSheet, text: string, at: Placed | undefined, style: Style): TextLine[] {
  return text === '' || at === undefined ? [] : sheet.pen.lines(text, at.width, style);
}

/** A row with its notes stays whole where a page holds it. */
function drawRow(sheet: PdfSheet, { cells, notes }: Row, placed: readonly Placed[], from: Placed | undefined): void {
  const { pen } = sheet;
  const set = cells.map(({ text, more = [], strong = false, weak = false }, i) => {
    const style: Style = { ...(strong ? STRONG : weak ? SMALL : BODY), align: placed[i]?.align ?? 'left' };
    const lines = linesIn(sheet, text, placed[i], style);
    const under = more.flatMap((each) => linesIn(sheet, each, placed[i], NOTE));
    return { style, lines, under, height: lines.length * lineHeight(style) + under.length * lineHeight(NOTE) };
  });
  const notesX = from?.x ?? 0;
  const notesWidth = WIDTH - notesX;
  const noteLines = notes.flatMap((each) => pen.lines(each, notesWidth, NOTE));
  const height = Math.max(...set.map((each) => each.height));
  sheet.need(height + Math.min(noteLines.length, 24) * lineHeight(NOTE) + 8);
  const top = sheet.y;
  for (const [i, { style, lines, under }] of set.entries()) {
    const at = placed[i];
    if (at === undefined) continue;
    const small = style.size === SMALL.size ? 1.4 : 0;
    const bottom = pen.write(lines, sheet.left + at.x, top + small, at.width, style);
    pen.write(under, sheet.left + at.x, bottom, at.width, { ...NOTE, align: at.align });
  }
  sheet.y = top + height;
  for (const line of noteLines) {
    sheet.need(lineHeight(NOTE));
    sheet.y = pen.write([line], sheet.left + notesX, sheet.y, notesWidth, NOTE);
  }
  sheet.y += 4;
  sheet.rule('#d9dee3', 0.5);
  sheet.y += 4;
}

function drawSums(sheet: PdfSheet, sums: TableSection['sums']): void {
  if (sums.length === 0) return;
  sheet.need(Math.min(sums.length, 12) * 17 + 6);
  for (const { label, text, strong } of sums) {
    sheet.need(17);
    const style: Style = { size: strong ? 10.5 : 9, weight: strong ? 'bold' : 'regular', align: 'right' };
    const bottom = sheet.put(label, 60, sheet.y, 350, style);
    sheet.y = Math.max(bottom, sheet.put(text, 416, sheet.y, WIDTH - 416, style)) + 2;
  }
  sheet.y += 4;
}
