import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sampleJsonSchema } from '../../src/samples/sample-schema.ts';
import { sampleShape } from '../../src/samples/sample-shape.ts';

it('schemas/sample.schema.json is what the code says (npm run schemas writes it)', () => {
  const text = readFileSync(new URL('../../schemas/sample.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(text)).toEqual(sampleJsonSchema());
});

it.each([
  ['counters above 2^53, as numbers and as strings', { rx_bytes: 2 ** 63, tx_bytes: '18446744073709551615' }, true],
  ['null for what is absent', { nic: null, rx_bytes: null, tx_bytes: null, epoch: null, state: null, cause: null }, true],
  ['RFC 3339 in lower case', { ts: '2026-03-01t00:00:00.123456z' }, true],
  ['RFC 3339 with an offset', { ts: '2026-03-01T08:00:00+08:00' }, true],
  ['an instant without an offset', { ts: '2026-03-01T00:00:00' }, false],
  ['a leap second', { ts: '2016-12-31T23:59:60Z' }, false],
  ['a negative rx_bytes', { rx_bytes: -1, tx_bytes: 0 }, false],
  ['a negative tx_bytes', { rx_bytes: 0, tx_bytes: -1 }, false],
  ['rx_bytes of other characters', { rx_bytes: 'many', tx_bytes: '0' }, false],
  ['tx_bytes with a leading zero', { rx_bytes: '0', tx_bytes: '01' }, false],
])('the schema that is shown to clients says of %s what the door says', (_, fields, taken) => {
  expect(sampleShape.safeParse({ vm: 'v', ts: 0, ...fields }).success).toBe(taken);
});
