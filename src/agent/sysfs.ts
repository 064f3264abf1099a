import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cause } from '../domain/condition.ts';
import { readBootId } from '../process/boot-id.ts';
import { epochOf } from '../samples/epoch.ts';
import { generationOf, type Generation } from './generation.ts';
import { globMatcher, livesOn, nameByRule, type VmFrom, type VmNic } from './naming.ts';
import { namesAreValid, type AgentLog, type Observation, type Reader, type Seen } from '../samples/reading.ts';
import { startedAt, Starts } from './starts.ts';
import { defaultPick, handedThrough, isGuestEnd, readLink, sameFrames, type Link, type Pick } from './sysfs-links.ts';

/** `guest`: counters are the guest's view as they stand. `host`: they are a host's, so the two directions change places. */
export type Direction = 'auto' | 'guest' | 'host';

export interface SysfsOptions {
  /** The folder with one entry an interface; `/sys/class/net` unless a test says otherwise. */
  readonly root?: string;
  readonly bootIdPath?: string;
  /** Names to pick. Empty: the mapped ones, or else every host end of a guest (`defaultPick`). */
  readonly match?: readonly string[];
  readonly map?: ReadonlyMap<string, VmNic>;
  readonly vmFrom?: VmFrom;
  /** What tells a VM from an earlier one of its name; not for those that a mapping names. */
  readonly generation?: Generation | undefined;
  readonly direction?: Direction;
  /** What an interface whose link is down says of its VM. */
  readonly downCause?: Cause;
  /** What this host is called in samples: its counters are then chains of their own (SPEC §2). Left out: they say no host. */
  readonly host?: string | undefined;
  readonly now?: () => number;
  readonly log?: AgentLog;
}

/**
 * Reads the kernel's interface counters. Every file is a few bytes and never blocks, so plain synchronous reads beat
 * promises here. An interface that vanishes between listing and reading has no answer this round.
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
  const starts = new Starts();
  /** Of the rounds before: the kernel gives a new interface a higher number than all have. */
  let ifindexMax = 0;

  const file = (name: string, path: string): string => readFileSync(join(root, name, path), 'utf8').trim();

  const pickOf = (link: Link, all: ReadonlyMap<string, Link>): Pick => {
    const { name } = link;
    if (match.length > 0) {
      if (matches(name)) return { why: `matches ${match.map((pattern) => `'${pattern}'`).join(' or ')}` };
      return { leftOut: 'not_picked', why: 'matches no --match' };
    }
    if (map.size > 0) return map.has(name) ? { why: '--map names it' } : { leftOut: 'not_picked', why: 'no --map names it' };
    return defaultPick(link, all, isNamed(name));
  };

  const isNamed = (name: string): boolean => {
    if (rule.kind === 'name') return false;
    try {
      return rule.kind === 'alias' ? file(name, 'ifalias') !== '' : rule.pattern.test(name);
    } catch {
      return false;
    }
  };

  /**
   * null: it is up. Only "down" is a statement of the interface: loopback and taps without carrier detection say "unknown" while they work, and the cable
   * of a container whose own end is down says "lowerlayerdown". Of what lies upon another interface (macvtap, macvlan, VLAN) that one is the host's.
   */
  const causeOf = (link: Link, operstate: string): Cause | null => {
    if (operstate === 'down') return downCause;
    return operstate === 'lowerlayerdown' && link.lowers.length > 0 ? 'provider' : null;
  };

  /** Throws when the interface is gone. */
  const seenOf = (link: Link, all: ReadonlyMap<string, Link>, atMs: number): Seen => {
    const source = link.name;
    // what has a device of its own may come back from elsewhere with its counters
    const isNew = (): boolean => Number(link.ifindex) > ifindexMax && !existsSync(join(root, source, 'device'));
    const start = starts.startOf(link.ifindex, isNew);
    const pick = pickOf(link, all);
    if ('leftOut' in pick) return { source, result: pick.leftOut, why: pick.why };
    const mapped = map.get(source);
    let target = mapped ?? nameByRule(rule, source, () => file(source, 'ifalias'));
    if (target === null) return { source, result: 'not_picked', why: '--vm-from has no name for it' };
    if (mapped === undefined && options.generation !== undefined) {
      const generation = generationOf(options.generation, { vm: target.vm, uuid: null });
      if ('failed' in generation) return { source, result: 'no_generation', why: generation.failed };
      target = { ...target, vm: `${target.vm}-${generation.text}` };
    }
    if (!namesAreValid(target.vm, target.nic)) {
      const why = `"${target.vm}" or "${target.nic}" is no valid name; give it one with --map ${source}=VM`;
      return { source, result: 'bad_name', why };
    }
    const received = BigInt(file(source, 'statistics/rx_bytes'));
    const sent = BigInt(file(source, 'statistics/tx_bytes'));
    const reversed = direction === 'host' || (direction === 'auto' && isGuestEnd(root, source));
    const observation: Observation = {
      ...target,
      ...livesOn(options.host),
      counters: {
        rxBytes: reversed ? sent : received,
        txBytes: reversed ? received : sent,
        epoch: epochOf(bootId, link.ifindex, source),
        ...startedAt(start, atMs),
      },
      downCause: causeOf(link, file(source, 'operstate')),
    };
    return { source, result: 'metered', why: pick.why, observation };
  };

  const warnOfPairs = (seen: readonly Seen[], all: ReadonlyMap<string, Link>): void => {
    const metered = seen.flatMap(({ source, result }) => (result === 'metered' ? (all.get(source) ?? []) : []));
    for (const [a, b] of sameFrames(metered, all)) {
      const pair = `${a} ${b}`;
      if (warned.has(pair) || warned.size >= 1000) continue;
      warned.add(pair);
      log('warn', `${a} and ${b} have the same frames and are both metered: whoever bills both bills twice; pick one of them`);
    }
  };

  return {
    name: `sysfs ${root}`,
    read() {
      const atMs = now();
      starts.begin(atMs);
      const all = new Map<string, Link>();
      for (const name of readdirSync(root).sort()) {
        const link = readLink(root, name);
        if (link !== null) all.set(name, link);
      }
      const seen: Seen[] = [];
      for (const link of all.values()) {
        try {
          seen.push(seenOf(link, all, atMs));
        } catch {
          seen.push({ source: link.name, result: 'no_answer', why: 'it was unplugged while it was read' });
        }
        seen.push(...handedThrough(root, link.name));
      }
      for (const { ifindex } of all.values()) ifindexMax = Math.max(ifindexMax, Number(ifindex));
      starts.end();
      warnOfPairs(seen, all);
      return Promise.resolve({ atMs, observations: seen.flatMap(({ observation }) => observation ?? []), seen });
    },
  };
}
