/**
 * How large slices of repair are where only one process works on the log: what they are cut into has no part in what comes out, so they are made
 * as large as they may be without holding up the steps between them, on a machine however slow or busy.
 */
import type { SliceBounds } from './repair-context.ts';

/** A slice that takes longer is followed by smaller ones … */
const LONG_MS = 600;
/** … and one that takes less time by larger ones. */
const SHORT_MS = 300;
/** What a slice does at least is this part of what it does at most: smaller ones ask more than they write. */
const SMALLEST = 8;

export class Pace {
  readonly #most: SliceBounds;
  readonly #nowMs: () => number;
  #part = SMALLEST / 2;

  /** @param nowMs a clock that does not go back */
  constructor(most: SliceBounds, nowMs: () => number) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  get bounds(): SliceBounds {
    const { vms, minutes, samples } = this.#most;
    const of = (most: number): number => Math.max(1, Math.floor(most / this.#part));
    return { vms: of(vms), minutes: of(minutes), samples: of(samples) };
  }

  /** Does one slice, and learns from the time that it takes. */
  async take<T>(slice: () => Promise<T>): Promise<T> {
    const startedMs = this.#nowMs();
    const result = await slice();
    const tookMs = this.#nowMs() - startedMs;
    if (tookMs > LONG_MS) this.#part = Math.min(SMALLEST, this.#part * 2);
    else if (tookMs < SHORT_MS) this.#part = Math.max(1, this.#part / 2);
    return result;
  }
}
