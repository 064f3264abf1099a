import { formatInstant } from '../domain/instant.ts';
import { type Page, type QueryContext, vmsFrom } from './context.ts';
import { type SampleJson, sampleJson } from './samples.ts';

export interface AnomalyJson {
  kind: 'quarantined' | 'conflict';
  vm: string;
  nic: string;
  ts: string;
  /** The earlier sample of a quarantined increase, null where first counters were too fast; the sample that a conflict replaced. */
  a: SampleJson | null;
  /** The later one; the sample in force. */
  b: SampleJson;
}

/** The key of a row in the order of the answer. */
export type AnomalyPosition = [ts: number, vm: string, nic: string, kind: number, pos: string, host: string, part: number];

interface Row {
  v: string;
  n: string;
  o: string;
  h: number;
  t: string;
  k: number;
  p: string;
  a: [string, number, number, number, string, string];
  b: [number, number, number, string, string];
}

/** A page of the quarantined increases and conflicts whose (later) sample lies in the range, by `ts`; of VMs that are named, VM by VM. */
export async function anomalyPage(
  context: QueryContext,
  request: {
    vms?: readonly string[] | undefined;
    fromMs: number;
    toMs: number;
    limit: number;
    after?: AnomalyPosition | undefined;
  },
): Promise<Page<AnomalyJson, AnomalyPosition>> {
  const { after } = request;
  const vms = request.vms && vmsFrom(request.vms, after && { vm: after[1] });
  const order = vms === undefined ? 'ts, vm, nic, kind, pos, host, part' : 'vm, ts, nic, kind, pos, host, part';
  const t = "fromUnixTimestamp64Milli({t:Int64}, 'UTC')";
  const rows = await context.store.rows<Row>(
    `SELECT vm AS v, nic AS n, host AS o, part AS h, toUnixTimestamp64Milli(ts) AS t, kind AS k, pos AS p,
            argMax((toUnixTimestamp64Milli(a_ts), a_condition, a_has_counters, a_epoch, a_rx_bytes, a_tx_bytes), version) AS a,
            argMax((b_condition, b_has_counters, b_epoch, b_rx_bytes, b_tx_bytes), version) AS b
     FROM anomalies
     WHERE ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       ${vms === undefined ? '' : 'AND vm IN {vms:Array(String)}'}
       ${after === undefined ? '' : `AND (${order}) > (${vms === undefined ? `${t}, {v:String}` : `{v:String}, ${t}`}, {n:String}, {k:UInt8}, {p:UInt64}, {o:String}, {h:UInt8})`}
     GROUP BY vm, nic, ts, kind, pos, host, part HAVING argMax(withdrawn, version) = 0
     ORDER BY ${order} LIMIT {limit:UInt32}`,
    {
      from: request.fromMs,
      to: request.toMs,
      limit: request.limit + 1,
      ...(vms === undefined ? {} : { vms }),
      ...(after === undefined
        ? {}
        : { t: after[0], v: after[1], n: after[2], k: after[3], p: after[4], o: after[5], h: after[6] }),
    },
  );
  const more = rows.length > request.limit;
  if (more) rows.length = request.limit;
  const last = rows.at(-1);
  return {
    rows: rows.map(anomalyJson),
    next: more && last !== undefined ? [Number(last.t), last.v, last.n, last.k, last.p, last.o, last.h] : undefined,
  };
}

function anomalyJson({ v, n, o, h, t, k, a, b }: Row): AnomalyJson {
  const [aTs, ...aRest] = a;
  const side = (ts: string, [condition, has, epoch, rx, tx]: [number, number, number, string, string]): SampleJson =>
    sampleJson({
      tsMs: Number(ts),
      nic: n,
      host: o,
      part: h,
      condition,
      hasCounters: has === 1,
      epoch,
      rxBytes: BigInt(rx),
      txBytes: BigInt(tx),
    });
  return {
    kind: k === 1 ? 'quarantined' : 'conflict',
    vm: v,
    nic: n,
    ts: formatInstant(Number(t)),
    a: k === 1 && aRest[1] === 0 ? null : side(aTs, aRest),
    b: side(t, b),
  };
}
