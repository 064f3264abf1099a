/**
 * One owner a folder. Three things together say who it is: the kernel's lock on the open lock file (`os-lock.ts`), the id in the file, and its beat.
 * The lock file stays when the lock is given back: removing it would let two processes lock two files of one name.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { readBootId } from './boot-id.ts';
import { decodeHolder, describeHolder, encodeHolder, type Holder, livingHolderOfOld, RECORD_BYTES } from './lock-record.ts';
import { tryLockFile } from './os-lock.ts';
import { isFileLimit } from './process-files.ts';

/** Another process works in the folder: two would tear each other's files. */
export class LockedError extends Error {
  override readonly name: string = 'LockedError';
}

/** The lock that was held is somebody else's now, or may be: nothing more may be written. */
export class LockLostError extends LockedError {
  override readonly name = 'LockLostError';
}

export interface LockTiming {
  /** How often the holder shows that it is alive. */
  readonly beatMs: number;
  /** How long a holder may keep the kernel's lock without showing life: it is dying, and its end is waited for. */
  readonly dyingMs: number;
  /** How long a record of another machine is watched for signs of life where no kernel sees both sides. */
  readonly staleMs: number;
  readonly pollMs: number;
}

const TIMING: LockTiming = { beatMs: 1_000, dyingMs: 10_000, staleMs: 5_000, pollMs: 100 };
/** After so many beats without a look at the record, a write is preceded by one. */
const BEATS_TRUSTED = 3;

export interface LockOptions {
  readonly path: string;
  /** What whoever finds it taken should do. */
  readonly advice: string;
  /** Told once when the lock is no longer this process', as soon as that is noticed. */
  readonly onLost?: (error: LockLostError) => void;
  /** Told once when the lock's holder is waited for. */
  readonly onWait?: (message: string) => void;
  readonly now?: () => number;
  readonly timing?: Partial<LockTiming>;
}

export interface HeldLock {
  readonly id: string;
  /**
   * To be called before anything is written, and before it is answered for. Costs a look at the file's name; at the file's content too after a pause.
   * Throws LockLostError.
   */
  check(): void;
  release(): Promise<void>;
}

/**
 * Takes the lock file at `path`, made if there is none. Throws LockedError where somebody alive has it: at once when they show life, after a while when
 * they don't. Who was killed a moment ago is waited for.
 */
export async function takeLock(options: LockOptions): Promise<HeldLock> {
  const timing = { ...TIMING, ...options.timing };
  const taking = new Taking(options, timing);
  for (;;) {
    const file = await open(options.path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const kernel = tryLockFile(file.fd);
      if (kernel === 'held') {
        await file.close();
        await taking.outlast();
        continue;
      }
      if (!(await isNamed(file, options.path))) {
        await file.close();
        continue;
      }
      const me = await taking.claim(file, kernel === 'granted');
      return new Held(options, timing, file, me);
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }
}

/** The way to the lock: what was seen of others so far. */
class Taking {
  readonly #options: LockOptions;
  readonly #timing: LockTiming;
  #seen: { readonly text: string; readonly atMs: number } | undefined;

  constructor(options: LockOptions, timing: LockTiming) {
    this.#options = options;
    this.#timing = timing;
  }

  /** One round of waiting for a holder of the kernel's lock. Throws when it lives, or has not moved for too long. */
  async outlast(): Promise<void> {
    const { dyingMs, pollMs } = this.#timing;
    const text = readText(this.#options.path) ?? '';
    const seen = this.#seen;
    if (seen === undefined) {
      this.#seen = { text, atMs: performance.now() };
      this.#options.onWait?.(
        `${this.#options.path} is held by ${holderIn(text)}: if that is on its way out, its end is waited for`,
      );
    } else if (seen.text !== text) throw this.#held(text);
    else if (performance.now() - seen.atMs > dyingMs)
      throw this.#held(text, `, which has shown no life for ${dyingMs / 1000} s and has not ended`);
    await later(pollMs);
  }

  /** The kernel lets us in, or has no say: is there anybody that it does not know of? If not, the record is ours. */
  async claim(file: FileHandle, kernelDecides: boolean): Promise<Holder> {
    const { path, now = Date.now } = this.#options;
    const bootId = readBootId();
    const text = await textOf(file);
    const old = livingHolderOfOld(text, bootId);
    if (old !== undefined) throw this.#held('', undefined, `process ${old}`);
    const before = decodeHolder(text);
    // One kernel has one table of locks: what it let go on this machine is free, unless its holder never had that lock. Of such a record, and of
    // another machine's, only time can tell.
    const known = kernelDecides && before?.kernel === true && before.boot === bootId && bootId !== '';
    const watched = before !== undefined && !before.released && !known;
    if (watched) await this.#watch(text);
    const me: Holder = {
      id: randomBytes(16).toString('hex'),
      host: hostname(),
      pid: process.pid,
      boot: bootId,
      since: new Date(now()).toISOString(),
      kernel: kernelDecides,
      beat: 0,
      released: false,
    };
    await write(file, me);
    await file.sync();
    if (watched || !kernelDecides) {
      // Two that took it at once: the one that wrote last has it.
      await later(2 * this.#timing.beatMs);
      const found = readText(path) ?? '';
      if (decodeHolder(found)?.id !== me.id) throw this.#held(found);
    }
    return me;
  }

  async #watch(text: string): Promise<void> {
    const { path, onWait } = this.#options;
    const { staleMs, pollMs } = this.#timing;
    onWait?.(
      `${path} was left by ${holderIn(text)}, of another machine, before a reboot or without the kernel's lock: it is watched for ${staleMs / 1000} s for a sign of life`,
    );
    for (const endMs = performance.now() + staleMs; performance.now() < endMs;) {
      await later(pollMs);
      const found = readText(path) ?? '';
      if (found !== text) throw this.#held(found);
    }
  }

  #held(text: string, more = '', holder = holderIn(text)): LockedError {
    return new LockedError(`${this.#options.path} is held by ${holder}${more}; ${this.#options.advice}`);
  }
}

