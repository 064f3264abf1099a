import type PDFDocument from 'pdfkit';
import { type Direction, directionOf, fromLeft, hasRightToLeft, levelsOf, shapedAs } from './direction.ts';
import { type Face, type Fonts, REPLACEMENT, type Weight } from './fonts.ts';

/** Text of many scripts on a PDF page: cut into runs of one font each, broken into lines, placed. */
type Pdf = InstanceType<typeof PDFDocument>;

export interface Style {
  size: number;
  weight?: Weight;
  colour?: string;
  align?: 'left' | 'right';
  link?: string | null;
}

/** What has one font and one direction. */
interface Run {
  readonly face: Face;
  /** As the font's shaping takes it. */
  readonly text: string;
  readonly width: number;
}

export interface TextLine {
  /** From left to right. */
  runs: readonly Run[];
  width: number;
}

/** Characters that print nothing of their own and may be left out; those that join or part letters are kept where letters are joined. */
const DROPPED =
  /\p{Variation_Selector}|(?<![\p{Script=Arabic}\p{Script=Devanagari}])\p{Join_Control}|[\u00ad\u200b\u2060\ufeff]/gu;
/** Controls, and marks that turn the direction of writing: what can't be printed must be seen. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const WIDE = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u{20000}-\u{3ffff}]/u;
/** These do not begin a line; their like does not end one. */
const NOT_FIRST = /[、。，．：；！？）」』】》〉〕］｝・ー々…%,.;:!?)\]}]/u;
const NOT_LAST = /[（「『【《〈〔［｛([{]/u;

export class TextPen {
  readonly pdf: Pdf;
  readonly #fonts: Fonts;
  readonly #registered = new Set<string>();
  readonly #widths = new Map<string, number>();
  #missing = false;

  constructor(pdf: Pdf, fonts: Fonts) {
    this.pdf = pdf;
    this.#fonts = fonts;
  }

  /** Whether a replacement was printed for some character so far. */
  get missing(): boolean {
    return this.#missing;
  }

  width(text: string, style: Style): number {
    return this.#runs(text, style, 'ltr').reduce((sum, run) => sum + run.width, 0);
  }

  /** Breaks a text into lines of at most a width. A word that is longer is broken where it must be. */
  lines(text: string, width: number, style: Style): TextLine[] {
    const lines: string[] = [];
    const direction = directionOf(text);
    let line = '';
    for (const piece of piecesOf(printable(text))) {
      if (this.width(line + piece.trimEnd(), style) <= width) {
        line += piece;
        continue;
      }
      if (line.trim() !== '') lines.push(line);
      line = '';
      for (const { segment: char } of CHARACTERS.segment(piece)) {
        if (line !== '' && this.width(line + char, style) > width) {
          lines.push(line);
          line = '';
        }
        line += char;
      }
    }
    if (line.trim() !== '' || lines.length === 0) lines.push(line);
    return lines.map((each) => {
      const runs = this.#runs(each.trimEnd(), style, direction);
      return { runs, width: runs.reduce((sum, run) => sum + run.width, 0) };
    });
  }

  /** Writes lines below each other, the first one's top at `y`; `x` is the left edge of `width`. Answers the bottom. */
  write(lines: readonly TextLine[], x: number, y: number, width: number, style: Style): number {
    const height = lineHeight(style);
    for (const [i, line] of lines.entries()) {
      let at = style.align === 'right' ? x + width - line.width : x;
      const top = y + i * height;
      for (const { face, text, width: runWidth } of line.runs) {
        this.#select(face, style.size);
        this.pdf.fillColor(style.colour ?? '#1b1f24');
        // Fonts differ in their ascent: every run stands on one base line.
        this.pdf.text(text, at, top + style.size * 1.06, { lineBreak: false, baseline: 'alphabetic' });
        at += runWidth;
      }
      if (style.link != null && line.width > 0) this.pdf.link(x, top, line.width, height, style.link);
    }
    return y + lines.length * height;
  }

  /** One line or more of a text, broken and written. Answers the bottom. */
  put(text: string, x: number, y: number, width: number, style: Style): number {
    return this.write(this.lines(text, width, style), x, y, width, style);
  }

  /** From left to right, of a line whose text as a whole goes in that direction. */
  #runs(text: string, style: Style, direction: Direction): Run[] {
    const weight = style.weight ?? 'regular';
    const runs: { face: Face; text: string; level: number }[] = [];
    const line = printable(text);
    const levels = hasRightToLeft(line) ? levelsOf(line, direction) : null;
    let at = 0;
    for (const char of line) {
      const level = levels?.[at] ?? 0;
      at += char.length;
      const codePoint = char.codePointAt(0) ?? 0;
      const before = runs.at(-1);
      // A mark goes with what it marks, where that font has it.
      const own =
        /\p{M}|\p{Join_Control}/u.test(char) && before?.face.has.has(codePoint) === true
          ? before.face
          : this.#fonts.faceOf(codePoint, weight);
      if (own === undefined) this.#missing = true;
      const face = own ?? this.#fonts.faceOf(REPLACEMENT.codePointAt(0) ?? 0, weight);
      if (face === undefined) throw new Error('no font has the character that stands for missing ones');
      const shown = own === undefined ? REPLACEMENT : char;
      if (before?.face === face && before.level === level) before.text += shown;
      else runs.push({ face, text: shown, level });
    }
    return fromLeft(runs).map((run) => {
      const shaped = shapedAs(run.text, run.level);
      return { face: run.face, text: shaped, width: this.#measure(run.face, shaped, style.size) };
    });
  }

  #measure(face: Face, text: string, size: number): number {
    const key = `${face.id} ${text}`;
    let perPoint = this.#widths.get(key);
    if (perPoint === undefined) {
      this.#select(face, 100);
      perPoint = this.pdf.widthOfString(text) / 100;
      if (this.#widths.size > 20_000) this.#widths.clear();
      this.#widths.set(key, perPoint);
    }
    return perPoint * size;
  }

  #select(face: Face, size: number): void {
    if (!this.#registered.has(face.id)) {
      this.pdf.registerFont(face.id, face.data);
      this.#registered.add(face.id);
    }
    this.pdf.font(face.id).fontSize(size);
  }
}

export function lineHeight({ size }: Style): number {
  return size * 1.4;
}

/** A text as it is printed: without what prints nothing, and with a box where a control or a mark of direction stands. */
export function printable(text: string): string {
  return text.normalize('NFC').replace(DROPPED, '').replace(/[\t\n\r]/g, ' ').replace(UNPRINTABLE, REPLACEMENT); // prettier-ignore
}

/** What a reader sees as one character: a letter with its marks. */
const CHARACTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Thai puts no spaces between its words. */
const WORDS = new Intl.Segmenter('th', { granularity: 'word' });

/** A text in pieces that may stand on lines of their own: words with the space after them, single wide characters. */
function piecesOf(text: string): string[] {
  return spacedPieces(text).flatMap((piece) => (/\p{Script=Thai}/u.test(piece) ? wordsOf(piece) : [piece]));
}

/** Words, each with what follows it and is none. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const { segment, isWordLike } of WORDS.segment(text))
    if (isWordLike === true || words.length === 0) words.push(segment);
    else words.push(`${words.pop() ?? ''}${segment}`);
  return words;
}

function spacedPieces(text: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  let before = '';
  for (const char of text) {
    const isBreak =
      before !== '' &&
      !NOT_FIRST.test(char) &&
      !NOT_LAST.test(before) &&
      char !== ' ' &&
      (before === ' ' || WIDE.test(char) || WIDE.test(before) || /[/&?]/.test(before));
    if (isBreak) {
      pieces.push(piece);
      piece = '';
    }
    piece += char;
    before = char;
  }
  return piece === '' ? pieces : [...pieces, piece];
}
