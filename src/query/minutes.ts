import { SILENT, UP } from '../domain/condition.ts';
import type { BucketRow } from '../domain/timeline.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Page, QueryContext } from './context.ts';

/**
 * A page of a VM's minute rows as they are stored: the latest version of each, withdrawn ones left out. They hold what the
 * aggregator wrote, so a long silence has no rows, and they know nothing of the end of the VM's service.
 */
export async function minutePage(
  context: QueryContext,
  request: { vm: string; fromMs: number; toMs: number; limit: number; after?: { m: number } | undefined },
): Promise<Page<BucketRow, { m: number }>> {
  const fromMinute = Math.max(Math.ceil(request.fromMs / MINUTE_MS), (request.after?.m ?? -1) + 1);
  const rows = await context.store.rows<{ m: number; parts: number[]; unavailable: number; credit: string }>(
    `SELECT toUnixTimestamp(minute) AS m,
            argMax([up_ms, provider_ms, third_party_ms, maintenance_ms, force_majeure_ms, attack_ms, customer_ms, arrears_ms, silent_ms], version) AS parts,
            argMax(unavailable, version) AS unavailable, argMax(credit_nanos, version) AS credit
     FROM uptime
     WHERE vm = {vm:String} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
     GROUP BY minute HAVING arraySum(parts) > 0 ORDER BY minute LIMIT {limit:UInt32}`,
    { vm: request.vm, from: fromMinute * 60, to: Math.ceil(request.toMs / MINUTE_MS) * 60, limit: request.limit + 1 },
  );
  const more = rows.length > request.limit;
  if (more) rows.length = request.limit;
  const last = rows.at(-1);
  return {
    rows: rows.map(({ m, parts, unavailable, credit }) => ({
      startMinute: m / 60,
      upMs: parts[UP] ?? 0,
      downMs: parts.map((ms, code) => (code === UP || code === SILENT ? 0 : ms)),
      silentMs: parts[SILENT] ?? 0,
      unavailableMinutes: unavailable,
      creditNanos: BigInt(credit),
    })),
    next: more && last !== undefined ? { m: last.m / 60 } : undefined,
  };
}
