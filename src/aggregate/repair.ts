/**
 * Repair: samples that came late, out of order or in conflict are put where they belong by reading their VM's raw samples back from the
 * archive and running them through the kernel again, from the last undisturbed point to the VM's newest sample (SPEC §2: arrival order
 * changes nothing). Rows come out with the version of the step's end, so that they replace what was there.
 */
import type { LogRecord } from '../log/log.ts';
import { samplesRecord } from '../log/record.ts';
import { ARCHIVED_LINES, type Kernel, type Terms } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import { bytesIn, literal, tableOf } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import { type Latest, type Range, interfacesOf, latestIn, runStart, samplesIn, versionsOf } from './archive.ts';
import type { LateSample } from './late.ts';
import { type Pricing, internVm } from './pricing.ts';
import { drainAll, loadRecords, type Sink } from './steps.ts';
import {
  type OutageRow,
  STRUCTURES,
  type StoredSample,
  conflictRow,
  outageRow,
  readOutages,
  sameContent,
  sampleRow,
} from './tables.ts';
import { beganAt, coldAddress, firstTsMs, install, nicsOf, release, vmAddress } from './vm-state.ts';

const MINUTE_MS = 60_000;
/** How far back the samples before a late one are looked for before all of the past is. */
const LOOKBACK_MS = 3_600_000;
/** VMs repaired together: bounds the length of a query … */
export const VMS_A_CHUNK = 1024;
/** … and the minutes that are read again for them: every page of an answer sorts all of it. */
const MINUTES_A_CHUNK = 200_000;
/** Rows held before they are inserted: a silence of months before a late sample makes a row for each of its minutes. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;

export interface RepairContext {
  readonly live: Kernel;
  /** a second kernel of the same terms, empty between repairs */
  readonly workshop: Kernel;
  readonly store: Store;
  readonly pricing: Pricing;
  readonly terms: Terms;
}

export interface RepairOutcome {
  readonly duplicates: number;
  readonly conflicts: number;
}

/** The end of the step that the repair belongs to: what it may see, and the version its rows get. */
export interface StepEnd {
  readonly upTo: bigint;
  readonly version: bigint;
}

/** One VM to be repaired from `t0Ms` on. */
interface Job {
  readonly vm: string;
  readonly slot: number;
  readonly t0Ms: number;
  /** interfaces with counters among what came late */
  readonly nics: ReadonlySet<string>;
}

/** Takes in the samples that the live path put aside in this step. */
export async function repairLate(context: RepairContext, late: readonly LateSample[], end: StepEnd): Promise<RepairOutcome> {
  const { live, store } = context;
  const { fresh, conflicts, duplicates } = classify(late, await versionsOf(store, inOrder(late), end.upTo));
  await store.insertRowBinary('samples', STRUCTURES.samples, fresh.map(sampleRow));
  await store.insertRowBinary(
    'anomalies',
    STRUCTURES.anomalies,
    conflicts.map(([replaced, by]) => conflictRow(replaced, by)),
  );
  const jobs = jobsOf(fresh);
  const repaired = new Set(jobs.map((job) => job.slot));
  for (const { vmSlot } of late) if (!repaired.has(vmSlot)) release(live, vmSlot);
  await repairJobs(context, jobs, end);
  return { duplicates, conflicts: conflicts.length };
}

/**
 * Builds the live state of VMs anew from the archive alone: how a start without checkpoint and log goes.
 * @param owns the VMs that the state is about: positions mean something within one partition only
 */
export async function rebuild(context: RepairContext, end: StepEnd, owns: (vm: string) => boolean = () => true): Promise<void> {
  const { live, store } = context;
  const interfaces = (await interfacesOf(store, end.upTo)).filter(({ vm }) => owns(vm));
  const lastMs = new Map<string, number>();
  for (const each of interfaces) lastMs.set(each.vm, Math.max(each.lastMs, lastMs.get(each.vm) ?? 0));
  const jobs = [...lastMs].map(([vm, t0Ms]) => ({ vm, slot: internVm(live, vm), t0Ms, nics: new Set<string>() }));
  await repairJobs(context, jobs, end, true);
  // only the end of each timeline was read
  for (const { vm, nic, firstMs } of interfaces) beganAt(live, internVm(live, vm), nic, firstMs);
}

async function repairJobs(context: RepairContext, jobs: readonly Job[], end: StepEnd, fromNothing = false): Promise<void> {
  for (const chunk of chunksOf(jobs, Number(context.live.i64(L.H_CLOCK)))) await repairChunk(context, chunk, end, fromNothing);
}

/**
 * Together as many as may be, and neighbours: every question reads whole granules, in which other VMs' samples lie too, and the questions about
 * one chunk read none that those about another do.
 */
