import { readFile } from 'node:fs/promises';
import { FAMILIES, fileOf, type Piece, piecesOf, REPLACEMENT } from './fonts.ts';
import { printable } from './text.ts';

/** Which characters of a text no font of the printed form has: known before a document shows boxes for them. */

/** Basic Latin is in every font: most texts need no look. */
const PLAIN = /^[\n\x20-\x7e]*$/;
/** Characters that have been looked for; what people write is a few thousand. */
const KNOWN_MAX = 100_000;
const known = new Map<number, boolean>();
/** What the pieces that were opened have; a set of some hundred numbers each. */
const sets = new Map<string, Promise<ReadonlySet<number>>>();

/** The characters that would be printed as boxes, each once, in their order. */
export async function unprintableIn(text: string): Promise<string[]> {
  if (PLAIN.test(text)) return [];
  const missing = new Set<string>();
  for (const char of printable(text)) {
    const codePoint = char.codePointAt(0) ?? 0;
    // What can't be shown is a box already.
    if (char === REPLACEMENT || !(await isPrinted(codePoint))) missing.add(char);
  }
  return [...missing];
}

/** The same in words, of one field of a document; undefined where all of it is printed. */
export async function unprintableText(field: string, text: string | undefined): Promise<string | undefined> {
  const missing = await unprintableIn(text ?? '');
  if (missing.length === 0) return undefined;
  const shown = missing.slice(0, 10).join(' ');
  return `${field} has characters that the PDF can't print and shows as ${REPLACEMENT} (${shown}${missing.length > 10 ? ' …' : ''}): the HTML and JSON forms have them`;
}

async function isPrinted(codePoint: number): Promise<boolean> {
  const before = known.get(codePoint);
  if (before !== undefined) return before;
  let found = false;
  for (const piece of FAMILIES.flatMap(piecesOf)) {
    if (!piece.ranges.some(([from, to]) => codePoint >= from && codePoint <= to)) continue;
    found = (await charactersOf(piece)).has(codePoint);
    if (found) break;
  }
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(codePoint, found);
  return found;
}

function charactersOf(piece: Piece): Promise<ReadonlySet<number>> {
  const file = fileOf(piece);
  const set = sets.get(file) ?? open(file);
  sets.set(file, set);
  set.catch(() => sets.delete(file));
  return set;
}

async function open(file: string): Promise<ReadonlySet<number>> {
  const { create } = await import('fontkit');
  const font = create(await readFile(file));
  if (!('characterSet' in font)) throw new Error(`${file} holds no single font`);
  return new Set(font.characterSet);
}
