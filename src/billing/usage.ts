import { MINUTE_MS } from '../domain/zone.ts';
import type { QueryContext } from '../query/context.ts';
import { SLOT_MINUTES } from '../rating/percentile.ts';
import type { Bytes } from '../rating/traffic.ts';

/** Minutes of a VM whose traffic is wanted, and of which interfaces; null: all. */
export interface TrafficRange {
  vm: string;
  fromMinute: number;
  toMinute: number;
  nics: readonly string[] | null;
  /** Of these those that a class of traffic takes; left out: all of them. */
  takes?: (nic: string) => boolean;
}

function isOf({ nics, takes }: TrafficRange, nic: string): boolean {
  return nics?.includes(nic) !== false && takes?.(nic) !== false;
}

const RANGE = `vm IN {vms:Array(String)} AND minute >= toDateTime({fromSecond:UInt32}, 'UTC') AND minute < toDateTime({toSecond:UInt32}, 'UTC')`;
/** The versions in force of restated minutes: exact whatever was merged, at seven times the cost of adding up rows. */
const IN_FORCE = `(SELECT vm, nic, minute, argMax(rx_bytes, version) AS rx_bytes, argMax(tx_bytes, version) AS tx_bytes FROM traffic
  WHERE ${RANGE} GROUP BY vm, nic, minute, host, part SETTINGS optimize_aggregation_in_order = 1)`;
/** A VM of which every minute has one row needs no versions compared: `n` rows of `d` minutes say so. */
const AS_STORED = `(SELECT * FROM traffic WHERE ${RANGE})`;
const COUNTS = 'count() AS n, toUInt64(groupBitmap(toUnixTimestamp(minute))) AS d';

/** VMs whose slots are asked for in one statement: a month of one has 9,000. */
const VMS_OF_SLOTS = 50;

interface Params {
  vms: string[];
  fromSecond: number;
  toSecond: number;
}

/** Rows by VM: added up as they are stored, and again from the versions in force for those VMs that have any minute twice. */
async function exactRows<T extends { vm: string; n: string; d: string }>(
  params: Params,
  ask: (source: string, params: Params) => Promise<T[]>,
): Promise<Map<string, T[]>> {
  const byVm = grouped(await ask(AS_STORED, params), (row) => row.vm);
  const restated = [...byVm].filter(([, rows]) => rows.some((row) => row.n !== row.d)).map(([vm]) => vm);
  if (restated.length === 0) return byVm;
  for (const [vm, rows] of grouped(await ask(IN_FORCE, { ...params, vms: restated }), (row) => row.vm)) byVm.set(vm, rows);
  return byVm;
}

/**
 * The bytes of each range by day, in the order of the ranges: day i is [edges[i], edges[i + 1]) in UTC minutes, and the edges
 * span every range. Ranges of the same minutes share a statement.
 */
export function trafficDays(
  context: QueryContext,
  ranges: readonly TrafficRange[],
  edges: readonly number[],
): Promise<Bytes[][]> {
  const starts = edges.slice(0, -1).map((minute) => minute * 60);
  const dayOf = new Map(starts.map((second, day) => [second, day]));
  return byMinutes(ranges, Infinity, async (same, given) => {
    const byVm = await exactRows(given, (source, params) =>
      context.store.rows<{ vm: string; nic: string; day: number; n: string; d: string; r: string; t: string }>(
        `SELECT vm, nic, roundDown(toUnixTimestamp(minute), {starts:Array(UInt32)}) AS day, ${COUNTS},
                sum(toUInt128(rx_bytes)) AS r, sum(toUInt128(tx_bytes)) AS t
         FROM ${source} GROUP BY vm, nic, day`,
        { ...params, starts },
      ),
    );
    return same.map((range) => {
      const days = starts.map((): Bytes => ({ rxBytes: 0n, txBytes: 0n }));
      for (const row of byVm.get(range.vm) ?? []) {
        const day = days[dayOf.get(row.day) ?? -1];
        if (day === undefined || !isOf(range, row.nic)) continue;
        day.rxBytes += BigInt(row.r);
        day.txBytes += BigInt(row.t);
      }
      return days;
    });
  });
}

/** The slots of 5 minutes (UTC grid) with traffic in each range, in the order of the ranges; slots by their number. */
export function trafficSlots(context: QueryContext, ranges: readonly TrafficRange[]): Promise<Map<number, Bytes>[]> {
  return byMinutes(ranges, VMS_OF_SLOTS, async (same, given) => {
    const byVm = await exactRows(given, (source, params) =>
      context.store.rows<{ vm: string; nic: string; n: string; d: string; slots: [slot: number, r: string, t: string][] }>(
        `SELECT vm, nic, sum(n) AS n, sum(d) AS d, groupArrayIf((slot, r, t), r > 0 OR t > 0) AS slots FROM (
           SELECT vm, nic, toUInt32(intDiv(toUnixTimestamp(minute), ${SLOT_MINUTES * 60})) AS slot, ${COUNTS},
                  sum(toUInt128(rx_bytes)) AS r, sum(toUInt128(tx_bytes)) AS t
           FROM ${source} GROUP BY vm, nic, slot)
         GROUP BY vm, nic`,
        { ...params },
      ),
    );
    return same.map((range) => {
      const slots = new Map<number, Bytes>();
      for (const row of byVm.get(range.vm) ?? []) {
        if (!isOf(range, row.nic)) continue;
        for (const [number, r, t] of row.slots) {
          const slot = slots.get(number) ?? { rxBytes: 0n, txBytes: 0n };
          slots.set(number, { rxBytes: slot.rxBytes + BigInt(r), txBytes: slot.txBytes + BigInt(t) });
        }
      }
      return new Map([...slots].sort(([a], [b]) => a - b));
    });
  });
}

/** Asks for ranges of the same minutes together, at most `rangesMax` at a time; the answers are in the order of the ranges. */
async function byMinutes<T>(
  ranges: readonly TrafficRange[],
  rangesMax: number,
  ask: (same: readonly TrafficRange[], params: Params) => Promise<T[]>,
): Promise<T[]> {
  const answers = new Map<TrafficRange, T>();
  const groups = [...grouped(ranges, (range) => `${range.fromMinute} ${range.toMinute}`).values()];
  const parts = groups.flatMap((group) => {
    const size = Math.min(rangesMax, group.length);
    return Array.from({ length: Math.ceil(group.length / size) }, (_, i) => group.slice(i * size, (i + 1) * size));
  });
  for (const same of parts) {
    const [first] = same;
    if (first === undefined) continue;
    const seconds = (minute: number): number => (minute * MINUTE_MS) / 1000;
    const found = await ask(same, {
      vms: [...new Set(same.map((range) => range.vm))],
      fromSecond: seconds(first.fromMinute),
      toSecond: seconds(first.toMinute),
    });
    for (const [i, range] of same.entries()) {
      const answer = found[i];
      if (answer !== undefined) answers.set(range, answer);
    }
  }
  return ranges.map((range) => {
    const answer = answers.get(range);
    if (answer === undefined) throw new Error('a statement left out a range');
    return answer;
  });
}

function grouped<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
