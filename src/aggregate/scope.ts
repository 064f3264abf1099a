/**
 * What an aggregator's log is to it, and all that follows from that: either a log that only this process reads (`embedded/whole-log`), or one
 * partition of a log whose steps several processes may take, one after the other or by mistake together (`group/one-partition`). What makes the
 * rows of a partition a function of the log alone is there: steps end where the log says, and prices are those of the marks, not of what the
 * catalog holds when it is read.
 */
import type { Kernel } from '../kernel/kernel.ts';
import type { LogRecord } from '../log/log.ts';
import type { ForgottenSum } from './forgotten.ts';
import type { Pricing, PricingChange } from './pricing.ts';
import type { StoredProgress } from './stored-progress.ts';

/** Which VMs, under which number. */
export interface Share {
  /** 0 for a whole log. */
  readonly partition: number;
  readonly owns: (vm: string) => boolean;
}

/** What a start asks (`recovery`). */
export interface ScopeAtStart extends Share {
  /** The first position from this one on of which something is expected: what an operator let pass is left out. */
  afterGaps(position: number): number;
  /** How far rows are stored; undefined where nothing is on record. */
  storedProgress(): Promise<StoredProgress | undefined>;
  /** Throws LogError where the log is not the one that the stored rows come from, or has lost what is not stored. */
  checkLog(): Promise<void>;
  /** A checkpoint of a later record is not used; Infinity: any is. */
  newestUsable(): Promise<number>;
  /** The entry of the catalog that a state rebuilt from the archive is priced by; undefined: the newest. */
  pricedBy(stored: StoredProgress): bigint | undefined;
  /** Whether the archive holds all that was counted, as far as that can be told. Throws LogIdentityError. */
  checkArchive(stored: StoredProgress): Promise<void>;
  /** Puts into a state rebuilt from the archive which marks of the catalog it has seen. */
  restoreMarks(live: Kernel, stored: StoredProgress): Promise<void>;
  /** Reads the catalog on from what the state knows. @param rebuilt the VMs of a state rebuilt from the archive */
  catchUpPrices(live: Kernel, pricing: Pricing, rebuilt: Iterable<string>): Promise<PricesAtStart>;
  /** The state is there. */
  begin(live: Kernel, seq: number): Promise<void>;
}

export interface PricesAtStart {
  /** VMs whose rows may show an earlier catalog, and the record from which on it is safe to write them anew. */
  readonly toReprice: ReadonlySet<string>;
  readonly repriceFromSeq: number;
  /** Up to here the store may hold rows of steps that are done again, with other ends. */
  readonly redoUntilSeq: number;
}

/** What steps ask. */
export interface Scope extends ScopeAtStart {
  /** A clock that does not go back, where slices of repair may be made to fit its time; undefined where they must follow from the log. */
  readonly pace: (() => number) | undefined;
  /** Whether what waits for repair is worked off between steps too. */
  readonly repairsBetweenSteps: boolean;
  /** Throws CapacityError when the records name more than there is room for. */
  checkRoom(live: Kernel, records: readonly LogRecord[]): void;
  /** Reads what the catalog's mark in a step stands for; undefined when it changes nothing. */
  refreshPrices(pricing: Pricing, marked: bigint): Promise<PricingChange | undefined>;
  /** The catalog up to which everything is applied. @param marked the newest mark whose names are forgotten @param priced what rows are priced by */
  appliedCatalogSeq(marked: bigint, priced: bigint): bigint;
  /** Samples up to a record. @param accepted those that the kernel has taken in */
  samplesUpTo(seq: number, accepted: bigint): bigint;
  /** Rows of up to this record may be stored from now on: on record before the first of them is. */
  announce(seq: number, catalogSeq: bigint): Promise<void>;
  /** The rows of all steps up to this record are stored. */
  stepsStored(live: Kernel, seq: number): void;
  /** Names were forgotten at the end of the step with this record. */
  forgot(vms: readonly string[], seq: number): Promise<void>;
  /** Anomalies were written: counts them anew, where they are counted. */
  recount(): Promise<void>;
  /** The state as of this record is about to be saved. */
  saving(live: Kernel, seq: number, catalogSeq: bigint): Promise<void>;
  /** Of the whole store; nothing where several processes work on it. */
  readonly quarantined: bigint;
  readonly forgotten: ForgottenSum;
}
