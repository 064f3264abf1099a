import bidiFactory from 'bidi-js';

/** The order in which a line of several directions of writing is printed (Unicode's bidirectional algorithm, UAX 9). */

// The package's types say that the factory is its module's default; to Node, which takes its CommonJS form, it is the module.
const bidi = (bidiFactory as unknown as typeof bidiFactory.default)();
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** What says of a run in which script it is, and whether that one is written from right to left: as the shaping of fonts sees it. */
const OF_A_SCRIPT = /[^\p{Script=Common}\p{Script=Inherited}\p{Script=Unknown}]/u;
const OF_SUCH_SCRIPT =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}]/u;

/** Thai's am is a ring above the letter and an aa after it: a tone stands above the ring, and is written before both. */
const SARA_AM = /([\u0e48-\u0e4b]?)\u0e33/g;
const NIKHAHIT = '\u0e4d';
const SARA_AA = '\u0e32';

/** Whether any of a text is written from right to left: whatever is not keeps its order. */
export function hasRightToLeft(text: string): boolean {
  return RIGHT_TO_LEFT.test(text);
}

export type Direction = 'ltr' | 'rtl';

/** How a text goes as a whole: as its first letter does. */
export function directionOf(text: string): Direction {
  if (!hasRightToLeft(text)) return 'ltr';
  return (bidi.getEmbeddingLevels(text, 'auto').paragraphs[0]?.level ?? 0) % 2 === 1 ? 'rtl' : 'ltr';
}

/** For each UTF-16 unit of a line its embedding level: odd is right to left. */
export function levelsOf(line: string, direction: Direction): Uint8Array {
  return bidi.getEmbeddingLevels(line, direction).levels;
}

/** Runs of one level each from left to right, as rule L2 has it: from the highest level down to the lowest odd one, what is at least that is turned. */
export function fromLeft<T extends { readonly level: number }>(runs: readonly T[]): T[] {
  const order = [...runs];
  const levels = runs.map((run) => run.level);
  const highest = Math.max(0, ...levels);
  for (let level = highest; level >= 1; level -= 1)
    for (let from = 0; from < order.length; from += 1) {
      let to = from;
      while (to < order.length && (order[to]?.level ?? 0) >= level) to += 1;
      if (to > from) order.splice(from, to - from, ...order.slice(from, to).reverse());
      from = to;
    }
  return order;
}

/**
 * What a run is given to the font's shaping as, so that its glyphs come from left to right: brackets that open to the other side are turned, and where
 * the shaping would take another direction than the level says (the digits of Persian, a run of brackets alone), the characters.
 */
export function shapedAs(run: string, level: number): string {
  const text = run.replace(SARA_AM, `${NIKHAHIT}$1${SARA_AA}`);
  const isTurned = level % 2 === 1;
  const turned = isTurned ? Array.from(text, (char) => bidi.getMirroredCharacter(char) ?? char).join('') : text;
  const says = OF_A_SCRIPT.exec(text)?.[0];
  const isTurnedByFont = says !== undefined && OF_SUCH_SCRIPT.test(says);
  return isTurned === isTurnedByFont ? turned : Array.from(turned).reverse().join('');
}
