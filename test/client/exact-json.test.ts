import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExact } from '../../src/client/wire/exact-json.ts';
import { toJson } from '../../src/domain/json.ts';

describe('JSON with all its digits', () => {
  it('has long integers as bigints, everything else as JSON.parse has it', () => {
    expect(parseExact('{"a":18446744073709551615,"b":-9223372036854775808,"c":12,"d":1.2345678901234567,"e":1e21}')).toEqual({
      a: 18446744073709551615n,
      b: -9223372036854775808n,
      c: 12,
      d: 1.2345678901234567,
      e: 1e21,
    });
  });

  it('leaves digits in strings alone, whatever stands before them', () => {
    const text = String.raw`["12345678901234567890","\"12345678901234567890",":12345678901234567890","\\",12345678901234567890]`;
    expect(parseExact(text)).toEqual([
      '12345678901234567890',
      '"12345678901234567890',
      ':12345678901234567890',
      '\\',
      12345678901234567890n,
    ]);
  });

  it('gives back what was written, for any value', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
        fc.bigInt({ min: 10n ** 15n, max: 2n ** 80n }),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('tree'),
          { maxKeys: 4 },
        ),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseExact(toJson(value))).toEqual(value);
      }),
    );
  });

  it('throws for what is no JSON', () => {
    expect(() => parseExact('{')).toThrow(SyntaxError);
  });
});
