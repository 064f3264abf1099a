/** Positions that an operator has let pass: nothing is expected of them. */

/** Of a gap, what is asked here: `until` is the first position after it. */
export interface Passed {
  readonly partition: number;
  readonly from: number;
  readonly until: number | null;
}

/** The first position from `next` on that no gap holds. */
export function afterGaps(gaps: readonly Passed[], partition: number, next: number): number {
  const own = gaps.filter((gap) => gap.partition === partition);
  let at = next;
  for (;;) {
    const gap = own.find(({ from, until }) => from <= at && until !== null && until > at);
    if (gap?.until == null) return at;
    at = gap.until;
  }
}

/** Whether a position was let pass. */
export function isPassed(gaps: readonly Passed[], partition: number, position: number): boolean {
  return afterGaps(gaps, partition, position) > position;
}
