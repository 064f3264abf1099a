import { type Store, StoreError } from '../store/store.ts';
import { insertEntries, insertUnlessOvertaken } from './append.ts';
import { coalesced } from './coalesced.ts';
import type { Draft, Entry } from './entry.ts';
import { markNow } from './once.ts';
import { type Reading, readEntries, readEntry } from './read.ts';

/** What is kept in memory of some kinds of entries. Only the journal hands it any, in their order, once they are durable. */
export interface Projection {
  readonly reading: Reading;
  apply(entry: Entry): void;
}

export interface JournalOptions {
  readonly store: Store;
  readonly now: () => number;
  /** Fills with randomness: `crypto.randomBytes`. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** Other processes write to the same store: a write is claimed, and decided again when another came first. */
  readonly shared?: boolean | undefined;
  /** Why nothing may be written: what a write would be decided by has not been read. */
  readonly readOnly?: string | undefined;
}

/** How often a write may be overtaken before its caller hears of it. */
const TURNS_MAX = 100;

/**
 * Everything that people and runs have recorded, as entries one after another. An entry is durable before it is seen; nothing is ever edited. Writes
 * happen one after another, also those of several processes; what is in memory of the entries is in projections.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #projections = new Map<string, Projection>();
  #reading: Reading = {};
  #lastSeq = 0n;
  readonly #lastOfKind = new Map<string, bigint>();
  readonly #watchers = new Set<() => void>();
  #writes: Promise<unknown> = Promise.resolve();
  /** A failed insert may have happened all the same: look before the next one. */
  #uncertain = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  get store(): Store {
    return this.#options.store;
  }

  /** Whether other processes write as well. */
  get isShared(): boolean {
    return this.#options.shared === true;
  }

  /** Keeps a projection from here on; `refresh` brings what is there. */
  project(projection: Projection): void {
    if (this.#lastSeq > 0n) throw new Error('a projection has to be there before anything is read');
    for (const kind of Object.keys(projection.reading)) this.#projections.set(kind, projection);
    this.#reading = { ...this.#reading, ...projection.reading };
  }

  /**
   * Takes in what other processes have recorded: everything that was durable when this was called. Calls that come while one is under
   * way share the next, so that it may be called before each request.
   */
  readonly refresh = coalesced(async () => {
    const before = this.#lastSeq;
    for await (const page of readEntries(this.store, this.#reading, before)) for (const entry of page) this.#apply(entry);
    if (this.#lastSeq > before) this.#wake();
  });

  /** The number of the last entry: what is decided now is decided by all entries up to it. */
  get lastSeq(): bigint {
    return this.#lastSeq;
  }

  /** The number of the last entry of any of these kinds, also of those that nobody keeps. */
  lastSeqOf(...kinds: readonly string[]): bigint {
    return kinds.reduce((last, kind) => {
      const own = this.#lastOfKind.get(kind) ?? 0n;
      return own > last ? own : last;
    }, 0n);
  }

  /** Now, in milliseconds, by the clock that dates entries. */
  nowMs(): number {
    return this.#options.now();
  }

  newId(): string {
    return Buffer.from(this.random(9)).toString('hex');
  }

  random(size: number): Uint8Array {
    return this.#options.randomBytes(size);
  }

  /**
   * Records what `decide` comes to, as one insert in its order: where that is cut off, what is there are the first of them. `decide` sees
   * the projections as no other writer can change them any more; it is asked again when another process came first, so it must do nothing but decide. Nothing
   * to record is no entry. What it throws is passed on. What is written for a request that is to be carried out once says so (`once.ts`).
   */
  write(by: string, decide: (nowMs: number) => readonly Draft[] | Promise<readonly Draft[]>): Promise<readonly Entry[]> {
    if (this.#options.readOnly !== undefined) throw new Error(this.#options.readOnly);
    const mark = markNow();
    const result = this.#writes.then(async () => {
      for (let turn = 0; turn < TURNS_MAX; turn += 1) {
        if (this.#uncertain) {
          await this.refresh();
          this.#uncertain = false;
        }
        const recordedAtMs = this.nowMs();
        const drafts = await decide(recordedAtMs);
        if (drafts.length === 0) return [];
        const marked = mark?.onto(drafts, recordedAtMs) ?? drafts;
        const first = this.#lastSeq + 1n;
        const entries = marked.map((draft, i): Entry => ({ ...draft, seq: first + BigInt(i), recordedAtMs, recordedBy: by }));
        if (!(await this.#append(entries))) continue;
        mark?.placed(drafts);
        return entries.slice(0, drafts.length);
      }
      throw new StoreError('catalog_busy', 'other processes keep writing to the catalog', true);
    });
    this.#writes = result.catch(() => undefined);
    return result;
  }

  /** The latest entry of an id, whole; undefined if there is none. */
  read(kind: string, id: string): Promise<Entry | undefined> {
    return readEntry(this.store, kind, id);
  }

  /** Calls back whenever there are more entries than before; the returned function ends that. */
  watch(onMore: () => void): () => void {
    this.#watchers.add(onMore);
    return () => {
      this.#watchers.delete(onMore);
    };
  }

  /** False: another process has written the entries that these were to be. */
  async #append(entries: readonly Entry[]): Promise<boolean> {
    if (entries.length === 0) return true;
    try {
      if (this.#options.shared !== true) await insertEntries(this.store, entries);
      else if (!(await insertUnlessOvertaken(this.store, entries))) {
        this.#uncertain = true;
        return false;
      }
    } catch (error) {
      this.#uncertain = true;
      throw error;
    }
    for (const entry of entries) this.#apply(entry);
    this.#wake();
    return true;
  }

  /** A refresh and a write may both come with an entry: what is not newer than the last one is there. */
  #apply(entry: Entry): void {
    if (entry.seq <= this.#lastSeq) return;
    // One without an id only tells how far its kind goes.
    if (entry.id !== '') this.#projections.get(entry.kind)?.apply(entry);
    this.#lastSeq = entry.seq;
    this.#lastOfKind.set(entry.kind, entry.seq);
  }

  #wake(): void {
    for (const onMore of this.#watchers) onMore();
  }
}
