import { IDENTIFIER } from './identifier.ts';
import { z } from 'zod';
import { CONDITIONS, conditionCode } from './condition.ts';
import { isCurrency, minorDigits, parseAmount } from './money.ts';
import { documentText } from './shapes.ts';
import { type Zone, zoneOf } from './zone.ts';

/** Prices end here so that every day charge (25 hours, 31 days) fits 64 bits. */
const PRICE_UNITS_END = 100_000_000n;

/** A decimal string without sign, up to nine digits after the point. */
export const decimal = z
  .string()
  .refine((text) => parseAmount(text) !== undefined, 'must be a decimal string such as "12.30", without sign, at most 9 decimals')
  .meta({ pattern: '^(0|[1-9][0-9]{0,14})([.][0-9]{1,9})?$' });
/** A decimal above 0. */
export const decimalAbove0 = decimal
  .refine((text) => (parseAmount(text) ?? 0n) > 0n, 'must be above 0')
  .meta({ pattern: '^(?!0([.]0+)?$)(0|[1-9][0-9]{0,14})([.][0-9]{1,9})?$' });
/** A decimal from 0 to 100. */
export const percentage = decimal
  .refine((text) => (parseAmount(text) ?? 0n) <= 100n * 1_000_000_000n, 'must be at most 100')
  .meta({ pattern: '^(100([.]0{1,9})?|(0|[1-9][0-9]?)([.][0-9]{1,9})?)$' });

/** A decimal above 0, and at most 100. */
export const percentageAbove0 = percentage
  .refine((text) => (parseAmount(text) ?? 0n) > 0n, 'must be above 0')
  .meta({ pattern: '^(?!0([.]0+)?$)(100([.]0{1,9})?|(0|[1-9][0-9]?)([.][0-9]{1,9})?)$' });

const price = decimal
  .refine((text) => (parseAmount(text) ?? 0n) < PRICE_UNITS_END * 1_000_000_000n, 'must be below 100000000')
  .meta({ pattern: '^(0|[1-9][0-9]{0,7})([.][0-9]{1,9})?$' });

export const currency = z
  .string()
  .refine(isCurrency, 'must be an ISO 4217 currency code')
  .meta({ pattern: '^[A-Z]{3}$', format: 'iso-4217-currency', examples: ['CNY'] });

/** The name of a time zone. */
export const timeZone = z
  .string()
  .refine((name) => zoneOf(name) !== undefined, 'must be an IANA time zone such as Asia/Taipei')
  .meta({ format: 'iana-time-zone', examples: ['Asia/Taipei'] });

export const identifier = z.string().regex(new RegExp(`^${IDENTIFIER}$`), 'must be 1 to 64 characters of A-Z a-z 0-9 . _ : -');

const creditableCondition = z.enum(CONDITIONS).exclude(['up']);

/** Bytes and units: JSON numbers are exact up to 2^53, which a price list does not reach. */
const wholeNumber = z.int().nonnegative();

const tier = z.strictObject({
  up_to: z
    .int()
    .positive()
    .nullable()
    .describe(
      'The last unit (of `unit_bytes`, beyond what is included) that this tier prices, itself included; null: without end.',
    ),
  price: price.describe('Of a unit.'),
});

const meteredTraffic = z.strictObject({
  counting: z
    .enum(['sum', 'out', 'in', 'max'])
    .describe('Which bytes count: received and sent together, sent, received, or the larger of the two sums of the period.'),
  included_bytes: wholeNumber.default(0).describe('Free in each period.'),
  unit_bytes: z.int().positive().default(1_000_000_000).describe('What a price is for: 1000000000 is a GB.'),
  round_up: z.boolean().default(false).describe('Whether a unit that was begun counts as a whole one.'),
  mode: z
    .enum(['graduated', 'volume'])
    .default('graduated')
    .describe(
      '`graduated`: each unit at the price of its own tier. `volume`: all at the price of the tier that the last one is in.',
    ),
  tiers: z
    .array(tier)
    .min(1)
    .max(100)
    .refine(
      (tiers) => tiers.every((each, i) => (each.up_to === null) === (i === tiers.length - 1)),
      'the last tier, and only it, must have up_to null',
    )
    .refine(
      (tiers) => tiers.every((each, i) => i === 0 || each.up_to === null || each.up_to > (tiers[i - 1]?.up_to ?? 0)),
      'the upper bounds must ascend',
    ),
});

