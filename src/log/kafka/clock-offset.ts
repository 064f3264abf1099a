/**
 * How far the brokers' clock is ahead of this process', learnt from the times in their acknowledgements: of the last few, the one whose way
 * there and back was shortest says it best.
 */
const KEPT = 8;

export class ClockOffset {
  readonly #seen: { readonly tripMs: number; readonly offsetMs: number }[] = [];

  /** One acknowledgement: sent and answered by this process' clock, appended by the broker's. */
  observe(sentMs: number, answeredMs: number, appendedMs: number): void {
    this.#seen.push({ tripMs: answeredMs - sentMs, offsetMs: appendedMs - (sentMs + answeredMs) / 2 });
    if (this.#seen.length > KEPT) this.#seen.shift();
  }

  /** Add this to the own clock; undefined before the first acknowledgement. */
  get offsetMs(): number | undefined {
    const [first, ...rest] = this.#seen;
    if (first === undefined) return undefined;
    return Math.round(rest.reduce((best, each) => (each.tripMs <= best.tripMs ? each : best), first).offsetMs);
  }
}
