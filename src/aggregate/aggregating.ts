import type { MeteringConstants } from '../kernel/kernel.ts';
import type { RemoteEnd } from '../store/remote.ts';

/** What a thread that aggregates is given, whichever log it reads. */
export interface Aggregating {
  /** The store of the main thread; undefined where the thread opens a server by its URL. */
  readonly storeEnd: RemoteEnd | undefined;
  readonly clickhouseUrl: string | undefined;
  readonly clickhouseCluster: string | undefined;
  readonly constants: MeteringConstants;
  readonly vmsMax: number;
  readonly nicsMax: number;
  readonly checkpointIntervalMs: number;
}
