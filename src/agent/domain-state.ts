import { CAUSES, type Cause } from '../domain/condition.ts';

/**
 * What a libvirt domain's state and reason (virDomainState and the vir…Reason enumerations of libvirt's public API) say
 * about its VM: `up`, down with a cause, or `absent` when the answer is not this host's to give.
 *
 * The choice of causes: stopping on request is `customer`; what an operator's tool does on purpose (migration, save,
 * snapshot, dump) is `maintenance`; whatever broke is `provider`, SPEC's default, even where the guest may have broken
 * itself: an incident can restate that, and a host can change any row with `--cause`. A stop whose reason libvirt does
 * not know (every domain that is off when the daemon starts) counts as the user's. Where a VM left for another host, or
 * is still arriving, the other host speaks for it: two hosts that contradict each other would make an outage of nothing.
 */
export type DomainVerdict = 'up' | 'absent' | Cause;

const VERDICTS: readonly DomainVerdict[] = ['up', 'absent', ...CAUSES];

interface StateRow {
  readonly state: string;
  /** By the reason's number; a number beyond the list (a newer libvirt) takes `otherwise`. */
  readonly reasons: readonly (readonly [name: string, verdict: DomainVerdict])[];
  readonly otherwise: DomainVerdict;
}

export const DOMAIN_STATES: readonly StateRow[] = [
  { state: 'no state', reasons: [['unknown', 'absent']], otherwise: 'absent' },
  { state: 'running', reasons: [], otherwise: 'up' },
  { state: 'blocked', reasons: [['unknown', 'up']], otherwise: 'up' },
  {
    state: 'paused',
    reasons: [
      ['unknown', 'customer'],
      ['user', 'customer'],
      ['migration', 'maintenance'],
      ['save', 'maintenance'],
      ['dump', 'maintenance'],
      ['ioerror', 'provider'],
      ['watchdog', 'provider'],
      ['from_snapshot', 'maintenance'],
      ['shutting_down', 'customer'],
      ['snapshot', 'maintenance'],
      ['crashed', 'provider'],
      ['starting_up', 'absent'],
      ['postcopy', 'absent'],
      ['postcopy_failed', 'provider'],
      ['api_error', 'provider'],
    ],
    otherwise: 'maintenance',
  },
  {
    state: 'shutdown',
    reasons: [
      ['unknown', 'customer'],
      ['user', 'customer'],
    ],
    otherwise: 'customer',
  },
  {
    state: 'shutoff',
    reasons: [
      ['unknown', 'customer'],
      ['shutdown', 'customer'],
      ['destroyed', 'customer'],
      ['crashed', 'provider'],
      ['migrated', 'absent'],
      ['saved', 'maintenance'],
      ['failed', 'provider'],
      ['from_snapshot', 'maintenance'],
      ['daemon', 'provider'],
    ],
    otherwise: 'customer',
  },
  {
    state: 'crashed',
    reasons: [
      ['unknown', 'provider'],
      ['panicked', 'provider'],
    ],
    otherwise: 'provider',
  },
  { state: 'pmsuspended', reasons: [['unknown', 'customer']], otherwise: 'customer' },
];

export const STATE_PAUSED = 3;
export const REASON_PAUSED_MIGRATION = 2;

/** Rows that a host sees otherwise, keyed `state/reason` as in the table, such as `shutoff/unknown`. */
export type VerdictOverrides = ReadonlyMap<string, DomainVerdict>;

/** The verdict on a state and reason as `domstats --raw` numbers them; a state nobody knows says nothing. */
export function domainVerdict(state: number, reason: number, overrides?: VerdictOverrides): DomainVerdict {
  const row = DOMAIN_STATES[state];
  if (row === undefined) return 'absent';
  const known = row.reasons[reason];
  if (known === undefined) return row.otherwise;
  return overrides?.get(`${row.state}/${known[0]}`) ?? known[1];
}

/** Reads `STATE/REASON=CAUSE` (or `=up`, `=absent`). Throws with a sentence for the user. */
export function parseOverride(text: string): readonly [string, DomainVerdict] {
  const [key = '', value = ''] = text.split('=', 2);
  const [state, reason] = key.split('/', 2);
  const row = DOMAIN_STATES.find((candidate) => candidate.state === state);
  if (row?.reasons.some(([name]) => name === reason) !== true) {
    throw new Error(`"${text}": no such state and reason; write STATE/REASON=CAUSE, such as shutoff/unknown=provider`);
  }
  const verdict = VERDICTS.find((candidate) => candidate === value);
  if (verdict === undefined) throw new Error(`"${text}": the cause is one of ${VERDICTS.join(', ')}`);
  return [key, verdict];
}

/** Whether a domain in this state has a running process, and with it counters that mean something. */
export function isActive(state: number): boolean {
  return (state >= 1 && state <= 4) || state === 7;
}
