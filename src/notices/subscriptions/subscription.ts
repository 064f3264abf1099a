import { z } from 'zod';
import { identifier, timeZone } from '../../domain/plan.ts';
import { NOTICE_TYPES, NOTICES } from '../record/types.ts';

/** The kind of the entries that subscriptions are recorded as. */
export const SUBSCRIPTION_KIND = 'subscription';

const types = z
  .array(z.enum(NOTICE_TYPES))
  .min(1)
  .max(NOTICE_TYPES.length)
  .refine((list) => new Set(list).size === list.length, 'must not name a type twice')
  .nullable()
  .default(null)
  .describe('What is told of; null: everything, also what later versions add.');
const account = identifier
  .nullable()
  .default(null)
  .describe('Of this account alone, and nothing that is staff’s business; null: staff’s, of all accounts.');
const description = z.string().max(200).default('');
const active = z.boolean().default(true).describe('`false`: nothing is sent; what happens meanwhile is not sent later.');

/** A URL that events may be posted to: where it leads is checked when it is connected to. */
const url = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .refine((text) => {
    const given = URL.canParse(text) ? new URL(text) : undefined;
    return given?.username === '' && given.password === '' && given.hash === '';
  }, 'must have no user, password or fragment')
  .describe('Where events are posted to: https, or http to an address of UPTALLY_NOTICE_NETWORKS.');

function refuseStaffTypes(given: { account: string | null; types: readonly (keyof typeof NOTICES)[] | null }): boolean {
  return given.account === null || (given.types ?? []).every((type) => NOTICES[type].audience === 'account');
}
const STAFF_ONLY = { path: ['types'], message: 'names a type that is staff’s business alone: leave account out' };

/** The body of `POST /v1/webhooks` and `PUT /v1/webhooks/{id}`. */
export const webhookRequest = z.strictObject({ url, account, types, description, active }).refine(refuseStaffTypes, STAFF_ONLY);
export type WebhookRequest = z.infer<typeof webhookRequest>;

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:00');

/** The body of `POST /v1/subscriptions` and `PUT /v1/subscriptions/{id}`. */
export const mailRequest = z
  .strictObject({
    to: z.email().max(254).describe('The address that is written to.'),
    account,
    types,
    description,
    active,
    language: z
      .string()
      .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as en or zh-TW')
      .nullable()
      .default(null)
      .describe('null: that of the account; of staff English.'),
    quiet: z
      .strictObject({ from: clockTime, until: clockTime, time_zone: timeZone })
      .refine(({ from, until }) => from !== until, { path: ['until'], message: 'must not be from' })
      .nullable()
      .default(null)
      .describe('Hours in which nothing is sent: it goes out as one mail when they are over.'),
    digest: z
      .enum(['none', 'hourly', 'daily'])
      .default('none')
      .describe(
        '`hourly`, `daily`: what there is to tell goes out together, once an hour or a day (in the zone of `quiet`, else UTC).',
      ),
  })
  .refine(refuseStaffTypes, STAFF_ONLY);
export type MailRequest = z.infer<typeof mailRequest>;

/** A secret; one that was replaced signs beside the new one until an instant. */
const secret = z.strictObject({ secret: z.string(), until: z.int().nullable() });

const common = {
  account: z.string().nullable(),
  types: z.array(z.string()).nullable(),
  description: z.string(),
  active: z.boolean(),
  /** Why nothing is sent any more: what the receiver answered. */
  disabled: z.strictObject({ at: z.int(), why: z.string() }).nullable(),
  deleted: z.boolean(),
};

/** A subscription as it is kept. */
export const subscriptionBody = z.discriminatedUnion('channel', [
  z.strictObject({ channel: z.literal('webhook'), ...common, url: z.string(), secrets: z.array(secret) }),
  z.strictObject({
    channel: z.literal('mail'),
    ...common,
    to: z.string(),
    language: z.string().nullable(),
    quiet: z.strictObject({ from: z.string(), until: z.string(), time_zone: z.string() }).nullable(),
    digest: z.enum(['none', 'hourly', 'daily']),
  }),
]);
export type SubscriptionBody = z.infer<typeof subscriptionBody>;
export type WebhookBody = Extract<SubscriptionBody, { channel: 'webhook' }>;
export type MailBody = Extract<SubscriptionBody, { channel: 'mail' }>;

/** Whether something is sent to a subscription at all. */
export function isOn({ active: isActive, disabled, deleted }: SubscriptionBody): boolean {
  return isActive && !deleted && disabled === null;
}

/** Whether a subscription is about such a notice. */
export function concerns(
  { account: ofAccount, types: chosen }: SubscriptionBody,
  notice: { readonly type: keyof typeof NOTICES; readonly account: string | null },
): boolean {
  if (ofAccount !== null && (notice.account !== ofAccount || NOTICES[notice.type].audience !== 'account')) return false;
  return chosen?.includes(notice.type) ?? true;
}

/** Where it goes, as people are told. */
export function targetOf(body: SubscriptionBody): string {
  return body.channel === 'webhook' ? body.url : body.to;
}
