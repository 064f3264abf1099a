import { z } from 'zod';
import { EVENT_KINDS } from '../../domain/event-kinds.ts';
import { limitSay, measuredSay, reasonOfRefund } from '../../terms/measured-say.ts';

/** A refund check as it is kept, as far as its printed form reads it. Decisions of before have no codes: they are printed by their English. */
const text = z.string().optional();
const party = z.looseObject({ name: z.string(), address: text, tax_id: text, registration: text, email: text, website: text });
const says = z.union([z.string(), z.object({ en: z.string(), 'zh-Hans': z.string(), 'zh-Hant': z.string() })]);

const rule = z.looseObject({
  id: z.string(),
  kind: z.enum(['ground', 'bar']),
  clause: z.string(),
  outcome: z.enum(['pass', 'fail', 'unknown']),
  measured: z.string(),
  limit: z.string(),
  only: z.array(z.string()).optional(),
  conditions: z.array(z.object({ measured: measuredSay, limit: limitSay })).optional().catch(undefined), // prettier-ignore
});
export type ShownRule = z.infer<typeof rule>;

export const decisionShape = z.looseObject({
  id: z.string(),
  vm: z.string(),
  at: z.string(),
  terms: z.string(),
  terms_version: z.int(),
  what_if: z.boolean(),
  decision: z.enum(['eligible', 'not_eligible', 'needs_review']),
  ground: z.string().nullable(),
  amount: z.string().nullable(),
  currency: z.string(),
  destination: z.enum(['balance', 'original_payment']),
  destination_clause: z.string(),
  reason: z.string(),
  reason_say: reasonOfRefund.optional().catch(undefined),
  calculation: z
    .looseObject({
      basis: z.enum(['full', 'remaining']),
      paid_amount: z.string(),
      share_of: z.number(),
      share_by: z.number(),
      handling_fee: z.string(),
      refunded_before: z.string(),
    })
    .nullable(),
  clauses: z.array(rule),
  evidence: z.looseObject({
    from: z.string(),
    to: z.string(),
    samples: z.int(),
    first_sample: z.string().nullable(),
    last_sample: z.string().nullable(),
    metered_to: z.string().nullable(),
    outages: z.array(
      z.looseObject({ start: z.string(), end: z.string().nullable(), cause: z.string(), duration_ms: z.number().nullable() }),
    ),
    outages_total: z.int(),
    traffic_bytes: z.number().nullable(),
  }),
  facts: z
    .looseObject({
      paid_at: z.string().nullable().optional(),
      paid_until: z.string().nullable().optional(),
      events: z.array(z.looseObject({ kind: z.enum(EVENT_KINDS), at: z.string() })).optional().catch(undefined), // prettier-ignore
    })
    .optional(),
  sheet: z.looseObject({
    title: z.string(),
    clauses: z.record(z.string(), z.looseObject({ says, place: z.string() })),
  }),
  recorded_at: z.string(),
  document: z
    .looseObject({
      issuer: party.nullish(),
      account: z.string().nullish(),
      customer: party.extend({ language: z.string() }).nullish(),
      time_zone: text,
      vm_title: z.string().nullish(),
    })
    .optional(),
});
export type ShownDecision = z.infer<typeof decisionShape>;

/** Reads a kept decision. Throws where it is none: what the server kept itself is damaged. */
export function readDecision(json: string): ShownDecision {
  const parsed = decisionShape.safeParse(JSON.parse(json));
  if (parsed.success) return parsed.data;
  throw new Error(`a kept refund check is not as expected: ${z.prettifyError(parsed.error)}`);
}
