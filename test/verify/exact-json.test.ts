import { describe, expect, it } from 'vitest';
import { parseExact } from '../../src/verify/exact-json.ts';

describe('JSON with integers beyond 2^53', () => {
  it.each<[string, unknown]>([
    ['{"a":18446744073709551615,"b":12}', { a: '18446744073709551615', b: 12 }],
    ['[9007199254740993,123456789012345]', ['9007199254740993', 123456789012345]],
    [
      '{"agent":"12345678901234567890","x":"a\\"12345678901234567890,"}',
      { agent: '12345678901234567890', x: 'a"12345678901234567890,' },
    ],
    ['9007199254740993', '9007199254740993'],
    ['{"a": -9007199254740993}', { a: '-9007199254740993' }],
    ['{"a":', undefined],
    ['', undefined],
  ])('%s', (text, value) => {
    expect(parseExact(text)).toEqual(value);
  });
});
