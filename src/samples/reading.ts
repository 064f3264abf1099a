import type { Cause } from '../domain/condition.ts';
import { NIC_NAME, VM_NAME } from './names.ts';

/**
 * What a source saw of one VM interface (or of a VM as a whole, `nic` empty and `counters` null). Counters are the
 * guest's view already. The instant is the reading's unless the observation has one of its own: one round, one `ts`.
 */
export interface Observation {
  readonly vm: string;
  readonly nic: string;
  /** Where the counters live (SPEC §1); left out: ''. */
  readonly host?: string;
  /** When it was so, of a source that keeps what was; left out: the reading's. */
  readonly atMs?: number;
  readonly counters: ObservedCounters | null;
  /** null: up. */
  readonly downCause: Cause | null;
  /** It has counters only: how the VM is, somebody else knows. */
  readonly saysNoState?: true;
}

export interface ObservedCounters {
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  readonly epoch: number;
  /** When they last were zero, where the source knows. */
  readonly startedAtMs?: number;
  /** They are a sum over several interfaces. */
  readonly isSum?: true;
}

/**
 * Why something that a source has was not metered, or not wholly. `not_picked`: the patterns leave it to others. `no_guest_end`: it is
 * the host's own. `same_frames`: another interface has its frames already. `not_measurable`: its frames do not pass where they could
 * be counted. `bad_name`, `no_nic_name`, `no_generation`: nothing to call it by. `no_answer`: the source failed or was too slow. `elsewhere`:
 * another host speaks for it. `twice`: another one bears its name.
 */
export const LEFT_OUT = [
  'not_picked',
  'no_guest_end',
  'same_frames',
  'not_measurable',
  'bad_name',
  'no_nic_name',
  'no_generation',
  'no_answer',
  'elsewhere',
  'twice',
] as const;
export type LeftOut = (typeof LEFT_OUT)[number];

/** One thing that a source has (a domain, a NIC of one, an interface), and what became of it in this round. */
export interface Seen {
  /** As the source calls it. */
  readonly source: string;
  /** `state_only`: its state goes out, and it has no counters to send. */
  readonly result: 'metered' | 'state_only' | LeftOut;
  /** In words: why it was picked, or not. */
  readonly why: string;
  /** What is sent of it; of what was left out only the state may be. */
  readonly observation?: Observation;
}

/** All that one look at a source gave. */
export interface Reading {
  readonly atMs: number;
  readonly observations: readonly Observation[];
  /** Everything that was there, sent or not; a reader that leaves it out is taken to send all it sees. */
  readonly seen?: readonly Seen[];
  /** Its observations have instants of their own, given by whoever counted: this host's clock has no part in them. */
  readonly isTimed?: true;
}

/** A source of samples. `read` throws when the source can't be read at all; that round then has no samples. */
export interface Reader {
  /** For the log: `sysfs`, `libvirt qemu:///system`. */
  readonly name: string;
  /** Told once, before the first read: the newest instant that an earlier run kept; 0: none. */
  resume?(lastAtMs: number): void;
  read(signal?: AbortSignal): Promise<Reading>;
}

export type LogLevel = 'info' | 'warn' | 'error';
/** Where the agent says what it does. The CLI prints a line; a program may collect or drop it. */
export type AgentLog = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Whether the server would take these names (SPEC §1). */
export function namesAreValid(vm: string, nic: string): boolean {
  return VM_NAME.test(vm) && NIC_NAME.test(nic);
}

/**
 * One sample as a line of NDJSON without its newline. Built by hand because JSON.stringify has no exact integers beyond
 * 2⁵³; names need no escapes within their alphabet. Keys stand in SPEC's order, defaults are left out.
 */
export function sampleLine(atMs: number, o: Observation): string {
  let line = `{"vm":"${o.vm}","ts":${o.atMs ?? atMs}`;
  if (o.nic !== '') line += `,"nic":"${o.nic}"`;
  if (o.host !== undefined && o.host !== '') line += `,"host":"${o.host}"`;
  if (o.counters !== null) {
    line += `,"rx_bytes":${o.counters.rxBytes.toString()},"tx_bytes":${o.counters.txBytes.toString()}`;
    if (o.counters.epoch !== 0) line += `,"epoch":${o.counters.epoch}`;
    if (o.counters.startedAtMs !== undefined) line += `,"started_at":${o.counters.startedAtMs}`;
  }
  const sum = o.counters?.isSum === true ? ',"sum":true' : '';
  if (o.saysNoState === true) line += ',"state":"none"';
  else if (o.downCause !== null) line += `,"state":"down","cause":"${o.downCause}"`;
  return `${line}${sum}}`;
}
