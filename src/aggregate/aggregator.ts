/**
 * The aggregator: (kernel memory, position) and the log in, rows out. One step takes the next records and ends with all of their rows
 * stored: live rows, then new prices, then repairs, then what the watermark publishes. A row's version is the position it was computed
 * at, and what a row says is a function of the log up to there, so a step that is done again after a crash does no harm.
 */
import { Kernel, type Capacity } from '../kernel/kernel.ts';
import { KIND_CATALOG, KIND_SAMPLES, LAYOUT as L, OUTPUTS, type Output } from '../kernel/layout.ts';
import type { LogMark } from '../log/check.ts';
import { LogIdentityError } from '../log/identity.ts';
import { LogError, type LogRecord } from '../log/log.ts';
import { catalogSeqOf, framesOf, samplesIn } from '../log/record.ts';
import { deleteRowsOf } from '../store/delete-rows.ts';
import type { Store } from '../store/store.ts';
import type { AggregatorOptions } from './aggregator-options.ts';
import { Backlog } from './backlog.ts';
import { takeInLate } from './classify.ts';
import { type ForgetContext, forgetUpTo } from './forget.ts';
import { type ForgottenSum, NOTHING_FORGOTTEN, readForgotten } from './forgotten.ts';
import { HeldRows } from './held-rows.ts';
import { type LateSample, readLate } from './late.ts';
import { Pace } from './pace.ts';
import { CapacityError, Pricing } from './pricing.ts';
import { recoverState } from './recovery.ts';
import { type RepairContext, repairSlice, SLICE, VMS_A_CHUNK } from './repair.ts';
import { repriceRows } from './reprice.ts';
import { takeState } from './state.ts';
import type { Progress } from './status.ts';
import { countNew } from './room.ts';
import { drainAll, loadRecords, REPAIRED, REPRICED, SETTLED } from './steps.ts';
import { readStoredProgress, writeStoredProgress } from './stored-progress.ts';
import { firstTsMs } from './vm-state.ts';
import { toldBefore, writeDone, writeWaiting } from './waiting-table.ts';

/** Bytes of records in a step; one record may be larger. */
const STEP_BYTES = 8 * 1024 * 1024;
const STEP_RECORDS = 8192;
/** Rows held in memory before they are inserted in the middle of a step. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** Minutes that samples far from those before them may write in a step; what fills more waits for repair, slice by slice. */
const MINUTES_A_STEP_MAX = 400_000;

const PLANS_MAX = 10_000;
/** Steps whose rows are inserted together when there are many to catch up with, and their rows' bytes. */
const STEPS_TOGETHER_MAX = 64;
const BYTES_TOGETHER_MAX = 32 * 1024 * 1024;

function capacityOf(vmsMax: number, nicsMax: number): Capacity {
  return {
    vms: vmsMax,
    nics: nicsMax,
    plans: PLANS_MAX,
    phases: 4 * vmsMax + 1000,
    inputBytes: 17 * 1024 * 1024,
    framesBytes: 64,
    outputBytes: 8 * 1024 * 1024,
  };
}

interface Stored {
  readonly seq: number;
  readonly clock: bigint;
  readonly counters: readonly bigint[];
  readonly mark: LogMark | undefined;
}

