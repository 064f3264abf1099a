import type { Page } from '../page.ts';
import { pause } from './pause.ts';
import { type PdfSheet, WIDTH } from './sheet.ts';
import { BODY, LABEL, ROWS_AT_ONCE, SMALL, STRONG } from './styles.ts';
import type { Style } from './text.ts';

/** What stands on a document around its lines, each part below the one before. */
const TONES = { open: '#7a4b00', paid: '#14532d', void: '#8e1b1b', not_final: '#8e1b1b' } as const;
/** What of a document its head needs. */
type Heading = Pick<Page, 'words' | 'title' | 'state' | 'seller' | 'customer' | 'facts'> & {
  readonly headline: Page['headline'] | null;
};
const LINK: Style = { size: 7, colour: '#1d4f80' };
const PATH: Style = { size: 7, colour: '#1b1f24' };

/** What a document begins with: what it is, from whom and to whom. */
export function head(sheet: PdfSheet, page: Heading): void {
  const {
    words: { labels },
    state,
  } = page;
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

  if (page.headline === null) return;
  sheet.pdf.rect(sheet.left, sheet.y, WIDTH, 30).fill('#f1f4f6');
  sheet.put(page.headline.label, 10, sheet.y + 9, 200, { size: 10 });
  sheet.put(page.headline.text, 200, sheet.y + 5, WIDTH - 210, { size: 15, weight: 'bold', align: 'right' });
  sheet.y += 44;
}

export function totals(sheet: PdfSheet, page: Page): void {
  sheet.need(page.totals.length * 17 + 6);
  for (const { label, text, strong } of page.totals) {
    const style: Style = { size: strong ? 10.5 : 9, weight: strong ? 'bold' : 'regular', align: 'right' };
    sheet.put(label, 160, sheet.y, 270, style);
    sheet.y = sheet.put(text, 436, sheet.y, WIDTH - 436, style) + 2;
  }
  sheet.y += 4;
}

export function paragraphs(sheet: PdfSheet, label: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  sheet.heading(label, 16);
  for (const line of lines) sheet.flow(line, 0, WIDTH, BODY);
}

export function formulas(sheet: PdfSheet, { words: { labels }, formulas: list }: Page): void {
  if (list.length === 0) return;
  sheet.heading(labels.formulas, 12);
  for (const { label, text } of list) {
    sheet.need(12);
    sheet.put(`(${label})`, 0, sheet.y, 20, SMALL);
    sheet.flow(text, 22, WIDTH - 22, { ...SMALL, colour: '#1b1f24' });
  }
}

export async function sources(sheet: PdfSheet, { words: { labels }, sources: list }: Page): Promise<void> {
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

export function digests(sheet: PdfSheet, { words: { labels }, digests: list }: Page): void {
  sheet.heading(labels.digests, 40);
  sheet.flow(list.length === 0 ? labels.notFinal : labels.digestText, 0, WIDTH, SMALL);
  for (const { label, text } of list) {
    sheet.need(12);
    sheet.put(label, 0, sheet.y, 60, SMALL);
    sheet.flow(text, 60, WIDTH - 60, { size: 7.5 });
  }
  if (sheet.pen.missing) sheet.flow(labels.missing, 0, WIDTH, SMALL);
}
