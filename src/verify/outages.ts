/** Stored outages against runs, both by their start. */
import type { Segment } from './model/timeline.ts';
import { formatInstant } from '../domain/instant.ts';
import type { OutageAnswer } from './answers.ts';
import { compareRow } from './disagreement.ts';
import type { RowStream } from './reader.ts';

export class OutageComparison {
  readonly #vm: string;
  readonly #stored: RowStream<OutageAnswer>;
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #ends: boolean;
  compared = 0;

  /** Outages that start in [fromMs, untilMs) count; `ends`: the service ends at `untilMs`. */
  constructor(vm: string, stored: RowStream<OutageAnswer>, range: { fromMs: number; untilMs: number; ends: boolean }) {
    this.#vm = vm;
    this.#stored = stored;
    this.#fromMs = range.fromMs;
    this.#untilMs = range.untilMs;
    this.#ends = range.ends;
  }

  /** Takes runs in order. Throws `Disagreed`. */
  async take(runs: readonly Segment[]): Promise<void> {
    for (const run of runs) {
      if (run.condition === 'up' || run.fromMs < this.#fromMs || run.fromMs >= this.#untilMs) continue;
      await this.#compare(run);
    }
  }

  /** There are no more runs: nor may there be more outages. Throws `Disagreed`. */
  async finish(): Promise<void> {
    await this.#compare(undefined);
  }

  async #compare(run: Segment | undefined): Promise<void> {
    await this.#stored.takeWhile((outage) => outage.start < this.#fromMs);
    const outage = await this.#stored.peek();
    const stored = outage !== undefined && outage.start < this.#untilMs ? outage : undefined;
    if (stored === undefined && run === undefined) return;
    const first = Math.min(stored?.start ?? Infinity, run?.fromMs ?? Infinity);
    // What runs up to the end of what is looked at may end anywhere after it, or be open still.
    const openMs = run !== undefined && run.toMs >= this.#untilMs ? this.#untilMs : Infinity;
    const text = (endMs: number | null): string => {
      if (endMs === null) return openMs < Infinity ? 'later' : 'open';
      const isLater = this.#ends ? endMs === openMs : endMs >= openMs;
      return isLater ? 'later' : formatInstant(endMs);
    };
    compareRow(
      { table: 'outages', vm: this.#vm, atMs: first },
      stored?.start === first ? { cause: stored.cause, end: text(stored.end) } : undefined,
      run?.fromMs === first ? { cause: run.condition, end: text(run.toMs) } : undefined,
    );
    this.compared += 1;
    await this.#stored.next();
  }
}
