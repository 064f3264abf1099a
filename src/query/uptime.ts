import { boundaries, bucketStart, type Step } from '../domain/bucket.ts';
import { applyIncidents } from '../domain/incidents.ts';
import { addRow, type BucketRow, bucketRows, emptyRow } from '../domain/timeline.ts';
import { MINUTE_MS, type Zone } from '../domain/zone.ts';
import { agreedPlans } from '../terms/agreed-plans.ts';
import type { TermsLibrary } from '../terms/library.ts';
import { type Page, type QueryContext, vmsFrom } from './context.ts';
import type { MinutePosition } from './minutes.ts';
import { loadOutages } from './outages.ts';
import { loadSpans, type Span } from './span.ts';

export interface UptimeRequest {
  vms: readonly string[];
  /** One row a bucket for all of them together, or one a bucket and VM. */
  by: 'sum' | 'vm';
  /** Causes as reported, counted as the plan says; or as incidents restate them, counted as the terms say (the default). */
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

export interface UptimeContext extends QueryContext {
  termsLibrary: TermsLibrary;
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
export async function uptimePage(context: UptimeContext, request: UptimeRequest): Promise<Page<UptimeRow, UptimePosition>> {
  const { catalog } = context;
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
    const reported = outages.get(vm) ?? [];
    const agreed = request.incidents === 'raw' ? undefined : agreedPlans(context, vm);
    const counted =
      agreed === undefined
        ? { outages: reported, plans: catalog.datedPlans(vm) }
        : { outages: applyIncidents({ ...span, outages: reported }, catalog.incidents.of(vm), agreed), plans: agreed };
    for (const row of rowsOf(vm, { ...span, ...counted }, edges)) {
      if (by === 'vm' || spans.size === 1) {
        rows.push(row);
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

/** A page of VMs' uptime by the minute, VM by VM, causes as reported: the rows that `uptimePage` has of each. */
export async function uptimeMinutes(
  context: QueryContext,
  request: { vms: readonly string[]; fromMs: number; toMs: number; limit: number; after?: MinutePosition | undefined },
): Promise<Page<UptimeRow, MinutePosition>> {
  const { after, limit } = request;
  const spans = await loadSpans(context, vmsFrom(request.vms, after));
  const parts: { vm: string; span: Span; fromMinute: number; toMinute: number }[] = [];
  let left = limit;
  for (const [vm, span] of [...spans].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const given = vm === after?.vm ? after.m + 1 : 0;
    const fromMinute = Math.max(Math.ceil(request.fromMs / MINUTE_MS), Math.floor(span.firstMs / MINUTE_MS), given);
    const minutes = Math.min(Math.ceil(request.toMs / MINUTE_MS), Math.ceil(span.horizonMs / MINUTE_MS)) - fromMinute;
    if (minutes <= 0 || left === 0) continue;
    parts.push({ vm, span, fromMinute, toMinute: fromMinute + Math.min(minutes, left) });
    left -= Math.min(minutes, left);
  }
  const fromMs = Math.min(...parts.map((part) => part.fromMinute)) * MINUTE_MS;
  const toMs = Math.max(...parts.map((part) => part.toMinute)) * MINUTE_MS;
  const vms = parts.map((part) => part.vm);
  const outages = vms.length === 0 ? new Map<string, never>() : await loadOutages(context, vms, fromMs, toMs);
  const rows = parts.flatMap(({ vm, span, fromMinute, toMinute }) => {
    const edges = Array.from({ length: toMinute - fromMinute + 1 }, (_, i) => fromMinute + i);
    return rowsOf(vm, { ...span, outages: outages.get(vm) ?? [], plans: context.catalog.datedPlans(vm) }, edges);
  });
  const last = parts.at(-1);
  return { rows, next: left > 0 || last === undefined ? undefined : { vm: last.vm, m: last.toMinute - 1 } };
}

function rowsOf(vm: string, timeline: Parameters<typeof bucketRows>[0], edges: readonly number[]): UptimeRow[] {
  return bucketRows(timeline, edges).map((row) => Object.assign(row, { vm }));
}
