/** Bringing an aggregator's state back at a start: from a checkpoint, from the whole log, or from the archive. */
import { LAYOUT as L } from '../kernel/layout.ts';
import { LogError } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import { LogIdentityError } from '../log/identity.ts';
import type { LogReader } from '../log/log.ts';
import type { AggregatorOptions } from './aggregator-options.ts';
import type { Origin } from './checkpoint.ts';
import { lastForgetting, readForgotten } from './forgotten.ts';
import { internVm } from './pricing.ts';
import { type RepairContext, rebuild } from './repair.ts';
import { loadState } from './state.ts';
import { SETTLED } from './steps.ts';
import { readStoredProgress, type StoredProgress } from './stored-progress.ts';
import { readWaiting } from './waiting-table.ts';
import { hold, lastTsMs } from './vm-state.ts';

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
  const checkpointSeq = await loadCheckpoint(options, context);
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
  const progress = await storedProgress(options);
  if (progress !== undefined && options.partition?.isOwnLog?.(progress.logId) === false)
    throw new LogError('log_mismatch', `the stored rows are of log ${progress.logId}, which this database does not name`);
  const stored = progress?.seq ?? -1;
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
function afterGaps({ partition, afterGaps: own }: AggregatorOptions, position: number): number {
  return (partition?.afterGaps ?? own)?.(position) ?? position;
}

function storedProgress({ store, log, partition }: AggregatorOptions): Promise<StoredProgress | undefined> {
  return readStoredProgress(store, partition?.id ?? 0, partition === undefined ? log.identity?.logId : undefined);
}

/** The record that the loaded checkpoint ends with; -1 when none could be used. */
async function loadCheckpoint(options: AggregatorOptions, { live, backlog }: RepairContext): Promise<number> {
  const { checkpoints, log, note, constants, partition } = options;
  // a state beyond what the store has on record is of a time that the store has been set back behind
  const stored = partition === undefined && log.mark !== undefined ? ((await storedProgress(options))?.seq ?? -1) : Infinity;
  for (const seq of await checkpoints.list()) {
    const foreign = whyForeign(log, seq, await checkpoints.originOf?.(seq));
    if (foreign === undefined && seq <= stored) {
      const state = await checkpoints.read(seq);
      const usable = (log.firstSeq ?? log.headSeq()) <= afterGaps(options, seq + 1) && seq < log.headSeq();
      if (state !== undefined && usable && loadState(live, backlog, state)) {
        live.setConstants(constants);
        return seq;
      }
    }
    const why =
      foreign ??
      (seq > stored ? 'the rows up to it are not stored' : 'damaged, of another version or capacity, or not of this log');
    note?.(`checkpoint ${seq} can't be used: ${why}; going on without it`);
  }
  return -1;
}

/** Why a state is not of this log; undefined when it is, as far as the log can say. */
function whyForeign(log: LogReader, seq: number, origin: Origin | undefined): string | undefined {
  const { identity } = log;
  if (identity === undefined || origin === undefined) return undefined;
  if (origin.logId === '')
    return seq < identity.idSeq ? undefined : 'it is of a log of before logs had ids, and this one has one';
  if (origin.logId !== identity.logId) return `it is of log ${origin.logId}, and this is log ${identity.logId}`;
  const here = log.mark?.(seq)?.check;
  return here === undefined || here === origin.check ? undefined : 'the log went on differently there';
}

