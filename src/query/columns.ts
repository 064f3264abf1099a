/**
 * Evidence by the column: what a proof reads of a fleet, a line of JSON a VM (and interface). ClickHouse writes the lines, so that a sample costs
 * the server next to nothing. Columns that grow are told as differences, which are short; one of a single value is told once.
 */
import { CONDITIONS, NO_STATE, SILENT, UP } from '../domain/condition.ts';
import { toJson } from '../domain/json.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { QueryContext } from './context.ts';
import { uptimeMinutes, type UptimeRow } from './uptime.ts';

export interface ColumnsRequest {
  readonly vms: readonly string[];
  /** `[fromMs, toMs)`: instants of samples; minutes that begin in it. */
  readonly fromMs: number;
  readonly toMs: number;
  /** One row more than this is told where there are more, whichever it is: the range is to be asked for in parts. */
  readonly limit: number;
}

const AS_NUMBERS = 'SETTINGS output_format_json_quote_64bit_integers = 0';
const WITHIN_MINUTES =
  "vm IN {vms:Array(String)} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')";

/** A column: its one value if all are the same, else all. */
function packed(array: string): string {
  return `if(arrayMin(${array}) = arrayMax(${array}), [${array}[1]], ${array})`;
}

/** Every version of every sample in the range, as it is archived. */
export async function sampleColumns(context: QueryContext, request: ColumnsRequest): Promise<Uint8Array> {
  const instant = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;
  return sampleLines(
    context,
    `SELECT ${SAMPLE} FROM samples AS s WHERE vm IN {vms:Array(String)} AND ts >= ${instant('from')} AND ts < ${instant('to')}
     ORDER BY vm, nic, host, part, s.ts, pos LIMIT {rows:UInt32}`,
    { vms: request.vms, from: request.fromMs, to: request.toMs, rows: request.limit + 1 },
  );
}

/**
 * What holds at an instant: of every interface its last sample before it, its last one with counters and its last one that says a state, of those from `fromMs` on. All versions
 * of each.
 */
export async function samplesBefore(context: QueryContext, request: ColumnsRequest): Promise<Uint8Array> {
  const range = `vm IN {vms:Array(String)} AND ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`;
  // a conflict may have replaced counters by none: the sample in force says whether there are any
  const last = `SELECT v, n, o, h, arrayJoin(arrayDistinct([max(t), maxIf(t, counted = 1), maxIf(t, said != ${NO_STATE})])) AS t FROM
      (SELECT vm AS v, nic AS n, host AS o, part AS h, ts AS t, argMax(has_counters, pos) AS counted, argMax(condition, pos) AS said FROM samples WHERE ${range} GROUP BY vm, nic, host, part, ts)
    GROUP BY v, n, o, h`;
  return sampleLines(
    context,
    `SELECT ${SAMPLE} FROM samples AS s WHERE ${range} AND (vm, nic, host, part, s.ts) IN (${last}) ORDER BY vm, nic, host, part, s.ts, pos LIMIT {rows:UInt32}`,
    { vms: request.vms, from: request.fromMs, to: request.toMs, rows: request.limit + 1 },
  );
}

const SAMPLE =
  'vm, nic, host, part, toUnixTimestamp64Milli(s.ts) AS ms, pos, condition, has_counters, epoch, rx_bytes AS rx, tx_bytes AS tx, started_ms, link_mbps, is_sum, hold_s, agent, witness = toUInt32(cityHash64(host, agent)) AS as_told';

function sampleLines(context: QueryContext, samples: string, params: Record<string, unknown>): Promise<Uint8Array> {
  const grown = (array: string, name: string): string =>
    `toString(${array}[1]) AS first_${name}, arrayDifference(${array}) AS ${name}`;
  return context.store.ndjson(
    `SELECT vm, nic, host, part, length(t) AS rows, ${grown('t', 'ts')}, ${grown('p', 'pos')}, ${grown('r', 'rx_bytes')}, ${grown('x', 'tx_bytes')},
            ${packed('c')} AS condition, ${packed('h')} AS has_counters, ${packed('e')} AS epoch,
            ${packed('b')} AS started_ms, ${packed('l')} AS link_mbps, ${packed('u')} AS is_sum, ${packed('d')} AS hold_s,
            ${packed('w')} AS as_told, arrayDistinct(a) AS agents, if(length(agents) = 1, [0], arrayMap(one -> indexOf(agents, one) - 1, a)) AS agent
     FROM (SELECT vm, nic, host, part, groupArray(ms) AS t, groupArray(pos) AS p, groupArray(rx) AS r, groupArray(tx) AS x, groupArray(condition) AS c,
                  groupArray(has_counters) AS h, groupArray(epoch) AS e, groupArray(started_ms) AS b, groupArray(link_mbps) AS l,
                  groupArray(is_sum) AS u, groupArray(hold_s) AS d, groupArray(agent) AS a,
                  groupArray(as_told) AS w
           FROM (${samples}) GROUP BY vm, nic, host, part)
     ORDER BY vm, nic, host, part ${AS_NUMBERS}`,
    params,
  );
}