const p95Traffic = z.strictObject({
  counting: z.literal('p95'),
  /** Which bytes a slot holds: both directions together, or the larger one. */
  direction: z.enum(['sum', 'max']).default('sum'),
  price_per_mbps: price.describe('Of the slot of five minutes that 95 % of the slots do not exceed, in Mbit/s.'),
});

const classed = {
  name: documentText(50, false).describe('What its customers know it by: private, peering.'),
  nics: z
    .array(
      z
        .string()
        .regex(
          /^[A-Za-z0-9._:*-]{1,64}$/,
          'must be 1 to 64 characters of A-Z a-z 0-9 . _ : - and *, which stands for any number',
        ),
    )
    .min(1)
    .max(20)
    .describe('Patterns of the names of interfaces.'),
};
/** Traffic of some interfaces, with a price of its own. */
const trafficClass = z.discriminatedUnion('counting', [meteredTraffic.extend(classed), p95Traffic.extend(classed)]);

const classes = {
  classes: z
    .array(trafficClass)
    .min(1)
    .max(20)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'must not have two of the same name')
    .optional()
    .describe(
      'Interfaces whose traffic costs otherwise: each belongs to the first class that names it. What none names costs as said beside them.',
    ),
};

/** The body of `PUT /v1/plans/{id}` (SPEC §7). */
export const planBody = z
  .strictObject({
    title: documentText(100, false).optional().describe('What customers know it by: printed beside its name.'),
    currency,
    time_zone: timeZone,
    price: z
      .strictObject({ amount: price, per: z.enum(['month', 'day', 'hour']) })
      .describe('Of the service; a part of a month is charged by the day and minute.'),
    creditable: z
      .array(creditableCondition)
      .refine((names) => new Set(names).size === names.length, 'must not name a condition twice')
      .meta({ uniqueItems: true })
      .default(['provider'])
      .describe('Which unavailable time earns credit, where the terms do not say.'),
    terms: identifier.nullable().default(null).describe('The terms sheet of its VMs that have none of their own.'),
    traffic: z
      .discriminatedUnion('counting', [meteredTraffic.extend(classes), p95Traffic.extend(classes)])
      .nullable()
      .default(null)
      .describe('What traffic costs; null: nothing.'),
    refund_handling_fee: decimal
      .nullable()
      .default(null)
      .describe('Kept back from a refund where the terms say so; null: nothing.'),
    minimum: price
      .optional()
      .describe('What service, traffic and flat sum of a period come to at least; of a part of it in proportion.'),
    maximum: price.optional().describe('What they come to at most.'),
    flat: price.optional().describe('A sum for each period besides; of a part of it in proportion.'),
    setup: price.optional().describe('A sum once, when a VM is first served on the plan.'),
  })
  .refine((plan) => (parseAmount(plan.minimum ?? '0') ?? 0n) <= (parseAmount(plan.maximum ?? '99999999') ?? 0n), {
    path: ['maximum'],
    message: 'must not be below the minimum',
  })
  .refine(
    (plan) =>
      plan.refund_handling_fee === null || parseAmount(plan.refund_handling_fee, minorDigits(plan.currency)) !== undefined,
    { path: ['refund_handling_fee'], message: 'has more digits than the currency has' },
  );

export type PlanBody = z.infer<typeof planBody>;

/** A plan as credits are computed from it. */
export interface Plan {
  id: string;
  currency: string;
  zone: Zone;
  priceNanos: bigint;
  per: 'month' | 'day' | 'hour';
  /** Condition codes. */
  creditable: ReadonlySet<number>;
}

/** A plan and the instant from which a VM is on it. */
export interface DatedPlan {
  fromMs: number;
  plan: Plan;
}

/** What counts as unavailable where no plan says otherwise. */
export const CREDITABLE_DEFAULT: ReadonlySet<number> = new Set([conditionCode('provider')]);

/** The plan of a checked body. */
export function planOf(id: string, body: PlanBody): Plan {
  const zone = zoneOf(body.time_zone);
  const priceNanos = parseAmount(body.price.amount);
  if (zone === undefined || priceNanos === undefined) throw new Error(`plan ${id} was stored unchecked`);
  return {
    id,
    currency: body.currency,
    zone,
    priceNanos,
    per: body.price.per,
    creditable: new Set(body.creditable.map(conditionCode)),
  };
}
