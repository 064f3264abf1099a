import type { PartitionRunner } from './partition-runner.ts';

/** Between two tries to bring back a partition that does not fit its log. */
const RETRY_MS = 10_000;

/** Which partitions are halted since they do not fit their log, and when that may be over. */
export class Mismatches {
  readonly #now: () => number;
  /** when each partition that does not fit its log may be tried again */
  readonly #tryAgainAtMs = new Map<number, number>();
  /** those that were halted for what the topic was, not for what it held */
  readonly #haltedByTopic = new WeakSet<PartitionRunner>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A partition could not be brought back. */
  didNotFit(partition: number): void {
    this.#tryAgainAtMs.set(partition, this.#now() + RETRY_MS);
  }

  /** A partition is about to be halted for what the topic is. */
  byTopic(runner: PartitionRunner): void {
    if (runner.state !== 'log_mismatch') this.#haltedByTopic.add(runner);
  }

  /** Whether what halted a partition may be over: the topic is there again, or an operator has let pass what was missing. */
  mayBeginAnew(runner: PartitionRunner): boolean {
    if (runner.state !== 'log_mismatch') return false;
    if (runner.recovered) return this.#haltedByTopic.has(runner);
    return this.#now() >= (this.#tryAgainAtMs.get(runner.partition) ?? 0);
  }
}

/** Why a partition whose topic ends before what was read of it is halted. */
export function lostItsEnd(head: number, next: number): string {
  return `it ends before message ${head}, and messages up to ${next - 1} were read: the topic was made again, or has lost what it had acknowledged`;
}
