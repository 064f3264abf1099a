/** Bringing an aggregator's state back at a start: from a checkpoint, from the whole log, or from the archive. */
import type { Kernel } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import { loadSnapshot } from '../kernel/snapshot.ts';
import { LogError } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import type { AggregatorOptions } from './aggregator.ts';
import { type RepairContext, rebuild } from './repair.ts';
import { SETTLED } from './steps.ts';

export interface Recovered {
  /** The record to go on with. */
  readonly nextSeq: number;
  /** The last record that the checkpoint holds; -1 without one. */
  readonly checkpointSeq: number;
  /** Up to here the store may hold rows of steps that are done again, with other ends. */
  readonly redoUntilSeq: number;
  /** VMs whose rows may show an earlier catalog, and the record from which on it is safe to write them anew. */
  readonly toReprice: ReadonlySet<string>;
  readonly repriceFromSeq: number;
}

/** Fills the live kernel. Throws where log and store don't belong together, or one has lost what only the other could make good. */
export async function recoverState(options: AggregatorOptions, context: RepairContext): Promise<Recovered> {
  const { log, store, partition } = options;
  const { live, pricing } = context;
  if (partition !== undefined) await checkLogHoldsStored(options);
  const checkpointSeq = await loadCheckpoint(options, live);
  const found = { checkpointSeq, nextSeq: afterGaps(options, checkpointSeq + 1), repriceFromSeq: 0 };
  const rebuilt = checkpointSeq < 0 && log.headSeq() > 0 && (log.firstSeq ?? log.headSeq()) > afterGaps(options, 0);
  const archived = rebuilt ? await rebuildFromArchive(options, context) : undefined;
  if (archived !== undefined) found.nextSeq = archived.nextSeq;
  // which silences are on record is not known to a state that was rebuilt
  const redoUntilSeq = archived?.nextSeq ?? -1;
  if (partition !== undefined) {
    await pricing.refresh(live.u64(L.H_CATALOG_SEQ));
    pricing.writeAll(live);
    // steps end where they did before, so this is for rows of a version of this program that ended them elsewhere
    return { ...found, redoUntilSeq: Math.max(redoUntilSeq, log.headSeq() - 1), toReprice: new Set() };
  }
  const known = live.u64(L.H_CATALOG_SEQ);
  const toReprice = new Set(archived?.vms);
  // what the checkpoint's rows show already is read first, so that only what is newer counts as changed
  await pricing.refresh(known);
  const { vms } = await pricing.refresh();
  pricing.writeAll(live);
  // rows written before the crash may show an older catalog than the one that is now read; from the head on they can be replaced
  if (pricing.seq > known) {
    for (const vm of vms) toReprice.add(vm);
    found.repriceFromSeq = log.headSeq();
  }
  return { ...found, redoUntilSeq: Math.max(redoUntilSeq, await lastOutageSeq(store)), toReprice };
}

/** A topic that was made anew, or lost its end or what was not stored yet, is not what the stored rows came from. */
async function checkLogHoldsStored(options: AggregatorOptions): Promise<void> {
  const { log } = options;
  const stored = (await storedProgress(options))?.seq ?? -1;
  const next = afterGaps(options, stored + 1);
  const first = log.firstSeq ?? log.headSeq();
  if (next > log.headSeq())
    throw new LogError(
      'log_mismatch',
      `the log ends before message ${log.headSeq()}, and rows up to message ${stored} are stored: it is not the log they came from, or has lost its end`,
    );
  if (first > next)
    throw new LogError(
      'log_mismatch',
      `the log begins at message ${first}, and rows up to message ${stored} are stored: messages ${next} to ${first - 1} were deleted before they were taken in`,
    );
}

/** The first position from this one on of which something is expected. */
function afterGaps({ partition }: AggregatorOptions, position: number): number {
  return partition?.afterGaps?.(position) ?? position;
}

interface StoredProgress {
  readonly seq: number;
  readonly clock: bigint;
  readonly counters: bigint[];
  readonly catalogSeq: bigint;
}

async function storedProgress({ store, partition }: AggregatorOptions): Promise<StoredProgress | undefined> {
  const [row] = await store.rows<{ position: string; clock: string; counters: string[]; catalog_seq: string }>(
    `SELECT position, clock, counters, catalog_seq FROM progress WHERE partition_id = ${partition?.id ?? 0} ORDER BY position DESC, stored_at DESC LIMIT 1`,
  );
  if (row === undefined) return undefined;
  return {
    seq: Number(row.position),
    clock: BigInt(row.clock),
    counters: row.counters.map(BigInt),
    catalogSeq: BigInt(row.catalog_seq),
  };
}

/** The record that the loaded checkpoint ends with; -1 when none could be used. */
async function loadCheckpoint(options: AggregatorOptions, live: Kernel): Promise<number> {
  const { checkpoints, log, note, terms } = options;
  for (const seq of await checkpoints.list()) {
    const state = await checkpoints.read(seq);
    const usable = (log.firstSeq ?? log.headSeq()) <= afterGaps(options, seq + 1) && seq < log.headSeq();
    if (state !== undefined && usable && loadSnapshot(live, state)) {
      live.setTerms(terms);
      return seq;
    }
    note?.(`checkpoint ${seq} can't be used: damaged, of another version or capacity, or not of this log; going on without it`);
  }
  return -1;
}

/** No checkpoint and a log that was trimmed: what was trimmed is in the archive. The VMs are those whose rows may show an earlier catalog. */
async function rebuildFromArchive(
  options: AggregatorOptions,
  context: RepairContext,
): Promise<{ nextSeq: number; vms: Iterable<string> }> {
  const { log, note, partition } = options;
  const { live, pricing } = context;
  const stored = await storedProgress(options);
  if (stored === undefined)
    throw new Error('the log was trimmed, but the store has no record of how far: restore a backup of both');
  const { seq } = stored;
  note?.(`no usable checkpoint: rebuilding the state at record ${seq} from the archived samples`);
  if (afterGaps(options, seq + 1) < (log.firstSeq ?? log.headSeq()))
    throw new Error('the log was trimmed beyond what the store holds: restore a backup of both');
  const { vms } = await pricing.refresh(partition === undefined ? undefined : stored.catalogSeq);
  pricing.writePlans(live);
  const upTo = (BigInt(seq) << 16n) | SETTLED;
  await rebuild(context, { upTo, version: upTo }, partition?.owns);
  live.setCounters(stored.counters);
  live.setI64(L.H_CLOCK, stored.clock);
  live.setU64(L.H_POSITION, BigInt(seq));
  if (partition !== undefined) live.setU64(L.H_CATALOG_SEQ, stored.catalogSeq);
  return { nextSeq: afterGaps(options, seq + 1), vms };
}

/** The last record of which an outage is stored; -1 without any. */
async function lastOutageSeq(store: Store): Promise<number> {
  const [row] = await store.rows<{ latest: string }>('SELECT max(version) AS latest FROM outages');
  return Number(BigInt(row?.latest ?? '0') >> 16n) || -1;
}
