/**
 * Replicas of one cluster that tell the same, and whose samples are heard when. Tenures follow each other in the time of the samples: one reaches from
 * where the one before it ended up to an instant that is on record before any sample up to it is taken. So what is decided of an instant stays so: a post
 * sent again, to any process and after any restart, is the same samples.
 */

/** Whether a sample of a replica is taken; `open`: that is to be decided first. */
export type Standing = 'heard' | 'passed_over' | 'open';

/** One replica is heard up to an instant. */
export interface Tenure {
  /** From 1, of a cluster. */
  readonly tenure: number;
  /** Of a cluster every change is a step. */
  readonly step: number;
  readonly replica: string;
  readonly untilMs: number;
}

/** For this long the replicas that are not heard are passed over beyond what is on record: who is heard gives signs of life. */
export interface PassingOver {
  readonly upToMs: number;
  readonly forMs: number;
}

/** A sample that is so far ahead is refused for that: it is nobody's turn. */
const AHEAD_MS = 6 * 60_000;
/** A tenure is made longer when less than this part of a failover is left of it, so that signs of life come in time. */
const KEPT_AHEAD = 0.75;

export interface Clocks {
  /** The time of day, that samples are judged by. */
  readonly nowMs: () => number;
  /** Of time that passes. */
  readonly monotonicMs: () => number;
}

export class ReplicaGroup {
  readonly source: string;
  readonly cluster: string;
  readonly #clocks: Clocks;
  #tenures: readonly Tenure[] = [];
  /** When its last step was seen first: the newest sign of life of who is heard. */
  #signAtMs: number;
  #hasSign = false;
  #passedUpToMs = -Infinity;
  #passedTillMs = -Infinity;
  #notRenewedBeforeMs = -Infinity;

  constructor(source: string, cluster: string, clocks: Clocks) {
    this.source = source;
    this.cluster = cluster;
    this.#clocks = clocks;
    this.#signAtMs = clocks.monotonicMs();
  }

  get tenures(): readonly Tenure[] {
    return this.#tenures;
  }

  get last(): Tenure | undefined {
    return this.#tenures.at(-1);
  }

  /** How long who is heard has given no sign of life, as far as this process knows; and whether it ever has. */
  silence(): { readonly ms: number; readonly isKnownAlive: boolean } {
    return { ms: this.#clocks.monotonicMs() - this.#signAtMs, isKnownAlive: this.#hasSign };
  }

  /** Takes in what is on record; what was known already is left as it is. @param isFirst of a process: a step of before is no sign of life */
  take(tenures: readonly Tenure[], isFirst = false): void {
    const [first] = tenures;
    if (first === undefined || (tenures.at(-1)?.step ?? 0) <= (this.last?.step ?? 0)) return;
    this.#tenures = [...this.#tenures.filter(({ tenure }) => tenure < first.tenure), ...tenures];
    this.#signAtMs = this.#clocks.monotonicMs();
    this.#hasSign = !isFirst;
  }

  passOver({ upToMs, forMs }: PassingOver): void {
    this.#passedUpToMs = upToMs;
    this.#passedTillMs = this.#clocks.monotonicMs() + forMs;
  }

  get passing(): PassingOver {
    return { upToMs: this.#passedUpToMs, forMs: Math.max(0, this.#passedTillMs - this.#clocks.monotonicMs()) };
  }

  /** For a while the tenure need not be made longer: that has failed. */
  leaveAsItIs(forMs: number): void {
    this.#notRenewedBeforeMs = this.#clocks.monotonicMs() + forMs;
  }

  standing({ replica, failoverMs }: { readonly replica: string; readonly failoverMs: number }, atMs: number): Standing {
    const last = this.last;
    if (last !== undefined && atMs <= last.untilMs) {
      const heard = this.#tenures.find(({ untilMs }) => atMs <= untilMs);
      if (heard?.replica !== replica) return 'passed_over';
      const isLongEnough = heard !== last || atMs <= last.untilMs - KEPT_AHEAD * failoverMs;
      return isLongEnough || this.#clocks.monotonicMs() < this.#notRenewedBeforeMs ? 'heard' : 'open';
    }
    if (atMs > this.#clocks.nowMs() + AHEAD_MS) return 'heard';
    const isPassedOver = last !== undefined && last.replica !== replica && atMs <= this.#passedUpToMs;
    return isPassedOver && this.#clocks.monotonicMs() < this.#passedTillMs ? 'passed_over' : 'open';
  }
}
