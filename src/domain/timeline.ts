import { CONDITIONS, SILENT } from './condition.ts';
import { creditBetween } from './credit.ts';
import { CREDITABLE_DEFAULT, type DatedPlan, type Plan } from './plan.ts';
import { MINUTE_MS } from './zone.ts';

/** A run of one condition other than up. Plain intervals, so that causes restated by incidents can be passed as well. */
export interface OutageInterval {
  startMs: number;
  /** null while open. */
  endMs: number | null;
  /** A condition code, 1–8. */
  condition: number;
}

/** All that is known of a VM's time: published from `firstMs` up to `horizonMs`, up wherever no outage says otherwise. */
export interface Timeline {
  firstMs: number;
  horizonMs: number;
  /** In order, none overlapping another. */
  outages: readonly OutageInterval[];
  /** In order of `fromMs`. */
  plans: readonly DatedPlan[];
}

export interface BucketRow {
  startMinute: number;
  upMs: number;
  /** By condition code; 0 and 8 stay 0 here (they have members of their own). */
  downMs: number[];
  silentMs: number;
  unavailableMinutes: number;
  creditNanos: bigint;
}

/** A stretch of minutes under one plan, or under none. */
interface PlanSpan {
  fromMinute: number;
  toMinute: number;
  plan: Plan | undefined;
}

/**
 * One row for every bucket that the published timeline touches. `edges` are ascending UTC minutes, bucket i being
 * `[edges[i], edges[i+1])`. Time is split by interval, never minute by minute: the cost is that of buckets + outages.
 */
export function bucketRows(timeline: Timeline, edges: readonly number[]): BucketRow[] {
  const { firstMs, horizonMs } = timeline;
  const outages = clip(timeline.outages, firstMs, horizonMs);
  const spans = planSpans(timeline.plans);
  const rows: BucketRow[] = [];
  let next = 0;
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const startMinute = edges[i] ?? 0;
    const endMinute = edges[i + 1] ?? 0;
    const fromMs = Math.max(firstMs, startMinute * MINUTE_MS);
    const toMs = Math.min(horizonMs, endMinute * MINUTE_MS);
    if (fromMs >= toMs) continue;
    while (next < outages.length && (outages[next]?.endMs ?? 0) <= fromMs) next += 1;
    rows.push(bucketRow(startMinute, fromMs, toMs, outages, next, spans));
  }
  return rows;
}

/** Adds `row` into `sum`: several VMs of one account, the same bucket. */
export function addRow(sum: BucketRow, row: BucketRow): void {
  sum.upMs += row.upMs;
  sum.silentMs += row.silentMs;
  for (const [code, ms] of row.downMs.entries()) sum.downMs[code] = (sum.downMs[code] ?? 0) + ms;
  sum.unavailableMinutes += row.unavailableMinutes;
  sum.creditNanos += row.creditNanos;
}

/** A row of nothing, to add to. */
export function emptyRow(startMinute: number): BucketRow {
  return { startMinute, upMs: 0, downMs: CONDITIONS.map(() => 0), silentMs: 0, unavailableMinutes: 0, creditNanos: 0n };
}

interface Closed {
  startMs: number;
  endMs: number;
  condition: number;
}

function clip(outages: readonly OutageInterval[], fromMs: number, toMs: number): Closed[] {
  const clipped: Closed[] = [];
  for (const outage of outages) {
    const startMs = Math.max(outage.startMs, fromMs);
    const endMs = Math.min(outage.endMs ?? toMs, toMs);
    if (startMs < endMs) clipped.push({ startMs, endMs, condition: outage.condition });
  }
  return clipped;
}

/** A minute belongs to the plan in force at its start, so a plan begins with the first minute that starts at or after it. */
function planSpans(plans: readonly DatedPlan[]): PlanSpan[] {
  const spans: PlanSpan[] = [];
  let before: PlanSpan = { fromMinute: Number.NEGATIVE_INFINITY, toMinute: Number.POSITIVE_INFINITY, plan: undefined };
  for (const { fromMs, plan } of plans) {
    const fromMinute = Math.ceil(fromMs / MINUTE_MS);
    before.toMinute = fromMinute;
    spans.push(before);
    before = { fromMinute, toMinute: Number.POSITIVE_INFINITY, plan };
  }
  spans.push(before);
  return spans;
}

function bucketRow(
  startMinute: number,
  fromMs: number,
  toMs: number,
  outages: readonly Closed[],
  first: number,
  spans: readonly PlanSpan[],
): BucketRow {
  const row = emptyRow(startMinute);
  row.upMs = toMs - fromMs;
  // A minute that two outages touch is unavailable once; outages come in order, so one mark is enough.
  let countedTo = startMinute;
  for (let i = first; i < outages.length; i += 1) {
    const outage = outages[i];
    if (outage === undefined || outage.startMs >= toMs) break;
    const startMs = Math.max(outage.startMs, fromMs);
    const endMs = Math.min(outage.endMs, toMs);
    row.upMs -= endMs - startMs;
    if (outage.condition === SILENT) row.silentMs += endMs - startMs;
    else row.downMs[outage.condition] = (row.downMs[outage.condition] ?? 0) + endMs - startMs;

    for (const span of spans) {
      const a = Math.max(span.fromMinute, Math.floor(startMs / MINUTE_MS), countedTo);
      const b = Math.min(span.toMinute, Math.ceil(endMs / MINUTE_MS));
      if (a >= b || !(span.plan?.creditable ?? CREDITABLE_DEFAULT).has(outage.condition)) continue;
      row.unavailableMinutes += b - a;
      if (span.plan !== undefined) row.creditNanos += creditBetween(span.plan, a, b);
      countedTo = b;
    }
  }
  return row;
}
