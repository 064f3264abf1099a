import { z } from 'zod';
import { CAUSES } from '../domain/condition.ts';
import { EVENT_KINDS } from '../domain/event-kinds.ts';

/**
 * What a line says, as codes with parameters: kept with the line, and put into words by `print/words`, in every language. A code
 * is never given another meaning, for documents are kept for ever; a new one does not compile until every language says it.
 */

/** A code with its parameters. */
export function code<C extends string, P extends z.ZodRawShape>(name: C, parameters: P) {
  return z.object({ code: z.literal(name), ...parameters });
}

const counting = z.enum(['sum', 'in', 'out', 'max']);

const chargeKind = z.enum(['one_off', 'quoted', 'damage', 'handling']);

const ITEMS = [
  code('service', { plans: z.array(z.string()) }),
  // `class`: of some interfaces alone.
  code('traffic', { counting, plan: z.string(), class: z.string().optional() }),
  code('percentile', { direction: z.enum(['sum', 'max']), plan: z.string(), class: z.string().optional() }),
  // Sums of a plan for a period, and once.
  code('flat', { plan: z.string() }),
  code('setup', { plan: z.string() }),
  code('minimum', { plan: z.string() }),
  code('maximum', { plan: z.string() }),
  code('add_on', { name: z.string() }),
  code('credit', { minutes: z.int() }),
  // What is taken off, by its name.
  code('discount', { name: z.string(), percent: z.string().optional() }),
  code('fee', { event: z.enum(EVENT_KINDS) }),
  // Charged by hand, in the words of whoever did.
  code('charge', { kind: chargeKind, text: z.string() }),
  // Of an overdue invoice, by its number.
  code('late_fee', { invoice: z.string() }),
  // Of the daily charges of a prepaid balance.
  code('late_charges', {}),
  code('tax', { percent: z.string(), name: z.string().optional() }),
  // A line of a document that was kept before lines had codes.
  code('as_written', { text: z.string() }),
] as const;

/** What a line is for, where it corrects no other. */
export const itemSay = z.discriminatedUnion('code', ITEMS);
export type ItemSay = z.infer<typeof itemSay>;

/** What a line is for. Of a correction: line `line`, from 1, of invoice number `invoice` (null: one that it lacked), and what that is for. */
const aboutSay = z.discriminatedUnion('code', [
  ...ITEMS,
  code('correction', { invoice: z.int(), line: z.int().nullable(), of: itemSay }),
]);
export type AboutSay = z.infer<typeof aboutSay>;

/** How an amount comes about, in parts. */
const formulaSay = z.discriminatedUnion('code', [
  code('price_per_day', {}),
  code('price_per_hour', {}),
  code('price_per_month', {}),
  // Of a day that was not served whole.
  code('price_per_minute', {}),
  // The unit price is nobody's, but the amount by the quantity.
  code('average', {}),
  code('credit_by_time', {}),
  code('credit_by_percent', {}),
  code('credit_by_tier', {}),
  code('metered', { counting, started_units_whole: z.boolean() }),
  code('tiers_volume', {}),
  code('tiers_graduated', {}),
  // What is included, and the tiers, of a plan that was on for so many of the served minutes.
  code('part_of_period', { minutes: z.int(), of: z.int() }),
  // A sum of a period, for so many of the served minutes.
  code('share_of_minutes', { minutes: z.int(), of: z.int() }),
  code('once', {}),
  code('up_to_minimum', {}),
  code('down_to_maximum', {}),
  code('discount_percent', {}),
  code('discount_sum', {}),
  // No more than the lines hold that it is on.
  code('discount_most', {}),
  code('percentile_rank', {}),
  code('percentile_rate', {}),
  code('events', {}),
  // Charged by somebody's decision.
  code('charge', { kind: chargeKind }),
  // Agreed in another currency, at a rate that was recorded.
  code('exchanged', { amount: z.string(), currency: z.string(), rate: z.string() }),
  code('late_days', {}),
  code('late_charge_days', {}),
  code('no_fee_on_fees', {}),
  code('tax', {}),
  code('correction', {}),
  // Given back by somebody's decision: net amounts as he said, tax at the rate of the line.
  code('by_hand', {}),
]);
export type FormulaSay = z.infer<typeof formulaSay>;

/** What a quantity is counted in. */
const unitSay = z.discriminatedUnion('code', [
  code('day', {}),
  code('minute', {}),
  code('event', {}),
  code('period', {}),
  code('piece', {}),
  code('correction', {}),
  // So many bytes are one.
  code('bytes', { size: z.int() }),
  code('mbit_per_second', {}),
  code('currency', { currency: z.string() }),
]);
export type UnitSay = z.infer<typeof unitSay>;

/** Why a line was corrected: what was recorded since the invoice was issued, or what was measured otherwise. */
export const reasonSay = z.discriminatedUnion('code', [
  code('incidents', {
    incidents: z.array(
      z.object({
        id: z.string(),
        cause: z.enum(CAUSES),
        withdrawn: z.boolean(),
        // What it was noted for, and its time: left out by what was recorded before they were told.
        note: z.string().optional(),
        from: z.string().optional(),
        to: z.string().optional(),
      }),
    ),
  }),
  code('claims', { claims: z.array(z.object({ event: z.string(), vm: z.string() })) }),
  code('restated', {}),
  // A refund that was granted: the time that was given back.
  code('refund', { check: z.string(), vm: z.string(), from: z.string(), until: z.string() }),
  // Somebody's decision, in his words.
  code('by_hand', { text: z.string() }),
]);
export type ReasonSay = z.infer<typeof reasonSay>;

/** All that a line says. */
export const lineSay = z.object({
  about: aboutSay,
  formula: z.array(formulaSay),
  unit: unitSay,
  /** Of a correction. */
  reason: z.array(reasonSay).optional(),
});
export type LineSay = z.infer<typeof lineSay>;

/** What a line, or the line that it corrects, is for. */
export function itemOf({ about }: LineSay): ItemSay {
  return about.code === 'correction' ? about.of : about;
}

/** Of a line that corrects one of an invoice: `line` is its index, from 0; null: the invoice lacked it. */
export function correctionSay({
  invoice,
  line,
  of,
  reason,
}: {
  invoice: number;
  line: number | null;
  of: ItemSay;
  reason: readonly ReasonSay[] | undefined;
}): LineSay {
  return {
    about: { code: 'correction', invoice, line: line === null ? null : line + 1, of },
    formula: [{ code: 'correction' }],
    unit: { code: 'correction' },
    ...(reason === undefined ? {} : { reason: [...reason] }),
  };
}

/** Words for codes: one text for each, so that none can be missing. */
export type Sayings<S extends { code: string }> = { readonly [C in S['code']]: (said: Extract<S, { code: C }>) => string };