function* chunksOf(jobs: readonly Job[], nowMs: number): Generator<readonly Job[]> {
  let chunk: Job[] = [];
  let minutes = 0;
  for (const job of inOrder(jobs)) {
    chunk.push(job);
    minutes += Math.max(1, (nowMs - job.t0Ms) / MINUTE_MS);
    if (chunk.length < VMS_A_CHUNK && minutes < MINUTES_A_CHUNK) continue;
    yield chunk;
    chunk = [];
    minutes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** By VM, as the archive lies. */
function inOrder<T extends { readonly vm: string }>(some: readonly T[]): T[] {
  return [...some].sort((a, b) => (a.vm < b.vm ? -1 : Number(a.vm > b.vm)));
}

/** In the order of the log: a duplicate changes nothing, other content for the same identity replaces what was there. */
function classify(late: readonly LateSample[], archived: readonly StoredSample[]) {
  const key = (s: StoredSample): string => `${s.vm}\n${s.nic}\n${s.tsMs}`;
  const versions = new Map<string, StoredSample[]>();
  for (const version of archived) versions.set(key(version), [...(versions.get(key(version)) ?? []), version]);
  const inForce = new Map<string, StoredSample>();
  const fresh: LateSample[] = [];
  const conflicts: [StoredSample, StoredSample][] = [];
  let duplicates = 0;
  for (const sample of late) {
    const id = key(sample);
    const before = inForce.get(id) ?? versions.get(id)?.findLast((version) => version.pos < sample.pos);
    if (before !== undefined && sameContent(before, sample)) {
      duplicates++;
      continue;
    }
    if (before !== undefined) conflicts.push([before, sample]);
    fresh.push(sample);
    inForce.set(id, sample);
  }
  return { fresh, conflicts, duplicates };
}

function jobsOf(fresh: readonly LateSample[]): Job[] {
  const jobs = new Map<string, { vm: string; slot: number; t0Ms: number; nics: Set<string> }>();
  for (const sample of fresh) {
    const job = jobs.get(sample.vm) ?? { vm: sample.vm, slot: sample.vmSlot, t0Ms: sample.tsMs, nics: new Set<string>() };
    job.t0Ms = Math.min(job.t0Ms, sample.tsMs);
    // a conflict may have taken counters away: its interface's past matters either way
    job.nics.add(sample.nic);
    jobs.set(sample.vm, job);
  }
  return [...jobs.values()];
}

/** For each job the latest samples before an instant, looked for nearby first. */
async function before(
  context: RepairContext,
  jobs: readonly Job[],
  untilMs: ReadonlyMap<string, number>,
  upTo: bigint,
  fromNothing: boolean,
): Promise<Map<string, Latest[]>> {
  const found = new Map<string, Latest[]>();
  const look = async (some: readonly Job[], lookbackMs: number): Promise<void> => {
    const ranges: Range[] = some.map(({ vm }) => {
      const until = untilMs.get(vm) ?? 0;
      return { vm, fromMs: until - lookbackMs, untilMs: until };
    });
    for (const job of some) found.set(job.vm, []);
    for (const latest of await latestIn(context.store, ranges, upTo)) found.get(latest.vm)?.push(latest);
  };
  await look(jobs, LOOKBACK_MS);
  const incomplete = fromNothing
    ? jobs
    : jobs.filter((job) => !isComplete(context.live, job, untilMs.get(job.vm) ?? 0, found.get(job.vm) ?? []));
  if (incomplete.length > 0) await look(incomplete, Infinity);
  return found;
}

/** Was there, for the VM and for each interface that matters after `untilMs`, a sample in what was found, or is there none at all? */
function isComplete(live: Kernel, job: Job, untilMs: number, found: readonly Latest[]): boolean {
  const first = firstTsMs(live, job.slot);
  if (first !== undefined && first < untilMs && found.length === 0) return false;
  return nicsOf(live, job.slot).every((nic) => {
    if (nic.firstTsMs >= untilMs) return true;
    const matters = job.nics.has(nic.name) || (nic.baseTsMs !== undefined && nic.baseTsMs >= untilMs);
    return !matters || found.some((latest) => latest.nic === nic.name && latest.lastCountersMs !== undefined);
  });
}

async function repairChunk(context: RepairContext, jobs: readonly Job[], end: StepEnd, fromNothing: boolean): Promise<void> {
  const { live, workshop, store, pricing } = context;
  // A: the minute in which the first increase or state that can have changed begins
  const t0 = new Map(jobs.map((job) => [job.vm, job.t0Ms]));
  const previous = await before(context, jobs, t0, end.upTo, fromNothing);
  const from = new Map(
    jobs.map(({ vm, t0Ms }) => {
      const starts = (previous.get(vm) ?? []).map((latest) => latest.lastCountersMs ?? t0Ms);
      return [vm, Math.floor(Math.min(t0Ms, ...starts) / MINUTE_MS) * MINUTE_MS];
    }),
  );
  // R: the last samples before A, which decide what A begins with, and what a second opinion at A goes back to
  const undisturbed = await before(context, jobs, from, end.upTo, fromNothing);
  const ranges = jobs.map(({ vm }) => {
    const latest = undisturbed.get(vm) ?? [];
    const starts = latest.flatMap((each) => (each.lastCountersMs === undefined ? [] : [each.lastCountersMs]));
    const lasts = latest.map((each) => each.lastMs);
    // what repeats the last sample of an interface is a duplicate: a state that begins with nothing needs them all
    const states = latest.length === 0 ? [] : [fromNothing ? Math.min(...lasts) : Math.max(...lasts)];
    return { vm, fromMs: Math.min(from.get(vm) ?? 0, ...starts, ...states), untilMs: Infinity };
  });

  workshop.exports.forgetAll();
  pricing.writePlans(workshop);
  for (const { vm } of jobs) {
    const slot = internVm(workshop, vm);
    pricing.writePhases(workshop, slot, vm);
    workshop.setU32(vmAddress(workshop, slot) + L.VM_EMIT_FROM, (from.get(vm) ?? 0) / MINUTE_MS);
  }
  const rows: Rows = { uptime: [], traffic: [], anomalies: [], outages: [] };
  const collect = async (): Promise<void> => {
    drainAll(workshop, COLLECTED, sinkOf(rows));
    if (bytesIn(rows.uptime) + bytesIn(rows.traffic) + bytesIn(rows.anomalies) > HELD_BYTES_MAX) await insertMinutes(store, rows);
  };
  for await (const text of samplesIn(store, ranges, end.upTo)) await feed(workshop, text, end.version, collect);
  await settle(workshop, end.version, collect);
  await insertMinutes(store, rows);
  await withdrawRest(store, jobs, from, end.version);
  await restateOutages(context, jobs, from, ranges, rows.outages, end);
  for (const [i, { vm, slot }] of jobs.entries()) install(live, slot, workshop, internVm(workshop, vm), ranges[i]?.fromMs ?? 0);
}

type Rows = Record<'uptime' | 'traffic' | 'anomalies' | 'outages', Uint8Array[]>;

/** All but the outages, which are compared with those on record first. */
async function insertMinutes(store: Store, rows: Rows): Promise<void> {
  for (const table of ['uptime', 'traffic', 'anomalies'] as const)
    await store.insertRowBinary(table, STRUCTURES[table], rows[table].splice(0));
}

const COLLECTED = ['uptime', 'traffic', 'anomalies', 'outages'] as const;

/** Decodes NDJSON from the archive and aggregates it in the workshop. */
async function feed(workshop: Kernel, text: Uint8Array, version: bigint, collect: () => Promise<void>): Promise<void> {
  const inputMax = workshop.capacity.inputBytes - 4096;
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  let at = 0;
  while (at < bytes.length) {
    let until = Math.min(bytes.length, at + Math.min(inputMax, Math.floor(workshop.capacity.framesBytes / 2)));
    if (until < bytes.length) until = bytes.lastIndexOf(0x0a, until) + 1;
    bytes.copy(workshop.bytes, workshop.u32(L.H_INPUT), at, until);
    const length = until - at;
    workshop.setI64(L.H_NOW, 1n << 60n);
    workshop.setI64(L.H_OLDEST, 0n);
    workshop.setU32(L.H_SAMPLES_MAX, 0xffffffff);
    workshop.setU32(L.H_PATTERN_COUNT, 0);
    if (workshop.exports.decode(length, ARCHIVED_LINES) !== 0 || workshop.u32(L.H_REJECTED) !== 0) {
      throw new Error('the archive holds samples that the kernel does not accept');
    }
    const frames = workshop.bytes.subarray(workshop.u32(L.H_FRAMES), workshop.u32(L.H_FRAMES_END));
    const record: LogRecord = { seq: 0, payload: samplesRecord('', workshop.u32(L.H_ACCEPTED), frames) };
    loadRecords(workshop, [record]);
    workshop.setU64(L.H_VERSION, version);
    for (let more = 1; more !== 0;) {
      more = workshop.exports.aggregate();
      await collect();
    }
    at = until;
  }
  if (workshop.drain('late').length > 0) throw new Error('samples read back in order were put aside as late');
}

/** Publishes, with no watermark, what lags behind each VM's own time. */
async function settle(workshop: Kernel, version: bigint, collect: () => Promise<void>): Promise<void> {
  workshop.setI64(L.H_CLOCK, -(1n << 60n));
  workshop.setU64(L.H_VERSION, version);
  for (let more = 1; more !== 0;) {
    more = workshop.exports.settle();
    await collect();
  }
}

function sinkOf(rows: Rows): Sink {
  return (output, bytes) => {
    if (output !== 'samples' && output !== 'late') rows[output].push(bytes);
  };
}

/** Traffic and quarantined increases after A that the repair did not write again are gone: they get a row that says so. */
async function withdrawRest(
  store: Store,
  jobs: readonly Job[],
  from: ReadonlyMap<string, number>,
  version: bigint,
): Promise<void> {
  const windows = `(SELECT vm, from_s FROM ${tableOf(
    'vm String, from_s UInt32',
    jobs.map(({ vm }) => [vm, (from.get(vm) ?? 0) / 1000]),
  )})`;
  const vms = jobs.map(({ vm }) => literal(vm)).join(', ');
  const earliest = Math.min(...from.values()) / 1000;
  await store.command(
    `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version)
     SELECT vm, nic, minute, 0, 0, ${version}
     FROM (SELECT vm, nic, minute, argMax((rx_bytes, tx_bytes), version) AS bytes, max(version) AS latest
           FROM traffic WHERE vm IN (${vms}) AND minute >= toDateTime(${earliest}, 'UTC') GROUP BY vm, nic, minute) AS old
     INNER JOIN ${windows} AS w USING (vm)
     WHERE toUInt32(minute) >= from_s AND latest < ${version} AND (bytes.1 > 0 OR bytes.2 > 0)`,
  );
  await store.command(
    `INSERT INTO anomalies (vm, nic, ts, kind, pos, a_ts, withdrawn, version)
     SELECT vm, nic, ts, 1, 0, ts, 1, ${version}
     FROM (SELECT vm, nic, ts, argMax(withdrawn, version) AS gone, max(version) AS latest
           FROM anomalies WHERE kind = 1 AND vm IN (${vms}) AND ts > toDateTime(${earliest}, 'UTC') GROUP BY vm, nic, ts) AS old
     INNER JOIN ${windows} AS w USING (vm)
     WHERE toUnixTimestamp64Milli(ts) > toInt64(from_s) * 1000 AND latest < ${version} AND gone = 0`,
  );
}

/** Replaces the outages after A by those that the repair found, joined to what was already running at A. */
async function restateOutages(
  context: RepairContext,
  jobs: readonly Job[],
  from: ReadonlyMap<string, number>,
  ranges: readonly Range[],
  written: readonly Uint8Array[],
  end: StepEnd,
): Promise<void> {
  const { store, workshop, terms } = context;
  const found = new Map<string, Map<number, OutageRow>>(jobs.map(({ vm }) => [vm, new Map<number, OutageRow>()]));
  for (const row of written.flatMap(readOutages)) {
    const own = found.get(row.vm);
    if (row.withdrawn) own?.delete(row.startMs);
    else own?.set(row.startMs, row);
  }
  const rowsOnRecord = await store.rows<{ vm: string; start: string; cond: number }>(
    `SELECT vm, toUnixTimestamp64Milli(start_at) AS start, argMax(condition, version) AS cond
     FROM outages WHERE vm IN (${jobs.map(({ vm }) => literal(vm)).join(', ')})
     GROUP BY vm, start_at HAVING argMax(withdrawn, version) = 0 AND max(version) < ${end.version}`,
  );
  const recorded = new Map<string, { startMs: number; condition: number }[]>(jobs.map(({ vm }) => [vm, []]));
  for (const { vm, start, cond } of rowsOnRecord) recorded.get(vm)?.push({ startMs: Number(start), condition: cond });
  const rows: Buffer[] = [];
  for (const [i, { vm }] of jobs.entries()) {
    const fromMs = from.get(vm) ?? 0;
    const own = found.get(vm) ?? new Map<number, OutageRow>();
    const slot = internVm(workshop, vm);
    const record = vmAddress(workshop, slot);
    // the run at the very beginning of what was read may have begun before it
    const readFromMs = Number(workshop.i64(coldAddress(workshop, slot) + L.COLD_FIRST_TS));
    const first = own.get(readFromMs);
    if (first !== undefined && (ranges[i]?.fromMs ?? 0) > 0) {
      const startMs = await runStart(store, vm, readFromMs, terms.stalenessMs, end.upTo);
      own.delete(readFromMs);
      own.set(startMs, { ...first, startMs });
      for (const run of [record + L.VM_RUN_START, record + L.VM_PREVIOUS_RUN]) {
        if (workshop.i64(run) === BigInt(readFromMs)) workshop.setI64(run, BigInt(startMs));
      }
    }
    for (const row of own.values()) if (row.endMs === 0 || row.endMs > fromMs) rows.push(outageRow(row, end.version));
    for (const { startMs, condition } of recorded.get(vm) ?? []) {
      if (startMs < fromMs || own.has(startMs)) continue;
      rows.push(outageRow({ vm, startMs, endMs: 0, condition, withdrawn: true }, end.version));
    }
  }
  await store.insertRowBinary('outages', STRUCTURES.outages, rows);
}