class Held implements HeldLock {
  readonly #options: LockOptions;
  readonly #timing: LockTiming;
  readonly #file: FileHandle;
  readonly #inode: bigint;
  readonly #timer: NodeJS.Timeout;
  #me: Holder;
  #lost: LockLostError | undefined;
  /** When the record was last seen to be ours, by both clocks: one of them stands still while the machine sleeps. */
  #seenMs = performance.now();
  #seenAt = Date.now();
  #beating: Promise<void> = Promise.resolve();

  constructor(options: LockOptions, timing: LockTiming, file: FileHandle, me: Holder) {
    this.#options = options;
    this.#timing = timing;
    this.#file = file;
    this.#me = me;
    this.#inode = statSync(options.path, { bigint: true }).ino;
    this.#timer = setInterval(() => {
      this.#beating = this.#beating.then(() => this.#beat());
    }, timing.beatMs);
    this.#timer.unref();
  }

  get id(): string {
    return this.#me.id;
  }

  check(): void {
    if (this.#lost !== undefined) throw this.#lost;
    const reason = this.#isRecent() ? this.#otherFile() : (this.#otherFile() ?? this.#otherRecord(this.#recordNow()));
    if (reason !== undefined) throw this.#lose(reason);
  }

  #isRecent(): boolean {
    const trustedMs = BEATS_TRUSTED * this.#timing.beatMs;
    return performance.now() - this.#seenMs < trustedMs && Math.abs(Date.now() - this.#seenAt) < trustedMs;
  }

  /** Why the name no longer stands for the file that is locked. */
  #otherFile(): string | undefined {
    try {
      const inode = statSync(this.#options.path, { bigint: true }).ino;
      return inode === this.#inode ? undefined : 'was replaced by another file';
    } catch (error) {
      return isMissing(error) ? 'was removed' : `can't be looked at (${error instanceof Error ? error.message : String(error)})`;
    }
  }

  /** The record as a file that is opened anew has it; where there is none left to open, as the locked one has it. */
  #recordNow(): string | undefined {
    try {
      return readText(this.#options.path);
    } catch (error) {
      if (!isFileLimit(error)) throw error;
      return readRecord(this.#file.fd);
    }
  }

  #otherRecord(text: string | undefined): string | undefined {
    const found = decodeHolder(text ?? '');
    if (found?.id === this.#me.id) {
      this.#seenMs = performance.now();
      this.#seenAt = Date.now();
      return undefined;
    }
    return found === undefined ? 'does not name this process any more' : `is held by ${describeHolder(found)} now`;
  }

  /** Shows life, after a look at whether the file is still ours. */
  async #beat(): Promise<void> {
    if (this.#lost !== undefined) return;
    try {
      const reason = this.#otherFile();
      if (reason !== undefined) {
        this.#lose(reason);
        return;
      }
      const file = await this.#openAnew();
      try {
        const other = this.#otherRecord(await textOf(file));
        if (other !== undefined) {
          this.#lose(other);
          return;
        }
        this.#me = { ...this.#me, beat: this.#me.beat + 1 };
        await write(file, this.#me);
        if (file === this.#file) await file.sync();
      } finally {
        if (file !== this.#file) await file.close();
      }
    } catch (error) {
      // A full or failing disk is told by what writes to it; a file that is gone is ours no longer.
      if (isMissing(error)) this.#lose('was removed');
    }
  }

  /**
   * The file as a shared volume has it, which passes on what was closed. A process that has no file left to open lives all the same and has to
   * show it, or another takes the folder from it: the locked file does then, and is synced instead.
   */
  async #openAnew(): Promise<FileHandle> {
    try {
      return await open(this.#options.path, 'r+');
    } catch (error) {
      if (!isFileLimit(error)) throw error;
      return this.#file;
    }
  }

  #lose(reason: string): LockLostError {
    if (this.#lost !== undefined) return this.#lost;
    const { path, onLost } = this.#options;
    const lost = new LockLostError(
      `${path} ${reason}: this process (lock ${this.#me.id}) owns the folder no longer, and writes nothing more to it`,
    );
    this.#lost = lost;
    clearInterval(this.#timer);
    onLost?.(lost);
    return lost;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    try {
      if (this.#lost === undefined && this.#otherFile() === undefined) await write(this.#file, { ...this.#me, released: true });
    } finally {
      await this.#file.close();
    }
  }
}

function holderIn(text: string): string {
  const holder = decodeHolder(text);
  return holder === undefined ? 'another process' : describeHolder(holder);
}

async function write(file: FileHandle, holder: Holder): Promise<void> {
  await file.write(encodeHolder(holder), 0, RECORD_BYTES, 0);
}

async function textOf(file: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(RECORD_BYTES);
  const { bytesRead } = await file.read(bytes, 0, RECORD_BYTES, 0);
  return bytes.toString('utf8', 0, bytesRead);
}

/** Of a file that may be anybody's: at most a record. Undefined where there is none. */
function readText(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    return readRecord(fd);
  } finally {
    closeSync(fd);
  }
}

function readRecord(fd: number): string {
  const bytes = Buffer.alloc(RECORD_BYTES);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, RECORD_BYTES, 0));
}

/** Whether the path still leads to the open file. */
async function isNamed(file: FileHandle, path: string): Promise<boolean> {
  const own = await file.stat({ bigint: true });
  try {
    const named = statSync(path, { bigint: true });
    return named.ino === own.ino && named.dev === own.dev;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
