import { z } from 'zod';
import { identifier } from './plan.ts';
import { instant } from './shapes.ts';

/** The plans of a VM, each from its instant (milliseconds) on, ascending once read. */
export const datedPlans = z
  .array(z.strictObject({ plan: identifier, from: instant }))
  .max(1000)
  .refine(
    (plans) => new Set(plans.map((each) => each.from)).size === plans.length,
    'must not have two plans from the same instant',
  )
  .transform((plans) => plans.toSorted((a, b) => a.from - b.from));
export type DatedPlanIds = z.infer<typeof datedPlans>;

/** The terms sheets of a VM, each from its instant (milliseconds) on, ascending once read; null: those of its plan. */
export const datedTerms = z
  .array(z.strictObject({ sheet: identifier.nullable(), from: instant }))
  .min(1)
  .max(1000)
  .refine(
    (terms) => new Set(terms.map((each) => each.from)).size === terms.length,
    'must not have two sheets from the same instant',
  )
  .transform((terms) => terms.toSorted((a, b) => a.from - b.from));

type Begins = { readonly from: number } | { readonly fromMs: number };

/** Of a VM's plans, ascending, the one in force at an instant; before the first one begins, the first. Undefined where there is none. */
export function planInForce<T extends Begins>(plans: readonly T[], atMs: number): T | undefined {
  return plans.findLast((each) => ('fromMs' in each ? each.fromMs : each.from) <= atMs) ?? plans[0];
}

/** The dated plans of a VM as they were stored: JSON; '' where none were. Throws ZodError. */
export function storedDatedPlans(text: string): DatedPlanIds {
  const stored: unknown = text === '' ? [] : JSON.parse(text);
  return areDatedPlans(stored) ? stored : datedPlans.parse(stored);
}

/** Whether it is what the schema leaves: in the order of their instants. */
export function areDatedPlans(stored: unknown): stored is DatedPlanIds {
  if (!Array.isArray(stored)) return false;
  let before = -Infinity;
  for (const each of stored as readonly ({ plan?: unknown; from?: unknown } | null)[]) {
    if (typeof each?.plan !== 'string' || typeof each.from !== 'number' || each.from <= before) return false;
    before = each.from;
  }
  return true;
}
