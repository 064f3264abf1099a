/**
 * How far the brokers' clock is ahead of this process', learnt from the times in their acknowledgements: of the last few, the one whose way
 * there and back was shortest says it best. A clock of theirs that leaps is not followed: what it says is told instead.
 */
const KEPT = 8;
/** Steps that time services make are followed. */
const LEAP_MS = 10_000;

export class ClockOffset {
  readonly #seen: { readonly tripMs: number; readonly offsetMs: number }[] = [];
  #offsetMs: number | undefined;
  #leapMs = 0;

  /** One acknowledgement: sent and answered by this process' clock, appended by the broker's. */
  observe(sentMs: number, answeredMs: number, appendedMs: number): void {
    this.#seen.push({ tripMs: answeredMs - sentMs, offsetMs: appendedMs - (sentMs + answeredMs) / 2 });
    if (this.#seen.length > KEPT) this.#seen.shift();
    const best = this.#seen.reduce((shortest, each) => (each.tripMs <= shortest.tripMs ? each : shortest));
    const said = Math.round(best.offsetMs);
    const leapMs = this.#offsetMs === undefined ? 0 : said - this.#offsetMs;
    this.#leapMs = Math.abs(leapMs) > LEAP_MS + best.tripMs ? leapMs : 0;
    if (this.#leapMs === 0) this.#offsetMs = said;
  }

  /** This process' own clock has changed: what was learnt is of no use. */
  forget(): void {
    this.#seen.length = 0;
    this.#offsetMs = undefined;
    this.#leapMs = 0;
  }

  /** Add this to the own clock; undefined before the first acknowledgement. */
  get offsetMs(): number | undefined {
    return this.#offsetMs;
  }

  /** By how much their clock has leapt away from what is gone by; 0 while it has not. */
  get leapMs(): number {
    return this.#leapMs;
  }
}
