/** What a repair does to rows that it did not write: what is no longer so is withdrawn, and outages are joined to those on record. */
import { CONDITIONS, SILENT } from '../domain/condition.ts';
import type { Kernel, MeteringConstants } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import { literal, tableOf } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import { runStart } from './archive.ts';
import { internVm } from './pricing.ts';
import { type OutageRow, STRUCTURES, outageRow, readOutages } from './tables.ts';
import { coldAddress, holdMs, lastTsMs, vmAddress } from './vm-state.ts';

/** The minutes of a VM that one slice writes: [fromMs, untilMs), and from where on it has read the VM's samples. */
export interface Stretch {
  readonly vm: string;
  readonly fromMs: number;
  /** Infinity when it is the last */
  readonly untilMs: number;
  readonly readMs: number;
}

/**
 * Minutes of states in the stretches that the repair did not write again are wholly silent, or not known at all: what was held there for longer than the
 * staleness, or said by a sample that says none by now. They get a row that says so.
 */
export async function withdrawMinutes(store: Store, jobs: readonly Stretch[], version: bigint): Promise<void> {
  if (jobs.length === 0) return;
  const { windows, minutes } = boundsOf(jobs);
  // nearly always none is left: what the repair has just written is told by its version alone, and nothing else of it is read
  const left = `SELECT vm, minute
     FROM (SELECT vm, minute FROM uptime WHERE ${minutes} GROUP BY vm, minute HAVING max(version) < ${version}) AS old
     INNER JOIN ${windows} AS w USING (vm)
     WHERE toUInt32(minute) >= from_s AND toUInt32(minute) < until_s`;
  await store.command(
    `INSERT INTO uptime (vm, minute, version)
     SELECT vm, minute, ${version}
     FROM (SELECT vm, minute, argMax((${PARTS}), version) AS parts FROM uptime
           WHERE (${minutes}) AND (vm, minute) IN (${left}) GROUP BY vm, minute)
     WHERE parts > 0`,
  );
}

/** Milliseconds of a minute that are not silent. */
const PARTS = CONDITIONS.filter((condition) => condition !== 'silent')
  .map((condition) => `toUInt32(${condition}_ms)`)
  .join(' + ');

/** Up to here stretches are named one by one; more of them are read over from the first to the last, and sorted out afterwards. */
const WINDOWS_MAX = 64;

interface Bounds {
  /** A table of the stretches. */
  readonly windows: string;
  readonly vms: string;
  readonly earliest: number;
  readonly latest: number;
  /** Which rows of a table by VM and minute are to be read: VMs that are repaired far from each other are not read over all that lies between. */
  readonly minutes: string;
}

function boundsOf(jobs: readonly Stretch[]): Bounds {
  const inSeconds = jobs.map(({ vm, fromMs, untilMs }): [string, number, number] => [vm, fromMs / 1000, secondsOf(untilMs)]);
  const windows = `(SELECT vm, from_s, until_s FROM ${tableOf('vm String, from_s UInt32, until_s UInt32', inSeconds)})`;
  const vms = jobs.map(({ vm }) => literal(vm)).join(', ');
  const earliest = Math.min(...inSeconds.map(([, from]) => from));
  const latest = Math.max(...inSeconds.map(([, , until]) => until));
  const byWindow = new Map<string, string[]>();
  for (const [vm, from, until] of inSeconds) {
    const window = `minute >= toDateTime(${from}, 'UTC') AND minute < toDateTime(${until}, 'UTC')`;
    const of = byWindow.get(window);
    if (of === undefined) byWindow.set(window, [literal(vm)]);
    else of.push(literal(vm));
  }
  const minutes =
    byWindow.size > WINDOWS_MAX
      ? `vm IN (${vms}) AND minute >= toDateTime(${earliest}, 'UTC') AND minute < toDateTime(${latest}, 'UTC')`
      : [...byWindow].map(([window, of]) => `(vm IN (${of.join(', ')}) AND ${window})`).join(' OR ');
  return { windows, vms, earliest, latest, minutes };
}

/** As far as a DateTime goes. */
const LAST_S = 0xffffffff;

/** For a column of milliseconds. Compared with whole seconds, parts are left out whose instants lie within the second at a bound (tried with 26.7). */
function instant(seconds: number): string {
  return `fromUnixTimestamp64Milli(toInt64(${seconds * 1000}))`;
}

function secondsOf(ms: number): number {
  return Math.min(LAST_S, ms / 1000);
}

/** Traffic and quarantined increases in the stretches that the repair did not write again are gone: they get a row that says so. */
export async function withdrawRest(store: Store, jobs: readonly Stretch[], version: bigint): Promise<void> {
  const { windows, vms, earliest, latest, minutes } = boundsOf(jobs);
  await store.command(
    `INSERT INTO traffic (vm, nic, host, part, minute, rx_bytes, tx_bytes, version)
     SELECT vm, nic, host, part, minute, 0, 0, ${version}
     FROM (SELECT vm, nic, host, part, minute, argMax((rx_bytes, tx_bytes), version) AS bytes, max(version) AS latest
           FROM traffic WHERE ${minutes} GROUP BY vm, nic, host, part, minute) AS old
     INNER JOIN ${windows} AS w USING (vm)
     WHERE toUInt32(minute) >= from_s AND toUInt32(minute) < until_s AND latest < ${version} AND (bytes.1 > 0 OR bytes.2 > 0)`,
  );
  await store.command(
    `INSERT INTO anomalies (vm, nic, host, part, ts, kind, pos, a_ts, withdrawn, version)
     SELECT vm, nic, host, part, ts, 1, 0, ts, 1, ${version}
     FROM (SELECT vm, nic, host, part, ts, argMax(withdrawn, version) AS gone, max(version) AS latest
           FROM anomalies WHERE kind = 1 AND vm IN (${vms}) AND ts > ${instant(earliest)} AND ts <= ${instant(latest)} GROUP BY vm, nic, host, part, ts) AS old
     INNER JOIN ${windows} AS w USING (vm)
     WHERE toUnixTimestamp64Milli(ts) > toInt64(from_s) * 1000 AND toUnixTimestamp64Milli(ts) <= toInt64(until_s) * 1000 AND latest < ${version} AND gone = 0`,
  );
}

