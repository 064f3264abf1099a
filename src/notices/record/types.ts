import { z } from 'zod';
import type { CONSEQUENCE_KINDS } from '../../books/consequences.ts';
import { CAUSES } from '../../domain/condition.ts';

/** Members of what notices say. Amounts and bytes are decimal strings: exact in every language. */
const amount = z.string().meta({ pattern: '^-?[0-9]+([.][0-9]+)?$', description: 'An amount, exact, as a decimal string.' });
const currency = z.string().describe('ISO 4217.');
const at = z.string().meta({ format: 'date-time' });
const bytes = z.string().meta({ pattern: '^[0-9]+$', description: 'Bytes, exact, as a decimal string.' });
const vm = z.string();
const cause = z.enum(CAUSES);
const clause = z.string().nullable().describe('The clause of the terms by which it is so.');

const document = { number: z.string(), currency, total: amount, issued_at: at };
const owed = {
  invoice: z.string().describe('What it is owed by: an invoice.'),
  number: z.string().nullable(),
  currency,
  unpaid: amount,
  due_at: at,
};
const outage = { vm, cause, from: at };
const incident = {
  incident: z.string(),
  cause,
  from: at,
  to: at,
  announced_at: at.nullable(),
  vms: z.int().describe('How many VMs of the account it is about.'),
  note: z.string(),
};
const consequence = {
  consequence: z.string(),
  vm: vm.nullable().describe('null: all of the account.'),
  at: at.describe('When it was carried out.'),
  due_at: at.describe('From when on the terms had it so.'),
  currency,
  amount: amount.nullable().describe('What was open of all that was overdue.'),
  clause,
};

interface Kind<T extends z.ZodObject = z.ZodObject> {
  readonly says: string;
  /** `account`: an account's own business. `staff`: nobody else's. */
  readonly audience: 'account' | 'staff';
  readonly data: T;
}
const own = <T extends z.ZodObject>(says: string, data: T): Kind<T> => ({ says, audience: 'account', data });
const staff = <T extends z.ZodObject>(says: string, data: T): Kind<T> => ({ says, audience: 'staff', data });

/** All that notices are about, by type: what each says, to whom, and the shape of its data. */
export const NOTICES = {
  'outage.begun': own('A VM has been down for longer than `UPTALLY_NOTICE_OUTAGE_MS`.', z.strictObject(outage)),
  'outage.ended': own(
    'An outage of which `outage.begun` told, or would have, is over.',
    z.strictObject({ ...outage, to: at, duration_ms: z.int() }),
  ),
  'source.silent': staff(
    'Who spoke for VMs has said nothing for longer than `UPTALLY_NOTICE_OUTAGE_MS`: a host or its agent is gone.',
    z.strictObject({ silence: z.string(), agent: z.string().nullable(), vms: z.int(), from: at }),
  ),
  'source.heard': staff(
    'VMs of which `source.silent` told are heard of again, all of them.',
    z.strictObject({ silence: z.string(), agent: z.string().nullable(), vms: z.int(), from: at, to: at }),
  ),
  'incident.recorded': own('Somebody said what outages were.', z.strictObject(incident)),
  'incident.withdrawn': own('An incident was withdrawn.', z.strictObject(incident)),
  'maintenance.announced': own('A maintenance that has not begun was announced.', z.strictObject(incident)),
  'traffic.reached': own(
    'The traffic of a VM has reached 50, 80 or 100 % of what its month includes: each once a month, whatever is restated after.',
    z.strictObject({
      vm,
      plan: z.string(),
      class: z.string().nullable().describe('The class of traffic; null: traffic at large.'),
      percent: z.union([z.literal(50), z.literal(80), z.literal(100)]),
      used_bytes: bytes,
      included_bytes: bytes,
      from: at,
      to: at,
    }),
  ),
  'balance.low': own(
    'What is there for days to come is below the account’s `low_balance`; told once a day at most.',
    z.strictObject({ currency, balance: amount, threshold: amount, since: at }),
  ),
  'invoice.final': own(
    'An invoice got its number.',
    z.strictObject({ invoice: z.string(), ...document, from: at, to: at, due_at: at }),
  ),
  'invoice.due': own('An invoice falls due within three days and is not paid.', z.strictObject(owed)),
  'invoice.overdue': own('An invoice fell due and is not paid.', z.strictObject(owed)),
  'credit_note.final': own(
    'A credit note got its number.',
    z.strictObject({ credit_note: z.string(), ...document, invoice: z.string().nullable().describe('The invoice it corrects.') }),
  ),
  'account.reminder': own(
    'A reminder of what is overdue.',
    z.strictObject({ ...consequence, level: z.int(), item: z.string().nullable() }),
  ),
  'account.suspended': own('An account is suspended for what it owes.', z.strictObject(consequence)),
  'account.resumed': own('A suspension, of an account or of a VM, is over.', z.strictObject(consequence)),
  'vm.expired': own('A VM’s term is over and not renewed.', z.strictObject(consequence)),
  'vm.ended': own('A VM’s service was ended.', z.strictObject({ ...consequence, ends_at: at.nullable() })),
  'vm.deletion_due': own(
    'The data of a VM that ended may be deleted.',
    z.strictObject({ ...consequence, ends_at: at.nullable(), deletes_at: at.nullable() }),
  ),
  'refund.decided': own(
    'A refund was checked, and the decision is on record.',
    z.strictObject({
      refund_check: z.string(),
      vm,
      decision: z.string().describe('As `POST /v1/refund-checks` answers.'),
      currency,
      amount: amount.nullable(),
      terms: z.string(),
      terms_version: z.int(),
    }),
  ),
  'refund.granted': own(
    'A refund was carried out.',
    z.strictObject({ refund_check: z.string(), vm, currency, amount, destination: z.enum(['balance', 'original_payment']) }),
  ),
  'price.announced': own(
    'A plan that VMs of the account are on says other prices, or a VM goes to another plan at an instant to come.',
    z.strictObject({ plan: z.string(), vms: z.int(), from: at.describe('From when on.') }),
  ),
  'terms.announced': own(
    'A version of the account’s terms was announced that is not in force yet.',
    z.strictObject({ terms: z.string(), version: z.int(), announced_at: at, from: at }),
  ),
  'subscription.disabled': staff(
    'Deliveries to a subscription were ended by what its receiver answers, or does not.',
    z.strictObject({ subscription: z.string(), target: z.string(), why: z.string() }),
  ),
  'notice.test': own(
    'Somebody asked for a test; it goes to one subscription alone.',
    z.strictObject({ subscription: z.string(), asked_by: z.string() }),
  ),
} as const;

export type NoticeType = keyof typeof NOTICES;
export type NoticeData<T extends NoticeType> = z.infer<(typeof NOTICES)[T]['data']>;

export const NOTICE_TYPES = Object.keys(NOTICES) as [NoticeType, ...NoticeType[]];
/** Those that an account may be told of. */
export const ACCOUNT_NOTICE_TYPES = NOTICE_TYPES.filter((type) => NOTICES[type].audience === 'account');

/** Which notice tells of a consequence. */
export const NOTICE_OF_CONSEQUENCE = {
  reminder: 'account.reminder',
  suspended: 'account.suspended',
  resumed: 'account.resumed',
  expired: 'vm.expired',
  ended: 'vm.ended',
  deletion_due: 'vm.deletion_due',
} as const satisfies Record<(typeof CONSEQUENCE_KINDS)[number], NoticeType>;
