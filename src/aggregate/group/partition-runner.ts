/**
 * Works on one partition for as long as it is assigned: brings the state back, takes step after step, saves the state now and then. It
 * is told what was fetched, and tells how much more it can take; it never waits for the broker, nor does the consumer for it.
 */
import type { Faults } from '../../process/faults.ts';
import type { MeteringConstants } from '../../kernel/kernel.ts';
import { partitionOf, vmHash } from '../../samples/vm-hash.ts';
import type { LogId } from '../../log/identity.ts';
import type { Bounds } from '../../log/kafka/queue.ts';
import { PartitionQueue } from '../../log/kafka/queue.ts';
import { afterGaps, isPassed, type Passed } from '../../log/gaps.ts';
import { LogError } from '../../log/log.ts';
import type { Store } from '../../store/store.ts';
import { Aggregator } from '../aggregator.ts';
import { checkpointTable } from '../checkpoint-table.ts';
import { CapacityError } from '../pricing.ts';
import { type PartitionState, writeProgress, writeStandstill } from '../progress.ts';
import type { Progress } from '../metering-status.ts';
import { Waker } from '../../process/waker.ts';
import { checkDatabase } from './database-check.ts';
import { OnePartition } from './one-partition.ts';

export interface RunnerOptions {
  readonly partition: number;
  readonly partitions: number;
  readonly store: Store;
  readonly constants: MeteringConstants;
  readonly vmsMax: number;
  readonly nicsMax: number;
  /** The cluster that the tables are on, if any. */
  readonly clickhouseCluster: string | undefined;
  readonly checkpointIntervalMs: number;
  readonly instance: string;
  readonly logId: LogId;
  /** The log is older than its id. */
  readonly adopted: boolean;
  /** What operators have let pass, as of now. */
  readonly gaps: () => Promise<readonly Passed[]>;
  /** The logs that the database names or has named: rows of any other don't belong to it. */
  readonly ownLogs: () => Promise<readonly LogId[]>;
  readonly now: () => number;
  readonly faults: Faults;
  readonly note: (message: string) => void;
  /** There is room for more messages again. */
  readonly onRoom: () => void;
  /** The message that could not be read is to be asked for again: it was let pass. */
  readonly onAgain: () => void;
  /** A step was stored, or the state changed. */
  readonly onProgress: () => void;
  /** The partition does not go on. Its own process hears of it before anybody can read it in ClickHouse: /readyz is no later than /v1/status. */
  readonly onHalt: () => void;
  /** The log before this message is no longer needed. */
  readonly onTrim: (beforeSeq: number) => void;
}

/** Saving the state takes at most one part in this many of the time. */
const CHECKPOINT_SHARE = 10;
/** A limit may be raised only by a new start, a message let pass by an operator; until then the partition is looked at now and again. */
const HALTED_RETRY_MS = 5_000;

export class PartitionRunner {
  readonly queue: PartitionQueue;
  state: PartitionState = '';
  /** Why it does not go on, for people. */
  detail = '';
  recovered = false;
  readonly #options: RunnerOptions;
  readonly #aggregator: Aggregator;
  #abandoned = false;
  #finishing = false;
  readonly #waker = new Waker();
  #checkpointAt = 0;
  #checkpointedAtMs: number | undefined;
  /** The newest position that this process has on record as stored; undefined before its first. */
  #toldSeq: number | undefined;
  #running: Promise<void> | undefined;
  #gaps: readonly Passed[] = [];
  #ownLogs: readonly LogId[] = [];

