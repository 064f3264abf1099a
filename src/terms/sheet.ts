import { z } from 'zod';
import { instant } from '../domain/shapes.ts';
import { EVENT_KINDS } from '../domain/event-kinds.ts';
import { CONDITIONS } from '../domain/condition.ts';
import { currency, decimal, identifier } from '../domain/plan.ts';
import { predicate } from './predicate.ts';
import { duration, factor, percent } from './quantity.ts';

/**
 * A terms sheet (SPEC §5): what a provider promised, as data. Every rule names the clause it encodes; what can't be true at
 * once is refused by `checked-sheet.ts`. The guide is schemas/terms/README.md.
 */

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be 1 to 64 characters of a-z 0-9 -');
const clause = name.describe('The id of a clause of this sheet.');

const sentence = z.string().min(6).max(500);
/** The languages of printed documents. */
export type ClauseLanguage = 'en' | 'zh-Hans' | 'zh-Hant';

const clauseText = z.strictObject({
  /** One sentence, in the words of whoever wrote the sheet: one for all languages, or one for each that documents are printed in. */
  says: z.union([sentence, z.strictObject({ en: sentence, 'zh-Hans': sentence, 'zh-Hant': sentence })]),
  /** Where in the document. */
  place: z.string().min(1).max(200),
  /** Another document than the sheet's. */
  document: z.string().min(1).max(200).optional(),
});

const downCause = z.enum(CONDITIONS).exclude(['up']);
const causes = z
  .array(downCause)
  .min(1)
  .refine((names) => new Set(names).size === names.length, 'must not name a cause twice')
  .meta({ uniqueItems: true });

/** What every way of giving credit shares. */
const crediting = {
  clause,
  /** The causes that count as unavailable; left out: those of the plan. Excluded causes never count. */
  creditable: causes.optional(),
  /** Causes, `silent` among them, of which a person has to say whether they count: until then what hangs on them is told, and not credited. */
  unsure: causes.optional(),
  /** Shorter outages do not count. */
  minimum_spell: duration.prefault('0ms'),
  /** The customer must ask within so many days after the period; null: credit is given unasked. */
  claim_within_days: z.int().positive().max(3660).nullable().default(null),
  /** An unused credit lapses so many days after its invoice; null: never. */
  expires_after_days: z.int().positive().max(3660).nullable().default(null),
};

const creditTier = z.strictObject({ below_percent: percent, credit_percent: percent });

const credit = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none'), clause }),
  z.strictObject({
    kind: z.literal('time'),
    ...crediting,
    rounding: z.enum(['minute', 'outage', 'slot5', 'hour']).default('minute'),
    multiplier: factor.prefault('1'),
    day_cap_percent: percent.prefault('100'),
  }),
  z.strictObject({
    kind: z.literal('percent_per_minute'),
    ...crediting,
    percent_per_minute: percent,
    base: z.enum(['day', 'month']),
    cap_percent: percent.prefault('100'),
  }),
  z.strictObject({ kind: z.literal('monthly_tiers'), ...crediting, tiers: z.array(creditTier).min(1).max(50) }),
]);

const conditions = z.array(predicate).min(1).max(10);

const ground = z.strictObject({
  id: name,
  clause,
  when: conditions,
  /** The whole amount paid, or the worth of the time still paid for. */
  amount: z.enum(['full', 'remaining']),
  /** Less the refund handling fee of the product, which its plan names. */
  less_handling_fee: z.boolean().default(false),
});

const bar = z.strictObject({
  id: name,
  clause,
  when: conditions,
  /** The grounds it bars; left out: all. */
  only: z.array(name).min(1).optional(),
});

const refund = z.strictObject({
  destination: z.enum(['balance', 'original_payment']),
  destination_clause: clause,
  grounds: z.array(ground).max(50),
  bars: z.array(bar).max(50),
  /** The clause that says: otherwise no refund. */
  otherwise: clause.nullable().default(null),
});

const free = z.strictObject({
  clause,
  /** What the time runs from: the start of service, or the event of this kind before. */
  after: z.enum(['start', ...EVENT_KINDS]),
  within: duration,
  /** What is dated by that time: the charged event itself, or the event of this kind that asked for it. */
  asked_by: z.enum(EVENT_KINDS).optional(),
  /** Only if an event of this kind was recorded after `after` and not later than the charged one. */
  if_recorded: z.enum(EVENT_KINDS).optional(),
});

