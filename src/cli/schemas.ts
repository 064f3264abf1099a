/** Writes the JSON Schemas of schemas/ from the zod schemas: `npm run schemas`. A test fails when they differ. */
import { writeFileSync } from 'node:fs';
import { productRoot } from '../process/version.ts';
import { sampleJsonSchema } from '../samples/sample-schema.ts';
import { termsJsonSchema } from '../terms/checked-sheet.ts';

const folder = new URL('schemas/', productRoot());
writeFileSync(new URL('sample.schema.json', folder), `${JSON.stringify(sampleJsonSchema(), null, 2)}\n`);
writeFileSync(new URL('terms.schema.json', folder), `${JSON.stringify(termsJsonSchema(), null, 2)}\n`);
