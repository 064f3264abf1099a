import { z } from 'zod';
import { EVENT_KINDS } from '../domain/event-kinds.ts';
import { instant } from '../domain/shapes.ts';
import { decimal, decimalAbove0 } from '../domain/plan.ts';

const WITH_AMOUNT: ReadonlySet<string> = new Set(['payment', 'refund']);

/** The body of `POST /v1/vms/{vm}/events`; `refunded` is taken for `refund`. */
export const eventRequest = z
  .strictObject({
    at: instant,
    kind: z.preprocess((given) => (given === 'refunded' ? 'refund' : given), z.enum(EVENT_KINDS)),
    note: z.string().max(2000).default(''),
    from: instant.optional().describe('Of credit_claimed: the time whose unavailability is claimed.'),
    to: instant.optional(),
    rate: decimalAbove0
      .optional()
      .describe(
        "Of an event that the terms price in another currency than the account's: what one unit of that is in the account's, as whoever records it says.",
      ),
    amount: decimal.nullable().default(null).describe("What was paid or refunded, in the account's currency."),
  })
  .refine((event) => (event.kind === 'credit_claimed') === (event.from !== undefined && event.to !== undefined), {
    path: ['from'],
    message: 'from and to go with the kind credit_claimed, and only with it',
  })
  .refine((event) => event.from === undefined || event.to === undefined || event.from < event.to, {
    path: ['to'],
    message: 'must be after from',
  })
  .refine((event) => event.amount === null || WITH_AMOUNT.has(event.kind), {
    path: ['amount'],
    message: 'goes with the kinds payment and refund only',
  })
  .meta({
    description: 'from and to go with the kind credit_claimed, and only with it; amount with payment and refund only.',
    allOf: [
      {
        if: { properties: { kind: { const: 'credit_claimed' } } },
        then: { required: ['from', 'to'] },
        else: { properties: { from: false, to: false } },
      },
      {
        if: { properties: { kind: { enum: [...WITH_AMOUNT] } } },
        else: { properties: { amount: { type: 'null' } } },
      },
    ],
  });
export type EventRequest = z.infer<typeof eventRequest>;

/** An event as it is kept. */
export const eventBody = z.strictObject({
  vm: z.string(),
  /** Milliseconds since the epoch. */
  at: z.int(),
  kind: z.enum(EVENT_KINDS),
  note: z.string(),
  amount: z.string().nullable(),
  /** What one unit of the currency that it is priced in is in the account's. */
  rate: z.string().optional(),
  /** Of `credit_claimed`: the time whose unavailability is claimed. */
  from: z.int().optional(),
  to: z.int().optional(),
  /** It was recorded by mistake: it counts no more, and stays on record. */
  withdrawn: z.boolean(),
});
export type EventBody = z.infer<typeof eventBody>;