/** No checkpoint and a log that was trimmed: what was trimmed is in the archive. The VMs are those whose rows may show an earlier catalog. */
async function rebuildFromArchive(
  options: AggregatorOptions,
  context: RepairContext,
): Promise<{ nextSeq: number; vms: Iterable<string> }> {
  const { log, note, partition } = options;
  const { live, pricing } = context;
  const stored = await storedProgress(options);
  checkKept(log, stored === undefined ? undefined : afterGaps(options, stored.seq + 1) - 1);
  if (stored === undefined) throw new Error('nothing is stored to rebuild the state from');
  const { seq } = stored;
  note?.(`no usable checkpoint: rebuilding the state at record ${seq} from the archived samples`);
  await checkArchive(options, stored);
  const { vms } = await pricing.refresh(partition === undefined ? undefined : stored.catalogSeq);
  pricing.writePlans(live);
  const upTo = (BigInt(seq) << 16n) | SETTLED;
  await rebuild(context, { upTo, version: upTo }, partition?.owns);
  await restoreWaiting(context, partition?.owns);
  live.setCounters([...stored.counters]);
  live.setI64(L.H_CLOCK, stored.clock);
  live.setU64(L.H_POSITION, BigInt(seq));
  if (partition !== undefined) live.setU64(L.H_CATALOG_SEQ, stored.catalogSeq);
  live.setU64(L.H_MARKED, partition === undefined ? await lastForgetting(options.store, 0, seq) : stored.catalogSeq);
  return { nextSeq: afterGaps(options, seq + 1), vms };
}

/** What is not stored must be in the log. @param stored the last record whose rows are stored; undefined where the store has no record of any */
export function checkKept(log: LogReader, stored = -1): void {
  const first = log.firstSeq ?? log.headSeq();
  if (stored + 1 >= first) return;
  throw new LogIdentityError('log_behind', {
    found:
      stored < 0
        ? `the log keeps its records from ${first} on, and the database has no record that anything before is stored`
        : `the log keeps its records from ${first} on, and the database holds rows up to record ${stored}`,
    expected: 'the database is empty or of an earlier time than the log, which has given up what is not stored there',
    advice:
      'Restore the newest backup of the database; if there is none, `uptally log accept` goes on without these records and has them on record as lost',
  });
}

/** A state rebuilt from fewer samples than were counted would be another state. */
async function checkArchive({ store, note, partition, samplesExpire }: AggregatorOptions, stored: StoredProgress): Promise<void> {
  if (partition !== undefined) return;
  const [accepted = 0n, duplicate = 0n, conflict = 0n] = stored.counters;
  const applied = accepted - duplicate - conflict;
  const upTo = (BigInt(stored.seq) << 16n) | SETTLED;
  const [row] = await store.rows<{ n: string }>(
    `SELECT sum(n) AS n FROM (SELECT uniqExact(nic, ts) AS n FROM samples WHERE pos <= ${upTo} GROUP BY vm)`,
  );
  const { samples, conflicts } = await readForgotten(store);
  const missing = applied - BigInt(row?.n ?? '0') - (samples - conflicts);
  if (missing <= 0n) return;
  const told = `${applied} distinct samples were counted up to record ${stored.seq}, and ${missing} of them are not stored`;
  // what has expired is no part of the state any more
  if (samplesExpire !== false) note?.(`${told}: expired, if the oldest are older than the retention`);
  else
    throw new LogIdentityError('log_behind', {
      found: told,
      expected: 'samples are kept for good here, so the database has lost some',
      advice: 'Restore the newest backup of the database, or the checkpoints that belong to it',
    });
}

/** What waited for repair goes on waiting: how far the rows of each had come is not known, so they are written from where they began. */
async function restoreWaiting(
  { live, store, backlog }: RepairContext,
  owns: (vm: string) => boolean = () => true,
): Promise<void> {
  for (const waiting of await readWaiting(store)) {
    if (!owns(waiting.vm)) continue;
    const slot = internVm(live, waiting.vm);
    hold(live, slot);
    backlog.restore({ ...waiting, slot, newestMs: Math.max(waiting.newestMs, lastTsMs(live, slot) ?? 0) });
  }
}

/** The last record of which an outage is stored; -1 without any. */
async function lastOutageSeq(store: Store): Promise<number> {
  const [row] = await store.rows<{ latest: string }>('SELECT max(version) AS latest FROM outages');
  return Number(BigInt(row?.latest ?? '0') >> 16n) || -1;
}