/** Milliseconds of a minute by condition code. */
const PARTS = CONDITIONS.map((condition) => `${condition}_ms`);

/** Minute rows as they are stored: of each the newest version, withdrawn ones left out. */
export async function minuteColumns(context: QueryContext, request: ColumnsRequest): Promise<Uint8Array> {
  const columns = [...PARTS, 'unavailable', 'credit_nanos'];
  return context.store.ndjson(
    `SELECT vm, length(m) AS rows, m[1] AS first_minute, arrayDifference(m) AS minute, ${columns.map((name, i) => `${packed(`c${i}`)} AS ${name}`).join(', ')}
     FROM (SELECT vm, groupArray(at) AS m, ${columns.map((name, i) => `groupArray(${name}) AS c${i}`).join(', ')}
           FROM (SELECT * FROM
                  (SELECT vm, intDiv(toUnixTimestamp(minute), 60) AS at, ${columns.join(', ')} FROM uptime
                   WHERE ${WITHIN_MINUTES} ORDER BY vm, minute, version DESC LIMIT 1 BY vm, minute)
                 WHERE ${PARTS.map((part) => `toUInt32(${part})`).join(' + ')} > 0 LIMIT {rows:UInt32})
           GROUP BY vm)
     ORDER BY vm ${AS_NUMBERS}`,
    minuteParams(request),
  );
}

/** Minutes of traffic as they are stored, by interface, up to the end of service. */
export async function trafficColumns(context: QueryContext, request: ColumnsRequest): Promise<Uint8Array> {
  const ends = request.vms.flatMap((vm) => {
    const endsAtMs = context.catalog.endsAtMs(vm);
    return endsAtMs === null ? [] : [{ vm, seconds: Math.ceil(endsAtMs / MINUTE_MS) * 60 }];
  });
  const served =
    'AND toUnixTimestamp(minute) < transform(vm, {endVms:Array(String)}, {endSeconds:Array(UInt32)}, toUInt32(4294967295))';
  return context.store.ndjson(
    `SELECT vm, nic, length(m) AS rows, m[1] AS first_minute, arrayDifference(m) AS minute, ${packed('r')} AS rx_bytes, ${packed('x')} AS tx_bytes
     FROM (SELECT vm, nic, groupArray(at) AS m, groupArray(rx) AS r, groupArray(tx) AS x
           FROM (SELECT * FROM
                  (SELECT vm, nic, at, sum(toUInt128(rx_bytes)) AS rx, sum(toUInt128(tx_bytes)) AS tx FROM
                    (SELECT vm, nic, intDiv(toUnixTimestamp(minute), 60) AS at, rx_bytes, tx_bytes FROM traffic
                     WHERE ${WITHIN_MINUTES} ${ends.length === 0 ? '' : served}
                     ORDER BY vm, nic, minute, host, part, version DESC LIMIT 1 BY vm, nic, minute, host, part)
                   GROUP BY vm, nic, at ORDER BY vm, nic, at)
                 WHERE rx > 0 OR tx > 0 LIMIT {rows:UInt32})
           GROUP BY vm, nic)
     ORDER BY vm, nic ${AS_NUMBERS}`,
    {
      ...minuteParams(request),
      ...(ends.length === 0 ? {} : { endVms: ends.map((end) => end.vm), endSeconds: ends.map((end) => end.seconds) }),
    },
  );
}

function minuteParams({ vms, fromMs, toMs, limit }: ColumnsRequest): Record<string, unknown> {
  return { vms, from: Math.ceil(fromMs / MINUTE_MS) * 60, to: Math.ceil(toMs / MINUTE_MS) * 60, rows: limit + 1 };
}

/** The minutes that `uptime` answers, causes as reported: made of outages, not of minute rows. */
export async function uptimeColumns(context: QueryContext, request: ColumnsRequest): Promise<Uint8Array> {
  const { rows } = await uptimeMinutes(context, { ...request, limit: request.limit + 1 });
  const byVm = new Map<string, UptimeRow[]>();
  for (const row of rows) {
    const own = byVm.get(row.vm) ?? [];
    if (own.length === 0) byVm.set(row.vm, own);
    own.push(row);
  }
  return Buffer.from([...byVm].map(([vm, own]) => `${toJson(uptimeLine(vm, own))}\n`).join(''));
}

function uptimeLine(vm: string, rows: readonly UptimeRow[]): Record<string, unknown> {
  const column = <T>(of: (row: UptimeRow) => T): readonly T[] => {
    const values = rows.map(of);
    return values.every((value) => value === values[0]) ? values.slice(0, 1) : values;
  };
  const part = (row: UptimeRow, code: number): number =>
    code === UP ? row.upMs : code === SILENT ? row.silentMs : (row.downMs[code] ?? 0);
  return {
    vm,
    rows: rows.length,
    first_minute: rows[0]?.startMinute,
    minute: rows.map((row, i) => row.startMinute - (rows[i - 1] ?? row).startMinute),
    ...Object.fromEntries(PARTS.map((name, code) => [name, column((row) => part(row, code))])),
    unavailable: column((row) => row.unavailableMinutes),
    credit_nanos: column((row) => row.creditNanos),
  };
}
