import { open, readFile, readdir, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isBinary } from '../samples/binary-writer.ts';
import { isRelayed } from './relayed.ts';
import type { AgentLog } from '../samples/reading.ts';
import { loadCursor, saveCursor, syncFolder, trimFolder, type Cursor } from './spool-folder.ts';
import { checkWritable, folderError, makeFolder } from '../process/folder.ts';
import { takeLock } from '../process/process-lock.ts';
import { type HeldLock, LockedError, type LockLostError } from '../process/held-lock.ts';
import { decodeRecord, encodeRecord, RECORD_HEADER_BYTES, type SpoolRecord } from './spool-record.ts';

export interface SpoolOptions {
  readonly dir: string;
  /** Everything in segments together. When a batch doesn't fit, the oldest segment is dropped and counted. */
  readonly bytesMax: number;
  readonly log?: AgentLog;
  /** Told once when the folder has turned out to be another agent's: nothing can be kept in it any more. */
  readonly onLost?: (error: LockLostError) => void;
}

/** A batch and where it stands, oldest first. */
export interface SpooledBatch extends SpoolRecord {
  readonly segment: number;
  readonly offset: number;
}

interface Segment {
  readonly id: number;
  /** Bytes known to be on disk; what may lie behind them was never promised to anyone. */
  bytes: number;
  batches: number;
  samples: number;
}

const SEGMENT_BYTES_MAX = 4 * 1024 * 1024;
const REJECTED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * A bounded queue of batches on disk. A batch is written and fsynced before anybody sends it, and leaves only when it was
 * answered, so a crash at any point loses no batch and changes none; at worst an answered one is sent again, same bytes.
 *
 * Segments are append-only and numbered; `cursor` says how far they are answered. The cursor is not fsynced: an old one
 * only means sending again. A record that can't be read (a torn tail after a power cut) ends its segment.
 */
export class Spool {
  /** Batches and samples given up because the spool was full or a segment could not be read. */
  readonly dropped = { batches: 0, samples: 0 };
  /** What `rejected/` holds, and how many batches had to go from it because it was full. */
  readonly rejected = { batches: 0, bytes: 0, dropped: 0 };
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #segmentBytesMax: number;
  readonly #log: AgentLog;
  readonly #lock: HeldLock;
  #segments: Segment[] = [];
  #cursor: Cursor = { segment: 0, offset: 0, lastAtMs: 0 };
  #nextId = 1;
  #writer: FileHandle | null = null;
  /** The operation under way: sampler and sender share these files, one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The segment at the head, in memory while it is being sent. */
  #head: { readonly id: number; readonly bytes: Buffer } | null = null;

  private constructor(options: SpoolOptions, lock: HeldLock) {
    this.#dir = options.dir;
    this.#bytesMax = options.bytesMax;
    this.#segmentBytesMax = Math.max(64 * 1024, Math.min(SEGMENT_BYTES_MAX, Math.floor(options.bytesMax / 8)));
    this.#log = options.log ?? (() => undefined);
    this.#lock = lock;
  }

  /**
   * Opens (or makes) the folder and finds what an earlier run left. Throws `LockedError` when another agent has it, `FolderError` when nothing can be kept
   * in it.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { dir, log, onLost } = options;
    const setting = `the spool folder ${dir}`;
    await makeFolder(dir, setting);
    const lock = await takeLock({
      path: join(dir, 'lock'),
      advice: 'give each agent a folder of its own with --spool',
      onWait: (message) => log?.('warn', message),
      ...(onLost === undefined ? {} : { onLost }),
    }).catch((error: unknown) => {
      throw error instanceof LockedError ? error : folderError(error, setting);
    });
    try {
      await makeFolder(join(dir, 'rejected'), setting);
      await checkWritable(dir, setting);
      const spool = new Spool(options, lock);
      await spool.#recover();
      await spool.#trimRejected();
      return spool;
    } catch (error) {
      await lock.release();
      throw folderError(error, setting);
    }
  }

  /** The newest instant ever spooled here (as far as remembered), 0 when none: samples must come after it. */
  get lastAtMs(): number {
    return this.#cursor.lastAtMs;
  }

  /** What waits to be answered. */
  get pending(): { readonly batches: number; readonly samples: number; readonly bytes: number } {
    return {
      batches: this.#segments.reduce((sum, segment) => sum + segment.batches, 0),
      samples: this.#segments.reduce((sum, segment) => sum + segment.samples, 0),
      bytes: this.#segments.reduce((sum, segment) => sum + segment.bytes, 0) - this.#cursorOffset(),
    };
  }

