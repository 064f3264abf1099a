/** What the main thread and the aggregator's thread say to each other. */
import type { NewNames } from '../room.ts';
import type { Halted, Progress } from '../metering-status.ts';
import type { Aggregating } from '../aggregating.ts';

export interface ThreadSetup extends Aggregating {
  readonly logPath: string;
  readonly checkpointDir: string;
  /** What an operator let pass of this log. */
  readonly gaps: readonly {
    readonly partition: number;
    readonly from: number;
    readonly until: number | null;
    readonly samples: bigint;
  }[];
  readonly samplesExpire: boolean;
  /** of `Listening` */
  readonly listening: SharedArrayBuffer;
}

export type ToThread =
  /** the log has grown, and the thread was listening */
  | { readonly type: 'wake' }
  | { readonly type: 'room'; readonly id: number; readonly frames: Uint8Array }
  /** finish what the log holds up to this record, save the state and end */
  | { readonly type: 'stop'; readonly headSeq: number };

export type FromThread =
  | { readonly type: 'ready'; readonly progress: Progress }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** the log can't be read on, and nothing more is taken in until someone has seen to it */
  | { readonly type: 'halted'; readonly halted: Halted }
  | { readonly type: 'room'; readonly id: number; readonly names: NewNames }
  | { readonly type: 'trim'; readonly beforeSeq: number }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'failed'; readonly message: string; readonly stack: string | undefined; readonly byIdentity: boolean }
  | { readonly type: 'stopped' };
