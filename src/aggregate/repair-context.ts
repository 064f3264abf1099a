/** What repair works with, and how much of it at once. */
import type { Kernel, MeteringConstants } from '../kernel/kernel.ts';
import type { Store } from '../store/store.ts';
import { type Backlog } from './backlog.ts';
import { type Pricing } from './pricing.ts';
import type { Slips } from './slips.ts';

/** VMs repaired together: bounds the length of a query. */
export const VMS_A_CHUNK = 1024;

/** What one slice does at most: others' samples wait for no more than this. */
export interface SliceBounds {
  readonly vms: number;
  /** minutes of all its VMs together */
  readonly minutes: number;
  /** samples that are read; those of one minute of a VM are never parted */
  readonly samples: number;
}

/** Minutes that a slice of repair writes, of all its VMs. */
export const SLICE_MINUTES_MAX = 200_000;

/** Samples that a slice of repair reads; those of one minute of a VM are never parted. */
export const SLICE_SAMPLES_MAX = 100_000;

export const SLICE: SliceBounds = { vms: VMS_A_CHUNK, minutes: SLICE_MINUTES_MAX, samples: SLICE_SAMPLES_MAX };

export interface RepairContext {
  readonly live: Kernel;
  /** a second kernel of the same constants, empty between repairs */
  readonly workshop: Kernel;
  readonly store: Store;
  readonly pricing: Pricing;
  readonly constants: MeteringConstants;
  readonly backlog: Backlog;
  readonly slice: SliceBounds;
  /** Of the VMs under repair, as far as they matter. */
  readonly slips: Slips;
}

/** The end of the step that the repair belongs to: what it may see, and the version its rows get. */
export interface StepEnd {
  readonly upTo: bigint;
  readonly version: bigint;
}
