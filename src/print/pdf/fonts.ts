import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { DocumentLanguage } from '../words/words.ts';
import { pause } from './pause.ts';

/**
 * Fonts of the printed form: Noto Sans in the pieces that fontsource ships, each a variable font of some ranges of
 * characters. A document takes those pieces that hold its characters, in the weights it prints.
 */
const require = createRequire(import.meta.url);

export const WEIGHTS = { regular: 400, bold: 700 } as const;
export type Weight = keyof typeof WEIGHTS;

/** What stands for a character that no font has. */
export const REPLACEMENT = '□';

/** A piece of a family at one weight: a TrueType font, and which code points it has glyphs for. */
export interface Face {
  id: string;
  data: Buffer;
  has: ReadonlySet<number>;
}

export type Family = '' | '-tc' | '-sc' | '-jp' | '-kr' | (typeof OTHERS)[number];
/** Scripts that share no letter with others. */
const OTHERS = ['-thai', '-hebrew', '-arabic'] as const;
/** Scripts that write the same character in different shapes: the document's own goes first. */
const ORDER: Readonly<Record<DocumentLanguage, readonly Family[]>> = {
  en: ['', '-jp', '-sc', '-tc', '-kr', ...OTHERS],
  'zh-Hant': ['', '-tc', '-sc', '-jp', '-kr', ...OTHERS],
  'zh-Hans': ['', '-sc', '-tc', '-jp', '-kr', ...OTHERS],
};
/** Which of them an English document takes first: currency says where its reader writes. */
const HOME: Readonly<Record<string, Family>> = { TWD: '-tc', HKD: '-tc', MOP: '-tc', CNY: '-sc', SGD: '-sc', KRW: '-kr' };

/** A file of a family, and the ranges of characters that it may have glyphs for. */
export interface Piece {
  family: Family;
  name: string;
  ranges: readonly (readonly [from: number, to: number])[];
}

const families = new Map<Family, readonly Piece[]>();

/** The families, in no order that matters. */
export const FAMILIES: readonly Family[] = ORDER.en;

/** The pieces of a family, as its package lists them; read once. */
export function piecesOf(family: Family): readonly Piece[] {
  const known = families.get(family);
  if (known !== undefined) return known;
  const list = JSON.parse(readFileSync(require.resolve(`${packageOf(family)}/unicode.json`), 'utf8')) as Record<string, string>;
  const pieces = Object.entries(list).map(([key, text]) => ({
    family,
    name: key.replace(/[[\]]/g, ''),
    ranges: text.split(',').map((range) => {
      const [from = 0, to = from] = range
        .trim()
        .slice(2)
        .split('-')
        .map((hex) => Number.parseInt(hex, 16));
      return [from, to] as const;
    }),
  }));
  families.set(family, pieces);
  return pieces;
}

/** Where a piece is kept. */
export function fileOf({ family, name }: Piece): string {
  return require.resolve(`${packageOf(family)}/files/noto-sans${family}-${name}-wght-normal.woff2`);
}

function packageOf(family: Family): string {
  return `@fontsource-variable/noto-sans${family}`;
}

/** Faces that were made lately: a piece is decompressed and set to its weight once, for most documents share them. */
const FACES_KEPT_MAX = 96;
const faces = new Map<string, Promise<Face>>();

function faceOf(piece: Piece, weight: Weight): Promise<Face> {
  const id = `${piece.family} ${piece.name} ${weight}`;
  const face = faces.get(id) ?? makeFace(id, piece, weight);
  // the newest at the end, the oldest leave first
  faces.delete(id);
  faces.set(id, face);
  for (const oldest of faces.keys()) {
    if (faces.size <= FACES_KEPT_MAX) break;
    faces.delete(oldest);
  }
  face.catch(() => faces.delete(id));
  return face;
}

async function makeFace(id: string, piece: Piece, weight: Weight): Promise<Face> {
  const [{ default: subsetFont }, { create }] = await Promise.all([import('subset-font'), import('fontkit')]);
  const file = fileOf(piece);
  const text = piece.ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)),
  );
  // Cutting a font to its weight, and reading it, is work of its own each: the server does others between.
  await pause();
  const data = await subsetFont(await readFile(file), text.join(''), {
    targetFormat: 'truetype',
    variationAxes: { wght: WEIGHTS[weight] },
  });
  await pause();
  const font = create(data);
  if (!('characterSet' in font)) throw new Error(`${file} holds no single font`);
  return { id, data, has: new Set(font.characterSet) };
}

/** The faces of a document's characters. */
export interface Fonts {
  /** Undefined: no font has it. */
  faceOf(codePoint: number, weight: Weight): Face | undefined;
}

/** Finds the faces of all characters of a text, in both weights. */
export async function fontsFor(text: string, language: DocumentLanguage, currency: string): Promise<Fonts> {
  const home = language === 'en' ? HOME[currency] : undefined;
  const order =
    home === undefined ? ORDER[language] : ['' as const, home, ...ORDER.en.filter((each) => each !== '' && each !== home)];
  const pieces = order.flatMap(piecesOf);
  const chosen = { regular: new Map<number, Face>(), bold: new Map<number, Face>() };
  const wanted = new Set<number>();
  for (const char of text + REPLACEMENT) wanted.add(char.codePointAt(0) ?? 0);
  await pause();
  for (const codePoint of wanted) {
    for (const piece of pieces) {
      if (!piece.ranges.some(([from, to]) => codePoint >= from && codePoint <= to)) continue;
      const regular = await faceOf(piece, 'regular');
      if (!regular.has.has(codePoint)) continue;
      chosen.regular.set(codePoint, regular);
      chosen.bold.set(codePoint, await faceOf(piece, 'bold'));
      break;
    }
  }
  return { faceOf: (codePoint, weight) => chosen[weight].get(codePoint) };
}
