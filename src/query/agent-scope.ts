import { DAY_MS } from '../domain/zone.ts';
import { NO_STATE } from '../domain/condition.ts';
import type { QueryContext } from './context.ts';

/** How long before an incident's start a VM's last sample may lie: a host that fell silent speaks for its VMs no longer than this. */
const LOOKBACK_MS = DAY_MS;

/**
 * The time within [fromMs, toMs) for which an agent speaks, by VM: from each of its samples up to the next one of another
 * agent that says a state. So the silence after a host has died is the host's, and a VM that migrated is its new host's.
 */
export async function agentTimes(
  context: QueryContext,
  agent: string,
  fromMs: number,
  toMs: number,
): Promise<Record<string, [number, number][]>> {
  // Of each VM only the samples where another agent takes over leave the database.
  const rows = await context.store.rows<{ vm: string; t: string; a: string }>(
    `SELECT vm, toUnixTimestamp64Milli(ts) AS t, a FROM (
       SELECT vm, ts, a, lagInFrame(a, 1, '') OVER (PARTITION BY vm ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
       FROM (
         SELECT vm, ts, argMax(agent, pos) AS a FROM samples
         WHERE condition != ${NO_STATE} AND ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
           AND vm IN (
             SELECT DISTINCT vm FROM samples WHERE agent = {agent:String}
               AND ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC'))
         GROUP BY vm, ts))
     WHERE a != before ORDER BY vm, ts`,
    { agent, from: Math.max(0, fromMs - LOOKBACK_MS), to: toMs },
  );
  const times: Record<string, [number, number][]> = {};
  for (const [i, row] of rows.entries()) {
    if (row.a !== agent) continue;
    const next = rows[i + 1];
    const from = Math.max(fromMs, Number(row.t));
    const to = next?.vm === row.vm ? Math.min(toMs, Number(next.t)) : toMs;
    if (from < to) (times[row.vm] ??= []).push([from, to]);
  }
  return times;
}
