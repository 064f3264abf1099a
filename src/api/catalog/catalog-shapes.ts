import { z } from 'zod';
import type { Versioned } from '../../catalog/versioned.ts';
import { type AccountBody, accountBody, type DiscountBody, type VmBody, vmBody } from '../../catalog/bodies.ts';
import { DISCOUNTED } from '../../domain/discounted.ts';
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
const discountsShape = z
  .array(
    z.object({
      name: z.string(),
      percent: z.string().optional(),
      amount: z.string().optional(),
      per: planBody.shape.price.shape.per.optional(),
      kinds: z.array(z.enum(DISCOUNTED)).nullable().optional(),
      from: instantShape,
      until: instantShape.nullable(),
      reason: z.string().optional(),
      clause: z.union([z.string(), z.object({ en: z.string(), 'zh-Hans': z.string(), 'zh-Hant': z.string() })]).optional(),
    }),
  )
  .optional();
export const accountShape = z.object({ ...added, ...accountBody.shape, discounts: discountsShape });
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
  discounts: discountsShape,
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

export function accountJson(entry: Versioned<AccountBody>): Record<string, unknown> {
  return entryJson(entry, { ...entry.body, ...discountsJson(entry.body.discounts) });
}

/** Discounts with their instants as text; nothing where there are none. */
export function discountsJson(discounts: readonly DiscountBody[] | undefined): { discounts?: unknown[] } {
  if (discounts === undefined) return {};
  return {
    discounts: discounts.map((each) => ({
      ...each,
      from: formatInstant(each.from),
      until: each.until === null ? null : formatInstant(each.until),
    })),
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
    ...discountsJson(rest.discounts),
    plans: plans.map(({ plan, from }) => ({ plan, from: formatInstant(from) })),
    starts_at: shown(starts_at),
    ends_at: shown(ends_at),
    paid_at: shown(paid_at),
    paid_until: shown(paid_until),
  });
}
