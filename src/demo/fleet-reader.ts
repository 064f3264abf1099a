/**
 * What the demo's agent reads: this machine's own interfaces as the VM `demo-host`, and two VMs that are only played. They have no
 * counters, just a state, so that an outage can be staged without touching anything real.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VmNic } from '../agent/naming.ts';
import { namesAreValid, type Observation, type Reader } from '../samples/reading.ts';
import { sysfsReader } from '../agent/sysfs.ts';

export const HOST_VM = 'demo-host';
/** Reports that it is down, for a while; it has a price. */
export const DOWN_VM = 'demo-down';
/** Stops reporting, for a while. */
export const SILENT_VM = 'demo-silent';

const SYSFS = '/sys/class/net';
const INTERFACES_MAX = 4;

/** The names of this machine's interfaces that are in use, loopback first. Throws where there is no sysfs. */
export function ownInterfaces(root = SYSFS): string[] {
  if (!existsSync(root)) throw new Error(`there is no ${root} here: the demo reads the interface counters of a Linux machine`);
  const inUse = (name: string): boolean => {
    try {
      return namesAreValid(HOST_VM, name) && readFileSync(join(root, name, 'operstate'), 'utf8').trim() !== 'down';
    } catch {
      return false;
    }
  };
  const names = readdirSync(root).filter(inUse).sort();
  const ordered = [...names.filter((name) => name === 'lo'), ...names.filter((name) => name !== 'lo')];
  if (ordered.length === 0) throw new Error(`no interface of ${root} is in use, not even loopback`);
  return ordered.slice(0, INTERFACES_MAX);
}

export interface CounterReading {
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

export interface DemoReader extends Reader {
  /** What happens to the played VMs from the next reading on. */
  readonly play: { down: boolean; silent: boolean; counting: boolean; over: boolean };
  /** The interfaces' own counters at the first and at the last reading that had them. */
  readonly seen: ReadonlyMap<string, { readonly first: CounterReading; last: CounterReading }>;
}

/** The real sysfs reader, with the played VMs beside what it saw. */
export function demoReader(interfaces: readonly string[], now: () => number): DemoReader {
  const map = new Map<string, VmNic>(interfaces.map((name) => [name, { vm: HOST_VM, nic: name }]));
  const real = sysfsReader({ map, direction: 'guest', now });
  const play = { down: false, silent: false, counting: true, over: false };
  const seen = new Map<string, { first: CounterReading; last: CounterReading }>();
  return {
    name: 'this machine',
    play,
    seen,
    async read(signal) {
      const { atMs, observations } = await real.read(signal);
      if (play.over) return { atMs, observations: [] };
      // Once counting has ended the machine only says that it is up: the last counters stand, and its minutes go on.
      const own = play.counting ? observations : [{ vm: HOST_VM, nic: '', counters: null, downCause: null }];
      for (const { nic, counters } of own) {
        if (counters === null) continue;
        const before = seen.get(nic);
        if (before === undefined) seen.set(nic, { first: counters, last: counters });
        else before.last = counters;
      }
      const played: Observation[] = [{ vm: DOWN_VM, nic: '', counters: null, downCause: play.down ? 'provider' : null }];
      if (!play.silent) played.push({ vm: SILENT_VM, nic: '', counters: null, downCause: null });
      return { atMs, observations: [...own, ...played] };
    },
  };
}
