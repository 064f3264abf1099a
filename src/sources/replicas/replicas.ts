/** The replicas that a process knows of, by source and cluster. */
import { Candidate } from './candidate.ts';
import { type Clocks, type PassingOver, ReplicaGroup, type Tenure } from './replica-group.ts';

/** Clusters that a source may have: each is kept in memory, and on record. */
export const CLUSTERS_MAX = 100;

/** What one process tells another of a cluster. */
export interface ToldGroup {
  readonly source: string;
  readonly cluster: string;
  readonly tenures: readonly Tenure[];
  readonly passing: PassingOver;
}

const OWN_CLOCKS: Clocks = { nowMs: Date.now, monotonicMs: () => performance.now() };

export class Replicas {
  readonly #clocks: Clocks;
  readonly #groups = new Map<string, Map<string, ReplicaGroup>>();

  constructor(clocks: Clocks = OWN_CLOCKS) {
    this.#clocks = clocks;
  }

  /** A replica of a cluster; undefined: the source has as many clusters as it may have. */
  candidate(source: string, cluster: string, replica: string, failoverMs: number): Candidate | undefined {
    const group = this.group(source, cluster);
    return group === undefined ? undefined : new Candidate(group, replica, failoverMs);
  }

  group(source: string, cluster: string): ReplicaGroup | undefined {
    const groups = this.#groups.get(source) ?? new Map<string, ReplicaGroup>();
    const known = groups.get(cluster);
    if (known !== undefined || groups.size >= CLUSTERS_MAX) return known;
    const made = new ReplicaGroup(source, cluster, this.#clocks);
    groups.set(cluster, made);
    this.#groups.set(source, groups);
    return made;
  }

  /** Of a source, those of whom anybody was heard. */
  of(source: string): readonly ReplicaGroup[] {
    return [...(this.#groups.get(source)?.values() ?? [])].filter(({ last }) => last !== undefined);
  }

  take({ source, cluster, tenures, passing }: ToldGroup): void {
    const group = this.group(source, cluster);
    group?.take(tenures);
    group?.passOver(passing);
  }
}
