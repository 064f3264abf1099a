import { type LogMark } from './check.ts';
import { openReadTable, type ReadTable } from './lmdb.ts';
import { LogError, type LogIdentity, type LogReader, type LogRecord, type SkippedRange } from './log.ts';
import { SegmentCursor } from './segment-cursor.ts';
import { markIn } from './table-mark.ts';

/**
 * Opens the embedded log for reading. Works in the writer's thread, in a worker thread and in another process; the file
 * must exist, so the writer is opened first (threads of one process share LMDB's environment: opened for reading first, it
 * would refuse the writer). Payloads are views of buffers of their own: they stay valid as long as held.
 * @param note told of every record that a flipped bit was put right of
 */
export function openEmbeddedReader(path: string, note?: (message: string) => void): EmbeddedReader {
  return new EmbeddedReader(openReadTable(path), note);
}

export class EmbeddedReader implements LogReader {
  readonly #table: ReadTable;
  /** Where the last read stopped: the usual next read goes on from here without touching the database again. */
  #cursor: SegmentCursor | null = null;
  #skipped: readonly SkippedRange[] = [];

  readonly #note: ((message: string) => void) | undefined;
  readonly #told = new Set<number>();

  constructor(table: ReadTable, note?: (message: string) => void) {
    this.#table = table;
    this.#note = note;
  }

  read(fromSeq: number, bytesMax: number, recordsMax: number): LogRecord[] {
    return this.#snapshot(() => {
      const head = this.#table.head();
      if (fromSeq > head.nextSeq) throw new LogError('log_behind', `the log ends at record ${head.nextSeq}, before ${fromSeq}`);
      if (fromSeq < this.#table.trim().beforeSeq) throw new LogError('log_trimmed', `record ${fromSeq} of the log was trimmed`);
      const records: LogRecord[] = [];
      let bytes = 0;
      for (let seq = fromSeq; seq < head.nextSeq; seq++) {
        const passed = this.#skippedAt(seq);
        if (passed !== undefined) {
          seq = Math.min(passed.until, head.nextSeq) - 1;
          continue;
        }
        try {
          const cursor = this.#cursorAt(seq);
          const payloadBytes = cursor.nextBytes();
          if (payloadBytes === null) throw missing(seq);
          this.#tell(cursor);
          if (records.length > 0 && (bytes + payloadBytes > bytesMax || records.length >= recordsMax)) break;
          bytes += payloadBytes;
          records.push(cursor.take(payloadBytes));
          if (seq + 1 === head.nextSeq) this.#checkEnd(cursor, head.check);
        } catch (error) {
          this.#cursor = null;
          // what comes before the damage is good, and the next read begins at it
          if (records.length > 0 && error instanceof LogError && error.code === 'log_corrupt') break;
          throw error;
        }
      }
      return records;
    });
  }

  get identity(): LogIdentity {
    return this.#snapshot(() => this.#table.head());
  }

  get firstSeq(): number | null {
    return this.#snapshot(() => {
      const first = this.#table.trim().beforeSeq;
      return first < this.#table.head().nextSeq ? first : null;
    });
  }

  headSeq(): number {
    return this.#snapshot(() => this.#table.head().nextSeq);
  }

  /** Samples appended since the log began. */
  samplesAppended(): bigint {
    return this.#snapshot(() => this.#table.head().samplesAppended);
  }

  mark(seq: number): LogMark | undefined {
    if (this.#cursor?.seq === seq + 1) return this.#cursor.mark;
    return this.#snapshot(() => markIn(this.#table, seq, this.#skipped));
  }

  passOver(ranges: readonly SkippedRange[]): void {
    this.#skipped = ranges;
    this.#cursor = null;
  }

  /** The first record from this one on that is not passed over. */
  afterSkipped(seq: number): number {
    const passed = this.#skippedAt(seq);
    return passed === undefined ? seq : this.afterSkipped(passed.until);
  }

  close(): void {
    this.#cursor = null;
    void this.#table.close();
  }

  #skippedAt(seq: number): SkippedRange | undefined {
    return this.#skipped.find(({ from, until }) => from <= seq && seq < until);
  }

  #cursorAt(seq: number): SegmentCursor {
    const open = this.#cursor;
    if (open !== null && open.seq === seq && seq < open.endSeq) return open;
    // Segments are dense: after the end of one the next begins. Only a jump has to search for the beginning.
    const follows = open !== null && open.seq === seq && open.endSeq === seq;
    const start = follows ? seq : this.#table.segmentStart(seq);
    const bytes = start === undefined ? undefined : this.#table.segmentAt(start);
    if (start === undefined || bytes === undefined) throw missing(seq);
    const cursor = new SegmentCursor(start, bytes);
    if (follows) checkFollows(open, cursor);
    while (cursor.seq < seq) {
      if (this.#skippedAt(cursor.seq) !== undefined && cursor.skip()) continue;
      const payloadBytes = cursor.nextBytes();
      if (payloadBytes === null) throw missing(seq);
      cursor.take(payloadBytes);
    }
    this.#cursor = cursor;
    return cursor;
  }

  #tell(cursor: SegmentCursor): void {
    for (const seq of cursor.mended.splice(0)) {
      if (this.#told.has(seq)) continue;
      this.#told.add(seq);
      this.#note?.(
        `record ${seq} of the log has a flipped bit: its checksums say which, and it is read as it was written. Look at the disk and the memory of this machine`,
      );
    }
  }

  /** The last record must be the one that the head was written with. */
  #checkEnd(cursor: SegmentCursor, check: string): void {
    const { mark } = cursor;
    if (mark !== undefined && mark.check !== check)
      throw new LogError('log_corrupt', `record ${cursor.seq - 1} of the log is not the one that its head was written with`);
  }

  /** One consistent view of the newest commit, let go at once: a snapshot that is held keeps trimmed pages from reuse. */
  #snapshot<T>(action: () => T): T {
    this.#table.release();
    try {
      return action();
    } finally {
      this.#table.release();
    }
  }
}

function checkFollows(before: SegmentCursor, next: SegmentCursor): void {
  const [end, begin] = [before.mark, next.markBefore];
  if (end === undefined || begin === undefined || (end.check === begin.check && end.samples === begin.samples)) return;
  throw new LogError('log_corrupt', `record ${next.firstSeq} of the log is damaged: it does not follow on the one before`);
}

function missing(seq: number): LogError {
  return new LogError('log_corrupt', `record ${seq} is missing in the log`);
}
