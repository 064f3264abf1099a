/** A lock that this process holds: it shows that it lives, and notices when the lock has been taken from it. */
import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { decodeHolder, describeHolder, type Holder } from './lock-record.ts';
import { isFileLimit } from './process-files.ts';
import { write, textOf, readText, readRecord, isMissing } from './lock-files.ts';

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

export class Held implements HeldLock {
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
