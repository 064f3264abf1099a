import { MINUTE_MS } from '../domain/zone.ts';
import type { QueryContext } from './context.ts';

/** Bytes of all interfaces of a VM in the minutes that `[fromMs, toMs)` touches, up to the end of its service. */
export async function trafficTotal(
  context: QueryContext,
  vm: string,
  fromMs: number,
  toMs: number,
): Promise<{ rxBytes: bigint; txBytes: bigint }> {
  const endMs = Math.min(toMs, context.catalog.endsAtMs(vm) ?? toMs);
  const [row] = await context.store.rows<{ rx_sum: string; tx_sum: string }>(
    `SELECT sum(toUInt128(rx)) AS rx_sum, sum(toUInt128(tx)) AS tx_sum FROM (
       SELECT argMax(rx_bytes, version) AS rx, argMax(tx_bytes, version) AS tx FROM traffic
       WHERE vm = {vm:String} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
       GROUP BY nic, host, part, minute)`,
    { vm, from: Math.floor(fromMs / MINUTE_MS) * 60, to: Math.ceil(endMs / MINUTE_MS) * 60 },
  );
  return { rxBytes: BigInt(row?.rx_sum ?? 0), txBytes: BigInt(row?.tx_sum ?? 0) };
}

/** How many samples in force a VM has in `[fromMs, toMs)` (of a conflict, one), and the first and last of them. */
export async function sampleRange(
  context: QueryContext,
  vm: string,
  fromMs: number,
  toMs: number,
): Promise<{ count: number; firstMs: number | null; lastMs: number | null }> {
  const [row] = await context.store.rows<{ n: string; first: string; last: string }>(
    `SELECT uniqExact(nic, host, part, ts) AS n, toUnixTimestamp64Milli(min(ts)) AS first, toUnixTimestamp64Milli(max(ts)) AS last FROM samples
     WHERE vm = {vm:String} AND ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`,
    { vm, from: fromMs, to: toMs },
  );
  const count = Number(row?.n ?? 0);
  if (row === undefined || count === 0) return { count: 0, firstMs: null, lastMs: null };
  return { count, firstMs: Number(row.first), lastMs: Number(row.last) };
}
