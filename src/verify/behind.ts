/** What is stored now of the VMs of a document, against its evidence: the same, restated since, or damaged. */
import { localDay } from './model/credit.ts';
import { formatInstant } from '../domain/instant.ts';
import { outageAnswer, trafficAnswer } from './answers.ts';
import { disagreedAbout } from './document.ts';
import { type AgreedVm, type Evidence, type EvidenceVm, type RowsAnswer, rowsShape } from './document-shapes.ts';
import type { Reader, RowStream } from './reader.ts';

export interface Period {
  readonly from: number;
  readonly to: number;
}

/** Why a period may come to something else by now, in words; none: everything is as it was when the document was rated. */
export type Restatements = readonly string[];

const SLOT_MS = 300_000;

/** Compares what is stored of every VM with the evidence. Throws `Disagreed` where rows differ that nobody restated. */
export async function compareStored(reader: Reader, name: string, period: Period, evidence: Evidence): Promise<Restatements> {
  const found: string[] = [];
  for (const vm of evidence.agreed.vms) {
    const measured = evidence.vms.find((each) => each.vm === vm.vm);
    if (measured === undefined || vm.rows === null) continue;
    const path = `v1/vms/${encodeURIComponent(vm.vm)}`;
    // The values first, the versions after: rows that are stored meanwhile are then newer than what was compared.
    const outages = await outagesDiffer(reader, path, period, measured, vm);
    const traffic = await trafficDiffers(reader, path, period, measured, vm, evidence);
    const { from, to } = period;
    const now = await reader.get(`${path}/rows?from=${from}&to=${to}`, rowsShape);
    for (const [table, differs] of [
      ['outages', outages],
      ['traffic', traffic],
      ['uptime', null],
    ] as const) {
      const told = judge(name, vm, table, differs, vm.rows[table], now[table]);
      if (told !== null) found.push(told);
    }
  }
  return found;
}

interface Difference {
  readonly atMs: number;
  readonly now: string;
  readonly then: string;
}

/** Rows that differ and of which none is newer were lost or changed by somebody; throws `Disagreed`. Newer ones are told. */
function judge(
  name: string,
  vm: AgreedVm,
  table: keyof RowsAnswer,
  differs: Difference | null,
  then: RowsAnswer['uptime'],
  now: RowsAnswer['uptime'],
): string | null {
  if (now.version > then.version) {
    if (differs === null) return null;
    return `${table} of vm ${vm.vm} were restated: ${differs.then} then, ${differs.now} now`;
  }
  if (differs !== null)
    throw disagreedAbout(name, { vm: vm.vm, field: `${table} behind it`, atMs: differs.atMs }, differs.now, differs.then);
  if (now.rows === then.rows && now.version === then.version) return null;
  const rows = (count: number): string => `${count} ${table} ${count === 1 ? 'row' : 'rows'}`;
  throw disagreedAbout(
    name,
    { vm: vm.vm, field: `${table} behind it` },
    rows(now.rows),
    `${rows(then.rows)}, none restated since`,
  );
}

/** The first outage, as far as was known when it was rated, that is not stored as it was. */
async function outagesDiffer(
  reader: Reader,
  path: string,
  { from, to }: Period,
  measured: EvidenceVm,
  vm: AgreedVm,
): Promise<Difference | null> {
  if (measured.horizon === null) return null;
  const untilMs = Math.min(to, measured.horizon, vm.ends_at ?? to);
  const shown = (start: number, end: number | null, cause: string): string | null => {
    const stop = Math.min(end ?? untilMs, untilMs);
    return start < stop && stop > from ? `${formatInstant(Math.max(start, from))} to ${formatInstant(stop)} ${cause}` : null;
  };
  const stored = await allOf(reader.rows(`${path}/outages`, { from, to }, outageAnswer));
  const now = stored.flatMap((each) => shown(each.start, each.end, each.cause) ?? []);
  const then = measured.outages_reported.flatMap(([start, end, cause]) => shown(start, end, cause) ?? []);
  const at = Array.from({ length: Math.max(now.length, then.length) }).findIndex((_, i) => now[i] !== then[i]);
  if (at === -1) return null;
  const starts = [now[at], then[at]].flatMap((text) => (text === undefined ? [] : Date.parse(text.split(' ', 1)[0] ?? '')));
  return { atMs: Math.min(...starts), now: now[at] ?? 'no outage', then: then[at] ?? 'no outage' };
}

/** The first plan of which the traffic is not stored as it was. */
async function trafficDiffers(
  reader: Reader,
  path: string,
  period: Period,
  measured: EvidenceVm,
  vm: AgreedVm,
  { agreed }: Evidence,
): Promise<Difference | null> {
  for (const { plan, rx_bytes, tx_bytes, slots } of measured.traffic) {
    const body = agreed.plans[plan];
    if (body === undefined) continue;
    const isP95 = body.traffic?.counting === 'p95';
    let [rx, tx] = [0n, 0n];
    const bySlot = new Map<number, [bigint, bigint]>();
    for (const range of onPlan(vm, plan, period)) {
      const aligned = [range.from, range.to].every((ms) => localDay(body.time_zone, ms).fromMs === ms);
      const step = !isP95 && aligned ? { step: 'day', tz: body.time_zone } : { step: 'minute' };
      for (const row of await allOf(reader.rows(`${path}/traffic`, { ...range, ...step, by: 'nic' }, trafficAnswer))) {
        if (vm.nics?.includes(row.nic) === false) continue;
        rx += row.rx_bytes;
        tx += row.tx_bytes;
        const slot = bySlot.get(Math.floor(row.start / SLOT_MS)) ?? [0n, 0n];
        bySlot.set(Math.floor(row.start / SLOT_MS), [slot[0] + row.rx_bytes, slot[1] + row.tx_bytes]);
      }
    }
    const text = (a: bigint, b: bigint): string => `${a} bytes received and ${b} sent on plan ${plan}`;
    const sorted = (list: readonly (readonly [bigint, bigint])[]): string => list.map(String).sort().join(' ');
    if (rx !== rx_bytes || tx !== tx_bytes) return { atMs: period.from, now: text(rx, tx), then: text(rx_bytes, tx_bytes) };
    if (isP95 && sorted([...bySlot.values()]) !== sorted(slots))
      return { atMs: period.from, now: 'other slots of 5 minutes', then: `${slots.length} slots with traffic` };
  }
  return null;
}

/** The times within a period for which a VM was on a plan, in whole minutes. */
function onPlan(vm: AgreedVm, plan: string, { from, to }: Period): Period[] {
  const minute = (ms: number): number => Math.ceil(ms / 60_000) * 60_000;
  const start = Math.max(from, minute(vm.starts_at ?? from));
  const end = Math.min(to, minute(vm.ends_at ?? to));
  return vm.plans.flatMap((each, i) => {
    const range = { from: Math.max(start, minute(each.from)), to: Math.min(end, minute(vm.plans[i + 1]?.from ?? end)) };
    return each.plan === plan && range.from < range.to ? [range] : [];
  });
}

async function allOf<T>(rows: RowStream<T>): Promise<T[]> {
  return rows.takeWhile(() => true);
}
