/** What the embedded log's writer is given from outside: limits, who is told of its end, and the points of tests. */
import type { LogError } from './log.ts';

/** Where a crash test may stop the process. `during-flush`: handed to LMDB, its thread is writing. */
export type FaultPoint =
  'before-append' | 'after-append' | 'before-flush' | 'during-flush' | 'after-flush' | 'before-trim' | 'after-trim';

export interface WriterFaults {
  at(point: FaultPoint): void | Promise<void>;
}

/** Runs the action once after the delay, unless cancelled by the function it returns. */
export type After = (delayMs: number, action: () => void) => () => void;

export interface WriterLimits {
  readonly appendDeadlineMs: number;
  readonly keptBytesMax: number;
  readonly pendingBytesMax: number;
}

export interface WriterSurroundings {
  readonly onFatal: (error: LogError) => void;
  readonly after: After;
  /** Throws when the file may be another process' by now. */
  readonly stillOurs: () => void;
}
