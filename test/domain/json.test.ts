import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toJson } from '../../src/domain/json.ts';

it('writes what JSON.stringify writes, for anything without bigints', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      expect(JSON.parse(toJson({ value, [text]: text }))).toEqual(JSON.parse(JSON.stringify({ value, [text]: text })));
    }),
  );
});

it('writes bigints as they are, at any size, and leaves out what is undefined', () => {
  expect(toJson({ a: 2n ** 127n, b: [0n, -1n], c: undefined, d: null })).toBe(
    '{"a":170141183460469231731687303715884105728,"b":[0,-1],"d":null}',
  );
});
