import { nextBoundary } from '../domain/bucket.ts';
import { CONDITIONS, conditionOf, UP } from '../domain/condition.ts';
import { localDay, MINUTE_MS, type Zone } from '../domain/zone.ts';
import type { Span } from '../query/span.ts';
import type { VmFacts } from '../rating/order.ts';
import { clipSegments, dateText, type Segment } from '../rating/served.ts';
import type { Bytes } from '../rating/traffic.ts';

/** Uptime and traffic of an invoice's VMs by local day: kept in its content, so that what is drawn from it never changes. */
export interface UsageDays {
  time_zone: string;
  dates: readonly string[];
  vms: readonly VmDays[];
}

/** Columns: one figure a date. A cause that never held has no column. */
export interface VmDays {
  vm: string;
  /** What it was served: less what the other columns but `silent` have, it was not measured. */
  served_ms: readonly number[];
  up_ms: readonly number[];
  /** By cause after incidents, `silent` among them. */
  not_up_ms: Readonly<Record<string, readonly number[]>>;
  rx_bytes: readonly bigint[];
  tx_bytes: readonly bigint[];
}

/** The edges of the local days that [fromMinute, toMinute) touches, cut to it: n + 1 UTC minutes for n days. */
export function dayEdges(zone: Zone, fromMinute: number, toMinute: number): number[] {
  const edges = [fromMinute];
  for (let at = nextBoundary(zone, 'day', fromMinute); at < toMinute; at = nextBoundary(zone, 'day', at)) edges.push(at);
  return [...edges, toMinute];
}

/** The days of the VMs with service in the period. `traffic` has the bytes of each VM by the index of the day. */
export function usageDays(
  zone: Zone,
  edges: readonly number[],
  vms: readonly (VmFacts & { span: Span | undefined })[],
  traffic: ReadonlyMap<string, readonly Bytes[]>,
): UsageDays {
  const dates = edges.slice(0, -1).map((minute) => dateText(localDay(zone, minute)));
  return {
    time_zone: zone.name,
    dates,
    vms: vms.flatMap((facts) => {
      const runs = meteredRuns(facts, edges);
      const bytes = traffic.get(facts.vm) ?? [];
      const served = clipSegments(facts.service, edges[0] ?? 0, edges.at(-1) ?? 0);
      if (served.length === 0) return [];
      return [
        {
          vm: facts.vm,
          served_ms: dates.map((_, i) => lengthWithin(served, edges[i] ?? 0, edges[i + 1] ?? 0)),
          ...conditionDays(facts, runs, edges),
          rx_bytes: dates.map((_, i) => bytes[i]?.rxBytes ?? 0n),
          tx_bytes: dates.map((_, i) => bytes[i]?.txBytes ?? 0n),
        },
      ];
    }),
  };
}

/** Milliseconds of segments within UTC minutes [fromMinute, toMinute). */
function lengthWithin(segments: readonly Segment[], fromMinute: number, toMinute: number): number {
  return clipSegments(segments, fromMinute, toMinute).reduce(
    (sum, each) => sum + (each.toMinute - each.fromMinute) * MINUTE_MS,
    0,
  );
}

interface Run {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The time in the period that was served and metered, in milliseconds, in order. */
function meteredRuns({ service, span }: VmFacts & { span: Span | undefined }, edges: readonly number[]): Run[] {
  if (span === undefined) return [];
  return clipSegments(service, edges[0] ?? 0, edges.at(-1) ?? 0).flatMap(({ fromMinute, toMinute }) => {
    const fromMs = Math.max(fromMinute * MINUTE_MS, span.firstMs);
    const toMs = Math.min(toMinute * MINUTE_MS, span.horizonMs);
    return fromMs < toMs ? [{ fromMs, toMs }] : [];
  });
}

function conditionDays(
  { outages }: VmFacts,
  runs: readonly Run[],
  edges: readonly number[],
): Pick<VmDays, 'up_ms' | 'not_up_ms'> {
  const days = edges.length - 1;
  const columns = CONDITIONS.map(() => new Array<number>(days).fill(0));
  const add = (condition: number, fromMs: number, toMs: number): void => {
    const column = columns[condition] ?? [];
    for (let day = 0; day < days; day += 1) {
      const startMs = (edges[day] ?? 0) * MINUTE_MS;
      const endMs = (edges[day + 1] ?? 0) * MINUTE_MS;
      if (endMs > fromMs && startMs < toMs) column[day] = (column[day] ?? 0) + Math.min(endMs, toMs) - Math.max(startMs, fromMs);
    }
  };
  for (const run of runs) {
    add(UP, run.fromMs, run.toMs);
    for (const outage of outages) {
      const fromMs = Math.max(run.fromMs, outage.startMs);
      const toMs = Math.min(run.toMs, outage.endMs);
      if (fromMs >= toMs) continue;
      add(outage.condition, fromMs, toMs);
    }
  }
  const notUp = columns.slice(1);
  const up = (columns[UP] ?? []).map((ms, day) => notUp.reduce((left, column) => left - (column[day] ?? 0), ms));
  return {
    up_ms: up,
    not_up_ms: Object.fromEntries(
      notUp.flatMap((column, i) => (column.some((ms) => ms > 0) ? [[conditionOf(i + 1), column] as const] : [])),
    ),
  };
}
