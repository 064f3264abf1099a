import type { QueryContext } from './context.ts';

/** How many rows of a table there are, and the newest version among them (a log position; 0 without rows). */
export interface RowsOf {
  rows: number;
  version: bigint;
}

/** What is stored of a VM for a period: whether a row was restated or has gone since can be told from it. */
export interface RowsBehind {
  uptime: RowsOf;
  traffic: RowsOf;
  outages: RowsOf;
}

const NONE: RowsOf = { rows: 0, version: 0n };

/** Rows of minutes in UTC minutes [fromMs, toMs), and of outages that began before its end, withdrawn ones among them. */
export async function rowsBehind(
  context: QueryContext,
  vms: readonly string[],
  fromMs: number,
  toMs: number,
): Promise<Map<string, RowsBehind>> {
  const counted = new Map(vms.map((vm) => [vm, { uptime: NONE, traffic: NONE, outages: NONE }]));
  if (vms.length === 0) return counted;
  for (const [table, key, range] of [
    ['uptime', 'minute', MINUTES],
    ['traffic', '(nic, minute)', MINUTES],
    ['outages', 'start_at', "start_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')"],
  ] as const) {
    const found = await context.store.rows<{ vm: string; n: string; v: string }>(
      `SELECT vm, uniqExact(${key}) AS n, max(version) AS v FROM ${table} WHERE vm IN {vms:Array(String)} AND ${range} GROUP BY vm`,
      { vms, from: fromMs, to: toMs },
    );
    for (const { vm, n, v } of found) {
      const entry = counted.get(vm);
      if (entry !== undefined) entry[table] = { rows: Number(n), version: BigInt(v) };
    }
  }
  return counted;
}

const MINUTES =
  "minute >= toDateTime(intDiv({from:Int64}, 1000), 'UTC') AND minute < toDateTime(intDiv({to:Int64} + 999, 1000), 'UTC')";
