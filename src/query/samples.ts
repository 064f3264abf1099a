import { conditionOf } from '../domain/condition.ts';
import { formatInstant } from '../domain/instant.ts';
import type { Page, QueryContext } from './context.ts';

/** A sample as it can be posted again: defaults filled in, counters left out where there were none. */
export interface SampleJson {
  ts: string;
  nic: string;
  rx_bytes?: bigint;
  tx_bytes?: bigint;
  epoch: number;
  state: 'up' | 'down';
  cause?: string;
}

export interface SampleFields {
  tsMs: number;
  nic: string;
  condition: number;
  hasCounters: boolean;
  epoch: number;
  rxBytes: bigint;
  txBytes: bigint;
}

export interface SamplePosition {
  ts: number;
  nic: string;
}

export function sampleJson(sample: SampleFields): SampleJson {
  const condition = conditionOf(sample.condition);
  return {
    ts: formatInstant(sample.tsMs),
    nic: sample.nic,
    ...(sample.hasCounters ? { rx_bytes: sample.rxBytes, tx_bytes: sample.txBytes } : {}),
    epoch: sample.epoch,
    ...(condition === 'up' ? { state: 'up' } : { state: 'down', cause: condition }),
  };
}

/** A page of a VM's samples in force (of a conflict, the later one), by `ts` and interface, with the agent that posted each. */
export async function samplePage(
  context: QueryContext,
  request: { vm: string; fromMs: number; toMs: number; limit: number; after?: SamplePosition | undefined },
): Promise<Page<SampleJson & { vm: string; agent: string; pos: bigint }, SamplePosition>> {
  const { after } = request;
  const params = {
    vm: request.vm,
    from: after === undefined ? request.fromMs : Math.max(request.fromMs, after.ts),
    ...(after === undefined ? {} : { afterTs: after.ts, afterNic: after.nic }),
  };
  const where = `vm = {vm:String} AND ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       ${after === undefined ? '' : "AND (ts, nic) > (fromUnixTimestamp64Milli({afterTs:Int64}, 'UTC'), {afterNic:String})"}`;
  // Where a page ends is found in one column, so that whole samples are read for this page only.
  const [bound] = await context.store.rows<{ t: string }>(
    `SELECT toUnixTimestamp64Milli(ts) AS t FROM samples WHERE ${where} ORDER BY ts LIMIT 1 OFFSET {limit:UInt32}`,
    { ...params, to: request.toMs, limit: request.limit },
  );
  const rows = await context.store.rows<{ n: string; t: string; p: string; f: [number, number, number, string, string, string] }>(
    `SELECT nic AS n, toUnixTimestamp64Milli(ts) AS t, argMax((condition, has_counters, epoch, rx_bytes, tx_bytes, agent), pos) AS f, max(pos) AS p
     FROM samples WHERE ${where}
     GROUP BY vm, nic, ts ORDER BY ts, nic LIMIT {limit:UInt32}`,
    { ...params, to: bound === undefined ? request.toMs : Number(bound.t) + 1, limit: request.limit + 1 },
  );
  // With a bound there may be more after it even if this page is not full: conflicts are several rows and one sample.
  const more = rows.length > request.limit || bound !== undefined;
  if (rows.length > request.limit) rows.length = request.limit;
  const last = rows.at(-1);
  return {
    rows: rows.map(({ n, t, p, f: [condition, hasCounters, epoch, rx, tx, agent] }) => ({
      vm: request.vm,
      ...sampleJson({
        tsMs: Number(t),
        nic: n,
        condition,
        hasCounters: hasCounters === 1,
        epoch,
        rxBytes: BigInt(rx),
        txBytes: BigInt(tx),
      }),
      agent,
      pos: BigInt(p),
    })),
    next: more && last !== undefined ? { ts: Number(last.t), nic: last.n } : undefined,
  };
}
