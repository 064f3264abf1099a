/** Why a sample was refused (SPEC §7), in the order of the kernel's codes (assembly/judge.ts). */
export const REJECTION_CODES = [
  'malformed_json',
  'missing_field',
  'bad_vm',
  'bad_nic',
  'bad_ts',
  'ts_in_future',
  'ts_too_old',
  'bad_counter',
  'bad_epoch',
  'bad_state',
  'bad_cause',
  'vm_not_allowed',
  'bad_started_at',
  'bad_link',
  'bad_sum',
  'bad_hold',
  'bad_host',
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];

/** The fields a rejection can name, in the order of the kernel's numbers; '' where the whole sample is meant. */
export const SAMPLE_FIELDS = [
  '',
  'vm',
  'ts',
  'nic',
  'rx_bytes',
  'tx_bytes',
  'epoch',
  'state',
  'cause',
  'started_at',
  'link_mbps',
  'sum',
  'hold_s',
  'host',
] as const;

export interface Rejection {
  readonly index: number;
  readonly code: RejectionCode;
  readonly field: string;
}

const MESSAGES: Record<RejectionCode, string> = {
  malformed_json: 'not a JSON object; a sample is one object, in NDJSON one a line, in UTF-8',
  missing_field: 'is missing; vm and ts are required, and a counter with state "none"',
  bad_vm: 'must be a string of 1–64 characters of A–Z a–z 0–9 . _ : -, and neither . nor ..',
  bad_nic: 'must be a string of at most 32 characters of A–Z a–z 0–9 . _ : -',
  bad_ts: 'must be integer milliseconds since 1970 or an RFC 3339 date-time with an offset',
  ts_in_future: "is more than 5 minutes ahead of the server's clock; check the sender's clock",
  ts_too_old: 'is older than the server keeps samples',
  bad_counter: 'must be an integer from 0 to 18446744073709551615, as digits or as a string of digits',
  bad_epoch: 'must be an integer from 0 to 4294967295',
  bad_state: 'must be "up", "down" or "none"',
  bad_cause: 'must be a cause of downtime, and only with state "down"',
  bad_started_at: 'must be an instant as ts is one, earlier than ts',
  bad_link: 'must be an integer from 1 to 1000000',
  bad_sum: 'must be true or false',
  bad_host: 'must be a string of at most 64 characters of A–Z a–z 0–9 . _ : -',
  bad_hold: 'must be an integer from 1 to 3600',
  vm_not_allowed: 'is not among the VMs that this key may post for',
};

/** A sentence for people about a rejection. */
export function rejectionMessage(rejection: Rejection): string {
  return rejection.field === '' ? MESSAGES[rejection.code] : `${rejection.field} ${MESSAGES[rejection.code]}`;
}
