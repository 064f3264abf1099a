import type { Page } from '../page.ts';
import type { PageRow } from '../page-rows.ts';
import { pause } from './pause.ts';
import { type PdfSheet, WIDTH } from './sheet.ts';
import { BODY, LABEL, ROWS_AT_ONCE, SMALL, STRONG } from './styles.ts';
import type { Style } from './text.ts';

/** Columns of the table of lines: left edge and width. */
const COLUMNS = {
  line: [0, 22],
  vm: [26, 80],
  item: [110, 150],
  quantity: [262, 102],
  unitPrice: [366, 70],
  amount: [438, WIDTH - 438],
} as const;

/** The lines of a document, over as many pages as they take. */
export async function table(sheet: PdfSheet, { words: { labels }, rows, amountHead }: Page): Promise<void> {
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
