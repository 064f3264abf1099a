import { DAY_MS } from '../domain/zone.ts';
import type { QueryContext } from './context.ts';

/** An instant of a VM of which somebody asks who spoke for it. */
export interface Spoken {
  readonly vm: string;
  readonly atMs: number;
}

/** How far back the last sample may lie: states that hold longer than this are nobody's. */
const LOOKBACK_MS = DAY_MS;

/** Instants of one statement: with the names of their VMs they have to fit the address of a request. */
const INSTANTS_A_STATEMENT = 1_000;

/** Who spoke for a VM, and where it counted: '' where its samples name no host. */
export interface Speaking {
  readonly agent: string;
  readonly host: string;
}

/**
 * Who spoke for VMs at instants: the agent and the host of each VM's newest sample that is not later. The silence after a host has died is so its
 * agent's. An instant that no stored sample precedes within a day is left out.
 */
export async function spokenAt(context: QueryContext, instants: readonly Spoken[]): Promise<Map<string, Speaking>> {
  const found = new Map<string, Speaking>();
  // Nearly every instant follows a sample within the staleness, and what lies close is read fast.
  for (const withinMs of [context.stalenessMs, LOOKBACK_MS]) {
    const open = instants.filter((each) => !found.has(spokenKey(each)));
    for (let i = 0; i < open.length; i += INSTANTS_A_STATEMENT)
      for (const [key, speaking] of await lastWithin(context, open.slice(i, i + INSTANTS_A_STATEMENT), withinMs))
        found.set(key, speaking);
  }
  return found;
}

/** The key of an instant in what `spokenAt` answers. */
export function spokenKey({ vm, atMs }: Spoken): string {
  return `${vm}\n${atMs}`;
}

async function lastWithin(
  { store }: QueryContext,
  instants: readonly Spoken[],
  withinMs: number,
): Promise<Map<string, Speaking>> {
  if (instants.length === 0) return new Map();
  // Time in pieces as long as the look back: what is asked for lies in an instant's own or in the one before.
  const pieces = 'intDiv(toUnixTimestamp64Milli(ts), {within:Int64})';
  const rows = await store.rows<{ vm: string; at: string; agent: string; host: string }>(
    `WITH asked AS (SELECT pair.1 AS vm, pair.2 AS at FROM (SELECT arrayJoin(arrayZip({vms:Array(String)}, {ats:Array(Int64)})) AS pair))
     SELECT vm, at, argMax(agent, t) AS agent, argMax(host, t) AS host FROM (
       SELECT asked.vm AS vm, asked.at AS at, s.agent AS agent, s.host AS host, s.t AS t
       FROM asked ASOF INNER JOIN (
         SELECT vm, toUnixTimestamp64Milli(ts) AS t, argMax(agent, pos) AS agent, argMax(host, pos) AS host FROM samples
         WHERE ts >= fromUnixTimestamp64Milli({first:Int64}, 'UTC') AND ts <= fromUnixTimestamp64Milli({last:Int64}, 'UTC')
           AND vm IN (SELECT vm FROM asked)
           AND (vm, ${pieces}) IN (SELECT vm, arrayJoin([intDiv(at, {within:Int64}), intDiv(at, {within:Int64}) - 1]) FROM asked)
         GROUP BY vm, ts) AS s
       ON asked.vm = s.vm AND asked.at >= s.t)
     WHERE t >= at - {within:Int64}
     GROUP BY vm, at`,
    {
      vms: instants.map((each) => each.vm),
      ats: instants.map((each) => each.atMs),
      first: Math.max(0, Math.min(...instants.map((each) => each.atMs)) - withinMs),
      last: Math.max(...instants.map((each) => each.atMs)),
      within: withinMs,
    },
  );
  return new Map(rows.map(({ vm, at, agent, host }) => [spokenKey({ vm, atMs: Number(at) }), { agent, host }]));
}
