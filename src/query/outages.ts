import type { OutageInterval } from '../domain/timeline.ts';
import { type Page, type QueryContext, vmsFrom } from './context.ts';

export interface OutagePosition {
  vm: string;
  s: number;
}

/** Outages of VMs that overlap `[fromMs, toMs)`, whole, in order, by VM; of a page the first so many after a position. A VM without any is absent. */
export async function loadOutages(
  context: QueryContext,
  vms: readonly string[],
  fromMs: number,
  toMs: number,
  page?: { after: OutagePosition | undefined; limit: number },
): Promise<Map<string, OutageInterval[]>> {
  const rows = await context.store.rows<{ vm: string; s: string; e: string; c: number }>(
    `SELECT vm, toUnixTimestamp64Milli(start_at) AS s, toUnixTimestamp64Milli(argMax(end_at, version)) AS e, argMax(condition, version) AS c
     FROM outages WHERE vm IN {vms:Array(String)} AND start_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       ${page?.after === undefined ? '' : "AND (vm, start_at) > ({afterVm:String}, fromUnixTimestamp64Milli({afterMs:Int64}, 'UTC'))"}
     GROUP BY vm, start_at
     HAVING argMax(withdrawn, version) = 0 AND (e = 0 OR e > {from:Int64})
     ORDER BY vm, start_at ${page === undefined ? '' : 'LIMIT {limit:UInt32}'}`,
    {
      vms,
      from: fromMs,
      to: toMs,
      ...(page === undefined ? {} : { limit: page.limit }),
      ...(page?.after === undefined ? {} : { afterVm: page.after.vm, afterMs: page.after.s }),
    },
  );
  const byVm = new Map<string, OutageInterval[]>();
  for (const row of rows) {
    const list = byVm.get(row.vm) ?? [];
    list.push({ startMs: Number(row.s), endMs: row.e === '0' ? null : Number(row.e), condition: row.c });
    byVm.set(row.vm, list);
  }
  return byVm;
}

/**
 * A page of VMs' outages that overlap the range, VM by VM, whole (not cut to it). What lies past the end of a VM's service
 * is no outage; one that reaches past it ends there.
 */
export async function outagePage(
  context: QueryContext,
  request: { vms: readonly string[]; fromMs: number; toMs: number; limit: number; after?: OutagePosition | undefined },
): Promise<Page<OutageInterval & { vm: string }, OutagePosition>> {
  const { after, limit } = request;
  const vms = vmsFrom(request.vms, after);
  const found = await loadOutages(context, vms, request.fromMs, request.toMs, { after, limit: limit + 1 });
  const listed = [...found].flatMap(([vm, outages]) => outages.map((outage) => ({ ...outage, vm })));
  const last = listed.length > limit ? listed[limit - 1] : undefined;
  const rows = listed.slice(0, limit).flatMap((outage) => {
    const served = withinService(context, outage.vm, outage);
    return served === undefined || (served.endMs ?? Infinity) <= request.fromMs ? [] : [{ ...served, vm: outage.vm }];
  });
  return { rows, next: last === undefined ? undefined : { vm: last.vm, s: last.startMs } };
}

/** An outage as far as its VM was served: none past the end, and one that reaches past it ends there. */
export function withinService(context: QueryContext, vm: string, outage: OutageInterval): OutageInterval | undefined {
  const endsAtMs = context.catalog.endsAtMs(vm) ?? Number.POSITIVE_INFINITY;
  if (outage.startMs >= endsAtMs) return undefined;
  const openPastEnd = outage.endMs === null && (context.watermarkMs(vm) ?? 0) >= endsAtMs;
  return openPastEnd || (outage.endMs ?? 0) > endsAtMs ? { ...outage, endMs: endsAtMs } : outage;
}
