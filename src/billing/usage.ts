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
}

/** Minutes in force, by VM and interface; the order of the table's key keeps the memory of it small. */
const MINUTES = `
  SELECT vm, nic, toUnixTimestamp(minute) AS m, argMax(rx_bytes, version) AS rx, argMax(tx_bytes, version) AS tx FROM traffic
  WHERE vm IN {vms:Array(String)} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
  GROUP BY vm, nic, minute`;
const IN_ORDER = 'SETTINGS optimize_aggregation_in_order = 1';

/** VMs whose slots are asked for in one statement: a month of one has 9,000. */
const VMS_OF_SLOTS = 50;

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
  return byMinutes(ranges, Infinity, async (same, params) => {
    const rows = await context.store.rows<{ vm: string; nic: string; day: number; r: string; t: string }>(
      `SELECT vm, nic, roundDown(m, {starts:Array(UInt32)}) AS day, sum(toUInt128(rx)) AS r, sum(toUInt128(tx)) AS t
       FROM (${MINUTES}) GROUP BY vm, nic, day ${IN_ORDER}`,
      { ...params, starts },
    );
    const byVm = grouped(rows, (row) => row.vm);
    return same.map((range) => {
      const days = starts.map((): Bytes => ({ rxBytes: 0n, txBytes: 0n }));
      for (const row of byVm.get(range.vm) ?? []) {
        const day = days[dayOf.get(row.day) ?? -1];
        if (day === undefined || range.nics?.includes(row.nic) === false) continue;
        day.rxBytes += BigInt(row.r);
        day.txBytes += BigInt(row.t);
      }
      return days;
    });
  });
}

/** The slots of 5 minutes (UTC grid) with traffic in each range, in the order of the ranges; slots by their number. */
export function trafficSlots(context: QueryContext, ranges: readonly TrafficRange[]): Promise<Map<number, Bytes>[]> {
  return byMinutes(ranges, VMS_OF_SLOTS, async (same, params) => {
    const rows = await context.store.rows<{ vm: string; nic: string; slots: [slot: number, r: string, t: string][] }>(
      `SELECT vm, nic, arraySort(groupArray((slot, r, t))) AS slots FROM (
         SELECT vm, nic, toUInt32(intDiv(m, ${SLOT_MINUTES * 60})) AS slot, sum(toUInt128(rx)) AS r, sum(toUInt128(tx)) AS t
         FROM (${MINUTES}) WHERE rx > 0 OR tx > 0 GROUP BY vm, nic, slot)
       GROUP BY vm, nic ORDER BY vm, nic ${IN_ORDER}`,
      params,
    );
    const byVm = grouped(rows, (row) => row.vm);
    return same.map(({ vm, nics }) => {
      const slots = new Map<number, Bytes>();
      for (const row of byVm.get(vm) ?? []) {
        if (nics?.includes(row.nic) === false) continue;
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
  ask: (same: readonly TrafficRange[], params: { vms: string[]; from: number; to: number }) => Promise<T[]>,
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
      from: seconds(first.fromMinute),
      to: seconds(first.toMinute),
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
