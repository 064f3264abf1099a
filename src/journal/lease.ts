import type { Store } from '../store/store.ts';
import type { Draft, Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import { LEASE_KIND, type LeaseBook } from './lease-book.ts';

export interface LeaseOptions {
  readonly journal: Journal;
  readonly book: LeaseBook;
  /** What is held. */
  readonly name: string;
  /** Who would hold it: another name in each life of a process. */
  readonly holder: string;
  /** How long a holder gives no sign before another takes the lease. */
  readonly standstillMs?: number;
  /** A clock that only goes forward: standstill is measured by who waits, so clocks need not agree. */
  readonly monotonicMs?: () => number;
}

const STANDSTILL_MS = 30_000;

/** Another holds the lease: what its former holder was about to record is not recorded. */
export class LeaseLostError extends Error {
  constructor(name: string) {
    super(`lease ${name} is held by another process now`);
    this.name = 'LeaseLostError';
  }
}

/**
 * Held by one process at a time. Taking it is an entry of the journal with the next term, decided where no other writer can come between; signs of life are
 * rows beside it, so the journal does not grow by them. The term is the fence: what is recorded through `write` is recorded in the holder's term or not at
 * all, however long the process slept before.
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #standstillMs: number;
  readonly #monotonicMs: () => number;
  /** The term that this one holds, or held last; 0: none yet. */
  #own = 0;
  #beat = 0n;
  /** The last sign of another holder, and when it was seen first. */
  #seen: { readonly sign: string; readonly atMs: number } | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#standstillMs = options.standstillMs ?? STANDSTILL_MS;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /** Whether this one holds it, as far as this process has read the journal. */
  get isHeld(): boolean {
    const { book, name, holder } = this.#options;
    const now = book.of(name);
    return now.holder === holder && now.term === this.#own;
  }

  /**
   * Holds on to it: gives a sign of life, or takes the lease where nobody has it or its holder has given no sign for the standstill. Called now and again, much
   * more often than that. Answers whether it is held. Throws StoreError.
   */
  async keep(): Promise<boolean> {
    const { journal, book, name, holder } = this.#options;
    if (journal.isShared) await journal.refresh();
    if (this.isHeld) {
      await this.#giveSign();
      return true;
    }
    const { holder: other, term } = book.of(name);
    // Nobody else writes to a journal that is not shared: who held it before is dead.
    if (other !== null && journal.isShared && !(await this.#standsStill(term))) return false;
    await journal.write(holder, () =>
      book.of(name).term === term ? [{ kind: LEASE_KIND, id: name, body: JSON.stringify({ holder, term: term + 1 }) }] : [],
    );
    const now = book.of(name);
    if (now.holder !== holder) return false;
    this.#own = now.term;
    this.#seen = undefined;
    await this.#giveSign();
    return true;
  }

  /** Records as the holder what `decide` comes to (see `Journal.write`). Throws LeaseLostError where the term is over: then nothing is recorded. */
  write(by: string, decide: (nowMs: number) => readonly Draft[]): Promise<readonly Entry[]> {
    return this.#options.journal.write(by, (nowMs) => {
      if (!this.isHeld) throw new LeaseLostError(this.#options.name);
      return decide(nowMs);
    });
  }

  /** Gives it back, so that the next one need not wait. */
  async release(): Promise<void> {
    const { journal, name, holder } = this.#options;
    await journal.write(holder, () =>
      this.isHeld ? [{ kind: LEASE_KIND, id: name, body: JSON.stringify({ holder: null, term: this.#own }) }] : [],
    );
  }

  async #giveSign(): Promise<void> {
    const { journal, name } = this.#options;
    if (!journal.isShared) return;
    this.#beat += 1n;
    await journal.store.command(
      `INSERT INTO lease_beats (name, term, beat, beat_at)
       SELECT {name:String}, {term:UInt64}, {beat:UInt64}, fromUnixTimestamp64Milli({at:Int64}, 'UTC')`,
      { name, term: String(this.#own), beat: this.#beat.toString(), at: journal.nowMs() },
    );
  }

  async #standsStill(term: number): Promise<boolean> {
    const { journal, name } = this.#options;
    const sign = `${term} ${await lastBeat(journal.store, name, term)}`;
    const nowMs = this.#monotonicMs();
    if (this.#seen?.sign !== sign) this.#seen = { sign, atMs: nowMs };
    return nowMs - this.#seen.atMs >= this.#standstillMs;
  }
}

async function lastBeat(store: Store, name: string, term: number): Promise<string> {
  const [row] = await store.rows<{ last: string }>(
    'SELECT toString(max(beat)) AS last FROM lease_beats WHERE name = {name:String} AND term = {term:UInt64}',
    { name, term: String(term) },
  );
  return row?.last ?? '0';
}
