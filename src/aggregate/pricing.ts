/**
 * The catalog as kernels know it: plans with their zones, and the dated plans of VMs. The tables in a kernel's memory are a copy of this;
 * a change of the catalog is taken in when its mark comes up in the log, so that a row's credit belongs to its position.
 */
import { readEntries, type Reading } from '../journal/read.ts';
import { storedDatedPlans } from '../domain/dated-plans.ts';
import type { Entry } from '../journal/entry.ts';
import { type Plan, planBody, planOf } from '../domain/plan.ts';
import type { Zone } from '../domain/zone.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import type { Store } from '../store/store.ts';

/** Plans, and of VMs the dated plans. */
const PRICES: Reading = { plan: 'whole', vm: { member: 'plans' } };

interface Phase {
  readonly fromMs: number;
  readonly plan: string;
}

/** What a refresh changed: VMs whose credit may differ from what their rows say. */
export interface PricingChange {
  readonly vms: ReadonlySet<string>;
  /** Whether the kernels' tables have to be written anew. */
  readonly changed: boolean;
  readonly seq: bigint;
}

const PER = { month: 0, day: 1, hour: 2 } as const;

/** A capacity that the catalog has outgrown: an operating limit, named so that it can be raised. */
export class CapacityError extends Error {}

export class Pricing {
  readonly #store: Store;
  readonly #plans = new Map<string, { slot: number; plan: Plan }>();
  readonly #phases = new Map<string, readonly Phase[]>();
  readonly #vmsByPlan = new Map<string, Set<string>>();
  #seq = 0n;

  readonly #owns: (vm: string) => boolean;

  /** @param owns the VMs that the kernels are about */
  constructor(store: Store, owns: (vm: string) => boolean = () => true) {
    this.#store = store;
    this.#owns = owns;
  }

  get seq(): bigint {
    return this.#seq;
  }

