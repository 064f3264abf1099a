/**
 * The aggregator: (kernel memory, position) and the log in, rows out. One step takes the next records and ends with all of their rows
 * stored: live rows, then new prices, then repairs, then what the watermark publishes. A row's version is the position it was computed
 * at, and what a row says is a function of the log up to there, so a step that is done again after a crash does no harm.
 */
import { Kernel } from '../kernel/kernel.ts';
import { KIND_CATALOG, LAYOUT as L, OUTPUTS, type Output } from '../kernel/layout.ts';
import { LogError } from '../log/log.ts';
import { catalogSeqOf } from '../log/record.ts';
import type { AggregatorOptions } from './aggregator-options.ts';
import { forgetUpTo } from './forget.ts';
import { HeldRows } from './held-rows.ts';
import { readLate } from './late.ts';
import { CapacityError, Pricing } from './pricing.ts';
import { recoverState } from './recovery.ts';
import { VMS_A_CHUNK } from './repair-context.ts';
import { repriceRows } from './reprice.ts';
import { capacityOf } from './room.ts';
import { takeState } from './state.ts';
import type { Progress } from './metering-status.ts';
import { StepRepairs } from './step-repairs.ts';
import { drainAll, loadRecords, REPRICED, SETTLED, untilCatalogApplies } from './steps.ts';

/** Bytes of records in a step; one record may be larger. */
const STEP_BYTES = 8 * 1024 * 1024;
const STEP_RECORDS = 8192;
/** Rows held in memory before they are inserted in the middle of a step. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** Minutes that samples far from those before them may write in a step; what fills more waits for repair, slice by slice. */
const MINUTES_A_STEP_MAX = 400_000;

/** Steps whose rows are inserted together when there are many to catch up with, and their rows' bytes. */
const STEPS_TOGETHER_MAX = 64;
const BYTES_TOGETHER_MAX = 32 * 1024 * 1024;

export class Aggregator {
  readonly #options: AggregatorOptions;
  readonly #live: Kernel;
  readonly #pricing: Pricing;
  readonly #held: HeldRows;
  readonly #repairs: StepRepairs;
  #nextSeq = 0;
  #storedSamples = 0n;
  /** Whether this step has written any, also in the middle of it: their number is then counted anew. */
  #anomaliesWritten = false;
  #checkpointSeq = -1;
  /** VMs whose rows may show an earlier catalog, and the record from which on it is safe to write them anew. */
  readonly #toReprice = new Set<string>();
  #repriceFromSeq = 0;
  /** Up to here the store may hold rows of steps that are done again, with other ends. */
  #redoUntilSeq = -1;

