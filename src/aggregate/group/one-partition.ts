/** One partition of a log that says itself where steps end: several processes may work on it, one after the other, or by mistake together. */
import type { Kernel } from '../../kernel/kernel.ts';
import { KIND_SAMPLES, LAYOUT as L } from '../../kernel/layout.ts';
import { LogError, type LogReader, type LogRecord } from '../../log/log.ts';
import { framesOf, samplesIn } from '../../log/record.ts';
import { deleteRowsOf } from '../../store/delete-rows.ts';
import type { Store } from '../../store/store.ts';
import { NOTHING_FORGOTTEN } from '../forgotten.ts';
import { CapacityError, type Pricing, type PricingChange } from '../pricing.ts';
import { countNew } from '../room.ts';
import type { PricesAtStart, Scope } from '../scope.ts';
import { SETTLED } from '../steps.ts';
import { readStoredProgress, type StoredProgress } from '../stored-progress.ts';

export interface OnePartitionOptions {
  readonly store: Store;
  readonly log: LogReader;
  readonly partition: number;
  readonly owns: (vm: string) => boolean;
  readonly vmsMax: number;
  readonly nicsMax: number;
  /** The cluster that the tables are on, if any. */
  readonly cluster?: string | undefined;
  /** The first position from this one on of which something is expected. Left out: the same. */
  readonly afterGaps?: (position: number) => number;
  /** Whether rows of a log are this database's own. Left out: any. */
  readonly isOwnLog?: (logId: string) => boolean;
}

export class OnePartition implements Scope {
  readonly partition: number;
  readonly owns: (vm: string) => boolean;
  /** Which slice belongs to which step, and how large it is, has to follow from the log. */
  readonly pace = undefined;
  readonly repairsBetweenSteps = false;
  readonly quarantined = 0n;
  readonly forgotten = NOTHING_FORGOTTEN;
  readonly #options: OnePartitionOptions;
  /** What a process that has lost the partition may have written after it was deleted, until the next checkpoint. */
  readonly #toSweep: { readonly vms: readonly string[]; readonly seq: number }[] = [];

  constructor(options: OnePartitionOptions) {
    this.#options = options;
    this.partition = options.partition;
    this.owns = options.owns;
  }

  afterGaps(position: number): number {
    return this.#options.afterGaps?.(position) ?? position;
  }

  storedProgress(): Promise<StoredProgress | undefined> {
    return readStoredProgress(this.#options.store, this.partition);
  }

  /** A topic that was made anew, or lost its end or what was not stored yet, is not what the stored rows came from. */
  async checkLog(): Promise<void> {
    const { log, isOwnLog } = this.#options;
    const progress = await this.storedProgress();
    if (progress !== undefined && isOwnLog?.(progress.logId) === false)
      throw new LogError('log_mismatch', `the stored rows are of log ${progress.logId}, which this database does not name`);
    const stored = progress?.seq ?? -1;
    const next = this.afterGaps(stored + 1);
    const first = log.firstSeq ?? log.headSeq();
    if (next > log.headSeq())
      throw new LogError(
        'log_mismatch',
        `the log ends before message ${log.headSeq()}, and rows up to message ${stored} are stored: it is not the log they came from, or has lost its end`,
      );
    if (first > next)
      throw new LogError(
        'log_mismatch',
        `the log begins at message ${first}, and rows up to message ${stored} are stored: messages ${next} to ${first - 1} were deleted before they were taken in`,
      );
  }

  newestUsable(): Promise<number> {
    return Promise.resolve(Infinity);
  }

  pricedBy(stored: StoredProgress): bigint {
    return stored.catalogSeq;
  }

  /** Samples are counted in the whole store only. */
  checkArchive(): Promise<void> {
    return Promise.resolve();
  }

  restoreMarks(live: Kernel, stored: StoredProgress): Promise<void> {
    live.setU64(L.H_CATALOG_SEQ, stored.catalogSeq);
    live.setU64(L.H_MARKED, stored.catalogSeq);
    return Promise.resolve();
  }

  /** Up to the last mark: rows are priced anew by the steps with the marks that come. */
  async catchUpPrices(live: Kernel, pricing: Pricing): Promise<PricesAtStart> {
    await pricing.refresh(live.u64(L.H_CATALOG_SEQ));
    pricing.writeAll(live);
    // steps end where they did before, so this is for rows of a version of this program that ended them elsewhere
    return { toReprice: new Set(), repriceFromSeq: 0, redoUntilSeq: this.#options.log.headSeq() - 1 };
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  /** With nothing taken in: another process may have more room. */
  checkRoom(live: Kernel, records: readonly LogRecord[]): void {
    const { vmsMax, nicsMax } = this.#options;
    const samples = records.reduce((sum, { payload }) => sum + samplesIn(payload), 0);
    const vms = live.u32(L.H_VMS);
    const nics = live.u32(L.H_NICS);
    if (vms + samples <= vmsMax && nics + samples <= nicsMax) return;
    const frames = records.flatMap(({ payload }) => (payload[0] === KIND_SAMPLES ? [framesOf(payload)] : []));
    const added = countNew(live, ...frames);
    if (vms + added.vms <= vmsMax && nics + added.nics <= nicsMax) return;
    throw new CapacityError(
      `the next samples name ${added.vms} new VMs and ${added.nics} new interfaces, and there is room for ${vmsMax - vms} and ${nicsMax - nics}: raise UPTALLY_MAX_VMS or UPTALLY_MAX_NICS`,
    );
  }

  /** Every process that appends marks a change: what is known already changes nothing. */
  refreshPrices(pricing: Pricing, marked: bigint): Promise<PricingChange | undefined> {
    return marked > pricing.seq ? pricing.refresh(marked) : Promise.resolve(undefined);
  }

  appliedCatalogSeq(_marked: bigint, priced: bigint): bigint {
    return priced;
  }

  samplesUpTo(_seq: number, accepted: bigint): bigint {
    return accepted;
  }

  /** Progress is written with every step, by whoever runs them. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  stepsStored(): void {
    // nothing: see announce
  }

  forgot(vms: readonly string[], seq: number): Promise<void> {
    this.#toSweep.push({ vms, seq });
    return Promise.resolve();
  }

  recount(): Promise<void> {
    return Promise.resolve();
  }

  async saving(): Promise<void> {
    const { store, cluster } = this.#options;
    for (const { vms, seq } of this.#toSweep.splice(0)) await deleteRowsOf(store, cluster, vms, (BigInt(seq) << 16n) | SETTLED);
  }
}
