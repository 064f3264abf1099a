import type { ShownLine } from './invoice-shape.ts';
import * as legacy from './words/legacy.ts';
import { sayIn, type Words } from './words/words.ts';

/** A line in words: by its codes, or by the rules over its English where it was kept before there were codes. */
export function descriptionOf({ say, description }: ShownLine, words: Words): string {
  return say === undefined ? legacy.describe(description, words.language) : sayIn(words.about, say.about);
}

export function formulaOf({ say, formula }: ShownLine, words: Words): string {
  if (say === undefined) return legacy.formulaText(formula, words.language);
  return say.formula.map((part) => sayIn(words.formula, part)).join(words.partsApart);
}

export function unitOf({ say, unit, quantity }: ShownLine, words: Words): string {
  return say === undefined ? legacy.unitText(unit, quantity, words.language) : sayIn(words.unit, { ...say.unit, quantity });
}

/** Why a line was corrected; undefined where it corrects nothing. */
export function reasonOf({ say, detail: { reason } }: ShownLine, words: Words): string | undefined {
  if (say?.reason !== undefined) return say.reason.map((part) => sayIn(words.reason, part)).join(words.partsApart);
  return reason === undefined ? undefined : legacy.reasonText(reason, words.language);
}
