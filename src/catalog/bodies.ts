import { z } from 'zod';
import { areDatedPlans, datedPlans, datedTerms } from '../domain/dated-plans.ts';
import {
  currency,
  decimal,
  decimalAbove0,
  identifier,
  percentage,
  percentageAbove0,
  planBody,
  timeZone,
} from '../domain/plan.ts';
import { documentText, instant } from '../domain/shapes.ts';
import { DISCOUNTED } from '../domain/discounted.ts';
import { TAXED } from '../domain/taxed.ts';
import { nicName } from '../samples/names.ts';

const sentence = documentText(500, false);

const ofDiscount = {
  name: documentText(100, false).describe('What its customer knows it by: its lines are told by it.'),
  kinds: z
    .array(z.enum(DISCOUNTED))
    .min(1)
    .refine((kinds) => new Set(kinds).size === kinds.length, 'must not name a kind twice')
    .meta({ uniqueItems: true })
    .nullable()
    .optional()
    .describe(
      'Which lines it is on; null: all but fees. What a minimum, a maximum or a credit makes of a service is one with the service.',
    ),
  from: instant,
  until: instant.nullable().default(null),
  reason: documentText(500, false).optional().describe('Why it is given: printed under its lines.'),
  clause: z
    .union([sentence, z.strictObject({ en: sentence, 'zh-Hans': sentence, 'zh-Hant': sentence })])
    .optional()
    .describe('What was agreed: one text for all languages, or one for each that documents are printed in.'),
};
/** Something that is taken off: a percentage of lines, or a sum of money by the time. */
const discount = z
  .union([
    z.strictObject({
      ...ofDiscount,
      percent: percentageAbove0.describe('Of the lines as they are charged, as far as they are of its time.'),
    }),
    z.strictObject({
      ...ofDiscount,
      amount: decimalAbove0.describe(
        'Off a month, or what `per` says, spread over its minutes as a price is; never more than the lines hold.',
      ),
      per: planBody.shape.price.shape.per.default('month'),
    }),
  ])
  .refine(({ from, until }) => until === null || from < until, { path: ['until'], message: 'must be after from' });
export type DiscountBody = z.infer<typeof discount>;
const discounts = z
  .array(discount)
  .max(50)
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'must not have two of the same name')
  .optional();

const ofTax = {
  name: documentText(50, false).describe('As documents call it.'),
  kinds: z
    .array(z.enum(TAXED))
    .min(1)
    .refine((kinds) => new Set(kinds).size === kinds.length, 'must not name a kind twice')
    .meta({ uniqueItems: true })
    .nullable()
    .default(null)
    .describe(
      'The lines that it is on; null: all that no other names. A minimum, a maximum and a credit are taxed as the service.',
    ),
};
const tax = z.union([
  z.strictObject({ ...ofTax, percent: percentage }),
  z.strictObject({
    ...ofTax,
    percent: z.literal('0').default('0'),
    exempt_reason: documentText(300, false).describe('Why none is charged, as the law wants it on documents.'),
  }),
]);

/** The body of `PUT /v1/accounts/{id}` (SPEC §7). */
export const accountBody = z.strictObject({
  name: z.string().min(1).max(200),
  currency,
  tax_percent: percentage.default('0'),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as en or zh-TW')
    .default('en'),
  // What an invoice is addressed to; lines of the address are separated by line feeds.
  address: documentText(500, true).optional(),
  tax_id: documentText(64, false).optional(),
  registration: documentText(64, false).optional().describe('Its number in a register of companies, as its invoices name it.'),
  purchase_order: documentText(64, false).optional().describe('What the customer wants its invoices to name.'),
  email: z.email().max(254).optional(),
  /** Whose days and months its invoices are made of; left out: those of its plans, as long as they agree. */
  time_zone: timeZone.optional(),
  /** Below this a prepaid balance is low; left out: below 0. */
  low_balance: decimal.optional(),
  /** What the scheduler makes of a month that is over; left out: what the server's configuration says. */
  invoices: z.enum(['none', 'drafts', 'finals']).optional(),
  /** Days to pay after an invoice's issue; left out: as its sheet says, else 14. */
  due_days: z.int().min(0).max(366).optional(),
  /** `manual`: its invoices are paid only by money that covers them, not by what is in credit. */
  settlement: z.enum(['automatic', 'manual']).optional(),
  taxes: z
    .array(tax)
    .min(1)
    .max(20)
    .refine(
      (list) => list.filter(({ kinds }) => kinds === null).length < 2,
      'must not have two of the same rest, which no other names',
    )
    .refine((list) => {
      const named = list.flatMap(({ kinds }) => kinds ?? []);
      return new Set(named).size === named.length;
    }, 'must not have two of the same kind')
    .optional()
    .describe('By the kind of line, a tax each; `tax_percent` is on what none of them is on.'),
  discounts: discounts.describe('What is taken off the lines of all its VMs; a sum off all of them together.'),
});
export type AccountBody = z.infer<typeof accountBody>;

