/** Bringing an aggregator's state back at a start: from a checkpoint, from the whole log, or from the archive. */
import { LAYOUT as L } from '../kernel/layout.ts';
import { LogIdentityError } from '../log/identity.ts';
import type { LogReader } from '../log/log.ts';
import type { AggregatorOptions } from './aggregator-options.ts';
import type { Origin } from './checkpoint.ts';
import { internVm } from './pricing.ts';
import { rebuild, recallJumps } from './repair.ts';
import { type RepairContext } from './repair-context.ts';
import type { PricesAtStart } from './scope.ts';
import { loadState } from './state.ts';
import { SETTLED } from './steps.ts';
import { readWaiting } from './waiting-table.ts';
import { hold, lastTsMs } from './vm-state.ts';

export interface Recovered extends PricesAtStart {
  /** The record to go on with. */
  readonly nextSeq: number;
  /** The last record that the checkpoint holds; -1 without one. */
  readonly checkpointSeq: number;
}

/** Fills the live kernel. Throws where log and store don't belong together, or one has lost what only the other could make good. */
export async function recoverState(options: AggregatorOptions, context: RepairContext): Promise<Recovered> {
  const { log, scope } = options;
  const { live, pricing } = context;
  await scope.checkLog();
  const checkpointSeq = await loadCheckpoint(options, context);
  const isRebuilt = checkpointSeq < 0 && log.headSeq() > 0 && (log.firstSeq ?? log.headSeq()) > scope.afterGaps(0);
  const archived = isRebuilt ? await rebuildFromArchive(options, context) : undefined;
  await recallJumps(context, scope.owns);
  const nextSeq = archived?.nextSeq ?? scope.afterGaps(checkpointSeq + 1);
  const prices = await scope.catchUpPrices(live, pricing, archived?.vms ?? []);
  // which silences are on record is not known to a state that was rebuilt
  const redoUntilSeq = Math.max(archived?.nextSeq ?? -1, prices.redoUntilSeq);
  return { ...prices, nextSeq, checkpointSeq, redoUntilSeq };
}

/** The record that the loaded checkpoint ends with; -1 when none could be used. */
async function loadCheckpoint(options: AggregatorOptions, { live, backlog }: RepairContext): Promise<number> {
  const { checkpoints, log, note, constants, scope } = options;
  const newest = await scope.newestUsable();
  for (const seq of await checkpoints.list()) {
    const foreign = whyForeign(log, seq, await checkpoints.originOf?.(seq));
    if (foreign === undefined && seq <= newest) {
      const state = await checkpoints.read(seq);
      const usable = (log.firstSeq ?? log.headSeq()) <= scope.afterGaps(seq + 1) && seq < log.headSeq();
      if (state !== undefined && usable && loadState(live, backlog, state)) {
        live.setConstants(constants);
        return seq;
      }
    }
    const why =
      foreign ??
      (seq > newest ? 'the rows up to it are not stored' : 'damaged, of another version or capacity, or not of this log');
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
  const { log, note, scope } = options;
  const { live, pricing } = context;
  const stored = await scope.storedProgress();
  checkKept(log, stored === undefined ? undefined : scope.afterGaps(stored.seq + 1) - 1);
  if (stored === undefined) throw new Error('nothing is stored to rebuild the state from');
  const { seq } = stored;
  note?.(`no usable checkpoint: rebuilding the state at record ${seq} from the archived samples`);
  await scope.checkArchive(stored);
  const { vms } = await pricing.refresh(scope.pricedBy(stored));
  pricing.writePlans(live);
  const upTo = (BigInt(seq) << 16n) | SETTLED;
  await rebuild(context, { upTo, version: upTo }, scope.owns);
  await restoreWaiting(context, scope.owns);
  live.setCounters([...stored.counters]);
  live.setI64(L.H_CLOCK, stored.clock);
  live.setU64(L.H_POSITION, BigInt(seq));
  await scope.restoreMarks(live, stored);
  return { nextSeq: scope.afterGaps(seq + 1), vms };
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

/** What waited for repair goes on waiting: how far the rows of each had come is not known, so they are written from where they began. */
async function restoreWaiting({ live, store, backlog }: RepairContext, owns: (vm: string) => boolean): Promise<void> {
  for (const waiting of await readWaiting(store)) {
    if (!owns(waiting.vm)) continue;
    const slot = internVm(live, waiting.vm);
    hold(live, slot);
    backlog.restore({ ...waiting, slot, newestMs: Math.max(waiting.newestMs, lastTsMs(live, slot) ?? 0) });
  }
}
