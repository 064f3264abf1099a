import type PDFDocument from 'pdfkit';
import type { Page } from '../page.ts';
import { pause } from './pause.ts';
import type { Fonts } from './fonts.ts';
import { lineHeight, type Style, TextPen } from './text.ts';

/** A4 in points, and what of it is written on. */
const PAGE = { width: 595.28, height: 841.89, left: 45, top: 48, bottom: 54 } as const;
/** The width of the text; `x` of everything on a sheet counts from its left edge. */
export const WIDTH = PAGE.width - 2 * PAGE.left;
/** Later pages begin lower: a line above them says what they belong to. */
const RUNNING_HEAD = 16;
const HEADING: Style = { size: 11, weight: 'bold' };
const RUNNING: Style = { size: 7.5, colour: '#59636e' };

/** What of a document stands on every page. */
type Running = Pick<Page, 'title' | 'customer' | 'seller' | 'state' | 'words'> & { readonly stamped?: boolean };

/** Pages one after another, filled from above; what does not fit goes on a new one. */
export class PdfSheet {
  readonly pdf: InstanceType<typeof PDFDocument>;
  readonly pen: TextPen;
  readonly left = PAGE.left;
  readonly #page: Running;
  /** From the top of the page. */
  y = 0;
  /** What every new page begins with, such as the head of a table. */
  onNewPage: (() => void) | undefined;

  constructor(pdf: InstanceType<typeof PDFDocument>, fonts: Fonts, page: Running) {
    this.pdf = pdf;
    this.pen = new TextPen(pdf, fonts);
    this.#page = page;
    this.#newPage();
  }

  /** Turns to a new page where less than `height` is left; answers whether it did. */
  need(height: number): boolean {
    if (this.y + height <= PAGE.height - PAGE.bottom) return false;
    this.#newPage();
    this.y += RUNNING_HEAD;
    this.onNewPage?.();
    return true;
  }

  /** Text where it is said to be; answers its bottom. Nothing turns the page. */
  put(text: string, x: number, y: number, width: number, style: Style): number {
    return this.pen.put(text, PAGE.left + x, y, width, style);
  }

  /** Text from `y` on, over as many pages as it takes. */
  flow(text: string, x: number, width: number, style: Style): void {
    for (const line of this.pen.lines(text, width, style)) {
      this.need(lineHeight(style));
      this.y = this.pen.write([line], PAGE.left + x, this.y, width, style);
    }
  }

  /** A heading, on the same page as at least `after` points of what follows it. */
  heading(text: string, after: number): void {
    this.need(34 + after);
    this.y = this.put(text, 0, this.y + 12, WIDTH, HEADING) + 3;
  }

  rule(colour: string, width: number): void {
    this.pdf
      .moveTo(PAGE.left, this.y)
      .lineTo(PAGE.left + WIDTH, this.y)
      .lineWidth(width)
      .stroke(colour);
  }

  box(x: number, y: number, width: number, height: number, colour: string, filled: boolean): void {
    this.pdf.roundedRect(PAGE.left + x, y, width, height, 3).lineWidth(1.2);
    if (filled) this.pdf.fillAndStroke(colour, colour);
    else this.pdf.stroke(colour);
  }

  /** Writes on every page what needs the number of pages: call it last. */
  async finish(): Promise<void> {
    const { title, customer, seller, state, words } = this.#page;
    const { count } = this.pdf.bufferedPageRange();
    const foot = PAGE.height - PAGE.bottom + 20;
    for (let i = 0; i < count; i += 1) {
      if (i % 10 === 9) await pause();
      this.pdf.switchToPage(i);
      if (i > 0) {
        const [head] = this.pen.lines(
          [title, customer[0]].filter((part) => part !== undefined).join(' · '),
          WIDTH * 0.6,
          RUNNING,
        );
        if (head !== undefined) this.pen.write([head], PAGE.left, PAGE.top - 8, WIDTH, RUNNING);
        this.put(state.text, 0, PAGE.top - 8, WIDTH, { ...RUNNING, weight: 'bold', align: 'right' });
      }
      const [from] = this.pen.lines([seller[0], title].filter((part) => part !== undefined).join(' · '), WIDTH * 0.7, RUNNING);
      if (from !== undefined) this.pen.write([from], PAGE.left, foot, WIDTH, RUNNING);
      this.put(words.labels.page(i + 1, count), 0, foot, WIDTH, { ...RUNNING, align: 'right' });
    }
  }

  #newPage(): void {
    this.pdf.addPage({ size: 'A4', margin: 0 });
    this.y = PAGE.top;
    const { state, stamped = state.tone === 'not_final' || state.tone === 'void' } = this.#page;
    if (stamped) this.#stamp();
  }

  /** What is no invoice, or none any more, says so across every page. */
  #stamp(): void {
    const text = this.#page.state.text;
    const size = Math.min(64, (64 * 560) / this.pen.width(text, { size: 64, weight: 'bold' }));
    const style: Style = { size, weight: 'bold', colour: '#f3dfdf' };
    const width = this.pen.width(text, style);
    this.pdf.save().rotate(-52, { origin: [PAGE.width / 2, PAGE.height / 2] });
    this.pen.put(text, (PAGE.width - width) / 2, PAGE.height / 2 - size / 2, width + 1, style);
    this.pdf.restore();
  }
}
