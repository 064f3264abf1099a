/** Half-open runs of time in milliseconds. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What of an interval no other covers, in order. */
export function uncovered({ fromMs, toMs }: Interval, by: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let at = fromMs;
  for (const each of [...by].sort((a, b) => a.fromMs - b.fromMs)) {
    if (each.toMs <= at || each.fromMs >= toMs) continue;
    if (each.fromMs > at) left.push({ fromMs: at, toMs: each.fromMs });
    at = each.toMs;
  }
  if (at < toMs) left.push({ fromMs: at, toMs });
  return left;
}

/** Milliseconds in intervals that do not overlap. */
export function totalMs(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}
