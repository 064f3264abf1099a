import { z } from 'zod';

/** A JSON number up to 2^64 - 1: z.int() would stop at 2^53. */
const counter = z.number().meta({ type: 'integer', minimum: 0 });

/** A sample in JSON, for documents and clients; what judges samples is the kernel (assembly/judge.ts), held to the same rules by tests. */
export const sampleShape = z
  .object({
    vm: z
      .string()
      .regex(/^[A-Za-z0-9._:-]{1,64}$/)
      .describe('The VM'),
    ts: z
      .union([z.int().min(0), z.iso.datetime({ offset: true })])
      .describe('Milliseconds since the epoch, or RFC 3339 with an offset'),
    nic: z
      .string()
      .regex(/^[A-Za-z0-9._:-]{0,32}$/)
      .optional()
      .describe("The interface; '' if absent"),
    rx_bytes: z
      .union([z.int(), z.string()])
      .optional()
      .describe('What the VM received since the counters started; up to 2^64 - 1'),
    tx_bytes: z
      .union([counter, z.string().regex(/^(0|[1-9][0-9]{0,19})$/)])
      .optional()
      .describe('What the VM sent; together with rx_bytes or not at all'),
    epoch: z.int().min(0).max(4294967295).optional().describe('Changes when the counters start again from zero'),
    state: z.enum(['up', 'down']).optional(),
    cause: z
      .enum(['provider', 'third_party', 'maintenance', 'force_majeure', 'attack', 'customer', 'arrears'])
      .optional()
      .describe('Only with state down'),
  })
  .meta({ title: 'Sample', description: 'One VM, one of its interfaces, at one instant' });

/** The answer to a post of samples. */
export const receiptShape = z.object({
  accepted: z.int().describe('Samples that are durable now'),
  rejected: z.int(),
  errors: z
    .array(z.object({ index: z.int(), code: z.string(), field: z.string(), message: z.string() }))
    .describe('The first 100'),
});
