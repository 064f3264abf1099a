import { waitingAmong } from '../aggregate/waiting-table.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { QueryContext } from './context.ts';

/** The published part of a VM's timeline, `[firstMs, horizonMs)`. */
export interface Span {
  firstMs: number;
  horizonMs: number;
  /** The VM waits for repair: rows from here on are not yet what its samples amount to. */
  waitsFromMs?: number;
}

const TOTAL_MS =
  'toUInt32(up_ms) + provider_ms + third_party_ms + maintenance_ms + force_majeure_ms + attack_ms + customer_ms + arrears_ms + silent_ms';

interface Ends {
  vm: string;
  firstSecond: number;
  lastSecond: number;
  /** The parts of the first minute. */
  totalMs: number;
}

/**
 * The spans of those VMs that have any published minute. A VM begins where its first minute's parts do; it reaches as
 * far as its last stored minute, or as the watermark less the staleness (a long silence is not stored), but never past
 * the end of its service. Of one that waits for repair the watermark says nothing: its newest samples may wait, too.
 */
export async function loadSpans(context: QueryContext, vms: readonly string[]): Promise<Map<string, Span>> {
  const [found, waiting] = await Promise.all([firstAndLast(context, vms), waitingAmong(context.store, vms)]);
  const spans = new Map<string, Span>();
  for (const { vm, firstSecond, lastSecond, totalMs } of found) {
    const endsAtMs = context.catalog.endsAtMs(vm) ?? Number.POSITIVE_INFINITY;
    // stored rows know nothing of the end of service: the first one is whole from the first sample on
    const firstMs = firstSecond * 1000 + MINUTE_MS - totalMs;
    const waitsFromMs = waiting.get(vm)?.fromMs;
    const watermarkMs = waitsFromMs === undefined ? context.watermarkMs(vm) : null;
    const publishedMs = watermarkMs === null ? 0 : Math.floor((watermarkMs - context.stalenessMs) / MINUTE_MS) * MINUTE_MS;
    const horizonMs = Math.min(Math.max(lastSecond * 1000 + MINUTE_MS, publishedMs), endsAtMs);
    if (firstMs < horizonMs) spans.set(vm, { firstMs, horizonMs, ...(waitsFromMs === undefined ? {} : { waitsFromMs }) });
  }
  return spans;
}

async function firstAndLast(context: QueryContext, vms: readonly string[]): Promise<Ends[]> {
  if (vms.length === 0) return [];
  // Two columns of the key are enough to find the ends; only the rows at the first ones are then read whole.
  const ends = await context.store.rows<Omit<Ends, 'totalMs'>>(
    `SELECT vm, toUnixTimestamp(min(minute)) AS firstSecond, toUnixTimestamp(max(minute)) AS lastSecond
     FROM uptime WHERE vm IN {vms:Array(String)} GROUP BY vm`,
    { vms },
  );
  if (ends.length === 0) return [];
  const totals = await context.store.rows<{ vm: string; totalMs: string }>(
    `SELECT vm, argMax(${TOTAL_MS}, version) AS totalMs FROM uptime
     WHERE (vm, minute) IN (SELECT pair.1, toDateTime(pair.2, 'UTC') FROM (SELECT arrayJoin(arrayZip({vms:Array(String)}, {firsts:Array(UInt32)})) AS pair))
     GROUP BY vm`,
    { vms: ends.map((each) => each.vm), firsts: ends.map((each) => each.firstSecond) },
  );
  const totalOf = new Map(totals.map((row) => [row.vm, Number(row.totalMs)]));
  const list = ends.map((each) => ({ ...each, totalMs: totalOf.get(each.vm) ?? 0 }));
  const withdrawn = list.filter((each) => each.totalMs === 0).map((each) => each.vm);
  if (withdrawn.length === 0) return list;
  return [...list.filter((each) => each.totalMs > 0), ...(await firstNotWithdrawn(context, withdrawn))];
}

/** The same from every row, for the rare VM whose first row has been withdrawn. */
async function firstNotWithdrawn(context: QueryContext, vms: readonly string[]): Promise<Ends[]> {
  const rows = await context.store.rows<Omit<Ends, 'totalMs'> & { totalMs: string }>(
    `SELECT vm, min(m) AS firstSecond, max(m) AS lastSecond, argMin(t, m) AS totalMs FROM
       (SELECT vm, toUnixTimestamp(minute) AS m, argMax(${TOTAL_MS}, version) AS t FROM uptime WHERE vm IN {vms:Array(String)} GROUP BY vm, minute)
     WHERE t > 0 GROUP BY vm`,
    { vms },
  );
  return rows.map((row) => ({ ...row, totalMs: Number(row.totalMs) }));
}

/** Whether a VM's rows up to an instant are there, and what its samples amount to. */
export function isRightUntil({ horizonMs, waitsFromMs }: Span, untilMs: number): boolean {
  return horizonMs >= untilMs && (waitsFromMs ?? Infinity) >= untilMs;
}
