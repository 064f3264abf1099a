/** What an aggregator works with, and on what. */
import type { MeteringConstants } from '../kernel/kernel.ts';
import type { LogReader } from '../log/log.ts';
import type { Faults } from '../process/faults.ts';
import type { Store } from '../store/store.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { SliceBounds } from './repair-context.ts';
import type { Scope } from './scope.ts';

export interface AggregatorOptions {
  readonly store: Store;
  readonly log: LogReader;
  /** What the log is: all of one's own, or a partition of one that others work on too. */
  readonly scope: Scope;
  readonly checkpoints: Checkpoints;
  readonly constants: MeteringConstants;
  readonly vmsMax: number;
  readonly nicsMax: number;
  readonly faults: Faults;
  /** told what a start found and did, for the log of the process */
  readonly note?: (message: string) => void;
  /** The cluster that the tables are on, if any. */
  readonly cluster?: string | undefined;
  /** what a slice of repair does at most; tests make it small */
  readonly slice?: SliceBounds;
  /** minutes that samples far from those before them may write in a step; tests make it small */
  readonly minutesAStep?: number;
}