  /** Adds a batch at the end; durable when this resolves. Throws when the disk fails: the batch then must not be sent. */
  append(record: SpoolRecord): Promise<void> {
    return this.#inOwnTurn(() => this.#append(record));
  }

  /** The oldest unanswered batch, or null. */
  peek(): Promise<SpooledBatch | null> {
    return this.#inOwnTurn(() => this.#peek());
  }

  /** The batch was answered for good: forget it. Harmless when the batch has been dropped in the meantime. */
  done(batch: SpooledBatch): Promise<void> {
    return this.#inOwnTurn(() => this.#done(batch));
  }

  /** The server will never take the batch: keep a copy under `rejected/` for people to look at, and forget it. */
  setAside(batch: SpooledBatch, reason: string): Promise<void> {
    return this.#inOwnTurn(async () => {
      const name = `${batch.lastAtMs}-${batch.segment}-${batch.offset}`;
      const kind = isBinary(batch.body) ? 'samples' : isRelayed(batch.body) ? 'relayed' : 'ndjson.gz';
      await this.#keepRejected(`${name}.${kind}`, batch.body);
      await this.#keepRejected(`${name}.reason.txt`, Buffer.from(`${reason}\n`));
      await this.#done(batch);
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#closeWriter();
      if (this.#isOurs()) await this.#saveCursor();
      await this.#lock.release();
    });
  }

  #isOurs(): boolean {
    try {
      this.#lock.check();
      return true;
    } catch {
      return false;
    }
  }

  /** The operations that change the folder: none of them begins once it is another agent's. */
  #inOwnTurn<T>(operation: () => Promise<T>): Promise<T> {
    return this.#inTurn(() => {
      this.#lock.check();
      return operation();
    });
  }

  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(operation);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #append(record: SpoolRecord): Promise<void> {
    const bytes = encodeRecord(record);
    if (bytes.length > this.#bytesMax)
      throw new Error(`a batch of ${bytes.length} bytes does not fit a spool of ${this.#bytesMax}`);
    const last = this.#segments.at(-1);
    if (this.#writer !== null && last !== undefined && last.bytes + bytes.length > this.#segmentBytesMax)
      await this.#closeWriter();
    await this.#makeRoom(bytes.length);
    const segment = await this.#writableSegment();
    try {
      await this.#writer?.appendFile(bytes);
      await this.#writer?.datasync();
    } catch (error) {
      // Whatever part of it is on disk ends this segment; the next batch starts another.
      await this.#closeWriter();
      throw error;
    }
    segment.bytes += bytes.length;
    segment.batches += 1;
    segment.samples += record.samples;
    this.#cursor = { ...this.#cursor, lastAtMs: Math.max(this.#cursor.lastAtMs, record.lastAtMs) };
  }

  async #peek(): Promise<SpooledBatch | null> {
    for (;;) {
      const segment = this.#segments[0];
      if (segment === undefined) return null;
      const offset = this.#cursorOffset();
      if (offset >= segment.bytes) {
        if (this.#segments.length === 1 && this.#writer !== null) return null;
        await this.#removeOldest();
        continue;
      }
      if (this.#head?.id !== segment.id || this.#head.bytes.length < segment.bytes) {
        this.#head = { id: segment.id, bytes: (await readFile(this.#pathOf(segment.id))).subarray(0, segment.bytes) };
      }
      const record = decodeRecord(this.#head.bytes, offset);
      if (record !== null) return { ...record, segment: segment.id, offset };
      this.#log('error', 'a spool segment is damaged; the rest of it is set aside', {
        segment: segment.id,
        offset,
        samples: segment.samples,
      });
      this.#countDropped(segment);
      await this.#keepRejected(`damaged-${segment.id}-${offset}.bin`, this.#head.bytes.subarray(offset));
      if (this.#segments.length === 1) await this.#closeWriter();
      await this.#removeOldest();
    }
  }

  async #done(batch: SpooledBatch): Promise<void> {
    const segment = this.#segments[0];
    if (segment?.id !== batch.segment || this.#cursorOffset() !== batch.offset) return;
    segment.batches -= 1;
    segment.samples -= batch.samples;
    this.#cursor = { ...this.#cursor, segment: segment.id, offset: batch.offset + RECORD_HEADER_BYTES + batch.body.byteLength };
    await this.#saveCursor();
  }

  async #recover(): Promise<void> {
    this.#cursor = await loadCursor(this.#dir);
    const ids = (await readdir(this.#dir)).flatMap((name) => (/^\d{12}\.seg$/.test(name) ? [Number(name.slice(0, 12))] : []));
    for (const id of ids.sort((a, b) => a - b)) {
      this.#nextId = id + 1;
      if (id < this.#cursor.segment) {
        await rm(this.#pathOf(id), { force: true });
        continue;
      }
      const segment = await this.#measure(id);
      if (segment.batches > 0) this.#segments.push(segment);
      else await rm(this.#pathOf(id), { force: true });
    }
    this.#nextId = Math.max(this.#nextId, this.#cursor.segment + 1);
  }

  /** Walks a segment of an earlier run: what is whole and not yet answered. */
  async #measure(id: number): Promise<Segment> {
    const bytes = await readFile(this.#pathOf(id));
    const answered = id === this.#cursor.segment ? this.#cursor.offset : 0;
    const segment: Segment = { id, bytes: 0, batches: 0, samples: 0 };
    for (let record = decodeRecord(bytes, 0); record !== null; record = decodeRecord(bytes, segment.bytes)) {
      if (segment.bytes >= answered) {
        segment.batches += 1;
        segment.samples += record.samples;
      }
      segment.bytes += RECORD_HEADER_BYTES + record.body.byteLength;
      this.#cursor = { ...this.#cursor, lastAtMs: Math.max(this.#cursor.lastAtMs, record.lastAtMs) };
    }
    if (segment.bytes < bytes.length) {
      // After a crash: the torn end of a write that nobody was told of. Anything else is a damaged disk; keep it to look at.
      this.#log('warn', 'a spool segment ends in an unfinished or damaged write, which is set aside', {
        segment: id,
        offset: segment.bytes,
      });
      await this.#keepRejected(`damaged-${id}-${segment.bytes}.bin`, bytes.subarray(segment.bytes));
    }
    return segment;
  }

  async #writableSegment(): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (this.#writer !== null && last !== undefined) return last;
    const segment: Segment = { id: this.#nextId++, bytes: 0, batches: 0, samples: 0 };
    this.#writer = await open(this.#pathOf(segment.id), 'ax', 0o600);
    await syncFolder(this.#dir);
    this.#segments.push(segment);
    return segment;
  }

  /** Drops whole segments, oldest first: the counters in newer samples still hold every byte, only their times blur. */
  async #makeRoom(bytes: number): Promise<void> {
    while (this.#segments.length > 0 && this.#segments.reduce((sum, segment) => sum + segment.bytes, bytes) > this.#bytesMax) {
      if (this.#segments.length === 1) await this.#closeWriter();
      const oldest = this.#segments[0];
      if (oldest !== undefined && oldest.batches > 0) {
        this.#countDropped(oldest);
        this.#log('error', 'the spool is full: its oldest batches are dropped', {
          batches: oldest.batches,
          samples: oldest.samples,
        });
      }
      await this.#removeOldest();
    }
  }

  #countDropped(segment: Segment): void {
    this.dropped.batches += segment.batches;
    this.dropped.samples += segment.samples;
  }

  async #removeOldest(): Promise<void> {
    const segment = this.#segments.shift();
    if (segment === undefined) return;
    this.#head = null;
    this.#cursor = { ...this.#cursor, segment: segment.id + 1, offset: 0 };
    await this.#saveCursor();
    await rm(this.#pathOf(segment.id), { force: true });
  }

  async #closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    await writer?.close();
  }

  #cursorOffset(): number {
    return this.#segments[0]?.id === this.#cursor.segment ? this.#cursor.offset : 0;
  }

  /** A cursor that can't be saved (disk full) costs sending again after a restart, no more, so it stops nothing. */
  async #saveCursor(): Promise<void> {
    try {
      await saveCursor(this.#dir, this.#cursor);
    } catch (error) {
      this.#log('error', 'the spool cursor could not be saved', { error: String(error) });
    }
  }

  /** Copies for people, bounded, and never a reason to stop. */
  async #keepRejected(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await writeFile(join(this.#dir, 'rejected', name), bytes, { mode: 0o600 });
      await this.#trimRejected();
    } catch (error) {
      this.#log('error', 'a copy for rejected/ could not be kept', { name, error: String(error) });
    }
  }

  /** Keeps the newest of `rejected/`; what goes is lost, so it is said. */
  async #trimRejected(): Promise<void> {
    const { batches, bytes, removed } = await trimFolder(join(this.#dir, 'rejected'), REJECTED_BYTES_MAX);
    this.rejected.batches = batches;
    this.rejected.bytes = bytes;
    this.rejected.dropped += removed;
    if (removed > 0)
      this.#log('error', 'rejected/ is full: its oldest batches are gone', {
        batches: removed,
        kept: batches,
        bytes_max: REJECTED_BYTES_MAX,
      });
  }

  #pathOf(id: number): string {
    return join(this.#dir, `${String(id).padStart(12, '0')}.seg`);
  }
}
