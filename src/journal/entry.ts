import { binaryText } from '../store/rowbinary.ts';

/**
 * One version of one thing that is recorded. Entries are only ever added; of an id the one with the highest `seq` is in force. What kinds there are, and
 * what their bodies say, is the business of those who write and read them.
 */
export interface Entry {
  kind: string;
  id: string;
  /** From 1, without a gap. */
  seq: bigint;
  recordedAtMs: number;
  /** The name of the key that recorded it. */
  recordedBy: string;
  /** JSON, already checked. */
  body: string;
}

/** What is to become an entry. */
export type Draft = Pick<Entry, 'kind' | 'id' | 'body'>;

/** The columns of the table `catalog`, in which the journal is kept. */
export const STRUCTURE = "kind String, id String, seq UInt64, recorded_at DateTime64(3, 'UTC'), recorded_by String, body String";

/** An entry as a RowBinary row. */
export function rowOf(entry: Entry): Buffer {
  const fixed = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  return Buffer.concat([
    binaryText(entry.kind),
    binaryText(entry.id),
    fixed(entry.seq),
    fixed(BigInt(entry.recordedAtMs)),
    binaryText(entry.recordedBy),
    binaryText(entry.body),
  ]);
}
