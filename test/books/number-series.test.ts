import { describe, expect, it } from 'vitest';
import { numberPattern, numberText } from '../../src/books/number-series.ts';

describe('a number as documents have it', () => {
  const at = (text: string) => Date.parse(text);

  it('is the count alone where the issuer says nothing, and nothing while there is none', () => {
    expect(numberText({ number: 12, issued_at: at('2026-04-01T00:00:00Z') })).toBe('12');
    const series = { pattern: 'INV-{year}-{number:5}', time_zone: 'UTC' };
    expect(numberText({ number: null, issued_at: null, series })).toBeNull();
  });

  it('has a prefix, the year of issue where the invoice is written, and zeros before it', () => {
    const issued = { number: 12, issued_at: at('2026-12-31T17:00:00Z') };
    const written = (pattern: string, time_zone: string) => numberText({ ...issued, series: { pattern, time_zone } });
    expect(written('INV-{year}-{number:5}', 'UTC')).toBe('INV-2026-00012');
    expect(written('INV-{year}-{number:5}', 'Asia/Taipei')).toBe('INV-2027-00012');
    expect(written('{number}/{year}', 'UTC')).toBe('12/2026');
    expect(numberText({ ...issued, number: 123_456, series: { pattern: 'A{number:5}', time_zone: 'UTC' } })).toBe('A123456');
  });

  it.each(['INV-{year}', '{number}{number}', 'INV-{month}-{number}', '<b>{number}', '{number:0}', 'x'.repeat(31) + '{number:5}'])(
    'a pattern that could not tell documents apart or that is no plain text is refused: %s',
    (pattern) => {
      expect(numberPattern.safeParse(pattern).success).toBe(false);
    },
  );
});
