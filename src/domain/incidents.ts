import { conditionCode, UP } from './condition.ts';
import type { OutageInterval } from './timeline.ts';
import { MINUTE_MS } from './zone.ts';

/** An incident as it applies to one VM: its time may be shorter than the incident's where the scope is an agent. */
export interface Incident {
  readonly fromMs: number;
  readonly toMs: number;
  /** The condition code of its cause. */
  readonly condition: number;
  /** Up time counts as down too. */
  readonly assertsDown: boolean;
  readonly withdrawn: boolean;
  /** How long before the incident's start it was announced; null: not. */
  readonly announcedBeforeMs: number | null;
}

/** From when on maintenance must have been announced how long before its start to count as such; null: no terms ask for it. */
export interface NoticeRule {
  readonly fromMs: number;
  readonly noticeMs: number | null;
}

const MAINTENANCE = conditionCode('maintenance');
const PROVIDER = conditionCode('provider');

/** The published part of a VM's time and its outages, in order, none overlapping another. */
export interface OutageTimeline {
  readonly firstMs: number;
  readonly horizonMs: number;
  readonly outages: readonly OutageInterval[];
}

interface Run {
  startMs: number;
  endMs: number;
  condition: number;
}

/**
 * The outages of a VM as incidents restate them (SPEC §4). Inside an incident, down and silent time becomes its cause, with
 * `assertsDown` up time too. `incidents` are in the order they were recorded: where they overlap, the last counts, alone.
 * Outages that lie side by side with one cause are one. Outside `[firstMs, horizonMs)` nothing is known, and nothing changes.
 * @param notices in order; where one asks for notice, maintenance that no incident announced in time counts as the provider's (SPEC §5)
 */
export function applyIncidents(
  timeline: OutageTimeline,
  incidents: readonly Incident[],
  notices: readonly NoticeRule[] = [],
): OutageInterval[] {
  const { firstMs, horizonMs } = timeline;
  const counting = incidents.filter(
    (each) => !each.withdrawn && each.fromMs < each.toMs && each.fromMs < horizonMs && each.toMs > firstMs,
  );
  const asked = notices.some(({ noticeMs }) => noticeMs !== null);
  if (counting.length === 0 && !(asked && timeline.outages.some(({ condition }) => condition === MAINTENANCE)))
    return [...timeline.outages];
  const cuts = cutsOf(timeline, [...counting, ...notices.map(({ fromMs }) => ({ fromMs, toMs: fromMs }))]);
  const restated = runsBetween(timeline, cuts, (startMs, condition) => {
    const incident = counting.findLast((each) => each.fromMs <= startMs && startMs < each.toMs);
    const counts = incident !== undefined && (condition !== UP || incident.assertsDown);
    const cause = counts ? incident.condition : condition;
    if (cause !== MAINTENANCE) return cause;
    const noticeMs = notices.findLast((each) => each.fromMs <= startMs)?.noticeMs ?? null;
    const announcedMs = counts ? incident.announcedBeforeMs : null;
    return noticeMs === null || (announcedMs !== null && announcedMs >= noticeMs) ? cause : PROVIDER;
  });
  const last = timeline.outages.at(-1);
  const end = restated.at(-1);
  // What was open stays open; an incident that reaches the horizon does not say what comes after it.
  const open = last?.endMs === null && end?.endMs === horizonMs;
  return restated.filter((run) => run.condition !== UP).map((run) => (open && run === end ? { ...run, endMs: null } : run));
}

/** The minutes of `[firstMs, horizonMs)` in which two accounts of a VM's time differ: what an incident changes. */
export function minutesThatDiffer(before: OutageTimeline, after: readonly OutageInterval[]): number {
  const other = { ...before, outages: after };
  const cuts = [...new Set([...cutsOf(before, []), ...cutsOf(other, [])])].sort((a, b) => a - b);
  const a = piecesBetween(before, cuts);
  const b = piecesBetween(other, cuts);
  let minutes = 0;
  let countedTo = 0;
  for (const [i, piece] of a.entries()) {
    if (piece.condition === b[i]?.condition) continue;
    const from = Math.max(countedTo, Math.floor(piece.startMs / MINUTE_MS));
    const to = Math.ceil(piece.endMs / MINUTE_MS);
    if (to > from) minutes += to - from;
    countedTo = Math.max(countedTo, to);
  }
  return minutes;
}

/** The instants at which a condition may change, ascending, the two ends of what is published among them. */
function cutsOf(
  { firstMs, horizonMs, outages }: OutageTimeline,
  incidents: readonly Pick<Incident, 'fromMs' | 'toMs'>[],
): number[] {
  const cuts = new Set([firstMs, horizonMs]);
  const add = (ms: number): void => {
    if (ms > firstMs && ms < horizonMs) cuts.add(ms);
  };
  for (const { startMs, endMs } of outages) {
    add(startMs);
    if (endMs !== null) add(endMs);
  }
  for (const { fromMs, toMs } of incidents) {
    add(fromMs);
    add(toMs);
  }
  return [...cuts].sort((a, b) => a - b);
}

/** The condition between each two cuts. */
function piecesBetween({ outages }: OutageTimeline, cuts: readonly number[]): Run[] {
  const pieces: Run[] = [];
  let next = 0;
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const startMs = cuts[i] ?? 0;
    while (next < outages.length && (outages[next]?.endMs ?? Infinity) <= startMs) next += 1;
    const outage = outages[next];
    const condition = outage !== undefined && outage.startMs <= startMs ? outage.condition : UP;
    pieces.push({ startMs, endMs: cuts[i + 1] ?? startMs, condition });
  }
  return pieces;
}

function runsBetween(
  timeline: OutageTimeline,
  cuts: readonly number[],
  restate: (startMs: number, condition: number) => number,
): Run[] {
  const runs: Run[] = [];
  for (const piece of piecesBetween(timeline, cuts)) {
    const condition = restate(piece.startMs, piece.condition);
    const before = runs.at(-1);
    if (before?.condition === condition) before.endMs = piece.endMs;
    else runs.push({ ...piece, condition });
  }
  return runs;
}
