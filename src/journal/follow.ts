import { type Faults, NO_FAULTS } from '../process/faults.ts';
import { Waker } from '../process/waker.ts';
import type { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import { nextPage } from './pages.ts';
import { keepPosition, type Position, readPosition } from './positions.ts';

export interface FollowOptions {
  /** Under which the position is kept: who follows under the same name later, wherever, goes on from there. */
  readonly name: string;
  /** After which entry a follower begins whose name has no position yet; left out: before the first. */
  readonly from?: bigint | undefined;
  /** The kinds that are delivered; left out: all. */
  readonly kinds?: readonly string[] | undefined;
  /**
   * Takes entries in; resolving is the acknowledgement. Whatever it may have done before, it is given the same entries again when it rejects, and some of
   * them again after a crash: what it does twice must be as good as once.
   */
  readonly deliver: (entries: readonly Entry[]) => Promise<void>;
  /** Told of what failed; it is tried again. */
  readonly onError: (error: unknown) => void;
  /** How often others' entries are looked for where other processes write. */
  readonly pollMs?: number;
  /** How long an acknowledged position may wait to be kept: so much is delivered once more after a crash. */
  readonly keepWithinMs?: number;
  /** How long to wait before what failed is tried again. */
  readonly retryMs?: number;
  /** Entries looked at for one delivery, at most. */
  readonly pageEntries?: bigint;
  /** Where tests stop the process. */
  readonly faults?: Faults;
}

const POLL_MS = 1_000;
const KEEP_WITHIN_MS = 1_000;
const RETRY_MS = 1_000;

/**
 * Delivers every entry of the journal, in its order and at least once, from where its name stopped last, in this life or an earlier one, here or in another
 * process. Own writes wake it, those of others are looked for. Several may follow under one name: each is given every entry from where it began, and what
 * one has acknowledged none is given after a restart.
 */
export class Follower {
  readonly #journal: Journal;
  readonly #options: FollowOptions;
  #position: Position;
  #kept: bigint;
  #keptAtMs = performance.now();
  #closing = false;
  readonly #waker = new Waker();
  readonly #unwatch: () => void;
  readonly #ended: Promise<void>;

  private constructor(journal: Journal, options: FollowOptions, position: Position) {
    this.#journal = journal;
    this.#options = options;
    this.#position = position;
    this.#kept = position.seq;
    this.#unwatch = journal.watch(() => {
      this.#waker.wake();
    });
    this.#ended = this.#run();
  }

  /** Begins to deliver. Throws StoreError where the position cannot be read. */
  static async start(journal: Journal, options: FollowOptions): Promise<Follower> {
    const { name, from = 0n, onError } = options;
    const kept = await readPosition(journal.store, name);
    const position = kept ?? { seq: from, term: 0n };
    // Another process may have come further than this one has looked.
    await journal.refresh();
    // Written down, so that what comes before the first acknowledgement is not passed over after a crash.
    if (kept === undefined) await keepPosition(journal.store, name, position, journal.nowMs());
    if (position.seq <= journal.lastSeq) return new Follower(journal, options, position);
    onError(
      new Error(
        `follower ${name} had come to entry ${position.seq}, and the journal ends with ${journal.lastSeq}: it goes on there`,
      ),
    );
    return new Follower(journal, options, { ...position, seq: journal.lastSeq });
  }

  /** The last entry that was delivered, or that was of no kind asked for. */
  get position(): bigint {
    return this.#position.seq;
  }

  /** Ends after what is being delivered, and keeps the position. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#waker.stop();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { onError, pollMs = POLL_MS, keepWithinMs = KEEP_WITHIN_MS, retryMs = RETRY_MS } = this.#options;
    while (!this.#closing) {
      try {
        await this.#catchUp(keepWithinMs);
        await this.#keep(keepWithinMs);
        const untilKept = this.#kept === this.#position.seq ? Infinity : keepWithinMs;
        await this.#waker.wait(Math.min(this.#journal.isShared ? pollMs : Infinity, untilKept));
      } catch (error) {
        onError(error);
        await this.#waker.pause(retryMs);
      }
    }
    this.#unwatch();
    await this.#keep(0).catch(onError);
  }

  async #catchUp(keepWithinMs: number): Promise<void> {
    const { kinds, deliver, pageEntries, faults = NO_FAULTS } = this.#options;
    if (this.#journal.isShared) await this.#journal.refresh();
    while (!this.#closing) {
      // Not beyond what this process has seen: that is durable.
      const page = await nextPage(this.#journal.store, kinds, this.#position.seq, this.#journal.lastSeq, pageEntries);
      if (page === undefined) return;
      if (page.entries.length > 0) await deliver(page.entries);
      faults.at('after-deliver');
      this.#position = { ...this.#position, seq: page.toSeq };
      await this.#keep(keepWithinMs);
    }
  }

  async #keep(withinMs: number): Promise<void> {
    if (this.#kept === this.#position.seq || performance.now() - this.#keptAtMs < withinMs) return;
    const position = { seq: this.#position.seq, term: this.#position.term + 1n };
    await keepPosition(this.#journal.store, this.#options.name, position, this.#journal.nowMs());
    this.#position = position;
    this.#kept = position.seq;
    this.#keptAtMs = performance.now();
    this.#options.faults?.at('after-keep-position');
  }
}
