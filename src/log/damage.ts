/** How far damage of the log goes: from a record that can't be read to the next that can. */
import type { LogMark } from './check.ts';
import type { Table } from './lmdb.ts';
import { SegmentCursor } from './segment-cursor.ts';
import { markIn } from './table-mark.ts';

export interface Damage {
  /** The first record that can't be read, and the first after it that may be. */
  readonly from: number;
  readonly until: number;
  /** Samples in between; null where the log does not say. */
  readonly samples: bigint | null;
}

/** The damage that begins at a record. */
export function damageAt(table: Table, from: number): Damage {
  const before = markOrNot(() => markIn(table, from - 1));
  const within = markOrNot(() => passOne(table, from));
  const until = within === undefined ? (table.segmentAfter(from) ?? table.head().nextSeq) : from + 1;
  const after = within ?? markOrNot(() => markIn(table, until - 1));
  return { from, until, samples: before === undefined || after === undefined ? null : after.samples - before.samples };
}

/** What the log says of itself after a damaged record, where what follows it in its segment can be read. */
function passOne(table: Table, seq: number): LogMark | undefined {
  const start = table.segmentStart(seq);
  const bytes = start === undefined ? undefined : table.segmentAt(start);
  if (start === undefined || bytes === undefined) return undefined;
  const cursor = new SegmentCursor(start, bytes);
  while (cursor.seq < seq) cursor.take(cursor.nextBytes() ?? 0);
  return cursor.skip() ? cursor.mark : undefined;
}

function markOrNot(look: () => LogMark | undefined): LogMark | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