  /**
   * Reads what was recorded since the last time. The kernels' tables are not touched.
   * @param upToSeq leaves out what was recorded later
   */
  async refresh(upToSeq?: bigint): Promise<PricingChange> {
    const vms = new Set<string>();
    let changed = false;
    for await (const page of readEntries(this.#store, PRICES, this.#seq, upToSeq)) {
      for (const entry of page) changed = this.#apply(entry, vms) || changed;
    }
    // a mark stands for all that is recorded up to it, also for what does not concern these kernels
    if (upToSeq !== undefined && upToSeq > this.#seq) this.#seq = upToSeq;
    return { vms, changed, seq: this.#seq };
  }

  /** False if it is nothing to the kernels. Adds the VMs that it may give another price. */
  #apply(entry: Entry, vms: Set<string>): boolean {
    this.#seq = entry.seq;
    if (entry.kind === 'plan') {
      const plan = planOf(entry.id, planBody.parse(JSON.parse(entry.body)));
      const before = this.#plans.get(entry.id);
      this.#plans.set(entry.id, { slot: before?.slot ?? this.#plans.size, plan });
      // Terms, traffic and fees are applied on reading: minutes are worth what they were.
      if (before !== undefined && worthOf(before.plan) === worthOf(plan)) return false;
      for (const vm of this.#vmsByPlan.get(entry.id) ?? []) vms.add(vm);
      return true;
    }
    if (entry.kind !== 'vm' || !this.#owns(entry.id)) return false;
    const plans = storedDatedPlans(entry.body);
    const phases = plans.map((each) => ({ fromMs: each.from, plan: each.plan }));
    const before = this.#phases.get(entry.id);
    this.#phases.set(entry.id, phases);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(phases)) return false;
    for (const each of plans) {
      const on = this.#vmsByPlan.get(each.plan) ?? new Set();
      on.add(entry.id);
      this.#vmsByPlan.set(each.plan, on);
    }
    vms.add(entry.id);
    return true;
  }

  /** Writes every zone and plan into a kernel, and forgets the dated plans of its VMs. */
  writePlans(kernel: Kernel): void {
    const { exports } = kernel;
    exports.clearCatalog();
    const zones = new Map<Zone, number>();
    for (const { slot, plan } of this.#plans.values()) {
      let zone = zones.get(plan.zone);
      if (zone === undefined) {
        zone = writeZone(kernel, plan.zone);
        zones.set(plan.zone, zone);
      }
      const low = Number(plan.priceNanos & 0xffffffffn);
      const high = Number(plan.priceNanos >> 32n);
      const mask = [...plan.creditable].reduce((bits, condition) => bits | (1 << condition), 0);
      if (exports.setPlan(slot, low, high, PER[plan.per], mask, zone) === 0) {
        throw new CapacityError(`the catalog has more plans than the ${kernel.capacity.plans} that there is room for`);
      }
    }
  }

  /** Writes the dated plans of one VM. */
  writePhases(kernel: Kernel, vmSlot: number, vm: string): void {
    for (const phase of this.#phases.get(vm) ?? []) {
      const plan = this.#plans.get(phase.plan);
      if (plan === undefined) throw new Error(`VM ${vm} is on plan ${phase.plan}, which the catalog does not have`);
      const from = BigInt.asUintN(64, BigInt(phase.fromMs));
      if (kernel.exports.addPhase(vmSlot, Number(from & 0xffffffffn), Number(from >> 32n), plan.slot) === 0) {
        throw new CapacityError(`the catalog has more dated plans than the ${kernel.capacity.phases} that there is room for`);
      }
    }
  }

  /** Writes everything: plans, and the dated plans of every VM in the catalog, which gets its place in the kernel if it has none. */
  writeAll(kernel: Kernel): void {
    this.writePlans(kernel);
    for (const vm of this.#phases.keys()) {
      if ((this.#phases.get(vm)?.length ?? 0) === 0) continue;
      if (kernel.u32(L.H_VMS) === kernel.capacity.vms && findVm(kernel, vm) === undefined)
        throw new CapacityError(
          `the catalog has more VMs than the ${kernel.capacity.vms} that there is room for: raise UPTALLY_MAX_VMS`,
        );
      this.writePhases(kernel, internVm(kernel, vm), vm);
    }
  }
}

/** What of a plan a minute's credit follows from. */
function worthOf({ priceNanos, per, zone, creditable }: Plan): string {
  return [priceNanos, per, zone.name, ...[...creditable].sort((a, b) => a - b)].join(' ');
}

/** The slot of a VM by name, made if it is new. */
export function internVm(kernel: Kernel, vm: string): number {
  return kernel.exports.internVm(writeName(kernel, vm), vm.length);
}

/** The slot of a VM by name, undefined if the kernel does not know it. */
export function findVm(kernel: Kernel, vm: string): number | undefined {
  const found = kernel.exports.findVm(writeName(kernel, vm), vm.length);
  return found === 0 ? undefined : found - 1;
}

/** The longest name, of a VM (SPEC §1). */
const NAME_BYTES_MAX = 64;

/**
 * Puts a name where an export can read it: at the very end of the input buffer, which no record reaches (a step's are 15 MiB at most, of
 * 17). Whoever asks whether a name is known may do so while records before it are half taken in.
 */
export function writeName(kernel: Kernel, name: string): number {
  const at = kernel.u32(L.H_INPUT) + kernel.capacity.inputBytes - NAME_BYTES_MAX;
  kernel.bytes.write(name, at);
  return at;
}

function writeZone(kernel: Kernel, zone: Zone): number {
  // the kernel knows minutes from 1970 on
  const first = Math.max(
    0,
    zone.fromMinutes.findLastIndex((minute) => minute <= 0),
  );
  const points = zone.fromMinutes.slice(first);
  const at = kernel.exports.beginZone(points.length) >>> 0;
  if (at === 0) throw new CapacityError('the catalog names more time zones than there is room for');
  points.forEach((minute, i) => {
    kernel.exports.addZonePoint(at, Math.max(0, minute), zone.offsetMinutes[first + i] ?? 0);
  });
  return at;
}
