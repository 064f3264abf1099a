/**
 * One owner a folder. Three things together say who it is: the kernel's lock on the open lock file (`os-lock.ts`), the id in the file, and its beat.
 * The lock file stays when the lock is given back: removing it would let two processes lock two files of one name.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { readBootId } from './boot-id.ts';
import { decodeHolder, describeHolder, type Holder, livingHolderOfOld } from './lock-record.ts';
import { tryLockFile } from './os-lock.ts';
import { LockedError, type LockTiming, type LockOptions, type HeldLock, Held } from './held-lock.ts';
import { write, textOf, readText, isNamed } from './lock-files.ts';

const TIMING: LockTiming = { beatMs: 1_000, dyingMs: 10_000, staleMs: 5_000, pollMs: 100 };

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

function holderIn(text: string): string {
  const holder = decodeHolder(text);
  return holder === undefined ? 'another process' : describeHolder(holder);
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
