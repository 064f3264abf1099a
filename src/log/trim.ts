import type { LogMark } from './check.ts';
import type { WriteTable } from './lmdb.ts';
import type { After, WriterFaults, WriterLimits } from './surroundings.ts';

/** Segments removed in one transaction by a trim: a few milliseconds of the write lock at most. */
const TRIM_CHUNK_SEGMENTS = 64;

/** Takes what is no longer needed off the beginning of a log, beside the appends. */
export class Trimmer {
  readonly #table: WriteTable;
  readonly #limits: Pick<WriterLimits, 'appendDeadlineMs'>;
  readonly #after: After;
  readonly #stillOurs: () => void;
  readonly #faults: WriterFaults | undefined;
  /** Records before this one are gone, or about to go. */
  beforeSeq: number;

  constructor(
    table: WriteTable,
    limits: Pick<WriterLimits, 'appendDeadlineMs'>,
    surroundings: { readonly after: After; readonly stillOurs: () => void; readonly faults: WriterFaults | undefined },
  ) {
    this.#table = table;
    this.#limits = limits;
    this.#after = surroundings.after;
    this.#stillOurs = surroundings.stillOurs;
    this.#faults = surroundings.faults;
    this.beforeSeq = table.trim().beforeSeq;
  }

  /**
   * Has the log begin at a record. Where it rejects nobody knows how far it came.
   * @param mark what the log says of itself before that record
   * @param headSeq the first record that the disk does not have
   */
  async trim(beforeSeq: number, mark: LogMark | undefined, headSeq: () => number): Promise<void> {
    await this.#faults?.at('before-trim');
    this.#stillOurs();
    // The mark goes first: readers never meet a half-trimmed range, and a trim cut short is finished by the next one.
    if (beforeSeq > this.beforeSeq) await this.#withDeadline(this.#table.markTrimmed({ beforeSeq, mark }));
    this.beforeSeq = Math.max(this.beforeSeq, beforeSeq);
    await this.#removeSegments(headSeq);
  }

  /** Removes the segments all of whose records lie before the trim mark, a chunk a transaction. */
  async #removeSegments(headSeq: () => number): Promise<void> {
    for (;;) {
      const seqs = this.#table.segmentsUpTo(this.beforeSeq, TRIM_CHUNK_SEGMENTS + 1);
      // A segment ends where the next one begins; the newest ends at the head.
      const last = seqs.length <= TRIM_CHUNK_SEGMENTS && this.beforeSeq === headSeq() ? seqs.length : seqs.length - 1;
      const removable = seqs.slice(0, last).filter((seq) => seq < this.beforeSeq);
      if (removable.length === 0) return;
      await this.#withDeadline(this.#table.remove(removable));
    }
  }

  async #withDeadline(written: Promise<void>): Promise<void> {
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#after(this.#limits.appendDeadlineMs, () => {
        setImmediate(() => {
          reject(new Error(`a trim took longer than ${this.#limits.appendDeadlineMs} ms`));
        });
      });
    });
    await Promise.race([written, late]).finally(cancel);
  }
}
