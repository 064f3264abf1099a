/** Which samples count (SPEC §1, identity): duplicates change nothing, of a conflict the later in the log is in force. */
import type { Condition } from '../../domain/condition.ts';

export interface Counters {
  readonly rx: bigint;
  readonly tx: bigint;
}

/** A sample with its defaults filled in; `counters` is null for a sample that carries state only. What is left out was not said. */
export interface Sample {
  readonly vm: string;
  readonly nic: string;
  readonly tsMs: number;
  /** Of a half the other counter is 0. */
  readonly counters: Counters | null;
  readonly epoch: number;
  readonly condition: Condition;
  /** Where the counters live. */
  readonly host?: string;
  /** The counter of a half. */
  readonly part?: 'rx' | 'tx';
  /** When the counters last were zero. */
  readonly startedAtMs?: number;
  /** The sample says nothing about the state; `condition` is not looked at. */
  readonly saysNoState?: true;
  /** How long its state holds, in place of the server's staleness. */
  readonly holdMs?: number;
  /** Mbit/s, in place of the server's link limit. */
  readonly linkMbps?: number;
  /** The counters are a sum over several interfaces. */
  readonly isSum?: true;
}

/** An accepted sample as the log holds it: with the name of the key that posted it, which is no part of its content. */
export interface LoggedSample extends Sample {
  readonly agent: string;
}

/** A sample in force, with its index in the log. A duplicate keeps the first's place; a conflict takes its own. */
export interface InForce extends LoggedSample {
  readonly logIndex: number;
}

export interface Conflict {
  readonly replaced: InForce;
  readonly by: InForce;
}

/** accepted = applied + duplicate + conflict, always. */
export interface Counts {
  readonly accepted: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly conflict: number;
}

export interface Resolution {
  readonly counts: Counts;
  /** By vm, nic, ts. */
  readonly inForce: readonly InForce[];
  /** In the order of the log. */
  readonly conflicts: readonly Conflict[];
}

/** Resolves the accepted samples, given in the order of the log. */
export function resolveLog(log: readonly LoggedSample[]): Resolution {
  const byIdentity = new Map<string, InForce>();
  const conflicts: Conflict[] = [];
  let duplicate = 0;
  for (const [logIndex, logged] of log.entries()) {
    const key = JSON.stringify([logged.vm, chainOf(logged), logged.tsMs]);
    const sample = { ...logged, logIndex };
    const before = byIdentity.get(key);
    if (before !== undefined && contentOf(before) === contentOf(sample)) {
      duplicate += 1;
      continue;
    }
    if (before !== undefined) conflicts.push({ replaced: before, by: sample });
    byIdentity.set(key, sample);
  }
  const counts = { accepted: log.length, applied: byIdentity.size, duplicate, conflict: conflicts.length };
  return { counts, inForce: [...byIdentity.values()].sort(byVmNicTs), conflicts };
}

/** Everything two samples of one identity can differ in. */
function contentOf(sample: LoggedSample): string {
  const { counters, epoch, condition, startedAtMs, saysNoState, holdMs, linkMbps, isSum } = sample;
  const state = saysNoState === true ? 'none' : condition;
  const bytes = [counters && counters.rx.toString(), counters && counters.tx.toString()];
  return JSON.stringify([...bytes, epoch, state, startedAtMs ?? null, holdMs ?? null, linkMbps ?? null, isSum ?? false]);
}

/** What has counters of its own: an interface as one host counts it, or one half of that. */
export function chainOf({ nic, host, part }: Pick<Sample, 'nic' | 'host' | 'part'>): string {
  return JSON.stringify([nic, host ?? '', part ?? 'both']);
}

/** A sample with counters. */
export type Counted = InForce & { readonly counters: Counters };

/** Samples with counters by chain, each chain's in the order given. */
export function byChain<T extends InForce | LoggedSample>(
  samples: readonly T[],
): Map<string, (T & { readonly counters: Counters })[]> {
  const chains = new Map<string, (T & { readonly counters: Counters })[]>();
  let last: { readonly sample: T; readonly chain: (T & { readonly counters: Counters })[] } | undefined;
  for (const sample of samples) {
    if (!hasCounters(sample)) continue;
    // one after another they are mostly of one chain, which then need not be looked up
    if (last?.sample.nic !== sample.nic || last.sample.host !== sample.host || last.sample.part !== sample.part) {
      const key = chainOf(sample);
      const chain = chains.get(key) ?? [];
      chains.set(key, chain);
      last = { sample, chain };
    }
    last.chain.push(sample);
  }
  return chains;
}

function hasCounters<T extends Sample>(sample: T): sample is T & { readonly counters: Counters } {
  return sample.counters !== null;
}

function byVmNicTs(a: Sample, b: Sample): number {
  return compareText(a.vm, b.vm) || compareText(a.nic, b.nic) || a.tsMs - b.tsMs || compareText(chainOf(a), chainOf(b));
}

/** Byte order: names are ASCII. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
