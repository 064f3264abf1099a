import { z } from 'zod';
import { CONDITIONS } from '../domain/condition.ts';
import { EVENT_KINDS } from '../domain/event-kinds.ts';
import { BOUNDS } from './predicate.ts';

/**
 * What a rule of a refund measured, and the limit it is held against, as codes with parameters: kept with the decision and put into
 * words by `print/words`, in every language. Lengths are milliseconds, bytes decimal text.
 */
function code<C extends string, P extends z.ZodRawShape>(name: C, parameters: P) {
  return z.object({ code: z.literal(name), ...parameters });
}

const causes = z.array(z.enum(CONDITIONS));
const kinds = z.array(z.enum(EVENT_KINDS));

export const measuredSay = z.discriminatedUnion('code', [
  // `before`: the instant asked about lies so long before it.
  code('elapsed', { since: z.enum(['payment', 'start']), ms: z.int(), before: z.boolean() }),
  code('not_recorded', { what: z.enum(['payment', 'start', 'samples']) }),
  // The longest of these causes; with time that a person has to judge (0: none), and the longest of other causes (0: none).
  code('outage', { causes, ms: z.int(), judged_ms: z.int(), unsure: causes, other_ms: z.int() }),
  code('bytes', { bytes: z.string() }),
  // `missing`: a date without which nobody knows which of them count.
  code('events', { kinds, count: z.int(), account: z.boolean(), missing: z.enum(['paid_until', 'paid_at']).nullable() }),
  code('promotion', { sold: z.boolean() }),
  code('grounds', { count: z.int() }),
]);
export type MeasuredSay = z.infer<typeof measuredSay>;

const bound = z.enum(BOUNDS);

export const limitSay = z.discriminatedUnion('code', [
  code('time', { bound, ms: z.int() }),
  // Only outages that begin within so long after the payment; null: all.
  code('outage', { bound, ms: z.int(), within_ms: z.int().nullable() }),
  code('bytes', { bound, bytes: z.string() }),
  code('events', { bound, count: z.int(), kinds, before_expiry: z.boolean() }),
  code('promotion', {}),
  code('grounds', { count: z.int() }),
]);
export type LimitSay = z.infer<typeof limitSay>;

/** Why a refund was decided as it was; `ground` is the ground that it is about. */
export const reasonOfRefund = z.discriminatedUnion('code', [
  code('applies', { ground: z.string() }),
  code('open', { ground: z.string() }),
  code('unpriced', { ground: z.string() }),
  code('not_paid', { ground: z.string() }),
  code('nothing_left', { ground: z.string() }),
  code('no_ground', {}),
]);
export type RefundReason = z.infer<typeof reasonOfRefund>;
