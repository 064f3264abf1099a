/** The part of steps that is repair: late samples put aside, a slice of what waits, and who was told that a VM waits (table `repairs`). */
import type { Kernel, MeteringConstants } from '../kernel/kernel.ts';
import type { Faults } from '../process/faults.ts';
import type { Store } from '../store/store.ts';
import { Backlog } from './backlog.ts';
import { takeInLate } from './classify.ts';
import type { LateSample } from './late.ts';
import { Pace } from './pace.ts';
import type { Pricing } from './pricing.ts';
import { repairSlice } from './repair.ts';
import { type RepairContext, SLICE, type SliceBounds } from './repair-context.ts';
import type { Scope } from './scope.ts';
import { NO_SLIPS } from './slips.ts';
import { REPAIRED, SETTLED } from './steps.ts';
import { firstTsMs } from './vm-state.ts';
import { toldBefore, writeDone, writeWaiting } from './waiting-table.ts';

export interface StepRepairsOptions {
  readonly live: Kernel;
  readonly workshop: Kernel;
  readonly store: Store;
  readonly pricing: Pricing;
  readonly constants: MeteringConstants;
  readonly scope: Scope;
  readonly faults: Faults;
  readonly slice: SliceBounds | undefined;
}

export class StepRepairs {
  readonly backlog = new Backlog();
  readonly #options: StepRepairsOptions;
  readonly #most: SliceBounds;
  readonly #pace: Pace | undefined;
  /** VMs that the table of what waits names. */
  readonly #told = new Set<string>();
  /** Named by a process before this one, perhaps in steps that are still to be done again: the table is put right when they are. */
  #toldBefore: { readonly vms: readonly string[]; readonly untilSeq: number } | undefined;
  /** Slices since the last step. */
  #slices = 0;

  constructor(options: StepRepairsOptions) {
    this.#options = options;
    this.#most = options.slice ?? SLICE;
    if (options.scope.pace !== undefined) this.#pace = new Pace(this.#most, options.scope.pace);
  }

  get context(): RepairContext {
    const { live, workshop, store, pricing, constants } = this.#options;
    const slice = this.#pace?.bounds ?? this.#most;
    return { live, workshop, store, pricing, constants, backlog: this.backlog, slice, slips: NO_SLIPS };
  }

  /** The state is there, with what waits. */
  async begin(): Promise<void> {
    for (const { vm } of this.backlog.all()) this.#told.add(vm);
    this.#toldBefore = await toldBefore(this.#options.store, this.#options.scope.owns);
  }

  /** A step has taken its records in: its slices are counted from here. */
  stepTaken(): void {
    this.#slices = 0;
  }

  /** Archives late samples; their VMs wait. */
  async putAside(late: readonly LateSample[], position: bigint): Promise<void> {
    const { live } = this.#options;
    const outcome = await takeInLate(this.context, late, position | SETTLED);
    live.addToCounter('duplicate', BigInt(outcome.duplicates));
    live.addToCounter('conflict', BigInt(outcome.conflicts));
  }

  /** One slice of what waits, as of the step that ended last. */
  async slice(position: bigint): Promise<void> {
    const { faults } = this.#options;
    faults.at('before-repair');
    const end = { upTo: position | SETTLED, version: position | REPAIRED };
    const turn = Number(position >> 16n) + this.#slices++;
    const slice = (): Promise<string[]> => repairSlice(this.context, end, turn);
    const done = await (this.#pace === undefined ? slice() : this.#pace.take(slice));
    // after the rows: whoever asks must not think that they are there before they are
    await this.waitNoLonger(done, position);
    faults.at('after-repair');
  }

  /** Has on record that VMs wait no longer, of those that are named as waiting. */
  async waitNoLonger(vms: readonly string[], position: bigint): Promise<void> {
    const { store, scope } = this.#options;
    const told = vms.filter((vm) => this.#told.delete(vm));
    await writeDone(store, scope.partition, told, position | SETTLED);
  }

  /** Writes down which VMs a step's late samples keep waiting. */
  async tell(late: readonly LateSample[], position: bigint): Promise<void> {
    const { store, scope, live } = this.#options;
    const vms = new Set(late.map(({ vm }) => vm));
    const waiting = [...this.backlog.all()].filter(({ vm }) => vms.has(vm));
    for (const { vm } of waiting) this.#told.add(vm);
    await writeWaiting(store, scope.partition, waiting, position | REPAIRED, ({ slot, lateMs }) =>
      Math.min(lateMs, firstTsMs(live, slot) ?? lateMs),
    );
  }

  /** Those that the table names and that need no repair, as it turned out when their steps were done again. */
  async correctTold(seq: number, position: bigint): Promise<void> {
    if (this.#toldBefore === undefined || seq <= this.#toldBefore.untilSeq) return;
    const { vms } = this.#toldBefore;
    for (const vm of vms) this.#told.add(vm);
    await this.waitNoLonger(
      vms.filter((vm) => !this.backlog.has(vm)),
      position,
    );
    this.#toldBefore = undefined;
  }
}
