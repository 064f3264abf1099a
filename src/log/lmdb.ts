import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { open, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import { LogError } from './log.ts';
import { decodeHead, decodeTrim, EMPTY_HEAD, encodeHead, encodeTrim, type Head, NOT_TRIMMED, type Trim } from './marks.ts';

/**
 * The only file that knows LMDB. Keys: [0] the head, [1] the trim mark, and eight big-endian bytes of a sequence number
 * for a segment; the two marks sort first, so that segments always go in at the right end of the tree.
 */
export interface Segment {
  readonly firstSeq: number;
  readonly bytes: Uint8Array;
}

/** What is there to be read. */
export interface Table {
  head(): Head;
  trim(): Trim;
  /** The segment that begins at `seq`, copied out of the map. */
  segmentAt(seq: number): Uint8Array | undefined;
  /** The beginning of the segment that holds `seq`, if it is kept. */
  segmentStart(seq: number): number | undefined;
  /** The beginning of the first segment after `seq`, if there is any. */
  segmentAfter(seq: number): number | undefined;
}

/** What the writer needs of a database; tests put a failing one in its place. */
export interface WriteTable extends Table {
  /** Throws `log_replaced` when the path no longer leads to the file that was opened, as it was left. */
  checkFile(): void;
  /** Segments and head in one transaction; resolves when they are on the disk. The bytes must stay untouched until then. */
  commit(segments: readonly Segment[], head: Head): Promise<void>;
  /** Moves the trim mark; resolves when it is on the disk. */
  markTrimmed(trim: Trim): Promise<void>;
  /** Makes the marks of a log that has neither records nor marks. */
  begin(head: Head, trim: Trim): Promise<void>;
  /** The first sequence numbers of at most `limit` segments that begin at or before `seq`, ascending. */
  segmentsUpTo(seq: number, limit: number): number[];
  remove(firstSeqs: readonly number[]): Promise<void>;
  /** Bytes of the pages that hold data now (free pages are not counted: they are used again). */
  bytesInUse(): number;
  close(): Promise<void>;
}

export interface ReadTable extends Table {
  /** Lets go of the snapshot: the next call sees the newest commit, and trimmed pages can be used again. */
  release(): void;
  close(): Promise<void>;
}

const HEAD_KEY = Buffer.from([0]);
const TRIM_KEY = Buffer.from([1]);
/** The mark's key lies behind those of all segments: they begin with a zero. */
const SEGMENTS_END = TRIM_KEY;

type Db = RootDatabase<Uint8Array, Buffer>;

export function openWriteTable(path: string, mapBytes: number): WriteTable {
  checkIsLmdb(path);
  const db: Db = open(path, { ...baseOptions(), mapSize: mapBytes });
  const opened = statSync(path);
  let sizeBytes = opened.size;
  return {
    ...tableOf(db, () => {
      db.resetReadTxn();
    }),
    checkFile: () => {
      const now = statSync(path, { throwIfNoEntry: false });
      if (now === undefined) throw replaced(path, 'is gone');
      if (now.ino !== opened.ino || now.dev !== opened.dev) throw replaced(path, 'is another file');
      // a file of LMDB never becomes shorter
      if (now.size < sizeBytes) throw replaced(path, 'was cut');
      sizeBytes = now.size;
    },
    commit: async (segments, head) => {
      await withReason(() =>
        db.batch(() => {
          for (const segment of segments) void db.put(seqKey(segment.firstSeq), segment.bytes);
          void db.put(HEAD_KEY, encodeHead(head));
        }),
      );
    },
    markTrimmed: async (trim) => {
      await withReason(() => db.put(TRIM_KEY, encodeTrim(trim)));
    },
    begin: async (head, trim) => {
      await withReason(() =>
        db.batch(() => {
          void db.put(HEAD_KEY, encodeHead(head));
          void db.put(TRIM_KEY, encodeTrim(trim));
        }),
      );
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
    ...tableOf(db, () => undefined),
    close: () => db.close(),
  };
}

/** LMDB does not look at what it maps: bytes of anything else would end the process without a word. */
function checkIsLmdb(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  const start = Buffer.alloc(HEAD_OF_FILE_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  if (!start.includes(LMDB_MAGIC))
    throw new LogError('log_corrupt', `${path} is no log of this server: it was overwritten, or is another file`);
}

/** Stands behind the head of the file's first page, in the byte order of the machine. */
export const LMDB_MAGIC = Buffer.from(Uint32Array.of(0xbeefc0de).buffer);
const HEAD_OF_FILE_BYTES = 64;

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

/** @param renew lets each look see the newest commit; a reader says itself when */
function tableOf(db: Db, renew: () => void): Table {
  const first = (seq: number, reverse: boolean): number | undefined => {
    renew();
    const end = reverse ? seqKey(0) : SEGMENTS_END;
    const [found] = db.getKeys({ start: seqKey(seq), end, inclusiveEnd: reverse, reverse, limit: 1 });
    return found === undefined ? undefined : seqOf(found);
  };
  return {
    head: () => {
      renew();
      const bytes = db.getBinary(HEAD_KEY);
      if (bytes !== undefined) return decodeHead(bytes);
      if (first(0, false) !== undefined) throw new LogError('log_corrupt', "the log's head record is missing");
      return EMPTY_HEAD;
    },
    trim: () => {
      renew();
      const bytes = db.getBinary(TRIM_KEY);
      return bytes === undefined ? NOT_TRIMMED : decodeTrim(bytes);
    },
    segmentAt: (seq) => {
      renew();
      const bytes = db.getBinary(seqKey(seq));
      // lmdb's buffers carry properties of its own: hand out plain bytes.
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    segmentStart: (seq) => first(seq, true),
    segmentAfter: (seq) => first(seq + 1, false),
  };
}

function replaced(path: string, how: string): LogError {
  return new LogError(
    'log_replaced',
    `the log's file ${path} ${how} while this server runs: nothing more is answered. Stop the server, put the file back as it was, and start it again`,
  );
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
