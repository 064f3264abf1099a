import type { LogMark } from './check.ts';

/**
 * The log: what ingest appends to and the aggregator reads from, whichever product carries it (LMDB in this folder, Kafka in `kafka/`).
 * A record is opaque bytes; its sequence number is dense from 0 in the order of the appends and is never given twice,
 * neither after a trim nor after a restart. In Kafka's a message's offset is the number, which the records of one message share.
 */
export interface LogRecord {
  readonly seq: number;
  /** Self-describing (its first byte names the kind); the log never looks inside. */
  readonly payload: Uint8Array;
}

export interface LogWriter {
  /**
   * Appends one record; resolves with its sequence number once it would survive a power cut, and never before. The bytes
   * are copied before this returns, so the caller may reuse its buffer at once. `sampleCount` is how many samples the
   * record holds (0 for a clock tick). Rejects with a `LogError`.
   */
  append(payload: Uint8Array, sampleCount: number): Promise<number>;
  /** The next sequence number to be given. */
  readonly headSeq: number;
  /** Samples in durable records since the log began, trimmed ones included. */
  readonly samplesAppended: bigint;
  /** Gives up the records before `beforeSeq`, durably; appends go on meanwhile. */
  trim(beforeSeq: number): Promise<void>;
  /** Settles what was appended, then releases the files. */
  close(): Promise<void>;
}

export interface LogIdentity {
  /** '' without one. */
  readonly logId: string;
  /** The record that gave it. */
  readonly idSeq: number;
}

/** From the first record (included) to the last (excluded). */
export interface SkippedRange {
  readonly from: number;
  readonly until: number;
}

export interface LogReader {
  /**
   * Records from `fromSeq` on, in order: as many as fit `bytesMax` and `recordsMax`, but at least one if there is any. A log that says
   * itself where steps end hands out one whole step.
   * Throws `log_trimmed` for a position that was given up, and `log_behind` for one the log has never reached.
   */
  read(fromSeq: number, bytesMax: number, recordsMax: number): LogRecord[];
  /** The oldest record still kept; null when there is none. */
  readonly firstSeq: number | null;
  /** One more than the newest durable record. */
  headSeq(): number;
  /** Which log this is, of a log that says so in its records. */
  readonly identity?: LogIdentity;
  /**
   * What the log says of itself at a record, or at the one before the oldest that is kept. Undefined where it says nothing (records of the
   * version before) or does not reach. A log that never says anything has no such method.
   */
  mark?(seq: number): LogMark | undefined;
  /** Samples of these records were given up: they are passed over instead of stopping the reader. */
  passOver?(ranges: readonly SkippedRange[]): void;
  close(): void;
}

/**
 * `log_failed`: the outcome of the append is unknown and the writer is finished, the process must stop.
 * `log_full`, `log_busy`, `log_unavailable`: nothing was written; later may be better. `log_closed`: nothing was written.
 * `log_trimmed`, `log_behind`, `log_corrupt`: a read that no retry can help. `log_replaced`: the file is not the one that was opened; what was
 * not acknowledged by then is in nobody's log, and the process must stop. `log_mismatch`: the topic is not the log that it was taken for, or not all
 * of it.
 */
export type LogErrorCode =
  | 'log_failed'
  | 'log_full'
  | 'log_busy'
  | 'log_unavailable'
  | 'log_closed'
  | 'log_trimmed'
  | 'log_behind'
  | 'log_corrupt'
  | 'log_replaced'
  | 'log_mismatch';

const RETRYABLE: ReadonlySet<LogErrorCode> = new Set(['log_failed', 'log_full', 'log_busy', 'log_unavailable', 'log_closed']);

/** An operating error of the log: the caller's request was fine, the log could not serve it. */
export class LogError extends Error {
  readonly code: LogErrorCode;
  readonly retryable: boolean;

  constructor(code: LogErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'LogError';
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}
