/** Rows that the kernel has written and that wait to be inserted together. */
import type { Faults } from '../process/faults.ts';
import type { Output } from '../kernel/layout.ts';
import type { Store } from '../store/store.ts';
import { ROWS, STRUCTURES, tableFor, type Rows } from './tables.ts';

export class HeldRows {
  readonly #store: Store;
  readonly #faults: Faults;
  #rows = emptyRows();
  /** Late samples are no rows: what becomes of them is decided before anything is inserted for them. */
  #late: Uint8Array[] = [];
  #bytes = 0;

  constructor(store: Store, faults: Faults) {
    this.#store = store;
    this.#faults = faults;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(output: Output, rows: Uint8Array): void {
    (output === 'late' ? this.#late : this.#rows[output]).push(rows);
    this.#bytes += rows.length;
  }

  /** The late samples since the last time. */
  takeLate(): Uint8Array {
    return Buffer.concat(this.#late.splice(0));
  }

  /** Resolves when all that is held is in its tables. */
  async insert(): Promise<void> {
    const rows = this.#rows;
    this.#rows = emptyRows();
    this.#bytes = 0;
    const insert = async (kind: Rows): Promise<void> => {
      if (rows[kind].length === 0) return;
      this.#faults.at(`before-insert-${tableFor(kind)}`);
      await this.#store.insertRowBinary(tableFor(kind), STRUCTURES[kind], rows[kind]);
      this.#faults.at(`after-insert-${tableFor(kind)}`);
    };
    await Promise.all(ROWS.map(insert));
  }
}

function emptyRows(): Record<Rows, Uint8Array[]> {
  return { samples: [], full: [], uptime: [], traffic: [], outages: [], anomalies: [], chains: [] };
}
