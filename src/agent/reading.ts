import type { Cause } from '../domain/condition.ts';
import { NIC_NAME, VM_NAME } from '../domain/vm-name.ts';

/**
 * What a source saw of one VM interface (or of a VM as a whole, `nic` empty and `counters` null). Counters are the
 * guest's view already. The instant is the reading's, not the observation's: one round, one `ts`.
 */
export interface Observation {
  readonly vm: string;
  readonly nic: string;
  readonly counters: { readonly rxBytes: bigint; readonly txBytes: bigint; readonly epoch: number } | null;
  /** null: up. */
  readonly downCause: Cause | null;
}

/** All that one look at a source gave. */
export interface Reading {
  readonly atMs: number;
  readonly observations: readonly Observation[];
}

/** A source of samples. `read` throws when the source can't be read at all; that round then has no samples. */
export interface Reader {
  /** For the log: `sysfs`, `libvirt qemu:///system`. */
  readonly name: string;
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
  let line = `{"vm":"${o.vm}","ts":${atMs}`;
  if (o.nic !== '') line += `,"nic":"${o.nic}"`;
  if (o.counters !== null) {
    line += `,"rx_bytes":${o.counters.rxBytes.toString()},"tx_bytes":${o.counters.txBytes.toString()}`;
    if (o.counters.epoch !== 0) line += `,"epoch":${o.counters.epoch}`;
  }
  if (o.downCause !== null) line += `,"state":"down","cause":"${o.downCause}"`;
  return line + '}';
}
