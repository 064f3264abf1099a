/** What is on record of how far rows are stored (table `progress`), kept by the one process that reads the log. */
import type { Kernel } from '../../kernel/kernel.ts';
import { LAYOUT as L } from '../../kernel/layout.ts';
import type { LogMark } from '../../log/check.ts';
import { LogIdentityError } from '../../log/identity.ts';
import type { LogReader } from '../../log/log.ts';
import type { Store } from '../../store/store.ts';
import { readStoredProgress, writeStoredProgress } from '../stored-progress.ts';

interface StoredState {
  readonly seq: number;
  readonly clock: bigint;
  readonly counters: readonly bigint[];
  readonly mark: LogMark | undefined;
}

export interface RowsOnRecordOptions {
  readonly store: Store;
  readonly log: LogReader;
  /** The store may be changed by others under this process: it is looked at before each step. */
  readonly isStoreShared: boolean;
}

export class RowsOnRecord {
  readonly #options: RowsOnRecordOptions;
  /** The last step whose rows are stored. */
  #stored: StoredState = { seq: -1, clock: 0n, counters: [], mark: undefined };
  /** Up to here rows may be stored. */
  #reach: { readonly seq: number; readonly check: string } = { seq: -1, check: '' };
  /** The newest row of the table as this process has written it; undefined before its first. */
  #recordedSeq: number | undefined;

  constructor(options: RowsOnRecordOptions) {
    this.#options = options;
  }

  /** Reads what is on record already. */
  async begin(live: Kernel, seq: number): Promise<void> {
    const { store, log } = this.#options;
    const last = await readStoredProgress(store, 0, log.identity?.logId);
    if (last !== undefined) this.#reach = { seq: last.reach, check: last.reachCheck };
    this.stepsStored(live, seq);
  }

  /** The rows of all steps up to this record are stored; it is written down with what is announced next. */
  stepsStored(live: Kernel, seq: number): void {
    const mark = seq < 0 ? undefined : this.#options.log.mark?.(seq);
    this.#stored = { seq, clock: live.i64(L.H_CLOCK), counters: live.counters(), mark };
  }

  /** Writes down that rows of up to this record may be stored from now on. */
  async announce(seq: number, catalogSeq: bigint): Promise<void> {
    if (seq <= this.#reach.seq) return;
    await this.#checkStore();
    this.#reach = { seq, check: this.#options.log.mark?.(seq)?.check ?? '' };
    await this.#record(catalogSeq);
  }

  /** Writes down the state that a checkpoint is about to be made of. */
  async saving(live: Kernel, seq: number, catalogSeq: bigint): Promise<void> {
    await this.#checkStore();
    this.stepsStored(live, seq);
    if (this.#reach.seq < seq) this.#reach = { seq, check: this.#stored.mark?.check ?? '' };
    await this.#record(catalogSeq);
  }

  async #record(catalogSeq: bigint): Promise<void> {
    const { store, log } = this.#options;
    const { clock, counters, mark } = this.#stored;
    // before the first step nothing is stored up to record 0 but the log's id, which brings no rows
    const seq = Math.max(0, this.#stored.seq);
    await writeStoredProgress(store, {
      ...{ seq, clock, counters, mark, catalogSeq, logId: log.identity?.logId ?? '' },
      ...{ reach: this.#reach.seq, reachCheck: this.#reach.check },
    });
    this.#recordedSeq = seq;
  }

  /** The database must hold what was stored there: one that was restored from another time meanwhile would be gone on with, with a hole. */
  async #checkStore(): Promise<void> {
    const { store, log, isStoreShared } = this.#options;
    if (!isStoreShared || this.#recordedSeq === undefined) return;
    const found = (await readStoredProgress(store, 0, log.identity?.logId))?.seq ?? -1;
    if (found >= this.#recordedSeq) return;
    throw new LogIdentityError('log_behind', {
      found: `the database says that rows up to record ${found} are stored, and this server has stored them up to record ${this.#recordedSeq}`,
      expected: 'it was emptied or restored from an earlier time while the server runs',
      advice: 'Start the server again: it stores again what the log still holds, or says what it does not',
    });
  }
}
