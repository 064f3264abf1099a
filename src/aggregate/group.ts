/**
 * The group of aggregators: this process' share of the topic's partitions. The consumer only hands bytes to the partitions' runners, so
 * that heartbeats go on however long a step waits for ClickHouse. The offset that counts is the checkpoint's; what is committed to the group
 * is for those who watch its lag.
 */
import type { Admin, EachBatchPayload, Kafka } from 'kafkajs';
import { producingTo } from '../log/kafka/client.ts';
import { Member } from '../log/kafka/member.ts';
import { MessageBuilder } from '../log/kafka/message.ts';
import { Asking } from '../log/kafka/asking.ts';
import { boundsOf } from '../log/kafka/topic.ts';
import type { Producing } from '../log/kafka/writer.ts';
import { tickRecord } from '../log/record.ts';
import type { Bounds } from '../log/kafka/queue.ts';
import { PartitionRunner, type RunnerOptions } from './partition-runner.ts';

export interface GroupOptions extends Omit<RunnerOptions, 'partition' | 'onRoom' | 'onProgress' | 'onTrim'> {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly sessionTimeoutMs: number;
  readonly onProgress: () => void;
  readonly onFailure: (error: unknown) => void;
}

const HEARTBEATS_A_SESSION = 6;
const FETCH_WAIT_MS = 500;
const FETCH_BYTES_A_PARTITION = 4 * 1024 * 1024;
const COMMIT_INTERVAL_MS = 5_000;
const BOUNDS_RETRY_MS = 500;
/** Messages that no tick has followed for so long are given one from here: no ingest process is left to do it. */
const NUDGE_INTERVAL_MS = 3_000;
/** Kernels brought back at once. */
const RECOVERIES_AT_ONCE = 2;

export class Group {
  readonly #options: GroupOptions;
  readonly #member: Member;
  readonly #asking: Asking;
  readonly #runners = new Map<number, PartitionRunner>();
  /** counts assignments: what was begun under an earlier one is not finished */
  #generation = 0;
  #stopping = false;
  readonly #recovering = new Set<Promise<void>>();
  #timers: NodeJS.Timeout[] = [];
  readonly #producing: Producing;
  /** where each partition waited for a tick when it was last looked at */
  readonly #waitedAt = new Map<number, number>();

