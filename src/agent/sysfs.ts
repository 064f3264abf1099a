import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cause } from '../domain/condition.ts';
import { epochOf, readBootId } from './epoch.ts';
import { globMatcher, nameByRule, type VmFrom, type VmNic } from './naming.ts';
import { namesAreValid, type AgentLog, type Observation, type Reader } from './reading.ts';

/** `guest`: counters are the guest's view as they stand. `host`: they are a host's, so the two directions change places. */
export type Direction = 'auto' | 'guest' | 'host';

export interface SysfsOptions {
  /** The folder with one entry an interface; `/sys/class/net` unless a test says otherwise. */
  readonly root?: string;
  readonly bootIdPath?: string;
  /** Names to pick. Empty: the mapped ones, or else every host end of a guest (`isGuestEnd`). */
  readonly match?: readonly string[];
  readonly map?: ReadonlyMap<string, VmNic>;
  readonly vmFrom?: VmFrom;
  readonly direction?: Direction;
  /** What an interface whose link is down says of its VM. */
  readonly downCause?: Cause;
  readonly now?: () => number;
  readonly log?: AgentLog;
}

/** Names that hypervisors and container runtimes give to the host's end of a guest's cable. */
const GUEST_END = /^(tap|vnet|veth|vif|fwpr|nic-|lxc)/;

/** Whether what the host receives here is what a guest sent: by its name, or because it is a tun/tap device. */
export function isGuestEnd(root: string, name: string): boolean {
  return GUEST_END.test(name) || existsSync(join(root, name, 'tun_flags'));
}

/**
 * Reads the kernel's interface counters. Every file is a few bytes and never blocks, so plain synchronous reads beat
 * promises here. An interface that vanishes between listing and reading is simply not there this round.
 */
export function sysfsReader(options: SysfsOptions = {}): Reader {
  const root = options.root ?? '/sys/class/net';
  const map = options.map ?? new Map<string, VmNic>();
  const rule = options.vmFrom ?? { kind: 'name' };
  const direction = options.direction ?? 'auto';
  const downCause = options.downCause ?? 'provider';
  const now = options.now ?? Date.now;
  const log = options.log ?? (() => undefined);
  const bootId = readBootId(options.bootIdPath);
  const match = options.match ?? [];
  const matches = globMatcher(match);
  const warned = new Set<string>();

  const warnOnce = (subject: string, message: string): void => {
    if (warned.has(subject) || warned.size >= 1000) return;
    warned.add(subject);
    log('warn', message);
  };

  const picked = (name: string): boolean => {
    if (match.length > 0) return matches(name);
    return map.size > 0 ? map.has(name) : isGuestEnd(root, name);
  };

  const observe = (name: string): Observation | null => {
    const file = (path: string): string => readFileSync(join(root, name, path), 'utf8').trim();
    const target = map.get(name) ?? nameByRule(rule, name, () => file('ifalias'));
    if (target === null) return null;
    if (!namesAreValid(target.vm, target.nic)) {
      warnOnce(
        name,
        `interface ${name} left out: "${target.vm}" or "${target.nic}" is no valid name; give it one with --map ${name}=VM`,
      );
      return null;
    }
    const received = BigInt(file('statistics/rx_bytes'));
    const sent = BigInt(file('statistics/tx_bytes'));
    const reversed = direction === 'host' || (direction === 'auto' && isGuestEnd(root, name));
    return {
      ...target,
      counters: {
        rxBytes: reversed ? sent : received,
        txBytes: reversed ? received : sent,
        epoch: epochOf(bootId, file('ifindex'), name),
      },
      // Only "down" is a statement: loopback and taps without carrier detection say "unknown" while they work.
      downCause: file('operstate') === 'down' ? downCause : null,
    };
  };

  return {
    name: `sysfs ${root}`,
    read() {
      const atMs = now();
      const observations: Observation[] = [];
      for (const name of readdirSync(root).filter(picked).sort()) {
        try {
          const observation = observe(name);
          if (observation !== null) observations.push(observation);
        } catch {
          // Unplugged while we looked, or an entry that is no interface (bonding_masters).
        }
      }
      if (observations.length === 0)
        warnOnce('', `no interface of ${root} is picked; choose some with --match 'PATTERN' or --map NAME=VM`);
      return Promise.resolve({ atMs, observations });
    },
  };
}