/** Something that a VM has besides its plan, charged by the minute as a plan is, while the VM is served. */
const addOn = z
  .strictObject({
    id: identifier,
    name: documentText(100, false),
    price: planBody.shape.price,
    quantity: z.int().positive().max(100_000).default(1),
    from: instant,
    until: instant.nullable().default(null),
  })
  .refine(({ from, until }) => until === null || from < until, { path: ['until'], message: 'must be after from' });

/** The body of `PUT /v1/vms/{id}` (SPEC §7); instants in milliseconds once read. */
export const vmBody = z
  .strictObject({
    account: identifier,
    title: documentText(100, false).optional().describe('What its customer calls it: printed beside its name.'),
    terms: z
      .union([identifier, datedTerms])
      .nullable()
      .default(null)
      .describe("Its own terms sheet, or several, each from its instant on; before the first, and where it is null, the plan's."),
    plans: datedPlans.default([]),
    starts_at: instant.nullable().default(null),
    ends_at: instant.nullable().default(null),
    paid_at: instant.nullable().default(null),
    paid_until: instant.nullable().default(null),
    paid_amount: decimal.nullable().default(null),
    promotion: z.boolean().default(false),
    add_ons: z
      .array(addOn)
      .max(100)
      .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'must not have two of the same id')
      .optional()
      .describe('What it has besides its plan, each from an instant on.'),
    discounts: discounts.describe('What is taken off its lines, each from an instant on.'),
    /** The billable interfaces; null: every one. */
    nics: z
      .array(nicName)
      .max(64)
      .refine((nics) => new Set(nics).size === nics.length, 'must not name an interface twice')
      .meta({ uniqueItems: true })
      .nullable()
      .default(null),
  })
  .refine((vm) => vm.starts_at === null || vm.ends_at === null || vm.starts_at < vm.ends_at, {
    path: ['ends_at'],
    message: 'must be after starts_at',
  })
  .refine((vm) => vm.paid_at === null || vm.paid_until === null || vm.paid_at < vm.paid_until, {
    path: ['paid_until'],
    message: 'must be after paid_at',
  });
export type VmBody = z.infer<typeof vmBody>;

/**
 * A VM's body out of the catalog's table. What has every member, each of its type, is what this version recorded, having checked it then; the schema
 * would take most of the start of a big catalog to check it again. Anything else goes through the schema. Throws ZodError.
 */
export function storedVm(text: string): VmBody {
  const stored: unknown = JSON.parse(text);
  return isRecordedVm(stored) ? stored : vmBody.parse(stored);
}

function isRecordedVm(stored: unknown): stored is VmBody {
  if (typeof stored !== 'object' || stored === null) return false;
  const vm = stored as Partial<Record<keyof VmBody, unknown>>;
  return (
    Object.keys(vm).length === VM_MEMBERS - [vm.title, vm.add_ons, vm.discounts].filter((each) => each === undefined).length &&
    (vm.add_ons === undefined || Array.isArray(vm.add_ons)) &&
    (vm.discounts === undefined || Array.isArray(vm.discounts)) &&
    typeof vm.account === 'string' &&
    (vm.title === undefined || typeof vm.title === 'string') &&
    (isNullOr('string', vm.terms) || areDatedTerms(vm.terms)) &&
    areDatedPlans(vm.plans) &&
    isNullOr('number', vm.starts_at) &&
    isNullOr('number', vm.ends_at) &&
    isNullOr('number', vm.paid_at) &&
    isNullOr('number', vm.paid_until) &&
    isNullOr('string', vm.paid_amount) &&
    typeof vm.promotion === 'boolean' &&
    (vm.nics === null || (Array.isArray(vm.nics) && vm.nics.every((nic) => typeof nic === 'string')))
  );
}

/** Whether they are what the schema leaves: in the order of their instants. */
function areDatedTerms(stored: unknown): boolean {
  if (!Array.isArray(stored)) return false;
  const list = stored as readonly ({ sheet?: unknown; from?: unknown } | null)[];
  return list.every((each) => isNullOr('string', each?.sheet) && typeof each?.from === 'number');
}

const VM_MEMBERS = Object.keys(vmBody.shape).length;

function isNullOr(type: 'string' | 'number', value: unknown): boolean {
  return value === null || typeof value === type;
}
