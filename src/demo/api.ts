/** The questions of the demo. */
import type { Outage, Status, TrafficRow, UptimeRow } from '../client/shapes/metering.ts';
import type { Uptally } from '../client/uptally.ts';

export interface DemoApi {
  status(): Promise<Status>;
  traffic(vm: string): Promise<TrafficRow[]>;
  uptime(vm: string): Promise<UptimeRow[]>;
  /** Of one VM; none if nothing is known of it yet. */
  outages(vm: string): Promise<Outage[]>;
}

/** `toMs`: where the questions end; both are whole minutes. */
export function demoApi(uptally: Uptally, fromMs: number, toMs: number): DemoApi {
  const range = { from: fromMs, to: toMs };
  return {
    status: () => uptally.status(),
    traffic: (vm) => all(uptally.metering.traffic(vm, { ...range, step: 'minute', by: 'nic' })),
    uptime: (vm) => all(uptally.metering.uptime(vm, { ...range, step: 'minute' })),
    outages: (vm) => all(uptally.metering.outages(vm, range)),
  };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}
