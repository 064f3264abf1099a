import { z } from 'zod';
import { EVENT_KINDS } from '../domain/event-kinds.ts';
import { CONDITIONS } from '../domain/condition.ts';
import { bytes, duration } from './quantity.ts';

/** What a rule of a refund can be made of: one measure and one bound, or a plain fact. A rule's conditions all have to hold. */

export const BOUNDS = ['at_least', 'more_than', 'at_most', 'less_than'] as const;
export type BoundName = (typeof BOUNDS)[number];

const downCondition = z.enum(CONDITIONS).exclude(['up']);

const causeList = z
  .array(downCondition)
  .min(1)
  .refine((names) => new Set(names).size === names.length, 'must not name a cause twice')
  .meta({ uniqueItems: true });

function bounds<T extends z.ZodType>(limit: T) {
  return {
    at_least: limit.optional(),
    more_than: limit.optional(),
    at_most: limit.optional(),
    less_than: limit.optional(),
  };
}

/** From the payment to the instant of the check. */
const timeSincePayment = z.strictObject({ measure: z.literal('time_since_payment'), ...bounds(duration) });

/** From the start of service to the instant of the check. */
const timeSinceStart = z.strictObject({ measure: z.literal('time_since_start'), ...bounds(duration) });

/**
 * The longest outage since the payment, by its own whole length, of the causes named: restated by incidents, and as far as
 * it had lasted at the instant of the check.
 */
const longestOutage = z.strictObject({
  measure: z.literal('longest_outage'),
  causes: causeList,
  /** Causes, `silent` among them, that leave it to a person whether the outage counts. */
  unsure: causeList.optional(),
  /** Only outages of which a part lies within this time after the payment. */
  within_of_payment: duration.optional(),
  ...bounds(duration),
});

/** Bytes of all interfaces since the payment, as metered. */
const traffic = z.strictObject({
  measure: z.literal('traffic'),
  counting: z.enum(['sum', 'in', 'out', 'max']),
  ...bounds(bytes),
});

/** The number of recorded events of these kinds up to the instant of the check. */
const events = z.strictObject({
  measure: z.literal('events'),
  kinds: z.array(z.enum(EVENT_KINDS)).min(1),
  /** Of this VM, or of all VMs of its account. */
  scope: z.enum(['vm', 'account']).default('vm'),
  /** Only events before the paid time ends. */
  before_expiry: z.boolean().default(false),
  /** Only events from the payment on. */
  since_payment: z.boolean().default(false),
  ...bounds(z.int().nonnegative()),
});

/** Whether the VM was sold at a promotion or with a discount code. */
const promotion = z.strictObject({ measure: z.literal('promotion') });

export const predicate = z
  .discriminatedUnion('measure', [timeSincePayment, timeSinceStart, longestOutage, traffic, events, promotion])
  .refine((rule) => rule.measure === 'promotion' || BOUNDS.filter((name) => rule[name] !== undefined).length === 1, {
    message: `must have exactly one of ${BOUNDS.join(', ')}`,
  })
  .meta({
    if: { properties: { measure: { const: 'promotion' } } },
    else: { oneOf: BOUNDS.map((name) => ({ required: [name] })) },
  });
export type Predicate = z.infer<typeof predicate>;

/** The bound of a predicate and its limit, in ms, bytes or a count; undefined for a plain fact. */
export function boundOf(rule: Predicate): { name: BoundName; limit: bigint } | undefined {
  if (rule.measure === 'promotion') return undefined;
  for (const name of BOUNDS) {
    const limit = rule[name];
    if (limit !== undefined) return { name, limit: BigInt(limit) };
  }
  return undefined;
}

/** Whether a measured value is on the side of the limit that a bound asks for. */
export function holds(name: BoundName, measured: bigint, limit: bigint): boolean {
  switch (name) {
    case 'at_least':
      return measured >= limit;
    case 'more_than':
      return measured > limit;
    case 'at_most':
      return measured <= limit;
    case 'less_than':
      return measured < limit;
  }
}