const fee = z.strictObject({
  id: name,
  clause,
  /** Each recorded event of this kind is charged. */
  event: z.enum(EVENT_KINDS),
  amount: decimal,
  currency,
  free: z.array(free).max(10).default([]),
});

const balance = z.strictObject({ clause, withdrawable: z.boolean(), transferable: z.boolean() });

const lateFee = z.strictObject({
  clause,
  /** Simple, of the overdue amount, for every started day. */
  percent_per_day: percent,
  /** From the instant the amount was due. */
  after: duration,
});

const billing = z.strictObject({
  clause,
  prepaid: z.boolean(),
  /** Days to pay after an invoice's issue, unless the account says otherwise; left out: 14. */
  due_days: z.int().min(0).max(366).optional(),
  /** Charged day by day, so long after each day's end; null: by the invoice's period. */
  charge_daily_within: duration.nullable().default(null),
  tax_separate: z.strictObject({ clause }).nullable().default(null),
  late_fee: lateFee.nullable().default(null),
  /** Service is suspended so long after an amount fell due and was not covered. */
  suspend_overdue: z
    .strictObject({ clause, after: duration.prefault('0ms') })
    .nullable()
    .default(null),
  /** Told so long after an amount fell due and was not covered, level by level; a fee for one is a rule of `fees` for the event `reminder`. */
  reminders: z
    .array(z.strictObject({ level: z.int().positive().max(20), clause, after: duration }))
    .max(20)
    .default([]),
  /** Service is ended so long after an amount fell due and was not covered. */
  end_overdue: z.strictObject({ clause, after: duration }).nullable().default(null),
});

/** So long after what it is about. */
const following = z.strictObject({ clause, after: duration.prefault('0ms') });

/** A term that was paid in advance and not renewed: after its end the service is suspended, and so long after it ended. */
const expiry = following.extend({ end: following.nullable().default(null) });

/** The shape of a sheet; rules that contradict each other are found in `checked-sheet.ts`. */
export const sheetShape = z.strictObject({
  $schema: z.string().optional(),
  id: identifier,
  version: z.int().positive(),
  effective_from: instant,
  effective_until: instant.nullable().default(null),
  /** When this version was announced. */
  announced_at: instant.nullable().default(null),
  /** Changes of prices and terms have to be announced so many days of 24 hours before they begin; null: they need not. */
  notice_days: z.int().min(0).max(3660).nullable().default(null),
  title: z.string().min(1).max(200),
  /** The document that clauses are taken from. */
  document: z.string().min(1).max(200),
  clauses: z.record(name, clauseText),
  /** Causes that never earn anything. */
  excluded: z.array(z.strictObject({ causes, clause })).default([]),
  /** Maintenance counts as such only if it was announced so long before its start, else as the provider's; left out: always. */
  maintenance_notice: duration.nullable().default(null),
  credit,
  refund,
  fees: z.array(fee).max(50).default([]),
  balance: balance.nullable().default(null),
  billing: billing.nullable().default(null),
  expiry: expiry.nullable().default(null),
  /** From when on data may be deleted, after the end of a service. */
  retention: z.strictObject({ clause, after: duration }).nullable().default(null),
  /** Clauses that are to be shown to customers and need no rule here. */
  stated: z.array(clause).default([]),
});

export type TermsSheet = z.infer<typeof sheetShape>;
export type Ground = TermsSheet['refund']['grounds'][number];
export type Bar = TermsSheet['refund']['bars'][number];
export type Fee = TermsSheet['fees'][number];

/** What a clause says, in a language of documents. Throws where a checked sheet has no such clause. */
export function clauseSays({ clauses }: Pick<TermsSheet, 'clauses'>, id: string, language: ClauseLanguage = 'en'): string {
  const found = clauses[id];
  if (found === undefined) throw new Error(`a checked sheet has no clause ${id}`);
  return typeof found.says === 'string' ? found.says : found.says[language];
}

/** A clause as answers and invoices name it: its id, the sentence, where it stands. */
export function clauseShown(
  sheet: Pick<TermsSheet, 'clauses' | 'document'>,
  id: string,
  language: ClauseLanguage = 'en',
): string {
  const says = clauseSays(sheet, id, language);
  const { document = sheet.document, place = '' } = sheet.clauses[id] ?? {};
  return `${id}: ${says} (${document}, ${place})`;
}
