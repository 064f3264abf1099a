/**
 * Decides which replica is heard. Who is heard is asked for again with every stretch of samples, which is its sign of life; where it gives none for the
 * failover's time, the next that posts is heard from where the tenure before ends. Until then that one is told to post again: so nothing is left out
 * between them, and of no instant two are heard, whatever clocks and processes do.
 */
import { ProblemError } from '../../problems/problem.ts';
import { StoreError } from '../../store/store.ts';
import type { Asked, Elect } from './candidate.ts';
import type { ReplicaGroup, Tenure } from './replica-group.ts';
import type { Replicas } from './replicas.ts';

/** Where tenures are on record. */
export interface TenureRecords {
  /** The tenures of a cluster from one on, ascending. */
  read(source: string, cluster: string, fromTenure: number): Promise<readonly Tenure[]>;
  /** Puts a step on record unless another is there; whose it is says `read`. @param attempt counts those that came to nothing */
  claim(source: string, cluster: string, next: Tenure, attempt: number): Promise<void>;
}

export interface ElectorOptions {
  readonly replicas: Replicas;
  readonly records: TenureRecords;
  /** How long the records may take. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 5_000;
/** Others may come first so often. */
const TURNS_MAX = 10;
/** What was not made longer is asked about again after this. */
const NOT_RENEWED_MS = 5_000;

export class Elector {
  readonly #replicas: Replicas;
  readonly #records: TenureRecords;
  readonly #patienceMs: number;
  /** Of each cluster one question at a time. */
  readonly #turns = new Map<ReplicaGroup, Promise<unknown>>();
  readonly #loaded = new Set<ReplicaGroup>();

  constructor({ replicas, records, patienceMs = PATIENCE_MS }: ElectorOptions) {
    this.#replicas = replicas;
    this.#records = records;
    this.#patienceMs = patienceMs;
  }

  readonly elect: Elect = async (asked) => {
    for (const each of asked) {
      const group = this.#replicas.group(each.source, each.cluster);
      if (group === undefined) continue;
      const turn = (this.#turns.get(group) ?? Promise.resolve()).then(() => this.#decide(group, each));
      this.#turns.set(
        group,
        turn.catch(() => undefined),
      );
      await turn;
    }
  };

  async #decide(group: ReplicaGroup, asked: Asked): Promise<void> {
    if (!this.#loaded.has(group)) {
      await this.#refresh(group);
      this.#loaded.add(group);
    }
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (group.standing(asked, asked.atMs) !== 'open') return;
      const { last } = group;
      if (last === undefined || last.replica === asked.replica) {
        try {
          await this.#step(group, asked, turn);
        } catch (error) {
          if (!(error instanceof StoreError) || last === undefined || asked.atMs > last.untilMs) throw error;
          // it is heard as far as it was on record before
          group.leaveAsItIs(NOT_RENEWED_MS);
        }
        continue;
      }
      await this.#refresh(group);
      if (group.last === last && this.#mayFollow(group, asked)) await this.#step(group, asked, turn);
    }
    if (group.standing(asked, asked.atMs) === 'open') throw open(group, 'other processes keep deciding');
  }

  /** Whether another than who is heard may follow it. Throws `replica_open` where that is to be seen. */
  #mayFollow(group: ReplicaGroup, { failoverMs, atMs }: Asked): boolean {
    const { ms, isKnownAlive } = group.silence();
    if (ms >= failoverMs) return true;
    const halfMs = failoverMs / 2;
    if (!isKnownAlive || ms >= halfMs)
      throw open(group, `replica ${shown(group.last?.replica)} has given no sign of life for ${Math.round(ms / 1000)} s`);
    group.passOver({ upToMs: atMs, forMs: halfMs - ms });
    return false;
  }

  async #step(group: ReplicaGroup, { replica, failoverMs, atMs }: Asked, attempt: number): Promise<void> {
    const { last } = group;
    const isSame = last?.replica === replica;
    const next: Tenure = {
      ...{ tenure: (last?.tenure ?? 0) + (isSame ? 0 : 1), step: (last?.step ?? 0) + 1, replica },
      untilMs: Math.max(last?.untilMs ?? 0, atMs + failoverMs),
    };
    await this.#inTime(this.#records.claim(group.source, group.cluster, next, attempt));
    await this.#refresh(group);
  }

  async #refresh(group: ReplicaGroup): Promise<void> {
    const { source, cluster, last } = group;
    group.take(await this.#inTime(this.#records.read(source, cluster, last?.tenure ?? 0)), !this.#loaded.has(group));
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new StoreError('unavailable', 'ClickHouse does not say in time which replica is heard', true));
      }, this.#patienceMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
      work.catch(() => undefined);
    }
  }
}

function open({ source, cluster }: ReplicaGroup, why: string): ProblemError {
  return new ProblemError(
    'replica_open',
    `of cluster ${shown(cluster)} of source ${source} it is open which replica is heard: ${why}`,
  );
}

function shown(text = ''): string {
  return JSON.stringify(text.slice(0, 64));
}