export interface OutageContext {
  readonly store: Store;
  readonly live: Kernel;
  readonly workshop: Kernel;
  readonly constants: MeteringConstants;
}

/**
 * Replaces the outages of the stretches by those that the repair found, joined to what was already running where they begin. One that ends
 * beyond its stretch is left to the slice in which it ends.
 */
export async function restateOutages(
  { store, live, workshop, constants }: OutageContext,
  jobs: readonly Stretch[],
  written: readonly Uint8Array[],
  end: { readonly upTo: bigint; readonly version: bigint },
): Promise<void> {
  const found = new Map<string, Map<number, OutageRow>>(jobs.map(({ vm }) => [vm, new Map<number, OutageRow>()]));
  for (const row of written.flatMap(readOutages)) {
    const own = found.get(row.vm);
    if (row.withdrawn) own?.delete(row.startMs);
    else own?.set(row.startMs, row);
  }
  const recorded = await onRecord(store, jobs, end.version);
  const watermarkMs = Number(live.i64(L.H_CLOCK)) - constants.latenessMs;
  const rows: Buffer[] = [];
  for (const { vm, fromMs, untilMs, readMs } of jobs) {
    const own = found.get(vm) ?? new Map<number, OutageRow>();
    const slot = internVm(workshop, vm);
    const record = vmAddress(workshop, slot);
    // the run at the very beginning of what was read may have begun before it
    const readFromMs = Number(workshop.i64(coldAddress(workshop, slot) + L.COLD_FIRST_TS));
    const first = own.get(readFromMs);
    if (first !== undefined && readMs > 0) {
      const startMs = await runStart(store, vm, readFromMs, constants.stalenessMs, end.upTo);
      own.delete(readFromMs);
      own.set(startMs, { ...first, startMs });
      for (const run of [record + L.VM_RUN_START, record + L.VM_PREVIOUS_RUN]) {
        if (workshop.i64(run) === BigInt(readFromMs)) workshop.setI64(run, BigInt(startMs));
      }
    }
    if (untilMs === Infinity)
      endAsShown(own, vm, lastTsMs(workshop, slot), holdMs(workshop, slot, constants.stalenessMs), watermarkMs);
    for (const row of own.values()) {
      const endMs = row.endMs === 0 ? Infinity : row.endMs;
      // one that ends where the stretch begins may end there because of the first sample in it
      if (endMs >= fromMs && (endMs <= untilMs || untilMs === Infinity)) rows.push(outageRow(row, end.version));
    }
    for (const { startMs, condition } of recorded.get(vm) ?? []) {
      if (startMs < fromMs || startMs >= untilMs || own.has(startMs)) continue;
      rows.push(outageRow({ vm, startMs, endMs: 0, condition, withdrawn: true }, end.version));
    }
  }
  await store.insertRowBinary('outages', STRUCTURES.outages, rows);
}

/**
 * Where the watermark shows a VM as silent that is its only open outage. The settling of the same step says so as well; but after a crash between the two
 * an earlier step may do this repair, and what it settles would stand behind rows of a later version that leave the outage open.
 */
function endAsShown(
  own: Map<number, OutageRow>,
  vm: string,
  lastMs: number | undefined,
  heldMs: number,
  watermarkMs: number,
): void {
  if (lastMs === undefined || watermarkMs <= lastMs + heldMs) return;
  const silentMs = lastMs + heldMs;
  for (const row of own.values()) if (row.endMs === 0) own.set(row.startMs, { ...row, endMs: silentMs });
  own.set(silentMs, { vm, startMs: silentMs, endMs: 0, condition: SILENT, withdrawn: false });
}

/** Outages of versions before this one that begin in the stretches, by VM. */
async function onRecord(
  store: Store,
  jobs: readonly Stretch[],
  version: bigint,
): Promise<ReadonlyMap<string, readonly { startMs: number; condition: number }[]>> {
  const earliest = Math.min(...jobs.map(({ fromMs }) => fromMs)) / 1000;
  const latest = secondsOf(Math.max(...jobs.map(({ untilMs }) => untilMs)));
  const rows = await store.rows<{ vm: string; start: string; cond: number }>(
    `SELECT vm, toUnixTimestamp64Milli(start_at) AS start, argMax(condition, version) AS cond
     FROM outages WHERE vm IN (${jobs.map(({ vm }) => literal(vm)).join(', ')})
       AND start_at >= ${instant(earliest)} AND start_at < ${instant(latest)}
     GROUP BY vm, start_at HAVING argMax(withdrawn, version) = 0 AND max(version) < ${version}`,
  );
  const recorded = new Map<string, { startMs: number; condition: number }[]>(jobs.map(({ vm }) => [vm, []]));
  for (const { vm, start, cond } of rows) recorded.get(vm)?.push({ startMs: Number(start), condition: cond });
  return recorded;
}
