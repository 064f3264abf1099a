/** What only people know of a VM (SPEC §7). */
export const EVENT_KINDS = [
  'payment',
  'refund',
  'ip_replaced',
  'ip_blocked',
  'ip_unusable',
  'terms_violated',
  'abuse',
  'harm',
  'dispute',
  'dispute_closed',
  'malicious_trial',
  'withdrawn',
  'verification_refused',
  'suspended',
  'resumed',
  'reminder',
  'expired',
  'ended',
  'deletion_due',
  'credit_claimed',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
