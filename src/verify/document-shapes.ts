/** Documents and their evidence as far as verifying reads them: instants in milliseconds, integers exact. */
import { z } from 'zod';
import { parseExact } from './exact-json.ts';
import { condition, exact, instant } from './fields.ts';
import { VerifyError } from './reader.ts';

const money = z.string().regex(/^-?\d+(\.\d+)?$/);

const lineShape = z.looseObject({
  kind: z.string(),
  vm: z.string().nullable(),
  description: z.string(),
  quantity: z.string(),
  amount: money,
  detail: z.looseObject({}),
});
export type DocumentLine = z.infer<typeof lineShape>;

/** The content of a document: what its digest is of. */
export const contentShape = z.looseObject({
  id: z.string(),
  type: z.enum(['invoice', 'credit_note']),
  number: z.int().positive(),
  account: z.string(),
  currency: z.string(),
  from: instant,
  to: instant,
  lines: z.array(lineShape),
  total: money,
  corrects: z.looseObject({ invoice: z.string() }).optional(),
  needs_review: z.array(z.looseObject({ vm: z.string(), at_stake: money })).default([]),
});
export type DocumentContent = z.infer<typeof contentShape>;

const outage = z.tuple([instant, instant.nullable(), condition]);
const rows = z.object({ rows: z.int(), version: exact });
/** What is stored of a VM for a period, as `GET /v1/vms/{vm}/rows` answers it too. */
export const rowsShape = z.object({ uptime: rows, traffic: rows, outages: rows });
export type RowsAnswer = z.infer<typeof rowsShape>;

const metered = {
  counting: z.enum(['sum', 'in', 'out', 'max']),
  included_bytes: exact,
  unit_bytes: exact,
  round_up: z.boolean(),
  mode: z.enum(['graduated', 'volume']),
  tiers: z.array(z.object({ up_to: exact.nullable(), price: z.string() })),
};
const p95 = { counting: z.literal('p95'), direction: z.enum(['sum', 'max']), price_per_mbps: z.string() };
/** Whether a class has the interfaces that it names is for whoever has their traffic: the evidence has its sums. */
const named = { name: z.string(), nics: z.array(z.string()) };
const classes = z
  .array(z.discriminatedUnion('counting', [z.looseObject({ ...metered, ...named }), z.looseObject({ ...p95, ...named })]))
  .default([]);

const traffic = z.discriminatedUnion('counting', [z.looseObject({ ...metered, classes }), z.looseObject({ ...p95, classes })]);

const priceShape = z.object({ amount: z.string(), per: z.enum(['hour', 'day', 'month']) });

const discounts = z.array(
  z.object({
    name: z.string(),
    percent: z.string().optional(),
    amount: z.string().optional(),
    per: priceShape.shape.per.optional(),
    kinds: z.array(z.string()).nullable(),
    from: instant,
    until: instant.nullable(),
  }),
);
export type AgreedDiscounts = z.infer<typeof discounts>;

const agreedVm = z.looseObject({
  vm: z.string(),
  starts_at: instant.nullable(),
  ends_at: instant.nullable(),
  plans: z.array(z.object({ plan: z.string(), from: instant, terms: z.string().nullable() })),
  nics: z.array(z.string()).nullable(),
  add_ons: z
    .array(
      z.object({
        id: z.string(),
        price: priceShape,
        quantity: exact,
        from: instant,
        until: instant.nullable(),
      }),
    )
    .default([]),
  discounts: discounts.default([]),
  /** Of documents of before: the sheet of all its events. */
  fee_terms: z.string().nullable().optional(),
  fees_within_service: z.boolean().default(false),
  incidents: z.array(
    z.object({
      from: instant,
      to: instant,
      cause: condition,
      asserts_down: z.boolean(),
      announced_before_ms: z.number().nullable().default(null),
    }),
  ),
  judged: z.array(z.object({ from: instant, to: instant })).default([]),
  waived: z.array(z.object({ from: instant, to: instant })).default([]),
  events: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      at: instant,
      terms: z.string().nullable().optional(),
      rate: z.string().optional(),
      from: instant.optional(),
      to: instant.optional(),
    }),
  ),
  rows: rowsShape.nullable(),
});

const owed = z.object({
  invoice: z.string(),
  number: z.string(),
  principal_nanos: exact,
  due_at: instant,
  payments: z.array(z.object({ at: instant, amount_nanos: exact })),
  /** The sheet of all of it; of what has shares, those of their VMs. */
  terms: z.string().nullable(),
  shares: z.array(z.object({ vm: z.string(), nanos: exact })).optional(),
});

export const evidenceShape = z.looseObject({
  vms: z.array(
    z.looseObject({
      vm: z.string(),
      first: instant.nullable(),
      horizon: instant.nullable(),
      outages_reported: z.array(outage),
      outages_counted: z.array(outage),
      traffic: z.array(
        z.object({
          plan: z.string(),
          class: z.string().optional(),
          rx_bytes: exact,
          tx_bytes: exact,
          slots: z.array(z.tuple([exact, exact])),
        }),
      ),
      events: z.array(z.string()),
    }),
  ),
  agreed: z.looseObject({
    catalog: exact,
    /** Whether terms and plans hold from their day: in documents of before they are those at the period's beginning. */
    from_their_day: z.boolean().default(false),
    range: z.object({ from: instant, to: instant }),
    account: z.object({
      currency: z.string(),
      tax_percent: z.string(),
      taxes: z.array(z.object({ name: z.string().nullable(), percent: z.string(), kinds: z.array(z.string()) })).optional(),
      /** With what is taken off the lines of all VMs: whose days sums of money are spread over. */
      time_zone: z.string().optional(),
      discounts: discounts.optional(),
    }),
    plans: z.record(
      z.string(),
      z.looseObject({
        time_zone: z.string(),
        price: priceShape,
        minimum: z.string().optional(),
        maximum: z.string().optional(),
        flat: z.string().optional(),
        setup: z.string().optional(),
        creditable: z.array(condition),
        traffic: traffic.nullable(),
      }),
    ),
    vms: z.array(agreedVm),
    by_hand: z
      .array(z.object({ charge: z.string(), vm: z.string().nullable(), amount_nanos: exact, tax_percent: z.string().nullable() }))
      .default([]),
    overdue: z.array(owed),
    charges: z.array(owed).default([]),
    terms: z.record(z.string(), z.looseObject({})),
  }),
});
export type Evidence = z.infer<typeof evidenceShape>;
export type EvidenceVm = Evidence['vms'][number];
export type AgreedVm = Evidence['agreed']['vms'][number];

/** Reads a part of a document. Throws `VerifyError` naming what it is and where it is not as expected. */
export function readShaped<T>(what: string, text: string, shape: z.ZodType<T>): T {
  const parsed = shape.safeParse(parseExact(text));
  if (parsed.success) return parsed.data;
  throw new VerifyError(`${what} cannot be read: ${z.prettifyError(parsed.error)}`);
}
