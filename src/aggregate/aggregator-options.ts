/** What an aggregator works with, and on what. */
import type { MeteringConstants } from '../kernel/kernel.ts';
import type { LogReader } from '../log/log.ts';
import type { Faults } from '../process/faults.ts';
import type { Store } from '../store/store.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { SliceBounds } from './repair.ts';

export interface AggregatorOptions {
  readonly store: Store;
  readonly log: LogReader;
  readonly checkpoints: Checkpoints;
  readonly constants: MeteringConstants;
  readonly vmsMax: number;
  readonly nicsMax: number;
  readonly faults: Faults;
  /** told what a start found and did, for the log of the process */
  readonly note?: (message: string) => void;
  /** One partition of a log that says itself where steps end. Left out: all of a log that only this process reads. */
  readonly partition?: Partition;
  /** Samples that are in the log's count and were given up, each with the record from which on they are missing. */
  readonly givenUp?: readonly { readonly from: number; readonly samples: bigint }[];
  /** The first position from one on that was not let pass. */
  readonly afterGaps?: (position: number) => number;
  /** Whether raw samples are given up when they are old; left out: they may be. */
  readonly samplesExpire?: boolean;
  /** The cluster that the tables are on, if any. */
  readonly cluster?: string | undefined;
  /** The store may be changed by others under this process: it is looked at before each step. */
  readonly storeShared?: boolean;
  /** A clock that does not go back: slices of repair are made to fit its time. Left out: they are as large as they may be. */
  readonly pace?: () => number;
  /** what a slice of repair does at most; tests make it small */
  readonly slice?: SliceBounds;
  /** minutes that samples far from those before them may write in a step; tests make it small */
  readonly minutesAStep?: number;
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
  /** Whether rows of a log are this database's own. Left out: any. */
  readonly isOwnLog?: (logId: string) => boolean;
}
