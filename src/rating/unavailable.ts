import type { CreditPolicy } from '../domain/credit-policy.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Part } from './served.ts';

/** An outage whose end is known, whole: not cut to any period. Causes are those after incidents. */
export interface ClosedOutage {
  readonly startMs: number;
  readonly endMs: number;
  readonly condition: number;
}

/** A run of UTC minutes, or of milliseconds. */
export interface Run {
  from: number;
  to: number;
}

/** Whether an outage counts under a policy: by its cause, and by its own whole length. */
export function counts(outage: ClosedOutage, policy: CreditPolicy): boolean {
  const { method } = policy;
  if (method.kind === 'none' || !policy.creditable.has(outage.condition)) return false;
  return outage.endMs - outage.startMs >= method.minimumSpellMs;
}

/** The counting outages' time within a part of a day, in milliseconds, in order. */
export function clippedRuns(part: Part, outages: readonly ClosedOutage[]): Run[] {
  const fromMs = part.fromMinute * MINUTE_MS;
  const toMs = part.toMinute * MINUTE_MS;
  const runs: Run[] = [];
  for (const outage of outages) {
    const from = Math.max(outage.startMs, fromMs);
    const to = Math.min(outage.endMs, toMs);
    if (from < to && counts(outage, part.segment.policy)) runs.push({ from, to });
  }
  return runs;
}

/**
 * The minutes of a part that count as unavailable: slots of `slotMinutes` from `originMinute` on (1 for minutes) that
 * counting time touches, cut to the part. Runs ascend and do not overlap: a minute counts once.
 */
export function touchedMinutes(part: Part, outages: readonly ClosedOutage[], originMinute: number, slotMinutes: number): Run[] {
  const touched: Run[] = [];
  for (const run of clippedRuns(part, outages)) {
    const first = Math.floor((run.from / MINUTE_MS - originMinute) / slotMinutes);
    const last = Math.ceil((run.to / MINUTE_MS - originMinute) / slotMinutes);
    const before = touched.at(-1);
    const from = Math.max(part.fromMinute, originMinute + first * slotMinutes, before?.to ?? 0);
    const to = Math.min(part.toMinute, originMinute + last * slotMinutes);
    if (from >= to) continue;
    if (before?.to === from) before.to = to;
    else touched.push({ from, to });
  }
  return touched;
}

/** Minutes in runs. */
export function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.to - run.from, 0);
}