export class Aggregator {
  readonly #options: AggregatorOptions;
  readonly #live: Kernel;
  readonly #workshop: Kernel;
  readonly #pricing: Pricing;
  #nextSeq = 0;
  #storedSamples = 0n;
  #quarantined = 0n;
  #forgotten: ForgottenSum = NOTHING_FORGOTTEN;
  /** Of a partition: what a process that has lost it may have written after it was deleted, until the next checkpoint. */
  readonly #toSweep: { readonly vms: readonly string[]; readonly seq: number }[] = [];
  /** Whether this step has written any, also in the middle of it: their number is then counted anew. */
  #anomaliesWritten = false;
  #checkpointSeq = -1;
  readonly #held: HeldRows;
  /** VMs whose rows may show an earlier catalog, and the record from which on it is safe to write them anew. */
  readonly #toReprice = new Set<string>();
  #repriceFromSeq = 0;
  /** Up to here the store may hold rows of steps that are done again, with other ends. */
  #redoUntilSeq = -1;
  /** The last step whose rows are stored, as it is on record. */
  #stored: Stored = { seq: -1, clock: 0n, counters: [], mark: undefined };
  /** Up to here rows may be stored, which is on record. */
  #reach: { seq: number; check: string } = { seq: -1, check: '' };
  readonly #backlog = new Backlog();
  readonly #pace: Pace | undefined;
  /** VMs that the table of what waits names. */
  readonly #told = new Set<string>();
  /** Named by a process before this one, perhaps in steps that are still to be done again: the table is put right when they are. */
  #toldBefore: { readonly vms: readonly string[]; readonly untilSeq: number } | undefined;
  /** Slices since the last step. */
  #slices = 0;

  constructor(options: AggregatorOptions) {
    this.#options = options;
    // where several processes may work on a log the size of a slice must follow from it
    if (options.pace !== undefined && options.partition === undefined)
      this.#pace = new Pace(options.slice ?? SLICE, options.pace);
    this.#live = this.#newLive();
    this.#workshop = new Kernel({ ...capacityOf(2 * VMS_A_CHUNK, options.nicsMax), framesBytes: 17 * 1024 * 1024 });
    this.#workshop.setConstants(options.constants);
    this.#pricing = new Pricing(options.store, options.partition?.owns);
    this.#held = new HeldRows(options.store, options.faults);
  }

