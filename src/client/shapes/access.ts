/** What questions about access answer. Members that a newer server adds pass through. */
import { z } from 'zod';
import { whole } from '../wire/exact-json.ts';

/** What somebody recorded, and when. */
export const Change = z.looseObject({ seq: whole, at: z.string(), who: z.string(), what: z.string(), id: z.string() });
export type Change = z.infer<typeof Change>;

export const ChangePage = z.looseObject({ rows: z.array(Change), next: z.string().nullable() });
