/** Incidents straight from SPEC §4, tick by tick: no intervals, no sweeping. */
import type { Condition } from '../../domain/condition.ts';

export interface ModelIncident {
  readonly from: number;
  readonly to: number;
  readonly cause: number;
  readonly assertsDown: boolean;
  readonly withdrawn: boolean;
}

/** The condition of every tick after incidents (in the order they were recorded); 0 is up. */
export function modelIncidents(reported: readonly number[], incidents: readonly ModelIncident[]): number[] {
  return reported.map((condition, tick) => {
    let counts: ModelIncident | null = null;
    for (const incident of incidents) {
      if (!incident.withdrawn && incident.from <= tick && tick < incident.to) counts = incident;
    }
    if (counts === null) return condition;
    if (condition === 0 && !counts.assertsDown) return 0;
    return counts.cause;
  });
}

export interface ModelStretch {
  readonly startMs: number;
  /** Null while it lasts. */
  readonly endMs: number | null;
  readonly cause: Condition;
}

export interface NamedIncident {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cause: Condition;
  readonly assertsDown: boolean;
}

/** A VM's outages within [firstMs, endMs) as incidents (in the order they were recorded) restate them: instant by instant where anything changes. */
export function restatedOutages(
  reported: readonly ModelStretch[],
  incidents: readonly NamedIncident[],
  firstMs: number,
  endMs: number,
): { startMs: number; endMs: number; cause: Condition }[] {
  const bounds = [firstMs, endMs, ...reported.flatMap((each) => [each.startMs, each.endMs ?? endMs])];
  for (const { fromMs, toMs } of incidents) bounds.push(fromMs, toMs);
  const instants = [...new Set(bounds)].filter((ms) => ms >= firstMs && ms <= endMs).sort((a, b) => a - b);
  const restated: { startMs: number; endMs: number; cause: Condition }[] = [];
  instants.slice(0, -1).forEach((startMs, i) => {
    const toMs = instants[i + 1] ?? endMs;
    const outage = reported.find((each) => each.startMs <= startMs && (each.endMs ?? endMs) > startMs);
    const incident = incidents.filter((each) => each.fromMs <= startMs && startMs < each.toMs).pop();
    let cause: Condition = outage?.cause ?? 'up';
    if (incident !== undefined && (cause !== 'up' || incident.assertsDown)) cause = incident.cause;
    const before = restated.at(-1);
    if (before !== undefined && before.endMs === startMs && before.cause === cause) before.endMs = toMs;
    else restated.push({ startMs, endMs: toMs, cause });
  });
  return restated.filter((each) => each.cause !== 'up');
}
