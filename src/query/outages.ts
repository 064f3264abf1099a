import type { OutageInterval } from '../domain/timeline.ts';
import type { Page, QueryContext } from './context.ts';

/** Outages of VMs that overlap `[fromMs, toMs)`, whole, in order, by VM. A VM without any is absent. */
export async function loadOutages(
  context: QueryContext,
  vms: readonly string[],
  fromMs: number,
  toMs: number,
): Promise<Map<string, OutageInterval[]>> {
  const rows = await context.store.rows<{ vm: string; s: string; e: string; c: number }>(
    `SELECT vm, toUnixTimestamp64Milli(start_at) AS s, toUnixTimestamp64Milli(argMax(end_at, version)) AS e, argMax(condition, version) AS c
     FROM outages WHERE vm IN {vms:Array(String)} AND start_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
     GROUP BY vm, start_at
     HAVING argMax(withdrawn, version) = 0 AND (e = 0 OR e > {from:Int64})
     ORDER BY vm, start_at`,
    { vms, from: fromMs, to: toMs },
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
 * A page of one VM's outages that overlap the range, whole (not cut to it). What lies past the end of the VM's service
 * is no outage; one that reaches past it ends there.
 */
export async function outagePage(
  context: QueryContext,
  request: { vm: string; fromMs: number; toMs: number; afterMs: number; limit: number },
): Promise<Page<OutageInterval, { s: number }>> {
  const endsAtMs = context.catalog.endsAtMs(request.vm) ?? Number.POSITIVE_INFINITY;
  const found =
    (await loadOutages(context, [request.vm], request.fromMs, Math.min(request.toMs, endsAtMs))).get(request.vm) ?? [];
  const watermarkMs = context.watermarkMs(request.vm) ?? 0;
  const rows: OutageInterval[] = [];
  for (const outage of found) {
    if (outage.startMs <= request.afterMs) continue;
    if (rows.length === request.limit) return { rows, next: { s: rows.at(-1)?.startMs ?? 0 } };
    const openPastEnd = outage.endMs === null && watermarkMs >= endsAtMs;
    const endMs = openPastEnd || (outage.endMs ?? 0) > endsAtMs ? endsAtMs : outage.endMs;
    rows.push({ ...outage, endMs });
  }
  return { rows, next: undefined };
}
