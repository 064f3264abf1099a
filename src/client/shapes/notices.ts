import { z } from 'zod';

/** A webhook; `secret` where it was just made. */
export const Webhook = z.object({
  id: z.string(),
  url: z.string(),
  account: z.string().nullable(),
  types: z.array(z.string()).nullable(),
  active: z.boolean(),
  disabled: z.object({ at: z.string(), why: z.string() }).nullable(),
  secret: z.string().optional(),
});
export type Webhook = z.infer<typeof Webhook>;
export const WebhookList = z.object({ webhooks: z.array(Webhook) });

export const MailSubscription = z.object({
  id: z.string(),
  to: z.string(),
  account: z.string().nullable(),
  types: z.array(z.string()).nullable(),
  active: z.boolean(),
  disabled: z.object({ at: z.string(), why: z.string() }).nullable(),
  digest: z.string(),
});
export type MailSubscription = z.infer<typeof MailSubscription>;
export const MailSubscriptionList = z.object({ subscriptions: z.array(MailSubscription) });

/** What was asked to be sent. */
export const Asked = z.object({ request: z.string() });

export const Delivery = z.object({
  subscription: z.string(),
  notice: z.string(),
  type: z.string(),
  account: z.string().nullable(),
  state: z.string(),
  attempts: z.number(),
  at: z.string(),
  next_at: z.string().nullable(),
  status: z.number().nullable(),
  why: z.string(),
});
export type Delivery = z.infer<typeof Delivery>;
export const DeliveryPage = z.object({ rows: z.array(Delivery), next: z.string().nullable() });

export const Notice = z.object({
  id: z.string(),
  type: z.string(),
  timestamp: z.string(),
  account: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
});
export type Notice = z.infer<typeof Notice>;
export const NoticePage = z.object({ rows: z.array(Notice), next: z.string().nullable() });
