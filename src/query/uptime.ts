import { boundaries, bucketStart, type Step } from '../domain/bucket.ts';
import { applyIncidents } from '../domain/incidents.ts';
import { addRow, type BucketRow, bucketRows, emptyRow } from '../domain/timeline.ts';
import { MINUTE_MS, type Zone } from '../domain/zone.ts';
import type { Page, QueryContext } from './context.ts';
import { loadOutages } from './outages.ts';
import { loadSpans } from './span.ts';

export interface UptimeRequest {
  vms: readonly string[];
  /** One row a bucket for all of them together, or one a bucket and VM. */
  by: 'sum' | 'vm';
  /** Causes as reported, or as incidents restate them (the default). */
  incidents?: 'raw' | 'applied' | undefined;
  zone: Zone;
  step: Step;
  /** Boundaries of the step. */
  fromMinute: number;
  toMinute: number;
  limit: number;
  /** Within the bucket at `fromMinute`, VMs up to this one have been given. */
  afterVm?: string;
}

export type UptimeRow = BucketRow & { vm: string };
export interface UptimePosition {
  m: number;
  vm?: string | undefined;
}

/** Buckets × VMs computed for one page at most: keeps an account of many VMs from holding the process for long. */
const CELLS_MAX = 500_000;

/**
 * A page of uptime rows. They are computed from the published span and the outages, not from minute rows: exact at any
 * step, over any silence, and after any change of plan. Buckets outside the published span have no row.
 */
export async function uptimePage(context: QueryContext, request: UptimeRequest): Promise<Page<UptimeRow, UptimePosition>> {
  const { zone, step, vms, by, limit } = request;
  const spans = await loadSpans(context, vms);
  if (spans.size === 0) return { rows: [], next: undefined };
  const firstMs = Math.min(...Array.from(spans.values(), (span) => span.firstMs));
  const horizonMs = Math.max(...Array.from(spans.values(), (span) => span.horizonMs));
  const fromMinute = Math.max(request.fromMinute, bucketStart(zone, step, Math.floor(firstMs / MINUTE_MS)));
  const toMinute = Math.min(request.toMinute, Math.ceil(horizonMs / MINUTE_MS));
  if (fromMinute >= toMinute) return { rows: [], next: undefined };

  const buckets = Math.max(1, Math.min(by === 'vm' ? Math.floor(limit / spans.size) : limit, Math.floor(CELLS_MAX / spans.size)));
  const edges = boundaries(zone, step, fromMinute, toMinute, buckets);
  const untilMinute = edges.at(-1) ?? toMinute;
  const published = [...spans.keys()].sort();
  const outages = await loadOutages(context, published, fromMinute * MINUTE_MS, untilMinute * MINUTE_MS);

  const rows: UptimeRow[] = [];
  const sums = new Map<number, UptimeRow>();
  for (const vm of published) {
    const span = spans.get(vm);
    if (span === undefined) continue;
    const reported = { ...span, outages: outages.get(vm) ?? [] };
    const counted = request.incidents === 'raw' ? reported.outages : applyIncidents(reported, context.catalog.incidentsOf(vm));
    for (const row of bucketRows({ ...span, outages: counted, plans: context.catalog.datedPlans(vm) }, edges)) {
      if (by === 'vm' || spans.size === 1) {
        rows.push(Object.assign(row, { vm }));
        continue;
      }
      let sum = sums.get(row.startMinute);
      if (sum === undefined) {
        sum = { ...emptyRow(row.startMinute), vm: '' };
        sums.set(row.startMinute, sum);
        rows.push(sum);
      }
      addRow(sum, row);
    }
  }
  // Sorting is stable, and VMs came in order.
  rows.sort((a, b) => a.startMinute - b.startMinute);

  const { afterVm } = request;
  const rest = afterVm === undefined ? rows : rows.filter((row) => row.startMinute > request.fromMinute || row.vm > afterVm);
  if (rest.length > limit) {
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return { rows: page, next: last === undefined ? undefined : { m: last.startMinute, vm: last.vm } };
  }
  return { rows: rest, next: untilMinute < toMinute ? { m: untilMinute } : undefined };
}
