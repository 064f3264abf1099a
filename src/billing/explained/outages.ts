import { conditionOf } from '../../domain/condition.ts';
import { formatInstant, parseInstant } from '../../domain/instant.ts';
import { DAY_MS, localDay, MINUTE_MS, monthEnd, monthStart, zoneOf } from '../../domain/zone.ts';
import { type IncidentBody, incidentsOf } from '../../catalog/incidents.ts';
import type { CreditItemDetail } from '../../rating/detail.ts';
import { clipSegments, type Segment } from '../../rating/served.ts';
import { type ClosedOutage, clippedRuns } from '../../rating/unavailable.ts';

/** An outage that a credit was given for, as far as it counted. */
export interface CreditedOutage {
  from: string;
  to: string;
  cause: string;
  /** The incident that says so, and what it was noted for; null: the agent's own word. */
  incident: string | null;
  note: string | null;
}

/** Listed of a line at most, the longest. */
const OUTAGES_MAX = 20;

/** An incident of the catalog. */
export interface RecordedIncident {
  readonly id: string;
  readonly body: IncidentBody;
}

/** The outages behind a credit: those that count under the policy they were served under, within the days or months that it lists. */
export function creditedOutages(
  { vm, account }: { vm: string; account: string },
  days: readonly CreditItemDetail[],
  service: readonly Segment[],
  outages: readonly ClosedOutage[],
  incidents: readonly RecordedIncident[],
): { outages: CreditedOutage[]; more: number } {
  const runs = days.flatMap(({ time_zone: zoneName, ...item }) => {
    const zone = zoneOf(zoneName);
    if (zone === undefined) return [];
    if ('month' in item) {
      const day = localDay(zone, (parseInstant(item.month) ?? 0) / MINUTE_MS);
      return [{ fromMinute: monthStart(zone, day), toMinute: monthEnd(zone, day) }];
    }
    const near = Date.parse(`${item.date}T12:00:00Z`) / MINUTE_MS;
    const day = [-1440, 0, 1440]
      .map((shift) => localDay(zone, near + shift))
      .find(({ dayNumber }) => dayNumber === Date.parse(`${item.date}T00:00:00Z`) / DAY_MS);
    return day === undefined ? [] : [{ fromMinute: day.startMinute, toMinute: day.startMinute + day.minutes }];
  });
  const found = new Map<number, ClosedOutage>();
  for (const { fromMinute, toMinute } of runs) {
    for (const segment of clipSegments(service, fromMinute, toMinute)) {
      const part = { segment, fromMinute: segment.fromMinute, toMinute: segment.toMinute, chargeNanos: 0n };
      for (const outage of outages)
        for (const { fromMs, toMs } of clippedRuns(part, [outage])) {
          const before = found.get(outage.startMs);
          // An outage over midnight is one: it is cut at the edges of what is listed, not between.
          const startMs = Math.min(fromMs, before?.startMs ?? fromMs);
          found.set(outage.startMs, { startMs, endMs: Math.max(toMs, before?.endMs ?? toMs), condition: outage.condition });
        }
    }
  }
  const all = [...found.values()];
  const listed = all
    .toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs))
    .slice(0, OUTAGES_MAX)
    .sort((a, b) => a.startMs - b.startMs);
  const shown = listed.map((outage) => {
    const incident = incidents.findLast((each) => restates(each, vm, account, outage));
    return {
      from: formatInstant(outage.startMs),
      to: formatInstant(outage.endMs),
      cause: conditionOf(outage.condition),
      incident: incident?.id ?? null,
      note: incident === undefined || incident.body.note === '' ? null : incident.body.note,
    };
  });
  return { outages: shown, more: all.length - listed.length };
}

/** Whether an incident is about this outage of a VM. */
function restates(incident: RecordedIncident, vm: string, account: string, { startMs, endMs }: ClosedOutage): boolean {
  return incidentsOf([incident], vm, account).some(({ fromMs, toMs }) => fromMs < endMs && toMs > startMs);
}
