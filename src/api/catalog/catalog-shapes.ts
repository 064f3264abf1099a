import { z } from 'zod';
import type { Versioned } from '../../catalog/versioned.ts';
import { accountBody, type VmBody, vmBody } from '../../catalog/bodies.ts';
import { formatInstant } from '../../domain/instant.ts';
import { planBody } from '../../domain/plan.ts';
import { exactInteger, instantShape } from '../shared/shapes.ts';

/** Plans, accounts and VMs as the API shows them: their body, and which version of it this is. */

/** Members that we add to a body; sent back to us, they are ignored. */
const added = {
  id: z.string(),
  version: exactInteger,
  recorded_at: instantShape,
  recorded_by: z.string(),
  warnings: z.array(z.string()).optional().describe('Of a change: what was taken and is worth a look.'),
};

/** A body as read, and what came back from us in it taken off. */
export function withoutAdded<T extends z.ZodType>(body: T) {
  return z.preprocess((given) => {
    if (given === null || typeof given !== 'object' || Array.isArray(given)) return given;
    return Object.fromEntries(Object.entries(given).filter(([name]) => !Object.hasOwn(added, name)));
  }, body);
}

export const planShape = z.object({ ...added, ...planBody.shape });
export const accountShape = z.object({ ...added, ...accountBody.shape });
export const vmShape = z.object({
  ...added,
  ...vmBody.shape,
  terms: z.union([z.string(), z.array(z.object({ sheet: z.string().nullable(), from: instantShape }))]).nullable(),
  plans: z.array(z.object({ plan: z.string(), from: instantShape })),
  add_ons: z
    .array(
      z.object({
        id: z.string(),
        name: z.string(),
        price: planBody.shape.price,
        quantity: z.int(),
        from: instantShape,
        until: instantShape.nullable(),
      }),
    )
    .optional(),
  starts_at: instantShape.nullable(),
  ends_at: instantShape.nullable(),
  paid_at: instantShape.nullable(),
  paid_until: instantShape.nullable(),
});

export function entryJson(entry: Versioned<object>, body: object = entry.body): Record<string, unknown> {
  return {
    id: entry.id,
    ...body,
    version: entry.seq,
    recorded_at: formatInstant(entry.recordedAtMs),
    recorded_by: entry.recordedBy,
  };
}

export function vmJson(entry: Versioned<VmBody>): Record<string, unknown> {
  const { terms, add_ons: addOns, plans, starts_at, ends_at, paid_at, paid_until, ...rest } = entry.body;
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  return entryJson(entry, {
    ...rest,
    terms: Array.isArray(terms) ? terms.map(({ sheet, from }) => ({ sheet, from: formatInstant(from) })) : terms,
    ...(addOns === undefined
      ? {}
      : { add_ons: addOns.map((each) => ({ ...each, from: formatInstant(each.from), until: shown(each.until) })) }),
    plans: plans.map(({ plan, from }) => ({ plan, from: formatInstant(from) })),
    starts_at: shown(starts_at),
    ends_at: shown(ends_at),
    paid_at: shown(paid_at),
    paid_until: shown(paid_until),
  });
}
