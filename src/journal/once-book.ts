import type { Entry } from './entry.ts';
import type { Projection } from './journal.ts';
import { CarriedOut, Mark, ONCE_KIND, type OnceRequest, type Recorded, underMark } from './once.ts';

/** How long a request is remembered. */
export const REMEMBERED_MS = 86_400_000;

interface Kept extends Recorded {
  readonly holder: string;
}

/** Which requests of the last day have recorded something, by all entries so far. */
export class OnceBook implements Projection {
  readonly reading = { [ONCE_KIND]: 'whole' } as const;
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #ofHolder = new Map<string, number>();

  apply({ id, body, recordedAtMs }: Entry): void {
    const read = keptOf(body, recordedAtMs);
    this.#drop(id);
    this.#kept.set(id, read);
    this.#ofHolder.set(read.holder, this.remembered(read.holder) + 1);
    for (const [old, { atMs }] of this.#kept) {
      if (atMs >= recordedAtMs - REMEMBERED_MS) break;
      this.#drop(old);
    }
  }

  /** What a request of this id recorded within the last day. */
  find(id: string, nowMs: number): Recorded | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined || kept.atMs < nowMs - REMEMBERED_MS ? undefined : kept;
  }

  /** How many requests of a holder are remembered. */
  remembered(holder: string): number {
    return this.#ofHolder.get(holder) ?? 0;
  }

  /**
   * Carries a request out: whatever is written within says that it was, in the same insert. Undefined where another process came first; throws whatever the
   * work throws.
   */
  async carryOut<T>(request: OnceRequest, work: () => Promise<T>): Promise<{ result: T } | undefined> {
    try {
      return { result: await underMark(new Mark(request, this), work) };
    } catch (error) {
      if (error instanceof CarriedOut) return undefined;
      throw error;
    }
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    const left = this.remembered(kept.holder) - 1;
    if (left > 0) this.#ofHolder.set(kept.holder, left);
    else this.#ofHolder.delete(kept.holder);
  }
}

function keptOf(body: string, atMs: number): Kept {
  const read = JSON.parse(body) as Partial<Record<keyof Kept, unknown>>;
  const { fingerprint, holder, entries } = read;
  if (typeof fingerprint !== 'string' || typeof holder !== 'string' || !Array.isArray(entries))
    throw new Error(`no mark of a request: ${body}`);
  return { fingerprint, holder, atMs, entries: entries as Kept['entries'] };
}
