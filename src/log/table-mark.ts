/** What a log says of itself at one of its records. */
import type { LogMark } from './check.ts';
import type { Table } from './lmdb.ts';
import type { SkippedRange } from './log.ts';
import { SegmentCursor } from './segment-cursor.ts';

/**
 * The mark at a record, or at the one before the oldest that is kept. Undefined where the log does not reach, or has no checks there. Throws
 * `log_corrupt` where records up to it in its segment are damaged.
 */
export function markIn(table: Table, seq: number, skipped: readonly SkippedRange[] = []): LogMark | undefined {
  const head = table.head();
  const trim = table.trim();
  if (seq === head.nextSeq - 1) return head.logId === '' ? undefined : { check: head.check, samples: head.samplesAppended };
  if (seq === trim.beforeSeq - 1) return trim.mark;
  if (seq < trim.beforeSeq || seq >= head.nextSeq) return undefined;
  const next = markBefore(table, seq + 1);
  if (next !== undefined) return next;
  const start = table.segmentStart(seq);
  const bytes = start === undefined ? undefined : table.segmentAt(start);
  if (start === undefined || bytes === undefined) return undefined;
  const cursor = new SegmentCursor(start, bytes);
  while (cursor.seq <= seq) {
    const passed = skipped.some(({ from, until }) => from <= cursor.seq && cursor.seq < until);
    if (passed && cursor.skip()) continue;
    const payloadBytes = cursor.nextBytes();
    if (payloadBytes === null) return undefined;
    cursor.take(payloadBytes);
  }
  return cursor.mark;
}

/** What the head of the segment that begins at `seq` says, where one does and can be read. */
function markBefore(table: Table, seq: number): LogMark | undefined {
  const bytes = table.segmentAt(seq);
  if (bytes === undefined) return undefined;
  try {
    return new SegmentCursor(seq, bytes).markBefore;
  } catch {
    return undefined;
  }
}
