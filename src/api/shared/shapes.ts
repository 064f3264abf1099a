import { z } from 'zod';
import { CAUSES } from '../../domain/condition.ts';
import { identifier } from '../../domain/plan.ts';
import { PATH_STEP, storedVmName } from '../../samples/names.ts';

/** Shapes of answers and parameters that several calls share; answers are described with them, not checked. */

/** Any size: a zod integer would promise that it stays below 2^53. */
export const exactInteger = z.unknown().meta({ type: 'integer', minimum: 0 });
export const instantShape = z.string().meta({ format: 'date-time' });
export const next = z.string().nullable().describe('The cursor of the next page; null on the last.');

export const vmParams = z.object({ vm: storedVmName });
export const accountParams = z.object({ account: identifier });
export const idParams = z.object({ id: identifier });
/** Of what is made by this call. What was made as `.` or `..` before can still be read. */
export const newIdParams = z.object({
  id: identifier.refine((id) => !PATH_STEP.test(id), 'must not be . or .., which are steps in a path'),
});

/** What can be wrong with a body and the parameters beside it, whatever they say. */
export const BODY_PROBLEMS = [
  'bad_request',
  'invalid_parameter',
  'invalid_body',
  'body_too_large',
  'too_many_requests',
  'unsupported_media_type',
  'unsupported_encoding',
  'store_unavailable',
] as const;

export const uptimeRow = z.object({
  start: instantShape,
  up_ms: z.int(),
  down_ms: z.partialRecord(z.enum(CAUSES), z.int()).describe('Milliseconds by cause; causes with none are left out.'),
  silent_ms: z.int(),
  unavailable_minutes: z.int(),
  credit_nanos: exactInteger.describe("Sum of the minutes' credits, in 10⁻⁹ of the currency unit."),
});
export const trafficRow = z.object({ start: instantShape, rx_bytes: exactInteger, tx_bytes: exactInteger });
export const outageRow = z.object({
  start: instantShape,
  end: instantShape.nullable().describe('null while open'),
  cause: z.enum([...CAUSES, 'silent']),
  duration_ms: z.int().nullable().describe('null while open'),
});
const sampleShape = z.object({
  ts: instantShape,
  nic: z.string(),
  host: z.string().optional().describe('Where its counters live, where it says so.'),
  rx_bytes: exactInteger.optional(),
  tx_bytes: exactInteger.optional(),
  epoch: z.int(),
  state: z.enum(['up', 'down', 'none']),
  cause: z.enum(CAUSES).optional(),
});
export const sampleRow = sampleShape.extend({
  started_at: instantShape.optional().describe('When its counters last were zero, where it says so.'),
  hold_s: z.int().optional().describe('How many seconds its state holds, where it says so.'),
  link_mbps: z.int().optional().describe('The limit that it says for its link.'),
  sum: z.literal(true).optional().describe('Its counters are a sum over several interfaces.'),
  vm: z.string(),
  agent: z.string().describe('The name of the key that posted it.'),
  pos: exactInteger.describe('Its position in the log: of samples that disagree, the higher one decides.'),
});
export const anomalyRow = z.object({
  kind: z.enum(['quarantined', 'conflict']),
  vm: z.string(),
  nic: z.string(),
  ts: instantShape,
  a: sampleShape
    .nullable()
    .describe('The earlier sample of a quarantined increase, null of first counters; the sample that a conflict replaced.'),
  b: sampleShape.describe('The later sample; the one in force.'),
});

/** The answer of a paged question about one thing. */
export function pageOf(row: z.ZodType, members: z.ZodRawShape = {}): z.ZodObject {
  return z.object({ ...members, rows: z.array(row), next });
}
