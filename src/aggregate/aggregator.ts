/**
 * The aggregator: (kernel memory, position) and the log in, rows out. One step takes the next records and ends with all of their rows
 * stored: live rows, then new prices, then repairs, then what the watermark publishes. A row's version is the position it was computed
 * at, and what a row says is a function of the log up to there, so a step that is done again after a crash does no harm.
 */
import type { Faults } from '../faults.ts';
import { Kernel, type Capacity, type Terms } from '../kernel/kernel.ts';
import { KIND_CATALOG, KIND_SAMPLES, LAYOUT as L, OUTPUTS, type Output } from '../kernel/layout.ts';
import { takeSnapshot } from '../kernel/snapshot.ts';
import type { LogMark } from '../log/check.ts';
import { LogIdentityError } from '../log/identity.ts';
import { LogError, type LogReader, type LogRecord } from '../log/log.ts';
import { catalogSeqOf, framesOf, samplesIn } from '../log/record.ts';
import type { Store } from '../store/store.ts';
import type { Checkpoints } from './checkpoint.ts';
import { HeldRows } from './held-rows.ts';
import { readLate } from './late.ts';
import { CapacityError, Pricing } from './pricing.ts';
import { recoverState } from './recovery.ts';
import { type RepairContext, repairLate, VMS_A_CHUNK } from './repair.ts';
import { repriceRows } from './reprice.ts';
import type { Progress } from './status.ts';
import { countNew } from './room.ts';
import { drainAll, loadRecords, REPAIRED, REPRICED, SETTLED } from './steps.ts';
import { readStoredProgress, writeStoredProgress } from './stored-progress.ts';

export interface AggregatorOptions {
  readonly store: Store;
  readonly log: LogReader;
  readonly checkpoints: Checkpoints;
  readonly terms: Terms;
  readonly vmsMax: number;
  readonly nicsMax: number;
  readonly faults: Faults;
  /** told what a start found and did, for the log of the process */
  readonly note?: (message: string) => void;
  /** One partition of a log that says itself where steps end. Left out: all of a log that only this process reads. */
  readonly partition?: Partition;
  /** Samples that are in the log's count and were given up, each with the record from which on they are missing. */
  readonly givenUp?: readonly { readonly from: number; readonly samples: bigint }[];
  /** Whether raw samples are given up when they are old; left out: they may be. */
  readonly samplesExpire?: boolean;
  /** The store may be changed by others under this process: it is looked at before each step. */
  readonly storeShared?: boolean;
}

/**
 * What makes the rows of a partition a function of the log alone, so that several processes may work on it one after the other, or by
 * mistake together: steps end where the log says, and prices are those of the marks, not of what the catalog holds when it is read.
 */
export interface Partition {
  readonly id: number;
  readonly owns: (vm: string) => boolean;
  /** The first position from this one on of which something is expected: what an operator let pass is left out. Left out: the same. */
  readonly afterGaps?: (position: number) => number;
}

/** Bytes of records in a step; one record may be larger. */
const STEP_BYTES = 8 * 1024 * 1024;
const STEP_RECORDS = 8192;
/** Rows held in memory before they are inserted in the middle of a step. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;

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

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#live = this.#newLive();
    this.#workshop = new Kernel({ ...capacityOf(2 * VMS_A_CHUNK, options.nicsMax), framesBytes: 17 * 1024 * 1024 });
    this.#workshop.setTerms(options.terms);
    this.#pricing = new Pricing(options.store, options.partition?.owns);
    this.#held = new HeldRows(options.store, options.faults);
  }

  #newLive(): Kernel {
    const kernel = new Kernel(capacityOf(this.#options.vmsMax, this.#options.nicsMax));
    kernel.setTerms(this.#options.terms);
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
    if (this.#options.partition === undefined) this.#quarantined = await countQuarantined(this.#options.store);
    await this.#beginRecord();
    this.#storedSamples = this.#samplesUpTo(this.#nextSeq - 1);
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
    const { store, terms } = this.#options;
    return { live: this.#live, workshop: this.#workshop, store, pricing: this.#pricing, terms };
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
    } while (steps < STEPS_TOGETHER_MAX && this.#held.bytes < BYTES_TOGETHER_MAX);
    if (steps === 0) return false;
    await this.#insertHeld(this.#nextSeq - 1);
    if (this.#anomaliesWritten && this.#options.partition === undefined)
      this.#quarantined = await countQuarantined(this.#options.store);
    this.#anomaliesWritten = false;
    this.#storedSamples = this.#samplesUpTo(this.#nextSeq - 1);
    if (this.#options.partition === undefined && this.#options.log.mark !== undefined) this.#stored = this.#state();
    return true;
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
    if (late.length > 0) {
      await this.#insertHeld(last.seq);
      await this.#announce(last.seq);
      faults.at('before-repair');
      const outcome = await repairLate(this.#repairContext(), late, { upTo: position | SETTLED, version: position | REPAIRED });
      live.addToCounter('duplicate', BigInt(outcome.duplicates));
      live.addToCounter('conflict', BigInt(outcome.conflicts));
      faults.at('after-repair');
    }
    live.setU64(L.H_VERSION, position | SETTLED);
    await this.#run(last.seq, () => live.exports.settle());
    if (late.length > 0) this.#anomaliesWritten = true;
    this.#nextSeq = last.seq + 1;
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
    const oldest = await checkpoints.write(seq, takeSnapshot(this.#live), { logId, check: log.mark?.(seq)?.check ?? '' });
    this.#checkpointSeq = seq;
    return oldest + 1;
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
      catalogSeq: this.#pricing.seq,
      counters: live.counters(),
      quarantined: this.#quarantined,
      checkpointSeq: this.#checkpointSeq,
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
