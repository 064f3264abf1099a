import type { Store } from '../../../src/store/store.ts';
import { decoded, memoryStore, type Row } from '../../support/memory-catalog.ts';
import type { Cut } from './story.ts';

/** The end of a process, in an insert. */
export class Died extends Error {
  override readonly name = 'Died';
}

/** A journal in memory that keeps of an insert what a crash would. */
export class CutStore {
  readonly rows: Row[] = [];
  readonly store: Store;
  #cut: { insert: number; rows: number } | undefined;

  constructor() {
    const inner = memoryStore();
    this.store = {
      ...inner,
      insertRowBinary: async (table, structure, chunks, ...more) => {
        const isCut = this.#cut !== undefined && (this.#cut.insert -= 1) === 0;
        const kept = isCut ? chunks.slice(0, this.#cut?.rows) : chunks;
        this.rows.push(...kept.map((chunk) => decoded(Buffer.from(chunk))));
        await inner.insertRowBinary(table, structure, kept, ...more);
        if (isCut) throw new Died();
      },
    };
  }

  /** The n-th insert from here on is cut; undefined: none is. */
  arm(cut: Cut | undefined): void {
    this.#cut = cut === undefined ? undefined : { ...cut };
  }
}