  #newLive(): Kernel {
    const kernel = new Kernel(capacityOf(this.#options.vmsMax, this.#options.nicsMax));
    kernel.setConstants(this.#options.constants);
    kernel.setU32(L.H_ARCHIVE, 1);
    return kernel;
  }

  /** Brings the state back: from the newest checkpoint that is whole, else from the whole log, else from the archive. */
  async recover(): Promise<void> {
    const found = await recoverState(this.#options, this.#repairContext());
    this.#nextSeq = found.nextSeq;
    this.#checkpointSeq = found.checkpointSeq;
    this.#redoUntilSeq = found.redoUntilSeq;
    for (const vm of found.toReprice) this.#toReprice.add(vm);
    this.#repriceFromSeq = found.repriceFromSeq;
    if (this.#options.partition === undefined) {
      this.#quarantined = await countQuarantined(this.#options.store);
      this.#forgotten = await readForgotten(this.#options.store);
    }
    for (const { vm } of this.#backlog.all()) this.#told.add(vm);
    this.#toldBefore = await toldBefore(this.#options.store, this.#options.partition?.owns);
    await this.#beginRecord();
    this.#countStored();
  }

  /** What is on record of a log that says of itself where it is. */
  async #beginRecord(): Promise<void> {
    const { log, store, partition } = this.#options;
    if (partition !== undefined || log.mark === undefined) return;
    const last = await readStoredProgress(store, 0, log.identity?.logId);
    if (last !== undefined) this.#reach = { seq: last.reach, check: last.reachCheck };
    this.#stored = this.#state();
  }

  #state(): Stored {
    const seq = this.#nextSeq - 1;
    return {
      seq,
      clock: this.#live.i64(L.H_CLOCK),
      counters: this.#live.counters(),
      mark: seq < 0 ? undefined : this.#options.log.mark?.(seq),
    };
  }

  /** Samples up to a record, as the log counts them; without its word those that were taken in, and those given up before it. */
  #samplesUpTo(seq: number): bigint {
    const { log, givenUp = [] } = this.#options;
    const counted = seq < 0 ? undefined : log.mark?.(seq)?.samples;
    if (counted !== undefined) return counted;
    return givenUp.reduce((sum, { from, samples }) => (from <= seq ? sum + samples : sum), this.#live.counter('accepted'));
  }

  /** Has on record that rows of up to this record may be stored from now on: before the first of them is. */
  async #announce(seq: number): Promise<void> {
    const { log, partition } = this.#options;
    if (partition !== undefined || log.mark === undefined || seq <= this.#reach.seq) return;
    await this.#checkStore();
    this.#reach = { seq, check: log.mark(seq)?.check ?? '' };
    await this.#record();
  }

  async #record(): Promise<void> {
    const { store, log } = this.#options;
    const { seq, clock, counters, mark } = this.#stored;
    const { seq: reach, check } = this.#reach;
    // before the first step nothing is stored up to record 0 but the log's id, which brings no rows
    await writeStoredProgress(store, {
      catalogSeq: this.#pricing.seq,
      ...{ seq: Math.max(0, seq), clock, counters, mark, logId: log.identity?.logId ?? '' },
      ...{ reach, reachCheck: check },
    });
    this.#recordedSeq = Math.max(0, seq);
  }

  /** The newest row of `progress` as this process has written it; undefined before its first. */
  #recordedSeq: number | undefined;

  /** The database must hold what was stored there: one that was restored from another time meanwhile would be gone on with, with a hole. */
  async #checkStore(): Promise<void> {
    const { store, log, storeShared } = this.#options;
    if (storeShared !== true || this.#recordedSeq === undefined) return;
    const found = (await readStoredProgress(store, 0, log.identity?.logId))?.seq ?? -1;
    if (found >= this.#recordedSeq) return;
    throw new LogIdentityError('log_behind', {
      found: `the database says that rows up to record ${found} are stored, and this server has stored them up to record ${this.#recordedSeq}`,
      expected: 'it was emptied or restored from an earlier time while the server runs',
      advice: 'Start the server again: it stores again what the log still holds, or says what it does not',
    });
  }

  #repairContext(): RepairContext {
    const { store, constants } = this.#options;
    return {
      live: this.#live,
      workshop: this.#workshop,
      store,
      pricing: this.#pricing,
      constants,
      backlog: this.#backlog,
      slice: this.#pace?.bounds ?? this.#options.slice ?? SLICE,
    };
  }

  /** Takes in the next records; resolves when their rows are stored. False when there was nothing to do. Throws CapacityError. */
  async step(): Promise<boolean> {
    let steps = 0;
    do {
      try {
        if (!(await this.#takeStep())) break;
      } catch (error) {
        // what was taken in before is stored first
        if (steps === 0 || !(error instanceof CapacityError || isDamage(error))) throw error;
        break;
      }
      steps++;
      // where repair is under way a step takes its time: what it has stored is told before the next
    } while (this.#backlog.size === 0 && steps < STEPS_TOGETHER_MAX && this.#held.bytes < BYTES_TOGETHER_MAX);
    if (steps === 0) return this.repair();
    await this.#insertHeld(this.#nextSeq - 1);
    if (this.#anomaliesWritten && this.#options.partition === undefined)
      this.#quarantined = await countQuarantined(this.#options.store);
    this.#anomaliesWritten = false;
    this.#countStored();
    if (this.#options.partition === undefined && this.#options.log.mark !== undefined) this.#stored = this.#state();
    return true;
  }

  /** Samples that wait for repair can't be asked for yet as what they are. */
  #countStored(): void {
    this.#storedSamples = this.#samplesUpTo(this.#nextSeq - 1) - BigInt(this.#backlog.work.samples);
  }

  /** Stores the rows that are held. @param seq the last record that they come from */
  async #insertHeld(seq: number): Promise<void> {
    if (this.#held.bytes > 0) await this.#announce(seq);
    await this.#held.insert();
  }

  /** Takes in the records of one step; its last rows are held. */
  async #takeStep(): Promise<boolean> {
    const { log, faults, store, partition } = this.#options;
    const records = untilCatalogApplies(log.read(this.#nextSeq, STEP_BYTES, STEP_RECORDS));
    const last = records.at(-1);
    if (last === undefined) return false;
    const live = this.#live;
    const position = BigInt(last.seq) << 16n;
    if (partition !== undefined) this.#checkRoom(records);
    faults.at('before-aggregate');
    loadRecords(live, records);
    live.setU32(L.H_MINUTES_LEFT, this.#options.minutesAStep ?? MINUTES_A_STEP_MAX);
    live.setU32(L.H_REDO, this.#nextSeq <= this.#redoUntilSeq ? 1 : 0);
    await this.#run(last.seq, () => live.exports.aggregate());
    faults.at('after-aggregate');
    const late = readLate(this.#held.takeLate());

    const marks = records.filter((record) => record.payload[0] === KIND_CATALOG).map((record) => catalogSeqOf(record.payload));
    const marked = marks.reduce((latest, seq) => (seq > latest ? seq : latest), -1n);
    // every process that appends marks a change: in a partition what is known already changes nothing
    if (partition === undefined ? marks.length > 0 : marked > this.#pricing.seq) {
      const { vms, changed } = await this.#pricing.refresh(partition === undefined ? undefined : marked);
      for (const vm of vms) this.#toReprice.add(vm);
      if (changed) this.#pricing.writeAll(live);
    }
    if (this.#toReprice.size > 0 && last.seq >= this.#repriceFromSeq) {
      await this.#insertHeld(last.seq);
      await this.#announce(last.seq);
      await repriceRows(live, store, [...this.#toReprice], position | REPRICED);
      this.#toReprice.clear();
    }
    // a checkpoint says which catalog the rows show, and those that wait for their new price don't show it yet
    if (this.#toReprice.size === 0) live.setU64(L.H_CATALOG_SEQ, this.#pricing.seq);
    this.#nextSeq = last.seq + 1;
    this.#slices = 0;
    if (late.length > 0) await this.#putAside(late, position);
    if (this.#backlog.size > 0) {
      await this.#insertHeld(last.seq);
      await this.#announce(last.seq);
      await this.#repairSlice(position);
    }
    if (late.length > 0) await this.#tellWaiting(late, position);
    if (this.#toldBefore !== undefined && last.seq > this.#toldBefore.untilSeq)
      await this.#correctTold(this.#toldBefore.vms, position);
    live.setU64(L.H_VERSION, position | SETTLED);
    await this.#run(last.seq, () => live.exports.settle());
    if (marked > live.u64(L.H_MARKED)) await this.#forget(marked, last.seq);
    return true;
  }

  /** Forgets the names that the catalog's entries up to a mark say, as the last thing of a step. */
  async #forget(marked: bigint, seq: number): Promise<void> {
    const { store, faults, cluster, partition } = this.#options;
    const context: ForgetContext = {
      ...{ store, faults, cluster, live: this.#live, backlog: this.#backlog },
      partition: partition?.id ?? 0,
      owns: partition?.owns ?? (() => true),
      ready: async () => {
        await this.#insertHeld(seq);
        await this.#announce(seq);
      },
    };
    const vms = await forgetUpTo(context, marked, seq);
    if (vms.length === 0) return;
    if (partition !== undefined) this.#toSweep.push({ vms, seq });
    for (const vm of vms) this.#toReprice.delete(vm);
    const told = vms.filter((vm) => this.#told.delete(vm));
    await writeDone(store, context.partition, told, (BigInt(seq) << 16n) | SETTLED);
    // one that came into the catalog since has its place again
    this.#pricing.writeAll(this.#live);
    if (partition === undefined) this.#forgotten = await readForgotten(store);
    this.#anomaliesWritten = true;
  }

  /** Archives late samples; their VMs wait. */
  async #putAside(late: readonly LateSample[], position: bigint): Promise<void> {
    const seq = this.#nextSeq - 1;
    await this.#insertHeld(seq);
    await this.#announce(seq);
    const outcome = await takeInLate(this.#repairContext(), late, position | SETTLED);
    this.#live.addToCounter('duplicate', BigInt(outcome.duplicates));
    this.#live.addToCounter('conflict', BigInt(outcome.conflicts));
    this.#anomaliesWritten = true;
  }

  /** One slice of what waits, as of the step that ended last. */
  async #repairSlice(position: bigint): Promise<void> {
    const { store, faults, partition } = this.#options;
    faults.at('before-repair');
    const end = { upTo: position | SETTLED, version: position | REPAIRED };
    const turn = Number(position >> 16n) + this.#slices++;
    const slice = (): Promise<string[]> => repairSlice(this.#repairContext(), end, turn);
    const done = await (this.#pace === undefined ? slice() : this.#pace.take(slice));
    const told = done.filter((vm) => this.#told.delete(vm));
    // after the rows: whoever asks must not think that they are there before they are
    await writeDone(store, partition?.id ?? 0, told, position | SETTLED);
    this.#anomaliesWritten = true;
    faults.at('after-repair');
  }

  /** Writes down which VMs this step's late samples keep waiting. */
  async #tellWaiting(late: readonly LateSample[], position: bigint): Promise<void> {
    const { store, partition } = this.#options;
    const vms = new Set(late.map(({ vm }) => vm));
    const waiting = [...this.#backlog.all()].filter(({ vm }) => vms.has(vm));
    for (const { vm } of waiting) this.#told.add(vm);
    await writeWaiting(store, partition?.id ?? 0, waiting, position | REPAIRED, ({ slot, lateMs }) =>
      Math.min(lateMs, firstTsMs(this.#live, slot) ?? lateMs),
    );
  }

  /** Those that the table names and that need no repair, as it turned out when their steps were done again. */
  async #correctTold(named: readonly string[], position: bigint): Promise<void> {
    const { store, partition } = this.#options;
    const gone = named.filter((vm) => !this.#backlog.has(vm));
    for (const vm of named) this.#told.add(vm);
    for (const vm of gone) this.#told.delete(vm);
    await writeDone(store, partition?.id ?? 0, gone, position | SETTLED);
    this.#toldBefore = undefined;
  }

  /**
   * Works off a slice of what waits for repair, between steps. False when there is nothing, or when the steps do it: in a partition of a log
   * that several processes may work on, which slice belongs to which step has to follow from the log.
   */
  async repair(): Promise<boolean> {
    if (this.#backlog.size === 0 || this.#options.partition !== undefined || this.#nextSeq === 0) return false;
    const seq = this.#nextSeq - 1;
    const position = BigInt(seq) << 16n;
    await this.#announce(seq);
    await this.#repairSlice(position);
    this.#live.setU64(L.H_VERSION, position | SETTLED);
    await this.#run(seq, () => this.#live.exports.settle());
    await this.#insertHeld(seq);
    if (this.#backlog.size === 0) this.#quarantined = await countQuarantined(this.#options.store);
    this.#anomaliesWritten = false;
    this.#countStored();
    return true;
  }

  /** Throws CapacityError, with nothing taken in, when the records name more than there is room for. */
  #checkRoom(records: readonly LogRecord[]): void {
    const { vmsMax, nicsMax } = this.#options;
    const samples = records.reduce((sum, { payload }) => sum + samplesIn(payload), 0);
    const vms = this.#live.u32(L.H_VMS);
    const nics = this.#live.u32(L.H_NICS);
    if (vms + samples <= vmsMax && nics + samples <= nicsMax) return;
    const added = countNew(
      this.#live,
      ...records.flatMap(({ payload }) => (payload[0] === KIND_SAMPLES ? [framesOf(payload)] : [])),
    );
    if (vms + added.vms <= vmsMax && nics + added.nics <= nicsMax) return;
    throw new CapacityError(
      `the next samples name ${added.vms} new VMs and ${added.nics} new interfaces, and there is room for ${vmsMax - vms} and ${nicsMax - nics}: raise UPTALLY_MAX_VMS or UPTALLY_MAX_NICS`,
    );
  }

  /** Calls the kernel until it is done, emptying its outputs as they fill. */
  async #run(seq: number, call: () => number): Promise<void> {
    const live = this.#live;
    for (let more = 1; more !== 0;) {
      more = call();
      drainAll(live, ALL_OUTPUTS, (output, rows) => {
        this.#held.add(output, rows);
        if (output === 'anomalies') this.#anomaliesWritten = true;
      });
      if (this.#held.bytes > HELD_BYTES_MAX) await this.#insertHeld(seq);
    }
  }

  /**
   * Saves the state as of the last step. Returns the record before which the log is no longer needed, undefined when there was nothing
   * new to save.
   */
  async checkpoint(): Promise<number | undefined> {
    const seq = this.#nextSeq - 1;
    if (seq < 0 || seq === this.#checkpointSeq) return undefined;
    const { checkpoints, partition, log } = this.#options;
    const logId = log.identity?.logId ?? '';
    // the progress of a partition is written with every step
    if (partition === undefined) {
      await this.#checkStore();
      this.#stored = this.#state();
      if (this.#reach.seq < seq) this.#reach = { seq, check: this.#stored.mark?.check ?? '' };
      await this.#record();
    }
    for (const forgotten of this.#toSweep.splice(0))
      await deleteRowsOf(this.#options.store, this.#options.cluster, forgotten.vms, (BigInt(forgotten.seq) << 16n) | SETTLED);
    const oldest = await checkpoints.write(seq, takeState(this.#live, this.#backlog), {
      logId,
      check: log.mark?.(seq)?.check ?? '',
    });
    this.#checkpointSeq = seq;
    return oldest + 1;
  }

  /** Prices may be known before their mark comes up; names are forgotten by marks alone. */
  #appliedCatalogSeq(): bigint {
    const marked = this.#live.u64(L.H_MARKED);
    return this.#options.partition === undefined && marked < this.#pricing.seq ? marked : this.#pricing.seq;
  }

  progress(): Progress {
    const live = this.#live;
    return {
      aggregatedSeq: this.#nextSeq - 1,
      storedSeq: this.#nextSeq - 1,
      aggregatedSamples: this.#samplesUpTo(this.#nextSeq - 1),
      storedSamples: this.#storedSamples,
      clockMs: Number(live.i64(L.H_CLOCK)),
      vms: live.u32(L.H_VMS_SEEN),
      vmSlots: live.u32(L.H_VMS),
      nicSlots: live.u32(L.H_NICS),
      catalogSeq: this.#appliedCatalogSeq(),
      counters: live.counters(),
      quarantined: this.#quarantined,
      forgotten: this.#forgotten,
      checkpointSeq: this.#checkpointSeq,
      waiting: this.#backlog.work,
    };
  }

  /** Others may have taken steps of this partition up to here, with other rows if their program is another. */
  redoUntil(seq: number): void {
    this.#redoUntilSeq = Math.max(this.#redoUntilSeq, seq);
  }

  /** The kernel, for questions about what it knows. */
  get kernel(): Kernel {
    return this.#live;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof LogError && error.code === 'log_corrupt';
}

const ALL_OUTPUTS = Object.keys(OUTPUTS) as Output[];

/** A step ends before samples that come after a change of the catalog, so that every row is priced by what stands before it in the log. */
function untilCatalogApplies(records: readonly LogRecord[]): readonly LogRecord[] {
  const mark = records.find((record) => record.payload[0] === KIND_CATALOG);
  if (mark === undefined) return records;
  // never within the records of one message
  const next = records.findIndex((record) => record.seq > mark.seq && record.payload[0] === KIND_SAMPLES);
  return next === -1 ? records : records.slice(0, next);
}

/** Increases that are quarantined now, in the whole store. */
export async function countQuarantined(store: Store): Promise<bigint> {
  const [row] = await store.rows<{ n: string }>(
    'SELECT count() AS n FROM (SELECT argMax(withdrawn, version) AS gone FROM anomalies WHERE kind = 1 GROUP BY vm, nic, ts) WHERE gone = 0',
  );
  return BigInt(row?.n ?? '0');
}
