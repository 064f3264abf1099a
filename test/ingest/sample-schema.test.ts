import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sampleJsonSchema } from '../../src/ingest/sample-schema.ts';

it('schemas/sample.schema.json is what the code says (npm run schemas writes it)', () => {
  const text = readFileSync(new URL('../../schemas/sample.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(text)).toEqual(sampleJsonSchema());
});