  constructor(options: GroupOptions) {
    this.#options = options;
    const { kafka, topic, sessionTimeoutMs } = options;
    this.#member = new Member({
      kafka,
      topic,
      consumer: {
        groupId: `${topic}.aggregate`,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: 2 * sessionTimeoutMs,
        heartbeatInterval: Math.floor(sessionTimeoutMs / HEARTBEATS_A_SESSION),
        maxWaitTimeInMs: Math.min(FETCH_WAIT_MS, Math.floor(sessionTimeoutMs / HEARTBEATS_A_SESSION)),
        maxBytesPerPartition: FETCH_BYTES_A_PARTITION,
        maxBytes: 4 * FETCH_BYTES_A_PARTITION,
        allowAutoTopicCreation: false,
      },
      eachBatch: (payload) => this.#take(payload),
      onJoin: (own) => {
        this.#assigned(own);
      },
      onRebalancing: options.onProgress,
      onLost: options.onProgress,
      onEnd: (error) => {
        options.note(`this process is out of the group of aggregators, and joins again: ${String(error)}`);
      },
    });
    this.#asking = new Asking(kafka, this.#options.topic);
    this.#producing = producingTo(kafka, topic);
  }

  /** Whether this process is a member with an assignment, which may be of no partition: then it stands by. */
  get joined(): boolean {
    return this.#member.joined;
  }

  runners(): PartitionRunner[] {
    return [...this.#runners.values()].sort((a, b) => a.partition - b.partition);
  }

  /** Joins the group when it can; partitions come when they come. */
  start(): void {
    this.#member.start();
    this.#timers = [
      setInterval(() => {
        this.#commit();
      }, COMMIT_INTERVAL_MS),
      setInterval(() => {
        this.#nudge();
      }, NUDGE_INTERVAL_MS),
    ];
  }

  /** Saves every state and leaves the group, so that others go on from there. @param graceMs how long that may take */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const each of this.#timers) clearInterval(each);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([Promise.allSettled(this.runners().map((runner) => runner.finish())), late]);
    clearTimeout(timer);
    for (const runner of this.#runners.values()) runner.abandon();
    await this.#member.close();
    await this.#producing.close().catch(() => undefined);
    await this.#asking.close();
  }

  #assigned(partitions: readonly number[]): void {
    this.#generation++;
    for (const [partition, runner] of this.#runners) {
      if (partitions.includes(partition)) continue;
      runner.abandon();
      this.#runners.delete(partition);
    }
    // nothing is fetched before it is known from where on
    this.#member.pause(partitions);
    this.#options.onProgress();
    this.#bringBack(partitions);
  }

  /** Has these partitions worked on, as long as the present assignment lasts; what can't be brought back is a failure. */
  #bringBack(partitions: readonly number[]): void {
    const generation = this.#generation;
    if (this.#stopping) return;
    this.#takeOver(partitions, generation).catch((error: unknown) => {
      if (generation === this.#generation && !this.#stopping) this.#options.onFailure(error);
    });
  }

  async #takeOver(partitions: readonly number[], generation: number): Promise<void> {
    const bounds = await this.#bounds(generation);
    if (bounds === undefined) return;
    const isCurrent = (runner: PartitionRunner): boolean =>
      !this.#stopping && !runner.abandoned && this.#runners.get(runner.partition) === runner;
    // those brought back under an earlier assignment end first: too many at once would hold up the heartbeats
    await Promise.allSettled(this.#recovering);
    if (generation !== this.#generation) return;
    const todo = [...partitions];
    const work = async (): Promise<void> => {
      for (let p = todo.shift(); p !== undefined && generation === this.#generation; p = todo.shift()) {
        const own = bounds.get(p) ?? { low: 0, head: 0 };
        let runner = this.#runners.get(p);
        if (runner === undefined) {
          runner = this.#newRunner(p, own);
          this.#runners.set(p, runner);
          await runner.recover().catch((error: unknown) => {
            this.#runners.delete(p);
            throw error;
          });
          if (!isCurrent(runner)) continue;
          runner.start(this.#options.onFailure);
        } else if (runner.recovered) runner.assignedAgain(own);
        if (generation === this.#generation && runner.recovered) this.#goOn(runner);
        this.#options.onProgress();
      }
    };
    const working = Promise.all(Array.from({ length: RECOVERIES_AT_ONCE }, work)).then(() => undefined);
    this.#recovering.add(working);
    await working.finally(() => this.#recovering.delete(working));
  }

  #newRunner(partition: number, bounds: Bounds): PartitionRunner {
    const runner: PartitionRunner = new PartitionRunner(
      {
        ...this.#options,
        partition,
        onRoom: () => {
          if (this.#runners.get(partition) === runner) this.#member.resume(partition);
        },
        onTrim: (beforeSeq) => {
          this.#trim(partition, beforeSeq);
        },
      },
      bounds,
    );
    return runner;
  }

  /** Fetches from where the runner stands. */
  #goOn(runner: PartitionRunner): void {
    this.#member.seek(runner.partition, runner.queue.nextSeq);
    if (!runner.queue.isFull) this.#member.resume(runner.partition);
  }

  /** The brokers' word on every partition, asked until it is had. */
  async #bounds(generation: number): Promise<Map<number, Bounds> | undefined> {
    while (generation === this.#generation && !this.#stopping) {
      try {
        return await this.#asking.bounds();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, BOUNDS_RETRY_MS));
      }
    }
    return undefined;
  }

  #take({ batch }: EachBatchPayload): Promise<void> {
    const runner = this.#runners.get(batch.partition);
    if (runner?.recovered !== true) return Promise.resolve();
    const { queue } = runner;
    for (const message of batch.messages) {
      const offset = Number(message.offset);
      if (offset < queue.nextSeq) continue;
      if (offset > queue.nextSeq) {
        this.#missed(runner, offset);
        break;
      }
      runner.push(Number(message.timestamp), message.value ?? EMPTY);
    }
    queue.known({ head: Number(batch.highWatermark) });
    if (queue.isFull) this.#member.pause([batch.partition]);
    runner.wake();
    return Promise.resolve();
  }

  /**
   * Messages came that don't follow on those before: another offset was asked for, or what lies between has been deleted. That happens to one
   * that slept past its session: another has had the partition, saved a later state and let go of what it no longer needed.
   */
  #missed(runner: PartitionRunner, offset: number): void {
    const { note } = this.#options;
    const { partition } = runner;
    const expected = runner.queue.nextSeq;
    this.#member.pause([partition]);
    this.#asking.bounds().then(
      (bounds) => {
        if (this.#runners.get(partition) !== runner) return;
        const low = bounds.get(partition)?.low ?? 0;
        if (low <= expected) {
          this.#goOn(runner);
          return;
        }
        note(`partition ${partition} begins at message ${low}, ${expected} was read by another: going on from the newest state`);
        runner.abandon();
        this.#runners.delete(partition);
        this.#bringBack([partition]);
      },
      (error: unknown) => {
        note(`partition ${partition}: got message ${offset} instead of ${expected}: ${String(error)}`);
        if (this.#runners.get(partition) === runner) this.#goOn(runner);
      },
    );
  }

  #commit(): void {
    const known = this.runners().filter((runner) => runner.recovered && runner.progress().storedSeq >= 0);
    const next = new Map(known.map((runner) => [runner.partition, runner.progress().storedSeq + 1]));
    // it only tells others how far this group is: the next time will do as well
    this.#member.commit(next).catch(() => undefined);
  }

  /** A step ends with a tick, and what came last must not wait for an ingest process that may never come back. */
  #nudge(): void {
    const waiting = this.runners().filter(({ queue }) => queue.waitsForTick);
    const stuck = waiting.filter(({ partition, queue }) => this.#waitedAt.get(partition) === queue.nextSeq);
    this.#waitedAt.clear();
    for (const { partition, queue } of waiting) this.#waitedAt.set(partition, queue.nextSeq);
    if (stuck.length === 0) return;
    const tick = new MessageBuilder();
    tick.add(tickRecord(this.#options.now(), []));
    const value = tick.seal();
    // the next round will do as well
    this.#producing.produce(stuck.map(({ partition }) => ({ partition, value }))).catch(() => undefined);
  }

  #trim(partition: number, beforeSeq: number): void {
    const { topic, note } = this.#options;
    const trim = async (admin: Admin): Promise<void> => {
      // this client deletes only where it knows who leads, which it learns by asking
      const low = (await boundsOf(admin, topic)).get(partition)?.low ?? 0;
      if (low >= beforeSeq) return;
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(beforeSeq) }] });
    };
    this.#asking.do(trim).catch((error: unknown) => {
      note(`partition ${partition}: what is no longer needed could not be deleted: ${String(error)}`);
    });
  }
}

const EMPTY = new Uint8Array(0);
