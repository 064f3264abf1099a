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

/** Minutes in force, by VM and interface. */
const MINUTES = `
  SELECT vm, nic, toUnixTimestamp(minute) AS m, argMax(rx_bytes, version) AS rx, argMax(tx_bytes, version) AS tx FROM traffic
  WHERE vm IN {vms:Array(String)} AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
  GROUP BY vm, nic, minute`;

/** The bytes of each range, in the order of the ranges. Ranges of the same minutes share a statement. */
export function trafficTotals(context: QueryContext, ranges: readonly TrafficRange[]): Promise<Bytes[]> {
  return byMinutes(ranges, async (same, params) => {
    const rows = await context.store.rows<{ vm: string; nic: string; r: string; t: string }>(
      `SELECT vm, nic, sum(toUInt128(rx)) AS r, sum(toUInt128(tx)) AS t FROM (${MINUTES}) GROUP BY vm, nic`,
      params,
    );
    return same.map((range) => {
      const mine = rows.filter((row) => row.vm === range.vm && (range.nics?.includes(row.nic) ?? true));
      return {
        rxBytes: mine.reduce((sum, row) => sum + BigInt(row.r), 0n),
        txBytes: mine.reduce((sum, row) => sum + BigInt(row.t), 0n),
      };
    });
  });
}

/** The slots of 5 minutes (UTC grid) with traffic in each range, in the order of the ranges; slots by their number. */
export function trafficSlots(context: QueryContext, ranges: readonly TrafficRange[]): Promise<Map<number, Bytes>[]> {
  return byMinutes(ranges, async (same, params) => {
    const rows = await context.store.rows<{ vm: string; nic: string; slot: number; r: string; t: string }>(
      `SELECT vm, nic, toUInt32(intDiv(m, ${SLOT_MINUTES * 60})) AS slot, sum(toUInt128(rx)) AS r, sum(toUInt128(tx)) AS t
       FROM (${MINUTES}) WHERE rx > 0 OR tx > 0 GROUP BY vm, nic, slot ORDER BY slot`,
      params,
    );
    return same.map((range) => {
      const slots = new Map<number, Bytes>();
      for (const row of rows) {
        if (row.vm !== range.vm || range.nics?.includes(row.nic) === false) continue;
        const slot = slots.get(row.slot) ?? { rxBytes: 0n, txBytes: 0n };
        slots.set(row.slot, { rxBytes: slot.rxBytes + BigInt(row.r), txBytes: slot.txBytes + BigInt(row.t) });
      }
      return slots;
    });
  });
}

async function byMinutes<T>(
  ranges: readonly TrafficRange[],
  ask: (same: readonly TrafficRange[], params: { vms: string[]; from: number; to: number }) => Promise<T[]>,
): Promise<T[]> {
  const groups = new Map<string, TrafficRange[]>();
  for (const range of ranges) {
    const key = `${range.fromMinute} ${range.toMinute}`;
    groups.set(key, [...(groups.get(key) ?? []), range]);
  }
  const answers = new Map<TrafficRange, T>();
  for (const same of groups.values()) {
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
  return ranges.flatMap((range) => answers.get(range) ?? []);
}
