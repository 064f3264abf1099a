/** What became of what a source sent, counted since this process began. */
import type { LeftOut } from './source.ts';

export type Counted = 'taken' | 'inexact' | LeftOut | `rejected:${string}`;

export class SourceCounts {
  readonly #counts = new Map<Counted, number>();

  add(what: Counted, n = 1): void {
    if (n !== 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + n);
  }

  all(): ReadonlyMap<Counted, number> {
    return this.#counts;
  }

  /** Hands over what was counted since the last time. */
  handOver(): ReadonlyMap<Counted, number> {
    const counts = new Map(this.#counts);
    this.#counts.clear();
    return counts;
  }
}
