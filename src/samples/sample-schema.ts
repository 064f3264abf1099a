import { z } from 'zod';
import { sampleShape } from './sample-shape.ts';

/** The JSON Schema of a sample, as schemas/sample.schema.json has it (`npm run schemas` writes it). */
export function sampleJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(sampleShape, { target: 'draft-2020-12', io: 'input' });
  return { $schema, $id: 'sample.schema.json', ...schema };
}
