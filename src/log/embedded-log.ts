import { afterOwnTime } from '../process/patience.ts';
import { openWriteTable, type WriteTable } from './lmdb.ts';
import { LogError } from './log.ts';
import type { After, WriterFaults } from './surroundings.ts';
import { checkIsWhole } from './whole-file.ts';
import { EmbeddedWriter } from './writer.ts';

export { type EmbeddedReader, openEmbeddedReader } from './reader.ts';
export type { EmbeddedWriter } from './writer.ts';

export interface EmbeddedLogOptions {
  /** The file; its directory must exist. LMDB puts a lock file beside it. One writer only. */
  readonly path: string;
  /** Called once, at the first failure: the outcome of the pending appends is unknown and the process has to stop. */
  readonly onFatal: (error: LogError) => void;
  /** Called before a transaction and before it is acknowledged; throws when the file may be another process' by now. */
  readonly stillOurs?: () => void;
  /** How long an append may take, in this process' own running time, before the log counts as failed (default 10 s). */
  readonly appendDeadlineMs?: number;
  /** Appends are refused with `log_full` while the data kept exceeds this (default 64 GiB). */
  readonly keptBytesMax?: number;
  /** Appends are refused with `log_busy` while more than this waits for the disk (default 64 MiB). */
  readonly pendingBytesMax?: number;
  readonly after?: After;
  readonly faults?: WriterFaults;
  /** Another database in LMDB's place, for tests of failures. */
  readonly openTable?: (path: string, mapBytes: number) => WriteTable;
}

const DEFAULTS = { appendDeadlineMs: 10_000, keptBytesMax: 64 * 2 ** 30, pendingBytesMax: 64 * 2 ** 20 };

/** Opens (or creates) the embedded log for appending. A file that can't be opened throws `log_failed`. */
export function openEmbeddedWriter(options: EmbeddedLogOptions): EmbeddedWriter {
  const limits = {
    appendDeadlineMs: options.appendDeadlineMs ?? DEFAULTS.appendDeadlineMs,
    keptBytesMax: options.keptBytesMax ?? DEFAULTS.keptBytesMax,
    pendingBytesMax: options.pendingBytesMax ?? DEFAULTS.pendingBytesMax,
  };
  // Only address space is taken, the file grows as it is written. Twice the limit leaves room for pages that readers hold,
  // and a map that never moves.
  const mapBytes = Math.max(2 * limits.keptBytesMax, 2 ** 30);
  let table: WriteTable;
  try {
    if (options.openTable === undefined) checkIsWhole(options.path);
    table = (options.openTable ?? openWriteTable)(options.path, mapBytes);
  } catch (error) {
    if (error instanceof LogError) throw error;
    throw new LogError('log_failed', `the log ${options.path} can't be opened`, error);
  }
  const { onFatal, after = afterOwnTime, stillOurs = () => undefined, faults } = options;
  return new EmbeddedWriter(table, limits, { onFatal, after, stillOurs }, faults);
}
