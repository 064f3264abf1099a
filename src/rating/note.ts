import { z } from 'zod';
import { EVENT_KINDS } from '../domain/event-kinds.ts';
import { code } from './say.ts';

/** What of a document can't be printed. */
const FIELDS = [
  'customer_name',
  'customer_address',
  'customer_tax_id',
  'issuer_name',
  'issuer_address',
  'issuer_payment',
  'customer_registration',
  'customer_purchase_order',
  'issuer_registration',
  'issuer_payment_terms',
  'titles',
  'incident_notes',
] as const;
export type NotedField = (typeof FIELDS)[number];

/** What whoever makes an invoice has to know before it is final, as codes with parameters. Instants are UTC, lengths milliseconds. */
export const noteSay = z.discriminatedUnion('code', [
  code('period_not_over', { ends_at: z.string() }),
  code('no_issuer', {}),
  code('event_outside_service', { vm: z.string(), event: z.string(), kind: z.enum(EVENT_KINDS), at: z.string() }),
  // Its fee is in another currency than the account's.
  code('event_other_currency', {
    vm: z.string(),
    event: z.string(),
    fee: z.string(),
    fee_currency: z.string(),
    currency: z.string(),
  }),
  // `vms` are the first of `count`.
  code('never_metered', { vms: z.array(z.string()), count: z.int() }),
  code('partly_metered', { vm: z.string(), not_metered_ms: z.int(), served_ms: z.int() }),
  code('more_partly_metered', { count: z.int() }),
  // `amount` is what the credits would be more, were silence that nobody has judged the provider's.
  code('needs_review', { count: z.int(), amount: z.string(), currency: z.string() }),
  // `characters` are the first of `count`.
  code('not_printable', { field: z.enum(FIELDS), characters: z.array(z.string()), count: z.int() }),
]);
export type NoteSay = z.infer<typeof noteSay>;
