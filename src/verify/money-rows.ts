/** The rows of all accounts' money, as they are stored, and the books that they make. */
import { z } from 'zod';
import { exact, instant } from './fields.ts';
import type { ModelBook, ModelRow } from './model/ledger-rows.ts';
import { modelBooks } from './model/ledger-rows.ts';
import { Disagreed } from './disagreement.ts';
import type { Reader } from './reader.ts';

const row = z.object({
  seq: exact,
  kind: z.string(),
  id: z.string(),
  recorded_at: instant,
  by: z.string(),
  body: z.string().transform((text) => JSON.parse(text) as Record<string, unknown>),
});

/** What is on record of money, read once and then as far as it goes on. */
export class MoneyRows {
  readonly #reader: Reader;
  readonly #rows = new Map<bigint, ModelRow>();
  #books: ReadonlyMap<string, ModelBook> = new Map();
  #last = 0n;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  get books(): ReadonlyMap<string, ModelBook> {
    return this.#books;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Takes in what was recorded since. Throws `Disagreed` where one number has two rows. */
  async refresh(): Promise<void> {
    const rows = this.#reader.rows('v1/evidence/books', { after: this.#last.toString() }, row);
    const before = this.#rows.size;
    for (let next = await rows.next(); next !== undefined; next = await rows.next()) {
      const { seq, kind, id, recorded_at: recordedAtMs, by, body } = next;
      const known = this.#rows.get(seq);
      const made = { kind, id, seq, recordedAtMs, by, body };
      // An insert that was tried again may have written a row twice, and both are the same.
      if (known !== undefined && JSON.stringify(known.body) !== JSON.stringify(body))
        throw new Disagreed({
          ...{ table: 'ledger', vm: null, nic: null, minute: null, field: `row ${seq} (${kind} ${id})` },
          ...{ stored: 'two rows that say different things', recomputed: 'one' },
        });
      this.#rows.set(seq, made);
      if (seq > this.#last) this.#last = seq;
    }
    if (this.#rows.size > before) this.#books = modelBooks([...this.#rows.values()].sort((a, b) => (a.seq < b.seq ? -1 : 1)));
  }
}
