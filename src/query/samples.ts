import { conditionOf, NO_STATE } from '../domain/condition.ts';
import { formatInstant } from '../domain/instant.ts';
import { type Page, type QueryContext, vmsFrom } from './context.ts';

/** A sample as it can be posted again: defaults filled in, counters left out where there were none. */
export interface SampleJson {
  ts: string;
  nic: string;
  host?: string;
  rx_bytes?: bigint;
  tx_bytes?: bigint;
  epoch: number;
  started_at?: string;
  state: 'up' | 'down' | 'none';
  cause?: string;
  hold_s?: number;
  link_mbps?: number;
  sum?: true;
}

export interface SampleFields {
  tsMs: number;
  nic: string;
  host: string;
  /** 0: both counters, or none; 1: rx alone, 2: tx alone. */
  part: number;
  condition: number;
  hasCounters: boolean;
  epoch: number;
  rxBytes: bigint;
  txBytes: bigint;
  startedMs?: number | undefined;
  linkMbps?: number | undefined;
  isSum?: boolean;
  holdS?: number | undefined;
}

export interface SamplePosition {
  vm: string;
  ts: number;
  nic: string;
  host?: string | undefined;
  part?: number | undefined;
}

export function sampleJson(sample: SampleFields): SampleJson {
  return {
    ts: formatInstant(sample.tsMs),
    nic: sample.nic,
    ...(sample.host === '' ? {} : { host: sample.host }),
    ...(sample.hasCounters && sample.part !== 2 ? { rx_bytes: sample.rxBytes } : {}),
    ...(sample.hasCounters && sample.part !== 1 ? { tx_bytes: sample.txBytes } : {}),
    epoch: sample.epoch,
    ...(sample.startedMs === undefined ? {} : { started_at: formatInstant(sample.startedMs) }),
    ...stateJson(sample.condition),
    ...(sample.holdS === undefined ? {} : { hold_s: sample.holdS }),
    ...(sample.linkMbps === undefined ? {} : { link_mbps: sample.linkMbps }),
    ...(sample.isSum === true ? { sum: true } : {}),
  };
}

function stateJson(code: number): Pick<SampleJson, 'state' | 'cause'> {
  if (code === NO_STATE) return { state: 'none' };
  const condition = conditionOf(code);
  return condition === 'up' ? { state: 'up' } : { state: 'down', cause: condition };
}

interface Row {
  v: string;
  n: string;
  o: string;
  h: number;
  t: string;
  p: string;
  f: [
    condition: number,
    hasCounters: number,
    epoch: number,
    rx: string,
    tx: string,
    startedMs: string,
    linkMbps: number,
    isSum: number,
    holdS: number,
    agent: string,
  ];
}

/** A page of the VMs' samples in force (of a conflict, the later one), VM by VM by `ts` and interface, with the agent that posted each. */
export async function samplePage(
  context: QueryContext,
  request: { vms: readonly string[]; fromMs: number; toMs: number; limit: number; after?: SamplePosition | undefined },
): Promise<Page<SampleJson & { vm: string; agent: string; pos: bigint }, SamplePosition>> {
  const { after, toMs } = request;
  const vms = vmsFrom(request.vms, after);
  // The key skips to where the page begins only where the rest is of one VM.
  const fromMs = after === undefined || vms.length > 1 ? request.fromMs : Math.max(request.fromMs, after.ts);
  const where = `vm IN {vms:Array(String)} AND ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       ${after === undefined ? '' : "AND (vm, ts, nic, host, part) > ({afterVm:String}, fromUnixTimestamp64Milli({afterTs:Int64}, 'UTC'), {afterNic:String}, {afterHost:String}, {afterPart:UInt8})"}`;
  const params = {
    from: fromMs,
    ...(after === undefined
      ? {}
      : { afterVm: after.vm, afterTs: after.ts, afterNic: after.nic, afterHost: after.host ?? '', afterPart: after.part ?? 0 }),
  };
  // Where a page ends is found in two columns, so that whole samples are read for this page only.
  const [bound] = await context.store.rows<{ v: string; t: string }>(
    `SELECT vm AS v, toUnixTimestamp64Milli(ts) AS t FROM samples WHERE ${where} ORDER BY vm, ts LIMIT 1 OFFSET {limit:UInt32}`,
    { ...params, vms, to: toMs, limit: request.limit },
  );
  const paged = bound === undefined ? vms : vms.filter((vm) => vm <= bound.v);
  const rows = await context.store.rows<Row>(
    `SELECT vm AS v, nic AS n, host AS o, part AS h, toUnixTimestamp64Milli(ts) AS t, argMax((condition, has_counters, epoch, rx_bytes, tx_bytes, started_ms, link_mbps, is_sum, hold_s, agent), pos) AS f, max(pos) AS p
     FROM samples WHERE ${where} ${bound === undefined ? '' : "AND (vm, ts) <= ({lastVm:String}, fromUnixTimestamp64Milli({lastTs:Int64}, 'UTC'))"}
     GROUP BY vm, nic, host, part, ts ORDER BY vm, ts, nic, host, part LIMIT {limit:UInt32}`,
    {
      ...params,
      vms: paged,
      to: bound !== undefined && paged.length === 1 ? Number(bound.t) + 1 : toMs,
      limit: request.limit + 1,
      ...(bound === undefined ? {} : { lastVm: bound.v, lastTs: bound.t }),
    },
  );
  // With a bound there may be more after it even if this page is not full: conflicts are several rows and one sample.
  const more = rows.length > request.limit || bound !== undefined;
  if (rows.length > request.limit) rows.length = request.limit;
  const last = rows.at(-1);
  return {
    rows: rows.map(
      ({ v, n, o, h, t, p, f: [condition, hasCounters, epoch, rx, tx, startedMs, linkMbps, isSum, holdS, agent] }) => ({
        vm: v,
        ...sampleJson({
          tsMs: Number(t),
          nic: n,
          host: o,
          part: h,
          condition,
          hasCounters: hasCounters === 1,
          epoch,
          rxBytes: BigInt(rx),
          txBytes: BigInt(tx),
          startedMs: Number(startedMs) < 0 ? undefined : Number(startedMs),
          linkMbps: linkMbps === 0 ? undefined : linkMbps,
          isSum: isSum === 1,
          holdS: holdS === 0 ? undefined : holdS,
        }),
        agent,
        pos: BigInt(p),
      }),
    ),
    next: more && last !== undefined ? { vm: last.v, ts: Number(last.t), nic: last.n, host: last.o, part: last.h } : undefined,
  };
}