  constructor(options: RunnerOptions, bounds: Bounds) {
    this.#options = options;
    const { partition, partitions, logId, adopted } = options;
    this.queue = new PartitionQueue(bounds, { logId, partition, adopted });
    const { store, vmsMax, nicsMax, clickhouseCluster: cluster } = options;
    this.#aggregator = new Aggregator({
      store,
      log: this.queue,
      scope: new OnePartition({
        ...{ store, vmsMax, nicsMax, cluster, partition, log: this.queue },
        owns: (vm) => partitionOf(vmHash(vm), partitions) === partition,
        afterGaps: (position) => afterGaps(this.#gaps, partition, position),
        isOwnLog: (id) => id === '' || this.#ownLogs.includes(id),
      }),
      checkpoints: checkpointTable(options),
      constants: options.constants,
      ...{ vmsMax, nicsMax, cluster },
      faults: options.faults,
      note: (message) => {
        options.note(`partition ${partition}: ${message}`);
      },
    });
  }

  get partition(): number {
    return this.#options.partition;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  progress(): Progress {
    return { ...this.#aggregator.progress(), checkpointAtMs: this.#checkpointedAtMs };
  }

  /** Brings the state back, unless log and store don't belong together: then it halts. */
  async recover(): Promise<void> {
    [this.#gaps, this.#ownLogs] = await Promise.all([this.#options.gaps(), this.#options.ownLogs()]);
    try {
      await this.#aggregator.recover();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      await this.halt('log_mismatch', error.message);
      return;
    }
    this.queue.begin(this.progress().storedSeq + 1);
    this.recovered = true;
  }

  /** Begins to take steps. @param onFailure something that can't be gone on from */
  start(onFailure: (error: unknown) => void): void {
    this.#checkpointAt = this.#options.now() + this.#options.checkpointIntervalMs;
    this.#running = this.#run().catch((error: unknown) => {
      // what an owner of before meets does not matter any more
      if (!this.#abandoned) onFailure(error);
    });
  }

  /** Others may have had the partition meanwhile. */
  assignedAgain(bounds: Bounds): void {
    this.queue.known(bounds);
    this.#aggregator.redoUntil(bounds.head - 1);
  }

  /** Takes the message at the queue's next offset. */
  push(appendedMs: number, message: Uint8Array): void {
    if (this.#standsStill) return;
    try {
      this.queue.push(appendedMs, message);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (isPassed(this.#gaps, this.partition, this.queue.nextSeq)) this.queue.pass(appendedMs);
      else void this.halt(error.code === 'log_mismatch' ? 'log_mismatch' : 'log_corrupt', error.message);
    }
  }

  get #standsStill(): boolean {
    return this.state === 'log_corrupt' || this.state === 'log_mismatch';
  }

  /** Goes on where it stood, if what it halted for was let pass. */
  async #lookAgain(): Promise<void> {
    this.#gaps = await this.#options.gaps();
    if (!isPassed(this.#gaps, this.partition, this.queue.nextSeq)) return;
    const { note, onAgain, onProgress } = this.#options;
    note(`partition ${this.partition} goes on: message ${this.queue.nextSeq} is let pass`);
    this.state = '';
    this.detail = '';
    onProgress();
    await this.#tell();
    onAgain();
  }

  /** There is more to do. */
  wake(): void {
    this.#waker.wake();
  }

  /** The partition is another's: no step is begun any more, and what the one under way still writes does no harm. */
  abandon(): void {
    this.#abandoned = true;
    this.queue.close();
    this.wake();
  }

  /** Ends after the step under way with a saved state. */
  async finish(): Promise<void> {
    this.#finishing = true;
    this.wake();
    await this.#running;
    if (!this.#abandoned && this.recovered && this.state === '') await this.#checkpoint();
  }

  get #stopped(): boolean {
    return this.#abandoned || this.#finishing;
  }

  async #run(): Promise<void> {
    const { onProgress, onRoom } = this.#options;
    while (!this.#stopped) {
      const did = await this.#step();
      if (did && !this.abandoned) {
        await this.#tell();
        onProgress();
        if (this.queue.hasRoom) onRoom();
      }
      if (this.#options.now() >= this.#checkpointAt) await this.#checkpoint();
      if (did) continue;
      if (this.#standsStill) await this.#lookAgain();
      await this.#waker.wait(this.state === '' ? this.#checkpointAt - this.#options.now() : HALTED_RETRY_MS);
    }
  }

  async #step(): Promise<boolean> {
    try {
      return await this.#aggregator.step();
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
      await this.halt('capacity_full', error.message);
      return false;
    }
  }

  /** Takes no more samples in until somebody has done something. The first reason stays. */
  async halt(state: PartitionState, detail: string): Promise<void> {
    if (this.state === state || this.#standsStill) return;
    this.state = state;
    this.detail = detail;
    const { note, onHalt, partition } = this.#options;
    note(`partition ${partition} does not go on: ${detail}`);
    onHalt();
    await this.#tell();
  }

  #checkDatabase(): Promise<void> {
    const { store, partition } = this.#options;
    return checkDatabase(store, partition, this.#toldSeq, () => this.#stopped);
  }

  async #tell(): Promise<void> {
    const { store, partition, instance, logId, now } = this.#options;
    await this.#checkDatabase();
    if (!this.recovered) {
      await writeStandstill(store, { partition, state: this.state, instance, nowMs: now() });
      return;
    }
    const progress = this.progress();
    await writeProgress(store, { partition, progress, state: this.state, instance, logId, storedMs: now() });
    this.#toldSeq = progress.storedSeq;
  }

  async #checkpoint(): Promise<void> {
    const { now, onTrim, checkpointIntervalMs } = this.#options;
    const startedAt = now();
    await this.#checkDatabase();
    const beforeSeq = this.state === '' ? await this.#aggregator.checkpoint() : undefined;
    if (beforeSeq !== undefined && beforeSeq > 0) onTrim(beforeSeq);
    if (beforeSeq !== undefined) this.#checkpointedAtMs = now();
    const tookMs = now() - startedAt;
    this.#checkpointAt = now() + Math.max(checkpointIntervalMs, CHECKPOINT_SHARE * tookMs);
  }
}
