import bidiFactory from 'bidi-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { directionOf, fromLeft, hasRightToLeft, levelsOf, shapedAs } from '../../src/print/pdf/direction.ts';

const bidi = (bidiFactory as unknown as typeof bidiFactory.default)();

describe('a line of several directions', () => {
  it('is put in the order of the library, run by run', () => {
    const part = fc.constantFrom('שלום', 'علي', 'Ltd', ' ', '12', '۱۲', '(', ')', '.', '-', '中');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const line = parts.join('');
        const direction = directionOf(line);
        const levels = levelsOf(line, direction);
        const runs = Array.from(line, (char, i) => ({ char, level: levels[i] ?? 0 }));
        const shown = fromLeft(runs).map(({ char, level }) => (level % 2 === 1 ? (bidi.getMirroredCharacter(char) ?? char) : char)); // prettier-ignore
        expect(shown.join('')).toBe(bidi.getReorderedString(line, bidi.getEmbeddingLevels(line, direction)));
      }),
    );
  });

  it('goes as its first letter goes', () => {
    expect(['Acme שלום', '(שלום) Acme', '12 علي', '雲端', ''].map(directionOf)).toEqual(['ltr', 'rtl', 'rtl', 'ltr', 'ltr']);
    expect(['Acme é 雲端 ไทย', 'a א', 'ي'].map(hasRightToLeft)).toEqual([false, true, true]);
  });

  it.each([
    ['letters, which the font turns itself', 'שלום', 1, 'שלום'],
    ['brackets alone, which no font turns', ') (', 1, ') ('],
    ['brackets within letters are turned to their other side', 'א(ב', 1, 'א)ב'],
    ['digits of Persian, which the font would turn', '۱۲۳', 2, '۳۲۱'],
    ['digits of Arabic alike', '١٢٣', 2, '٣٢١'],
    ['Latin', 'Ltd (1)', 0, 'Ltd (1)'],
    ["Thai's am: the ring, the tone above it, the aa", 'น้ำ', 0, 'น\u0e4d\u0e49\u0e32'],
  ])('is shaped: %s', (_, run, level, shaped) => {
    expect(shapedAs(run, level)).toBe(shaped);
  });
});
