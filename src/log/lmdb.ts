import { open, type RootDatabase, type RootDatabaseOptions } from 'lmdb';

/**
 * The only file that knows LMDB. Keys: [0] the head, [1] the trim mark, and eight big-endian bytes of a sequence number
 * for a segment; the two marks sort first, so that segments always go in at the right end of the tree.
 */
export interface Head {
  readonly nextSeq: number;
  readonly samplesAppended: bigint;
}

export interface Segment {
  readonly firstSeq: number;
  readonly bytes: Uint8Array;
}

/** What the writer needs of a database; tests put a failing one in its place. */
export interface WriteTable {
  head(): Head;
  trimmedBefore(): number;
  /** Segments and head in one transaction; resolves when they are on the disk. The bytes must stay untouched until then. */
  commit(segments: readonly Segment[], head: Head): Promise<void>;
  /** Moves the trim mark; resolves when it is on the disk. */
  markTrimmed(beforeSeq: number): Promise<void>;
  /** The first sequence numbers of at most `limit` segments that begin at or before `seq`, ascending. */
  segmentsUpTo(seq: number, limit: number): number[];
  remove(firstSeqs: readonly number[]): Promise<void>;
  /** Bytes of the pages that hold data now (free pages are not counted: they are used again). */
  bytesInUse(): number;
  close(): Promise<void>;
}

export interface ReadTable {
  /** Lets go of the snapshot: the next call sees the newest commit, and trimmed pages can be used again. */
  release(): void;
  head(): Head;
  trimmedBefore(): number;
  /** The segment that begins at `seq`, copied out of the map. */
  segmentAt(seq: number): Uint8Array | undefined;
  /** The beginning of the segment that holds `seq`, if it is kept. */
  segmentStart(seq: number): number | undefined;
  close(): Promise<void>;
}

const HEAD_KEY = Buffer.from([0]);
const TRIM_KEY = Buffer.from([1]);
const HEAD_BYTES = 16;

type Db = RootDatabase<Uint8Array, Buffer>;

export function openWriteTable(path: string, mapBytes: number): WriteTable {
  const db: Db = open(path, { ...baseOptions(), mapSize: mapBytes });
  return {
    head: () => headOf(db),
    trimmedBefore: () => trimmedBeforeOf(db),
    commit: async (segments, head) => {
      await withReason(() =>
        db.batch(() => {
          for (const segment of segments) void db.put(seqKey(segment.firstSeq), segment.bytes);
          void db.put(HEAD_KEY, encodeHead(head));
        }),
      );
    },
    markTrimmed: async (beforeSeq) => {
      await withReason(() => db.put(TRIM_KEY, seqKey(beforeSeq)));
    },
    segmentsUpTo: (seq, limit) => {
      db.resetReadTxn();
      const keys = db.getKeys({ start: seqKey(0), end: seqKey(seq), inclusiveEnd: true, limit });
      return Array.from(keys, seqOf);
    },
    remove: async (firstSeqs) => {
      await withReason(() =>
        db.batch(() => {
          for (const seq of firstSeqs) void db.remove(seqKey(seq));
        }),
      );
    },
    bytesInUse: () => {
      db.resetReadTxn();
      const stats = db.getStats() as Record<'pageSize' | 'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages', number>;
      return stats.pageSize * (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages);
    },
    close: () => db.close(),
  };
}

/** Opens the log's file for reading, in any thread of the writer's process or in another process. */
export function openReadTable(path: string): ReadTable {
  const db: Db = open(path, { ...baseOptions(), readOnly: true });
  return {
    release: () => {
      db.resetReadTxn();
    },
    head: () => headOf(db),
    trimmedBefore: () => trimmedBeforeOf(db),
    segmentAt: (seq) => {
      const bytes = db.getBinary(seqKey(seq));
      // lmdb's buffers carry properties of its own: hand out plain bytes.
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    segmentStart: (seq) => {
      const keys = Array.from(
        db.getKeys({ start: seqKey(seq), end: seqKey(0), inclusiveEnd: true, reverse: true, limit: 1 }),
        seqOf,
      );
      return keys[0];
    },
    close: () => db.close(),
  };
}

function baseOptions(): RootDatabaseOptions {
  return {
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    // With its default, lmdb resolves before the pages are safe and loses acknowledged writes on a power cut.
    overlappingSync: false,
    noSync: false,
    noMetaSync: false,
    // Groups are made by the writer, one transaction each; lmdb's own grouping would only delay them by a turn.
    eventTurnBatching: false,
  };
}

/** lmdb rejects with a general error and keeps the reason (EIO, ENOSPC …) in a second promise, which may come later or never. */
async function withReason(write: () => Promise<boolean>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const reason: unknown = error instanceof Error && 'commitError' in error ? error.commitError : undefined;
    if (!(reason instanceof Promise)) throw error;
    throw await Promise.race([
      reason.catch((cause: unknown) => cause),
      new Promise((resolve) => setImmediate(() => setImmediate(resolve, error))),
    ]);
  }
}

function headOf(db: Db): Head {
  const bytes = db.getBinary(HEAD_KEY);
  if (bytes?.byteLength !== HEAD_BYTES) return { nextSeq: 0, samplesAppended: 0n };
  return { nextSeq: seqOf(bytes.subarray(0, 8)), samplesAppended: bytes.readBigUInt64BE(8) };
}

function encodeHead(head: Head): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES);
  bytes.writeBigUInt64BE(BigInt(head.nextSeq), 0);
  bytes.writeBigUInt64BE(head.samplesAppended, 8);
  return bytes;
}

function trimmedBeforeOf(db: Db): number {
  const bytes = db.getBinary(TRIM_KEY);
  return bytes === undefined ? 0 : seqOf(bytes);
}

function seqKey(seq: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(Math.floor(seq / 2 ** 32), 0);
  key.writeUInt32BE(seq % 2 ** 32, 4);
  return key;
}

function seqOf(key: Buffer): number {
  return key.readUInt32BE(0) * 2 ** 32 + key.readUInt32BE(4);
}
