import { z } from 'zod';
import type { Versioned } from '../../catalog/versioned.ts';
import { formatInstant } from '../../domain/instant.ts';
import { DELIVERY_STATES, type Delivery } from '../../notices/delivery/deliveries.ts';
import type { MailBody, SubscriptionBody, WebhookBody } from '../../notices/subscriptions/subscription.ts';
import { NOTICE_TYPES } from '../../notices/record/types.ts';
import { instantShape } from '../shared/shapes.ts';

export const TAG = 'notices';
export const MANAGERS = ['billing', 'admin'] as const;

const common = {
  id: z.string(),
  account: z.string().nullable(),
  types: z.array(z.enum(NOTICE_TYPES)).nullable(),
  description: z.string(),
  active: z.boolean(),
  disabled: z
    .object({ at: instantShape, why: z.string() })
    .nullable()
    .describe('Why nothing is sent any more; a PUT begins again, with what was not sent.'),
  changed_at: instantShape,
  changed_by: z.string(),
};

export const webhookShape = z.object({
  ...common,
  url: z.string(),
  secrets: z
    .int()
    .describe('How many secrets sign: two, while one replaces the other. They are shown when they are made, and never again.'),
});
export const madeWebhookShape = webhookShape.extend({ secret: z.string().describe('`whsec_…`: shown this once.') });

export const mailShape = z.object({
  ...common,
  to: z.string(),
  language: z.string().nullable(),
  quiet: z.object({ from: z.string(), until: z.string(), time_zone: z.string() }).nullable(),
  digest: z.enum(['none', 'hourly', 'daily']),
});

export const askedShape = z.object({
  request: z.string().describe('`round` of the deliveries that come of it.'),
});

export const deliveryShape = z.object({
  subscription: z.string(),
  notice: z.string(),
  round: z.string().nullable().describe('The request by which it is sent again; null: it is the first time.'),
  type: z.enum(NOTICE_TYPES),
  account: z.string().nullable(),
  state: z
    .enum(DELIVERY_STATES)
    .describe(
      '`pending`: not tried yet. `failing`: it is tried again. `given_up`: the last attempt failed. `dropped`: the notice is not on record any more.',
    ),
  attempts: z.int(),
  at: instantShape.describe('Of the last attempt; of what is pending, when it was to be sent.'),
  next_at: instantShape.nullable(),
  status: z.int().nullable().describe('What the receiver answered; null: nothing.'),
  took_ms: z.int(),
  why: z.string().describe('What went wrong; empty where nothing did.'),
});

export const noticeShape = z.object({
  id: z.string(),
  type: z.enum(NOTICE_TYPES),
  timestamp: instantShape.describe('When what it tells of was so.'),
  account: z.string().nullable(),
  data: z.record(z.string(), z.unknown()).describe('By type: `webhooks` of this document has the shapes.'),
  recorded_at: instantShape,
});

function commonJson({ id, recordedAtMs, recordedBy, body }: Versioned<SubscriptionBody>): Record<string, unknown> {
  const { account, types, description, active, disabled } = body;
  return {
    ...{ id, account, types, description, active },
    disabled: disabled === null ? null : { at: formatInstant(disabled.at), why: disabled.why },
    changed_at: formatInstant(recordedAtMs),
    changed_by: recordedBy,
  };
}

export function webhookJson(entry: Versioned<WebhookBody>, nowMs: number): Record<string, unknown> {
  const { url, secrets } = entry.body;
  return { ...commonJson(entry), url, secrets: secrets.filter(({ until }) => until === null || until > nowMs).length };
}

/** With the secret that was just made. */
export function madeWebhookJson(entry: Versioned<WebhookBody>, nowMs: number): Record<string, unknown> {
  return { ...webhookJson(entry, nowMs), secret: entry.body.secrets[0]?.secret };
}

export function mailJson(entry: Versioned<MailBody>): Record<string, unknown> {
  const { to, language, quiet, digest } = entry.body;
  return { ...commonJson(entry), to, language, quiet, digest };
}

export function deliveryJson(delivery: Delivery): Record<string, unknown> {
  const { subscription, notice, round, type, account, state, attempts, atMs, nextAtMs, status, tookMs, why } = delivery;
  return {
    ...{ subscription, notice, round: round === '' ? null : round, type, account, state, attempts, at: formatInstant(atMs) },
    ...{ next_at: nextAtMs === 0 ? null : formatInstant(nextAtMs), status: status === 0 ? null : status, took_ms: tookMs, why },
  };
}
