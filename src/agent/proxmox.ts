import { generationOf, type Generation } from './generation.ts';
import { globMatcher, type VmNic } from './naming.ts';
import { type MemberOptions, ProxmoxMembers } from './proxmox-members.ts';
import type { ExportRead, GuestPoint } from './proxmox-points.ts';
import { namesAreValid, type Observation, type Reader, type Seen } from '../samples/reading.ts';

export interface ProxmoxOptions extends MemberOptions {
  /** Guests to pick, by VMID; empty: all. */
  readonly match?: readonly string[];
  /** VMID=VM for guests whose VM is called otherwise. */
  readonly map?: ReadonlyMap<string, VmNic>;
  readonly generation?: Generation | undefined;
  readonly now?: () => number;
}

/** So long do nodes keep points: 181 rounds of 10 s (PVE/PullMetric.pm). */
export const KEPT_SECONDS = 1_810;
/** Before what an earlier run kept last: another node's clock may be behind. */
const OVERLAP_SECONDS = 300;
/** Before the last point of a node: rounds of 10 s are not exactly that, and what is there twice counts once. */
const SLACK_SECONDS = 15;

/**
 * Asks a Proxmox VE cluster for its guests: one member answers for all, with a point every 10 s that each node keeps for half an hour. What was
 * missed (the agent was away, or a node) is asked for again. Counters are sums over a guest's interfaces, in the guest's view; samples
 * bear the nodes' own instants, so what is asked for twice is the same twice.
 */
export function proxmoxReader(options: ProxmoxOptions): Reader {
  const now = options.now ?? Date.now;
  const members = new ProxmoxMembers(options);
  const patterns = options.match ?? [];
  const matches = patterns.length === 0 ? () => true : globMatcher(patterns);
  const why = patterns.length === 0 ? 'every guest' : `matches ${patterns.map((pattern) => `'${pattern}'`).join(' or ')}`;
  /** The last second of each node, and which nodes were in the last answer. */
  let nodes = new Map<string, number>();
  let present: ReadonlySet<string> | null = null;
  /** The last second told of each guest. */
  const told = new Map<string, number>();
  let resumedSecond = 0;

  const pointsAfter = async (second: number, signal?: AbortSignal): Promise<ExportRead> => await members.points(second, signal);

  /** What is new. A node that was away is asked for what it has kept. */
  const look = async (signal?: AbortSignal): Promise<readonly GuestPoint[]> => {
    const oldest = Math.floor(now() / 1000) - KEPT_SECONDS;
    const heard = [...nodes].filter(([name]) => present?.has(name) === true).map(([, second]) => second - SLACK_SECONDS);
    const after = present === null ? Math.max(oldest, resumedSecond - OVERLAP_SECONDS) : Math.max(oldest, Math.min(...heard));
    let read = await pointsAfter(heard.length === 0 && present !== null ? oldest : after, signal);
    const before = present;
    const back = before === null ? [] : [...read.nodes.keys()].filter((name) => !before.has(name));
    if (back.length > 0) {
      const since = Math.max(oldest, Math.min(...back.map((name) => (nodes.get(name) ?? 0) - SLACK_SECONDS)));
      if (since < after) read = await pointsAfter(since, signal);
    }
    nodes = new Map([...nodes].filter(([, second]) => second >= oldest));
    for (const [name, second] of read.nodes) nodes.set(name, Math.max(nodes.get(name) ?? 0, second));
    // a slow node may be left out of one answer and be in the next: it counts as away then
    present = new Set(read.nodes.keys());
    return read.guests;
  };

  const seenOf = (point: GuestPoint): Seen => {
    const vmid = point.id.slice(point.id.indexOf('/') + 1);
    const source = point.id;
    const mapped = options.map?.get(vmid)?.vm;
    if (mapped === undefined && !matches(vmid)) return { source, result: 'not_picked', why: 'matches no --match' };
    let vm = mapped ?? vmid;
    if (mapped === undefined && options.generation !== undefined) {
      const generation = generationOf(options.generation, { vm, uuid: null });
      if ('failed' in generation) return { source, result: 'no_generation', why: generation.failed };
      vm = `${vm}-${generation.text}`;
    }
    if (!namesAreValid(vm, '')) return { source, result: 'bad_name', why: `"${vm}" is no valid VM name; give it one with --map` };
    const observation = observationOf(vm, point);
    if (observation === null) return { source, result: 'no_answer', why: 'its node told neither counters nor an uptime' };
    return { source, result: observation.counters === null ? 'state_only' : 'metered', why, observation };
  };

  return {
    name: `Proxmox VE ${options.urls.join(' ')}`,
    resume(lastAtMs) {
      resumedSecond = Math.floor(lastAtMs / 1000);
    },
    async read(signal) {
      const points = await look(signal);
      const observations: Observation[] = [];
      const newest = new Map<string, Seen>();
      for (const point of points) {
        const seen = seenOf(point);
        newest.set(point.id, seen);
        if (seen.observation === undefined || point.second <= (told.get(point.id) ?? 0)) continue;
        observations.push(seen.observation);
      }
      for (const { id, second } of points) told.set(id, Math.max(told.get(id) ?? 0, second));
      const oldest = Math.floor(now() / 1000) - KEPT_SECONDS;
      for (const [id, second] of told) if (second < oldest) told.delete(id);
      return { atMs: now(), isTimed: true, observations, seen: [...newest.values()] };
    },
  };
}

/** What a guest was in a second. Off by its user; running, its counters count, which a guest that is off has not. */
function observationOf(vm: string, { second, rx, tx, uptime }: GuestPoint): Observation | null {
  const atMs = second * 1000;
  // in its first second the uptime of a guest is 0, and it has counters already
  if (rx === null || tx === null) {
    if (uptime === null) return null;
    return { vm, nic: '', atMs, counters: null, downCause: uptime === 0 ? 'customer' : null };
  }
  // an uptime is cut to seconds: a second more is never later than it was
  const startedAtMs = uptime === null || uptime < 0 ? undefined : atMs - (uptime + 1) * 1000;
  const started = startedAtMs === undefined || startedAtMs <= 0 ? {} : { startedAtMs };
  return { vm, nic: '', atMs, counters: { rxBytes: rx, txBytes: tx, epoch: 0, isSum: true, ...started }, downCause: null };
}
