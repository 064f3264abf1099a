import { AsyncLocalStorage } from 'node:async_hooks';
import type { Draft, Entry } from './entry.ts';

/** The kind of the entries that say which requests have recorded something. */
export const ONCE_KIND = 'once';

/** What a request recorded that is not to be carried out twice. */
export interface Recorded {
  /** Of what was asked for: another request under the same id has another. */
  readonly fingerprint: string;
  readonly atMs: number;
  /** The entries that were recorded for it, the first hundred. */
  readonly entries: readonly Pick<Entry, 'kind' | 'id'>[];
}

/** A request that is not to be carried out twice. */
export interface OnceRequest {
  /** The same for the same request, and for no other of those that are remembered. */
  readonly id: string;
  readonly fingerprint: string;
  /** Who asks: so many of each are remembered. */
  readonly holder: string;
}

/** Thrown inside a write where the request has been carried out meanwhile, by another process. */
export class CarriedOut extends Error {
  constructor(id: string) {
    super(`request ${id} has been carried out by another process`);
    this.name = 'CarriedOut';
  }
}

const ENTRIES_TOLD = 100;

/** What a mark is asked of: whether another process came first. */
export interface MarksOnRecord {
  find(id: string, nowMs: number): Recorded | undefined;
}

/** A request under way: what it writes says so in the same insert, so that after any crash both are there, or neither. */
export class Mark {
  readonly request: OnceRequest;
  readonly #book: MarksOnRecord;
  #told: Pick<Entry, 'kind' | 'id'>[] = [];

  constructor(request: OnceRequest, book: MarksOnRecord) {
    this.request = request;
    this.#book = book;
  }

  /** What is to be recorded, with the mark at its end: an insert that is cut off may be asked for again. Throws CarriedOut. */
  onto(drafts: readonly Draft[], nowMs: number): readonly Draft[] {
    if (this.#told.length === 0 && this.#book.find(this.request.id, nowMs) !== undefined) throw new CarriedOut(this.request.id);
    const { fingerprint, holder, id } = this.request;
    const body = JSON.stringify({ fingerprint, holder, entries: this.#with(drafts) });
    return [...drafts, { kind: ONCE_KIND, id, body }];
  }

  placed(drafts: readonly Draft[]): void {
    this.#told = this.#with(drafts);
  }

  #with(drafts: readonly Draft[]): Pick<Entry, 'kind' | 'id'>[] {
    return [...this.#told, ...drafts.map(({ kind, id }) => ({ kind, id }))].slice(0, ENTRIES_TOLD);
  }
}

const underWay = new AsyncLocalStorage<Mark>();

/** The mark of the request that is being carried out, if it is one that may be so once only. */
export function markNow(): Mark | undefined {
  return underWay.getStore();
}

/** Has something done whose writes bear a mark. */
export function underMark<T>(mark: Mark, work: () => Promise<T>): Promise<T> {
  return underWay.run(mark, work);
}
