import { boundaries, type Step } from '../domain/bucket.ts';
import { MINUTE_MS, type Zone } from '../domain/zone.ts';
import { type Page, type QueryContext, vmsFrom } from './context.ts';

export interface TrafficRequest {
  vms: readonly string[];
  by: 'sum' | 'nic' | 'vm';
  /** Only this interface. */
  nic?: string | undefined;
  zone: Zone;
  step: Step;
  /** Boundaries of the step. */
  fromMinute: number;
  toMinute: number;
  limit: number;
  /** Within the bucket at `fromMinute`, groups up to this one have been given. */
  afterGroup?: string | undefined;
}

export interface TrafficRow {
  startMinute: number;
  /** The interface or the VM, as asked for. */
  group: string;
  rxBytes: bigint;
  txBytes: bigint;
}
export interface TrafficPosition {
  m: number;
  g?: string | undefined;
}
export interface TrafficMinutePosition {
  vm: string;
  m: number;
  g: string;
}

/** Boundaries handed to one statement at most, and statements for one page: a sparse range is walked in pages. */
const BUCKETS_MAX = 10_000;
const STATEMENTS_MAX = 4;

/** A page of traffic sums; buckets without traffic have no row. Minutes that begin at or after a VM's end are left out. */
export async function trafficPage(context: QueryContext, request: TrafficRequest): Promise<Page<TrafficRow, TrafficPosition>> {
  let { fromMinute, afterGroup } = request;
  for (let i = 0; i < STATEMENTS_MAX && fromMinute < request.toMinute; i += 1) {
    // Minutes need no table of boundaries, so the whole range goes in one statement.
    const edges =
      request.step === 'minute'
        ? [fromMinute, request.toMinute]
        : boundaries(request.zone, request.step, fromMinute, request.toMinute, BUCKETS_MAX);
    const untilMinute = edges.at(-1) ?? request.toMinute;
    const rows = await sums(context, request, edges, afterGroup);
    if (rows.length > request.limit) {
      rows.length = request.limit;
      const last = rows.at(-1);
      return { rows, next: last === undefined ? undefined : { m: last.startMinute, g: last.group } };
    }
    if (rows.length > 0) return { rows, next: untilMinute < request.toMinute ? { m: untilMinute } : undefined };
    fromMinute = untilMinute;
    afterGroup = undefined;
  }
  return { rows: [], next: fromMinute < request.toMinute ? { m: fromMinute } : undefined };
}

/** A page of VMs' traffic by minute and interface, VM by VM. */
export async function trafficMinutes(
  context: QueryContext,
  request: { vms: readonly string[]; fromMs: number; toMs: number; limit: number; after?: TrafficMinutePosition | undefined },
): Promise<Page<TrafficRow & { vm: string }, TrafficMinutePosition>> {
  const { after, limit } = request;
  const vms = vmsFrom(request.vms, after);
  const firstMinute = Math.ceil(request.fromMs / MINUTE_MS);
  const fromMinute = after === undefined || vms.length > 1 ? firstMinute : Math.max(firstMinute, after.m);
  const edges = [fromMinute, Math.ceil(request.toMs / MINUTE_MS)];
  const rows = await sums(context, { vms, by: 'vm-nic', step: 'minute', limit, after }, edges, undefined);
  const more = rows.length > limit;
  if (more) rows.length = limit;
  const last = rows.at(-1);
  return { rows, next: more && last !== undefined ? { vm: last.vm, m: last.startMinute, g: last.group } : undefined };
}

interface SumsRequest extends Pick<TrafficRequest, 'vms' | 'nic' | 'step' | 'limit'> {
  /** `vm-nic`: interfaces VM by VM, and those that follow `after`. */
  by: TrafficRequest['by'] | 'vm-nic';
  after?: TrafficMinutePosition | undefined;
}

async function sums(
  context: QueryContext,
  request: SumsRequest,
  edges: readonly number[],
  afterGroup: string | undefined,
): Promise<(TrafficRow & { vm: string })[]> {
  const fromSeconds = (edges[0] ?? 0) * 60;
  const ends = request.vms.flatMap((vm) => {
    const endsAtMs = context.catalog.endsAtMs(vm);
    return endsAtMs === null ? [] : [{ vm, seconds: Math.ceil(endsAtMs / MINUTE_MS) * 60 }];
  });
  const [vm, group] = request.by === 'vm-nic' ? ['vm', 'nic'] : ["''", request.by === 'sum' ? "''" : request.by];
  const { after } = request;
  const bucket = request.step === 'minute' ? 'm' : 'roundDown(m, {starts:Array(UInt32)})';
  const sql = `
    SELECT ${vm} AS v, ${bucket} AS bucket, ${group} AS grp, sum(toUInt128(rx)) AS rx_sum, sum(toUInt128(tx)) AS tx_sum FROM (
      SELECT vm, nic, toUnixTimestamp(minute) AS m, argMax(rx_bytes, version) AS rx, argMax(tx_bytes, version) AS tx
      FROM traffic
      WHERE vm IN {vms:Array(String)} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
        ${request.nic === undefined ? '' : 'AND nic = {nic:String}'}
        ${ends.length === 0 ? '' : 'AND toUnixTimestamp(minute) < transform(vm, {endVms:Array(String)}, {endSeconds:Array(UInt32)}, toUInt32(4294967295))'}
      GROUP BY vm, nic, minute, host, part)
    WHERE rx > 0 OR tx > 0
    GROUP BY v, bucket, grp
    ${afterGroup === undefined ? '' : 'HAVING bucket > {from:UInt32} OR grp > {after:String}'}
    ${after === undefined ? '' : 'HAVING (v, bucket, grp) > ({afterVm:String}, {afterBucket:UInt32}, {after:String})'}
    ORDER BY v, bucket, grp LIMIT {limit:UInt32}
    SETTINGS optimize_aggregation_in_order = 1`;
  const rows = await context.store.rows<{ v: string; bucket: number; grp: string; rx_sum: string; tx_sum: string }>(sql, {
    vms: request.vms,
    from: fromSeconds,
    to: (edges.at(-1) ?? 0) * 60,
    limit: request.limit + 1,
    ...(request.step === 'minute' ? {} : { starts: edges.slice(0, -1).map((minute) => minute * 60) }),
    ...(request.nic === undefined ? {} : { nic: request.nic }),
    ...(afterGroup === undefined ? {} : { after: afterGroup }),
    ...(after === undefined ? {} : { afterVm: after.vm, afterBucket: after.m * 60, after: after.g }),
    ...(ends.length === 0 ? {} : { endVms: ends.map((end) => end.vm), endSeconds: ends.map((end) => end.seconds) }),
  });
  return rows.map((row) => ({
    vm: row.v,
    startMinute: row.bucket / 60,
    group: row.grp,
    rxBytes: BigInt(row.rx_sum),
    txBytes: BigInt(row.tx_sum),
  }));
}
