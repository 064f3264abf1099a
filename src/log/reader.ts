import { openReadTable, type ReadTable } from './lmdb.ts';
import { LogError, type LogReader, type LogRecord } from './log.ts';
import { SegmentCursor } from './segment.ts';

/**
 * Opens the embedded log for reading. Works in the writer's thread, in a worker thread and in another process; the file
 * must exist, so the writer is opened first (threads of one process share LMDB's environment: opened for reading first, it
 * would refuse the writer). Payloads are views of buffers of their own: they stay valid as long as held.
 */
export function openEmbeddedReader(path: string): LogReader {
  return new EmbeddedReader(openReadTable(path));
}

class EmbeddedReader implements LogReader {
  readonly #table: ReadTable;
  /** Where the last read stopped: the usual next read goes on from here without touching the database again. */
  #cursor: SegmentCursor | null = null;

  constructor(table: ReadTable) {
    this.#table = table;
  }

  read(fromSeq: number, bytesMax: number, recordsMax: number): LogRecord[] {
    return this.#snapshot(() => {
      const headSeq = this.#table.head().nextSeq;
      if (fromSeq > headSeq) throw new LogError('log_behind', `the log ends at record ${headSeq}, before ${fromSeq}`);
      if (fromSeq < this.#table.trimmedBefore()) throw new LogError('log_trimmed', `record ${fromSeq} of the log was trimmed`);
      const records: LogRecord[] = [];
      let bytes = 0;
      for (let seq = fromSeq; seq < headSeq; seq++) {
        const cursor = this.#cursorAt(seq);
        const payloadBytes = cursor.nextBytes();
        if (payloadBytes === null) throw new LogError('log_corrupt', `record ${seq} is missing in the log`);
        if (records.length > 0 && (bytes + payloadBytes > bytesMax || records.length >= recordsMax)) break;
        bytes += payloadBytes;
        records.push(cursor.take(payloadBytes));
      }
      return records;
    });
  }

  get firstSeq(): number | null {
    return this.#snapshot(() => {
      const first = this.#table.trimmedBefore();
      return first < this.#table.head().nextSeq ? first : null;
    });
  }

  headSeq(): number {
    return this.#snapshot(() => this.#table.head().nextSeq);
  }

  close(): void {
    this.#cursor = null;
    void this.#table.close();
  }

  #cursorAt(seq: number): SegmentCursor {
    const open = this.#cursor;
    if (open !== null && open.seq === seq && seq < open.endSeq) return open;
    // Segments are dense: after the end of one the next begins. Only a jump has to search for the beginning.
    const startsHere = open !== null && open.endSeq === seq;
    const start = startsHere ? seq : this.#table.segmentStart(seq);
    const bytes = start === undefined ? undefined : this.#table.segmentAt(start);
    if (start === undefined || bytes === undefined) throw new LogError('log_corrupt', `record ${seq} is missing in the log`);
    const cursor = new SegmentCursor(start, bytes);
    while (cursor.seq < seq) {
      const payloadBytes = cursor.nextBytes();
      if (payloadBytes === null) throw new LogError('log_corrupt', `record ${seq} is missing in the log`);
      cursor.take(payloadBytes);
    }
    this.#cursor = cursor;
    return cursor;
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
