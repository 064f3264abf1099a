/**
 * Questions that repair asks of the archived raw samples. Every one is bounded by a position (`upTo`): a replay after a crash must not see
 * samples that lie ahead of it in the log.
 */
import { NO_STATE } from '../domain/condition.ts';
import { literal, tableOf } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import { type Slip, isSlip } from './slips.ts';
import type { Chain, StoredSample } from './tables.ts';

/** A stretch of a VM's past: [fromMs, untilMs). */
export interface Range {
  readonly vm: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The last sample of an interface in a range, the last one with counters, and the last one that says a state. */
export interface Latest extends Chain {
  readonly vm: string;
  readonly lastMs: number;
  readonly lastCountersMs: number | undefined;
  readonly lastStateMs: number | undefined;
}

const IDENTITIES_A_QUERY = 20_000;
/** Later than any sample may be (SPEC: instants to 2099). */
const LAST_MS = Date.UTC(2150, 0);
const LARGE_QUERY = 'max_query_size = 67108864, max_ast_elements = 10000000, max_expanded_ast_elements = 10000000';

function at(ms: number): string {
  return `fromUnixTimestamp64Milli(toInt64(${ms}))`;
}

/**
 * The condition that a sample lies in its VM's range; one range a VM. A lookup by VM: alternatives joined by OR are compared one by one with
 * every row that is read, which took nearly all of the time of a step with late samples.
 */
function inRanges(ranges: readonly Range[]): string {
  const vms = ranges.map(({ vm }) => literal(vm)).join(', ');
  const bounds = (of: (range: Range) => number): string => `CAST([${ranges.map(of).join(', ')}], 'Array(Int64)')`;
  const from = (range: Range): number => Math.max(0, range.fromMs);
  const until = (range: Range): number => Math.min(LAST_MS, range.untilMs);
  // the bounds of all ranges are what the primary key can be asked by
  return `vm IN (${vms}) AND ts >= ${at(Math.min(...ranges.map(from)))} AND ts < ${at(Math.max(...ranges.map(until)))}
    AND toUnixTimestamp64Milli(ts) >= transform(vm, [${vms}], ${bounds(from)}, toInt64(0))
    AND toUnixTimestamp64Milli(ts) < transform(vm, [${vms}], ${bounds(until)}, toInt64(0))`;
}

/** Every archived version with one of these identities, in the order of the log. */
export async function versionsOf(store: Store, samples: readonly StoredSample[], upTo: bigint): Promise<StoredSample[]> {
  const found: StoredSample[] = [];
  for (let i = 0; i < samples.length; i += IDENTITIES_A_QUERY) {
    const part = samples.slice(i, i + IDENTITIES_A_QUERY);
    const vms = [...new Set(part.map((s) => literal(s.vm)))].join(', ');
    const identities = tableOf(IDENTITY_COLUMNS, part.map(identityOf));
    const from = Math.min(...part.map((s) => s.tsMs));
    const until = Math.max(...part.map((s) => s.tsMs));
    const rows = await store.rows<VersionRow>(
      `SELECT vm, nic, toUnixTimestamp64Milli(ts) AS ts_ms, pos, condition, has_counters, epoch, rx_bytes, tx_bytes, started_ms, link_mbps, is_sum, hold_s, host, part, agent
       FROM samples
       WHERE vm IN (${vms}) AND ts >= ${at(from)} AND ts <= ${at(until)} AND pos <= ${upTo}
         AND (vm, nic, host, part, toUnixTimestamp64Milli(ts)) IN (SELECT vm, nic, host, part, ts FROM ${identities})
       ORDER BY pos LIMIT 1 BY pos SETTINGS ${LARGE_QUERY}`,
    );
    for (const row of rows) {
      found.push({
        vm: row.vm,
        nic: row.nic,
        tsMs: Number(row.ts_ms),
        pos: BigInt(row.pos),
        condition: row.condition,
        hasCounters: row.has_counters !== 0,
        epoch: row.epoch,
        rxBytes: BigInt(row.rx_bytes),
        txBytes: BigInt(row.tx_bytes),
        startedMs: Number(row.started_ms) < 0 ? undefined : Number(row.started_ms),
        linkMbps: row.link_mbps === 0 ? undefined : row.link_mbps,
        isSum: row.is_sum !== 0,
        holdS: row.hold_s === 0 ? undefined : row.hold_s,
        host: row.host,
        part: row.part,
        agent: row.agent,
      });
    }
  }
  return found;
}

interface VersionRow {
  vm: string;
  nic: string;
  ts_ms: string;
  pos: string;
  condition: number;
  has_counters: number;
  epoch: number;
  rx_bytes: string;
  tx_bytes: string;
  started_ms: string;
  link_mbps: number;
  is_sum: number;
  hold_s: number;
  host: string;
  part: number;
  agent: string;
}

/** The condition that a sample in force has counters that count. */
function counts(counted: string, slips: readonly Slip[], ranges: readonly Range[]): string {
  const slip = isSlip(slips, new Set(ranges.map(({ vm }) => vm)));
  return slip === undefined ? `${counted} = 1` : `${counted} = 1 AND NOT ${slip}`;
}

/** The latest samples of each interface within the ranges. @param slips have no counters */
export async function latestIn(
  store: Store,
  ranges: readonly Range[],
  upTo: bigint,
  slips: readonly Slip[] = [],
): Promise<Latest[]> {
  if (ranges.length === 0) return [];
  const rows = await store.rows<Chain & { vm: string; last: string; counters: string | null; state: string | null }>(
    `SELECT vm, nic, host, part, max(ts_ms) AS last, maxOrNullIf(ts_ms, ${counts('counted', slips, ranges)}) AS counters, maxOrNullIf(ts_ms, said != ${NO_STATE}) AS state
     FROM (SELECT vm, nic, host, part, toUnixTimestamp64Milli(ts) AS ts_ms, argMax(has_counters, pos) AS counted, argMax(condition, pos) AS said
           FROM samples WHERE ${inRanges(ranges)} AND pos <= ${upTo} GROUP BY vm, nic, host, part, ts)
     GROUP BY vm, nic, host, part SETTINGS ${LARGE_QUERY}`,
  );
  return rows.map((row) => ({
    vm: row.vm,
    ...chainIn(row),
    lastMs: Number(row.last),
    lastCountersMs: numberOf(row.counters),
    lastStateMs: numberOf(row.state),
  }));
}

function numberOf(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}

/** Of an interface in a range the first sample that says a state, and the first one with counters. */
export interface Earliest extends Chain {
  readonly vm: string;
  readonly firstStateMs: number | undefined;
  readonly firstCountersMs: number | undefined;
}

/** The earliest samples of each interface within the ranges. @param slips have no counters */
export async function earliestIn(
  store: Store,
  ranges: readonly Range[],
  upTo: bigint,
  slips: readonly Slip[] = [],
): Promise<Earliest[]> {
  if (ranges.length === 0) return [];
  const rows = await store.rows<Chain & { vm: string; state: string | null; counters: string | null }>(
    `SELECT vm, nic, host, part, minOrNullIf(ts_ms, said != ${NO_STATE}) AS state, minOrNullIf(ts_ms, ${counts('counted', slips, ranges)}) AS counters
     FROM (SELECT vm, nic, host, part, toUnixTimestamp64Milli(ts) AS ts_ms, argMax(has_counters, pos) AS counted, argMax(condition, pos) AS said
           FROM samples WHERE ${inRanges(ranges)} AND pos <= ${upTo} GROUP BY vm, nic, host, part, ts)
     GROUP BY vm, nic, host, part SETTINGS ${LARGE_QUERY}`,
  );
  return rows.map((row) => ({
    vm: row.vm,
    ...chainIn(row),
    firstStateMs: numberOf(row.state),
    firstCountersMs: numberOf(row.counters),
  }));
}

function chainIn({ nic, host, part }: Chain): Chain {
  return { nic, host, part };
}

/** A chain that has ever had a sample. */
export interface Interface extends Chain {
  readonly vm: string;
  readonly firstMs: number;
  /** The first of any version that says a state. */
  readonly firstStateMs: number | undefined;
  readonly lastMs: number;
}

/** Every chain that has ever had a sample. */
export async function interfacesOf(store: Store, upTo: bigint): Promise<Interface[]> {
  const rows = await store.rows<Chain & { vm: string; first: string; state: string | null; last: string }>(
    `SELECT vm, nic, host, part, min(ts_ms) AS first, minOrNullIf(ts_ms, condition != ${NO_STATE}) AS state, max(ts_ms) AS last
     FROM (SELECT vm, nic, host, part, toUnixTimestamp64Milli(ts) AS ts_ms, condition FROM samples WHERE pos <= ${upTo})
     GROUP BY vm, nic, host, part ORDER BY vm, nic, host, part`,
  );
  return rows.map((row) => ({
    vm: row.vm,
    ...chainIn(row),
    firstMs: Number(row.first),
    firstStateMs: numberOf(row.state),
    lastMs: Number(row.last),
  }));
}

/** Samples in force, in the order of (vm, ts, pos), as NDJSON that the kernel's own decoder reads. @param state what they say of it */
function ndjsonOf(
  store: Store,
  condition: string,
  upTo: bigint,
  after: string,
  rowsMax: number,
  slip: string | undefined,
  state: 'as_said' | 'none' = 'as_said',
): Promise<Uint8Array> {
  const isCounted = slip === undefined ? 'has_counters = 1' : 'has_counters = 1 AND slipped = 0';
  const wanted = [
    ...(after === '' ? [] : [`(vm, ts_ms, pos) > ${after}`]),
    // neither state nor counters are left of such a slip
    ...(slip === undefined ? [] : [`NOT (condition = ${NO_STATE} AND slipped = 1)`]),
  ];
  // asked where the columns have their own names: outside `host` is what the line says, which is nothing at all for none
  const slipped = slip === undefined ? '' : `, ${slip} AS slipped`;
  const said =
    state === 'none'
      ? `'none' AS state, NULL AS cause`
      : `multiIf(condition = 0, 'up', condition = ${NO_STATE}, 'none', 'down') AS state, ${CAUSE} AS cause`;
  return store.ndjson(
    `SELECT vm, nic, nullIf(host, '') AS host, ts_ms AS ts,
            if(${isCounted} AND part != 2, rx_bytes, NULL) AS rx_bytes, if(${isCounted} AND part != 1, tx_bytes, NULL) AS tx_bytes,
            if(started_ms < 0, NULL, started_ms) AS started_at, nullIf(link_mbps, 0) AS link_mbps, if(is_sum = 1, true, NULL) AS sum,
            epoch, ${said}, nullIf(hold_s, 0) AS hold_s, pos
     FROM (SELECT vm, nic, host, part, toUnixTimestamp64Milli(ts) AS ts_ms, pos, condition, has_counters, epoch, rx_bytes, tx_bytes, started_ms, link_mbps, is_sum, hold_s${slipped}
           FROM samples WHERE ${condition} AND pos <= ${upTo}
           ORDER BY vm, nic, host, part, ts, pos DESC LIMIT 1 BY vm, nic, host, part, ts)
     ${wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`}
     ORDER BY vm, ts_ms, pos LIMIT ${rowsMax}
     SETTINGS output_format_json_quote_64bit_integers = 0, ${LARGE_QUERY}`,
  );
}

/** Samples in pieces of a bounded number. */
export interface Piece {
  readonly text: Uint8Array;
  /** The last sample, where there may be more after it. */
  readonly last: { readonly vm: string; readonly tsMs: number } | undefined;
}

/** The samples in force within the ranges, one piece after the other. @param slips come without their counters */
export async function* samplesIn(
  store: Store,
  ranges: readonly Range[],
  upTo: bigint,
  rowsMax: number,
  slips: readonly Slip[] = [],
): AsyncGenerator<Piece> {
  const slip = isSlip(slips, new Set(ranges.map(({ vm }) => vm)));
  let after = '';
  for (;;) {
    const text = await ndjsonOf(store, inRanges(ranges), upTo, after, rowsMax, slip);
    if (text.length === 0) return;
    const line = lastLine(text);
    if (line.rows < rowsMax) {
      yield { text, last: undefined };
      return;
    }
    const last = JSON.parse(line.text) as { vm: string; ts: number; pos: number };
    yield { text, last: { vm: last.vm, tsMs: last.ts } };
    const pos = /"pos":(\d+)}$/.exec(line.text)?.[1] ?? String(last.pos);
    after = `(${literal(last.vm)}, ${last.ts}, ${pos})`;
  }
}

/** What a sample is known by. */
export interface Identity extends Chain {
  readonly vm: string;
  readonly tsMs: number;
}

const IDENTITY_COLUMNS = 'vm String, nic String, host String, part UInt8, ts Int64';

function identityOf({ vm, nic, host, part, tsMs }: Identity): (string | number)[] {
  return [vm, nic, host, part, tsMs];
}

/** The samples in force of these identities. @param slips come without their counters @param state `none`: their counters alone */
export async function samplesAt(
  store: Store,
  identities: readonly Identity[],
  upTo: bigint,
  slips: readonly Slip[],
  state: 'as_said' | 'none' = 'as_said',
): Promise<Uint8Array> {
  if (identities.length === 0) return new Uint8Array(0);
  const ranges = new Map<string, Range>();
  for (const { vm, tsMs } of identities) {
    const own = ranges.get(vm);
    ranges.set(vm, { vm, fromMs: Math.min(tsMs, own?.fromMs ?? tsMs), untilMs: Math.max(tsMs + 1, own?.untilMs ?? 0) });
  }
  const table = tableOf(IDENTITY_COLUMNS, identities.map(identityOf));
  const among = `(vm, nic, host, part, toUnixTimestamp64Milli(ts)) IN (SELECT vm, nic, host, part, ts FROM ${table})`;
  return ndjsonOf(
    store,
    `${inRanges([...ranges.values()])} AND ${among}`,
    upTo,
    '',
    identities.length,
    isSlip(slips, new Set(ranges.keys())),
    state,
  );
}

const CAUSE =
  "transform(condition, [1,2,3,4,5,6,7], [toNullable('provider'),'third_party','maintenance','force_majeure','attack','customer','arrears'], NULL)";

function lastLine(text: Uint8Array): { text: string; rows: number } {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x0a) end--;
  let rows = 1;
  for (let i = bytes.indexOf(0x0a); i !== -1 && i < end; i = bytes.indexOf(0x0a, i + 1)) rows++;
  return { text: bytes.toString('utf8', bytes.lastIndexOf(0x0a, end - 1) + 1, end), rows };
}

/** The start of the run of one condition that the VM's samples are in at `atMs` (which is a sample's ts). */
export async function runStart(store: Store, vm: string, atMs: number, stalenessMs: number, upTo: bigint): Promise<number> {
  const rows = await store.rows<{ start: string }>(
    `SELECT max(ts_ms) AS start FROM (
       SELECT ts_ms, state.1 AS said, lagInFrame(ts_ms, 1, toInt64(-9000000000000000)) OVER w AS before_ms,
              lagInFrame(state, 1, (toUInt8(255), toUInt16(0))) OVER w AS before
       FROM (SELECT ts_ms, argMax(in_force, pos_of) AS state
             FROM (SELECT toUnixTimestamp64Milli(ts) AS ts_ms, argMax((condition, hold_s), pos) AS in_force, max(pos) AS pos_of
                   FROM samples WHERE vm = {vm:String} AND ts <= ${at(atMs)} AND pos <= ${upTo} GROUP BY nic, host, part, ts)
             WHERE in_force.1 != ${NO_STATE} GROUP BY ts_ms)
       WINDOW w AS (ORDER BY ts_ms ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))
     WHERE said != before.1 OR ts_ms - before_ms > if(before.2 = 0, ${stalenessMs}, before.2 * 1000)`,
    { vm },
  );
  return Number(rows[0]?.start ?? atMs);
}
