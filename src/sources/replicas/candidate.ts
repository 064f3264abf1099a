/** A replica that may be heard, of several that tell the same. */
import type { ReplicaGroup, Standing } from './replica-group.ts';

export class Candidate {
  readonly group: ReplicaGroup;
  readonly replica: string;
  readonly failoverMs: number;

  constructor(group: ReplicaGroup, replica: string, failoverMs: number) {
    this.group = group;
    this.replica = replica;
    this.failoverMs = failoverMs;
  }

  standing(atMs: number): Standing {
    return this.group.standing(this, atMs);
  }
}

/** What is asked of whoever decides: that the replica is heard up to an instant, or is not. */
export interface Asked {
  readonly source: string;
  readonly cluster: string;
  readonly replica: string;
  readonly failoverMs: number;
  /** The latest instant that is open. */
  readonly atMs: number;
}

/** Decides. Throws `replica_open` where that takes time, and the store's error where it is not to be asked. */
export type Elect = (asked: readonly Asked[]) => Promise<void>;

/** A post has samples of replicas of whom it is open whether they are heard: when that is decided it is read again. */
export class OpenElection extends Error {
  readonly asked: readonly Asked[];

  constructor(asked: readonly Asked[]) {
    super('it is open whose samples are heard');
    this.name = 'OpenElection';
    this.asked = asked;
  }
}
