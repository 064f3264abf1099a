/** All of a log that only this process reads: it may look at what is there when it likes, and counts for the whole store. */
import type { Kernel } from '../../kernel/kernel.ts';
import { LAYOUT as L } from '../../kernel/layout.ts';
import { LogIdentityError } from '../../log/identity.ts';
import type { LogReader } from '../../log/log.ts';
import type { Store } from '../../store/store.ts';
import { type ForgottenSum, lastForgetting, NOTHING_FORGOTTEN, readForgotten } from '../forgotten.ts';
import type { Pricing, PricingChange } from '../pricing.ts';
import { countQuarantined } from '../quarantined.ts';
import type { PricesAtStart, Scope } from '../scope.ts';
import { SETTLED } from '../steps.ts';
import { readStoredProgress, type StoredProgress } from '../stored-progress.ts';
import { RowsOnRecord } from './rows-on-record.ts';

export interface WholeLogOptions {
  readonly store: Store;
  readonly log: LogReader;
  /** A clock that does not go back: slices of repair are made to fit its time. Left out: they are as large as they may be. */
  readonly pace?: () => number;
  /** Samples that are in the log's count and were given up, each with the record from which on they are missing. */
  readonly givenUp?: readonly { readonly from: number; readonly samples: bigint }[];
  /** The first position from one on that was not let pass. */
  readonly afterGaps?: (position: number) => number;
  /** Whether raw samples are given up when they are old; left out: they may be. */
  readonly samplesExpire?: boolean;
  /** The store may be changed by others under this process: it is looked at before each step. */
  readonly isStoreShared?: boolean;
  readonly note?: (message: string) => void;
}

export class WholeLog implements Scope {
  readonly partition = 0;
  readonly repairsBetweenSteps = true;
  readonly pace: (() => number) | undefined;
  readonly #options: WholeLogOptions;
  readonly #onRecord: RowsOnRecord;
  #quarantined = 0n;
  #forgotten = NOTHING_FORGOTTEN;

  constructor(options: WholeLogOptions) {
    const { store, log, isStoreShared = false } = options;
    this.#options = options;
    this.pace = options.pace;
    this.#onRecord = new RowsOnRecord({ store, log, isStoreShared });
  }

  readonly owns = (): boolean => true;

  get quarantined(): bigint {
    return this.#quarantined;
  }

  get forgotten(): ForgottenSum {
    return this.#forgotten;
  }

  /** A log that does not say where it is can't be told from another, so nothing of it is on record but its checkpoints. */
  get #saysWhere(): boolean {
    return this.#options.log.mark !== undefined;
  }

  afterGaps(position: number): number {
    return this.#options.afterGaps?.(position) ?? position;
  }

  storedProgress(): Promise<StoredProgress | undefined> {
    const { store, log } = this.#options;
    return readStoredProgress(store, this.partition, log.identity?.logId);
  }

  /** `own-log` has looked before. */
  checkLog(): Promise<void> {
    return Promise.resolve();
  }

  /** A state beyond what the store has on record is of a time that the store has been set back behind. */
  async newestUsable(): Promise<number> {
    return this.#saysWhere ? ((await this.storedProgress())?.seq ?? -1) : Infinity;
  }

  pricedBy(): undefined {
    return undefined;
  }

  /** A state rebuilt from fewer samples than were counted would be another state. */
  async checkArchive(progress: StoredProgress): Promise<void> {
    const { store, note, samplesExpire } = this.#options;
    const [accepted = 0n, duplicate = 0n, conflict = 0n] = progress.counters;
    const applied = accepted - duplicate - conflict;
    const upTo = (BigInt(progress.seq) << 16n) | SETTLED;
    const [row] = await store.rows<{ n: string }>(
      `SELECT sum(n) AS n FROM (SELECT uniqExact(nic, host, part, ts) AS n FROM samples WHERE pos <= ${upTo} GROUP BY vm)`,
    );
    const { samples, conflicts } = await readForgotten(store);
    const missing = applied - BigInt(row?.n ?? '0') - (samples - conflicts);
    if (missing <= 0n) return;
    const told = `${applied} distinct samples were counted up to record ${progress.seq}, and ${missing} of them are not stored`;
    // what has expired is no part of the state any more
    if (samplesExpire !== false) note?.(`${told}: expired, if the oldest are older than the retention`);
    else
      throw new LogIdentityError('log_behind', {
        found: told,
        expected: 'samples are kept for good here, so the database has lost some',
        advice: 'Restore the newest backup of the database, or the checkpoints that belong to it',
      });
  }

  async restoreMarks(live: Kernel, progress: StoredProgress): Promise<void> {
    live.setU64(L.H_MARKED, await lastForgetting(this.#options.store, this.partition, progress.seq));
  }

  async catchUpPrices(live: Kernel, pricing: Pricing, rebuilt: Iterable<string>): Promise<PricesAtStart> {
    const { store, log } = this.#options;
    const known = live.u64(L.H_CATALOG_SEQ);
    const toReprice = new Set(rebuilt);
    // what the checkpoint's rows show already is read first, so that only what is newer counts as changed
    await pricing.refresh(known);
    const { vms } = await pricing.refresh();
    pricing.writeAll(live);
    const redoUntilSeq = await lastOutageSeq(store);
    if (pricing.seq === known) return { toReprice, repriceFromSeq: 0, redoUntilSeq };
    // rows written before the crash may show an older catalog than the one that is now read; from the head on they can be replaced
    for (const vm of vms) toReprice.add(vm);
    return { toReprice, repriceFromSeq: log.headSeq(), redoUntilSeq };
  }

  async begin(live: Kernel, seq: number): Promise<void> {
    await this.recount();
    this.#forgotten = await readForgotten(this.#options.store);
    if (this.#saysWhere) await this.#onRecord.begin(live, seq);
  }

  checkRoom(): void {
    // nothing: the door has asked before it took them
  }

  refreshPrices(pricing: Pricing): Promise<PricingChange> {
    return pricing.refresh();
  }

  /** Prices may be known before their mark comes up; names are forgotten by marks alone. */
  appliedCatalogSeq(marked: bigint, priced: bigint): bigint {
    return marked < priced ? marked : priced;
  }

  /** As the log counts them; without its word those that were taken in, and those given up before. */
  samplesUpTo(seq: number, accepted: bigint): bigint {
    const { log, givenUp = [] } = this.#options;
    const counted = seq < 0 ? undefined : log.mark?.(seq)?.samples;
    if (counted !== undefined) return counted;
    return givenUp.reduce((sum, { from, samples }) => (from <= seq ? sum + samples : sum), accepted);
  }

  async announce(seq: number, catalogSeq: bigint): Promise<void> {
    if (this.#saysWhere) await this.#onRecord.announce(seq, catalogSeq);
  }

  stepsStored(live: Kernel, seq: number): void {
    if (this.#saysWhere) this.#onRecord.stepsStored(live, seq);
  }

  async forgot(): Promise<void> {
    this.#forgotten = await readForgotten(this.#options.store);
  }

  async recount(): Promise<void> {
    this.#quarantined = await countQuarantined(this.#options.store);
  }

  saving(live: Kernel, seq: number, catalogSeq: bigint): Promise<void> {
    return this.#onRecord.saving(live, seq, catalogSeq);
  }
}

/** The last record of which an outage is stored; -1 without any. */
async function lastOutageSeq(store: Store): Promise<number> {
  const [row] = await store.rows<{ latest: string }>('SELECT max(version) AS latest FROM outages');
  return Number(BigInt(row?.latest ?? '0') >> 16n) || -1;
}
