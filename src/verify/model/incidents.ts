/** Incidents straight from SPEC §4, tick by tick: no intervals, no sweeping. */
import { type Condition, CONDITIONS } from '../../domain/condition.ts';

export interface ModelIncident {
  readonly from: number;
  readonly to: number;
  readonly cause: number;
  readonly assertsDown: boolean;
  readonly withdrawn: boolean;
  /** How long before its start it was announced; null: not. */
  readonly announcedBefore: number | null;
}

/** Maintenance of a tick counts as such if it was announced so long before; null: without being announced. */
export type NoticeAt = (tick: number) => number | null;

/** The condition of every tick after incidents (in the order they were recorded); 0 is up. */
export function modelIncidents(
  reported: readonly number[],
  incidents: readonly ModelIncident[],
  noticeAt: NoticeAt = () => null,
): number[] {
  const [provider, maintenance] = [CONDITIONS.indexOf('provider'), CONDITIONS.indexOf('maintenance')];
  const isAnnounced = (tick: number, by: ModelIncident | null): boolean => {
    const notice = noticeAt(tick);
    return notice === null || (by !== null && by.announcedBefore !== null && by.announcedBefore >= notice);
  };
  return reported.map((condition, tick) => {
    let counts: ModelIncident | null = null;
    for (const incident of incidents) {
      if (!incident.withdrawn && incident.from <= tick && tick < incident.to) counts = incident;
    }
    if (condition === 0 && counts?.assertsDown !== true) return 0;
    const cause = counts?.cause ?? condition;
    return cause === maintenance && !isAnnounced(tick, counts) ? provider : cause;
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
  readonly announcedBeforeMs: number | null;
}

/** From when on maintenance has to be announced how long before; null: it has not. */
export interface ModelNotice {
  readonly fromMs: number;
  readonly noticeMs: number | null;
}

/** A VM's outages within [firstMs, endMs) as incidents (in the order they were recorded) restate them: instant by instant where anything changes. */
export function restatedOutages(
  reported: readonly ModelStretch[],
  incidents: readonly NamedIncident[],
  firstMs: number,
  endMs: number,
  notices: readonly ModelNotice[] = [],
): { startMs: number; endMs: number; cause: Condition }[] {
  const bounds = [firstMs, endMs, ...reported.flatMap((each) => [each.startMs, each.endMs ?? endMs])];
  for (const { fromMs, toMs } of incidents) bounds.push(fromMs, toMs);
  for (const { fromMs } of notices) bounds.push(fromMs);
  const instants = [...new Set(bounds)].filter((ms) => ms >= firstMs && ms <= endMs).sort((a, b) => a - b);
  const restated: { startMs: number; endMs: number; cause: Condition }[] = [];
  instants.slice(0, -1).forEach((startMs, i) => {
    const toMs = instants[i + 1] ?? endMs;
    const outage = reported.find((each) => each.startMs <= startMs && (each.endMs ?? endMs) > startMs);
    const incident = incidents.filter((each) => each.fromMs <= startMs && startMs < each.toMs).pop();
    let cause: Condition = outage?.cause ?? 'up';
    const says = incident !== undefined && (cause !== 'up' || incident.assertsDown) ? incident : null;
    cause = says?.cause ?? cause;
    const notice = notices.filter((each) => each.fromMs <= startMs).pop()?.noticeMs ?? null;
    const announced = says?.announcedBeforeMs ?? -Infinity;
    if (cause === 'maintenance' && notice !== null && announced < notice) cause = 'provider';
    const before = restated.at(-1);
    if (before !== undefined && before.endMs === startMs && before.cause === cause) before.endMs = toMs;
    else restated.push({ startMs, endMs: toMs, cause });
  });
  return restated.filter((each) => each.cause !== 'up');
}
