/**
 * When counters began, as far as rounds show it: what was not there in one round and is in the next began after the first of the two. That is
 * never later than it was, whatever is done to the clock meanwhile, as times out of the kernel or of a process would be; of what was there
 * when the agent started nothing is known.
 */
export class Starts {
  readonly #began = new Map<string, number>();
  #next = new Map<string, number>();
  #beforeMs: number | null = null;
  #nowMs = 0;

  /** Begins a round, before anything is looked at. */
  begin(atMs: number): void {
    this.#nowMs = atMs;
    this.#next = new Map();
  }

  /**
   * When something that is there began, or undefined. @param wasAbsent whether the round before has shown that it was not there; asked only of what
   * is met for the first time
   */
  startOf(key: string, wasAbsent: () => boolean): number | undefined {
    const known = this.#began.get(key) ?? this.#next.get(key);
    // 0: it was there before there was anything to compare it with
    const began = known ?? (this.#beforeMs !== null && this.#beforeMs < this.#nowMs && wasAbsent() ? this.#beforeMs : 0);
    this.#next.set(key, began);
    return began === 0 ? undefined : began;
  }

  /** Ends a round that was read. @param stays what is kept in mind though this round did not tell of it */
  end(stays: (key: string) => boolean = () => false): void {
    for (const [key, began] of this.#began) if (!this.#next.has(key) && stays(key)) this.#next.set(key, began);
    this.#began.clear();
    for (const [key, began] of this.#next) this.#began.set(key, began);
    this.#beforeMs = this.#nowMs;
  }
}

/** The start as a part of counters, where it is known and lies before the instant of the reading, as a sample wants it. */
export function startedAt(startMs: number | undefined, atMs: number): { readonly startedAtMs?: number } {
  return startMs === undefined || startMs >= atMs ? {} : { startedAtMs: startMs };
}