  constructor(options: AggregatorOptions) {
    const { store, scope, constants, faults, vmsMax, nicsMax, slice } = options;
    this.#options = options;
    this.#live = new Kernel(capacityOf(vmsMax, nicsMax));
    this.#live.setConstants(constants);
    this.#live.setU32(L.H_ARCHIVE, 1);
    const workshop = new Kernel({ ...capacityOf(2 * VMS_A_CHUNK, nicsMax), framesBytes: 17 * 1024 * 1024 });
    workshop.setConstants(constants);
    this.#pricing = new Pricing(store, scope.owns);
    this.#held = new HeldRows(store, faults);
    this.#repairs = new StepRepairs({
      ...{ live: this.#live, workshop, store, pricing: this.#pricing, constants, scope, faults, slice },
    });
  }

  /** Brings the state back: from the newest checkpoint that is whole, else from the whole log, else from the archive. */
  async recover(): Promise<void> {
    const found = await recoverState(this.#options, this.#repairs.context);
    this.#nextSeq = found.nextSeq;
    this.#checkpointSeq = found.checkpointSeq;
    this.#redoUntilSeq = found.redoUntilSeq;
    for (const vm of found.toReprice) this.#toReprice.add(vm);
    this.#repriceFromSeq = found.repriceFromSeq;
    await this.#repairs.begin();
    await this.#options.scope.begin(this.#live, this.#nextSeq - 1);
    this.#countStored();
  }

  /** Has on record that rows of up to this record may be stored from now on: before the first of them is. */
  #announce(seq: number): Promise<void> {
    return this.#options.scope.announce(seq, this.#pricing.seq);
  }

  #samplesUpTo(seq: number): bigint {
    return this.#options.scope.samplesUpTo(seq, this.#live.counter('accepted'));
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
    } while (this.#repairs.backlog.size === 0 && steps < STEPS_TOGETHER_MAX && this.#held.bytes < BYTES_TOGETHER_MAX);
    if (steps === 0) return this.repair();
    await this.#insertHeld(this.#nextSeq - 1);
    if (this.#anomaliesWritten) await this.#options.scope.recount();
    this.#anomaliesWritten = false;
    this.#countStored();
    this.#options.scope.stepsStored(this.#live, this.#nextSeq - 1);
    return true;
  }

  /** Samples that wait for repair can't be asked for yet as what they are. */
  #countStored(): void {
    this.#storedSamples = this.#samplesUpTo(this.#nextSeq - 1) - BigInt(this.#repairs.backlog.work.samples);
  }

  /** Stores the rows that are held. @param seq the last record that they come from */
  async #insertHeld(seq: number): Promise<void> {
    if (this.#held.bytes > 0) await this.#announce(seq);
    await this.#held.insert();
  }

  /** Takes in the records of one step; its last rows are held. */
  async #takeStep(): Promise<boolean> {
    const { log, faults, store, scope } = this.#options;
    const records = untilCatalogApplies(log.read(this.#nextSeq, STEP_BYTES, STEP_RECORDS));
    const last = records.at(-1);
    if (last === undefined) return false;
    const live = this.#live;
    const position = BigInt(last.seq) << 16n;
    scope.checkRoom(live, records);
    faults.at('before-aggregate');
    loadRecords(live, records);
    live.setU32(L.H_MINUTES_LEFT, this.#options.minutesAStep ?? MINUTES_A_STEP_MAX);
    live.setU32(L.H_REDO, this.#nextSeq <= this.#redoUntilSeq ? 1 : 0);
    await this.#run(last.seq, () => live.exports.aggregate());
    faults.at('after-aggregate');
    const late = readLate(this.#held.takeLate());

    const marks = records.filter((record) => record.payload[0] === KIND_CATALOG).map((record) => catalogSeqOf(record.payload));
    const marked = marks.reduce((latest, seq) => (seq > latest ? seq : latest), -1n);
    const priced = marked === -1n ? undefined : await scope.refreshPrices(this.#pricing, marked);
    for (const vm of priced?.vms ?? []) this.#toReprice.add(vm);
    if (priced?.changed === true) this.#pricing.writeAll(live);
    if (this.#toReprice.size > 0 && last.seq >= this.#repriceFromSeq) {
      await this.#store(last.seq);
      await repriceRows(live, store, [...this.#toReprice], position | REPRICED);
      this.#toReprice.clear();
    }
    // a checkpoint says which catalog the rows show, and those that wait for their new price don't show it yet
    if (this.#toReprice.size === 0) live.setU64(L.H_CATALOG_SEQ, this.#pricing.seq);
    this.#nextSeq = last.seq + 1;
    this.#repairs.stepTaken();
    if (late.length > 0) {
      await this.#store(last.seq);
      await this.#repairs.putAside(late, position);
      this.#anomaliesWritten = true;
    }
    if (this.#repairs.backlog.size > 0) {
      await this.#store(last.seq);
      await this.#repairs.slice(position);
      this.#anomaliesWritten = true;
    }
    if (late.length > 0) await this.#repairs.tell(late, position);
    await this.#repairs.correctTold(last.seq, position);
    live.setU64(L.H_VERSION, position | SETTLED);
    await this.#run(last.seq, () => live.exports.settle());
    if (marked > live.u64(L.H_MARKED)) await this.#forget(marked, last.seq);
    return true;
  }

  /** Stores what is held, and announces what is about to be written beside it. */
  async #store(seq: number): Promise<void> {
    await this.#insertHeld(seq);
    await this.#announce(seq);
  }

  /** Forgets the names that the catalog's entries up to a mark say, as the last thing of a step. */
  async #forget(marked: bigint, seq: number): Promise<void> {
    const { store, faults, cluster, scope } = this.#options;
    const { partition, owns } = scope;
    const vms = await forgetUpTo(
      {
        ...{ store, faults, cluster, partition, owns, live: this.#live, backlog: this.#repairs.backlog },
        ready: () => this.#store(seq),
      },
      marked,
      seq,
    );
    if (vms.length === 0) return;
    for (const vm of vms) this.#toReprice.delete(vm);
    await this.#repairs.waitNoLonger(vms, BigInt(seq) << 16n);
    // one that came into the catalog since has its place again
    this.#pricing.writeAll(this.#live);
    await scope.forgot(vms, seq);
    this.#anomaliesWritten = true;
  }

  /**
   * Works off a slice of what waits for repair, between steps. False when there is nothing, or when only steps do it.
   */
  async repair(): Promise<boolean> {
    if (this.#repairs.backlog.size === 0 || !this.#options.scope.repairsBetweenSteps || this.#nextSeq === 0) return false;
    const seq = this.#nextSeq - 1;
    const position = BigInt(seq) << 16n;
    await this.#announce(seq);
    await this.#repairs.slice(position);
    this.#live.setU64(L.H_VERSION, position | SETTLED);
    await this.#run(seq, () => this.#live.exports.settle());
    await this.#insertHeld(seq);
    if (this.#repairs.backlog.size === 0) await this.#options.scope.recount();
    this.#anomaliesWritten = false;
    this.#countStored();
    return true;
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
    const { checkpoints, scope, log } = this.#options;
    await scope.saving(this.#live, seq, this.#pricing.seq);
    const oldest = await checkpoints.write(seq, takeState(this.#live, this.#repairs.backlog), {
      logId: log.identity?.logId ?? '',
      check: log.mark?.(seq)?.check ?? '',
    });
    this.#checkpointSeq = seq;
    return oldest + 1;
  }

  progress(): Progress {
    const live = this.#live;
    const { scope } = this.#options;
    return {
      aggregatedSeq: this.#nextSeq - 1,
      storedSeq: this.#nextSeq - 1,
      aggregatedSamples: this.#samplesUpTo(this.#nextSeq - 1),
      storedSamples: this.#storedSamples,
      clockMs: Number(live.i64(L.H_CLOCK)),
      vms: live.u32(L.H_VMS_SEEN),
      vmSlots: live.u32(L.H_VMS),
      nicSlots: live.u32(L.H_NICS),
      catalogSeq: scope.appliedCatalogSeq(live.u64(L.H_MARKED), this.#pricing.seq),
      counters: live.counters(),
      quarantined: scope.quarantined,
      forgotten: scope.forgotten,
      checkpointSeq: this.#checkpointSeq,
      waiting: this.#repairs.backlog.work,
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
