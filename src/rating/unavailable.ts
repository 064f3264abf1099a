import type { CreditPolicy } from '../domain/credit-policy.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Part } from './served.ts';

/** An outage whose end is known, whole: not cut to any period. Causes are those after incidents. */
export interface ClosedOutage {
  readonly startMs: number;
  readonly endMs: number;
  readonly condition: number;
}

/** A run of time in milliseconds. */
export interface MsRun {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A run of UTC minutes. */
export interface MinuteRun {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** Whether an outage counts under a policy: by its cause, and by its own whole length. */
export function counts(outage: ClosedOutage, policy: CreditPolicy): boolean {
  const { method } = policy;
  if (method.kind === 'none' || !policy.creditable.has(outage.condition)) return false;
  return outage.endMs - outage.startMs >= method.minimumSpellMs;
}

/** The counting outages' time within a part of a day, in milliseconds, in order. */
export function clippedRuns(part: Part, outages: readonly ClosedOutage[]): MsRun[] {
  const runs: MsRun[] = [];
  for (const outage of outages) {
    const fromMs = Math.max(outage.startMs, part.fromMinute * MINUTE_MS);
    const toMs = Math.min(outage.endMs, part.toMinute * MINUTE_MS);
    if (fromMs < toMs && counts(outage, part.segment.policy)) runs.push({ fromMs, toMs });
  }
  return runs;
}

const MINUTES = { originMinute: 0, slotMinutes: 1 };

/**
 * The minutes of a part that count as unavailable: slots of `slotMinutes` from `originMinute` on that counting time touches
 * (left out: minutes), cut to the part. Runs ascend and do not overlap: a minute counts once.
 */
export function touchedMinutes(
  part: Part,
  outages: readonly ClosedOutage[],
  { originMinute, slotMinutes }: { originMinute: number; slotMinutes: number } = MINUTES,
): MinuteRun[] {
  const touched: { fromMinute: number; toMinute: number }[] = [];
  for (const run of clippedRuns(part, outages)) {
    const first = Math.floor((run.fromMs / MINUTE_MS - originMinute) / slotMinutes);
    const last = Math.ceil((run.toMs / MINUTE_MS - originMinute) / slotMinutes);
    const before = touched.at(-1);
    const fromMinute = Math.max(part.fromMinute, originMinute + first * slotMinutes, before?.toMinute ?? 0);
    const toMinute = Math.min(part.toMinute, originMinute + last * slotMinutes);
    if (fromMinute >= toMinute) continue;
    if (before?.toMinute === fromMinute) before.toMinute = toMinute;
    else touched.push({ fromMinute, toMinute });
  }
  return touched;
}

/** Minutes in runs. */
export function lengthOf(runs: readonly MinuteRun[]): number {
  return runs.reduce((sum, run) => sum + run.toMinute - run.fromMinute, 0);
}
