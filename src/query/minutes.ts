import { SILENT, UP } from '../domain/condition.ts';
import type { BucketRow } from '../domain/timeline.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { type Page, type QueryContext, vmsFrom } from './context.ts';

export interface MinutePosition {
  vm: string;
  m: number;
}

/**
 * A page of the VMs' minute rows as they are stored, VM by VM: the latest version of each, withdrawn ones left out. They hold what the
 * aggregator wrote, so a long silence has no rows, and they know nothing of the end of a VM's service.
 */
export async function minutePage(
  context: QueryContext,
  request: { vms: readonly string[]; fromMs: number; toMs: number; limit: number; after?: MinutePosition | undefined },
): Promise<Page<BucketRow & { vm: string }, MinutePosition>> {
  const { after } = request;
  const vms = vmsFrom(request.vms, after);
  const firstMinute = Math.ceil(request.fromMs / MINUTE_MS);
  const fromMinute = after === undefined || vms.length > 1 ? firstMinute : Math.max(firstMinute, after.m + 1);
  const rows = await context.store.rows<{ v: string; m: number; parts: number[]; unavailable: number; credit: string }>(
    `SELECT vm AS v, toUnixTimestamp(minute) AS m,
            argMax([up_ms, provider_ms, third_party_ms, maintenance_ms, force_majeure_ms, attack_ms, customer_ms, arrears_ms, silent_ms], version) AS parts,
            argMax(unavailable, version) AS unavailable, argMax(credit_nanos, version) AS credit
     FROM uptime
     WHERE vm IN {vms:Array(String)} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
       ${after === undefined ? '' : "AND (vm, minute) > ({afterVm:String}, toDateTime({afterSeconds:UInt32}, 'UTC'))"}
     GROUP BY vm, minute HAVING arraySum(parts) > 0 ORDER BY vm, minute LIMIT {limit:UInt32}`,
    {
      vms,
      from: fromMinute * 60,
      to: Math.ceil(request.toMs / MINUTE_MS) * 60,
      limit: request.limit + 1,
      ...(after === undefined ? {} : { afterVm: after.vm, afterSeconds: after.m * 60 }),
    },
  );
  const more = rows.length > request.limit;
  if (more) rows.length = request.limit;
  const last = rows.at(-1);
  return {
    rows: rows.map(({ v, m, parts, unavailable, credit }) => ({
      vm: v,
      startMinute: m / 60,
      upMs: parts[UP] ?? 0,
      downMs: parts.map((ms, code) => (code === UP || code === SILENT ? 0 : ms)),
      silentMs: parts[SILENT] ?? 0,
      unavailableMinutes: unavailable,
      creditNanos: BigInt(credit),
    })),
    next: more && last !== undefined ? { vm: last.v, m: last.m / 60 } : undefined,
  };
}
