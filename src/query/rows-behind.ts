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

/** What was stored when something was rated; read before its facts, so that a row stored meanwhile is newer than it says. */
export interface RatedFrom {
  catalogSeq: bigint;
  rows: ReadonlyMap<string, RowsBehind>;
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
    ['uptime', "''", MINUTES],
    ['traffic', 'nic', MINUTES],
    ['outages', 'start_at', "start_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')"],
  ] as const) {
    // Distinct minutes as a bitmap: a set of a month of them a VM costs ten times as much.
    const distinct = table === 'outages' ? '1' : 'groupBitmap(toUnixTimestamp(minute))';
    const found = await context.store.rows<{ vm: string; n: string; v: string }>(
      `SELECT vm, sum(n) AS n, max(v) AS v FROM (
         SELECT vm, ${key} AS k, ${distinct} AS n, max(version) AS v FROM ${table} WHERE vm IN {vms:Array(String)} AND ${range} GROUP BY vm, k)
       GROUP BY vm`,
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
