/**
 * The group of aggregators: this process' share of the topic's partitions. The consumer only hands bytes to the partitions' runners, so
 * that heartbeats go on however long a step waits for ClickHouse. The offset that counts is the checkpoint's; what is committed to the group
 * is for those who watch its lag.
 */
import type { EachBatchPayload, Kafka } from 'kafkajs';
import type { TopicNow } from '../../log/kafka/topic-now.ts';
import { afterOwnTime } from '../../process/patience.ts';
import { Member } from '../../log/kafka/member.ts';
import { Asking } from '../../log/kafka/asking.ts';
import { faultOf, TopicWatch } from '../../log/kafka/watch.ts';
import type { Bounds } from '../../log/kafka/queue.ts';
import { consumerOf, deleteBefore } from './consuming.ts';
import { LateTicks } from './late-ticks.ts';
import { lostItsEnd, Mismatches } from './mismatches.ts';
import { PartitionRunner, type RunnerOptions } from './partition-runner.ts';

export interface GroupOptions extends Omit<RunnerOptions, 'partition' | 'onRoom' | 'onAgain' | 'onProgress' | 'onTrim'> {
  readonly kafka: Kafka;
  readonly topic: string;
  /** What the topic was when this process began with it. */
  readonly topicFound: TopicNow;
  /** The position of offset 0. */
  readonly base: number;
  readonly sessionTimeoutMs: number;
  readonly onProgress: () => void;
  readonly onFailure: (error: unknown) => void;
}

const COMMIT_INTERVAL_MS = 5_000;
const BOUNDS_RETRY_MS = 500;
/** Messages that no tick has followed for so long are given one from here: no ingest process is left to do it. */
const NUDGE_INTERVAL_MS = 3_000;
/** How often topic and positions are looked at, whatever comes or does not come. */
const WATCH_INTERVAL_MS = 2_000;
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
  readonly #lateTicks: LateTicks;
  readonly #mismatches: Mismatches;
  readonly #watch: TopicWatch;
  #watching: Promise<void> | undefined;

  constructor(options: GroupOptions) {
    this.#options = options;
    const { kafka, topic, sessionTimeoutMs } = options;
    this.#member = new Member({
      kafka,
      topic,
      consumer: consumerOf(topic, sessionTimeoutMs),
      eachBatch: (payload) => this.#take(payload),
      onJoin: (own) => {
        this.#assigned(own);
      },
      onRebalancing: options.onProgress,
      onLost: options.onProgress,
      onOutOfRange: (partition) => {
        const runner = this.#runners.get(partition);
        if (runner?.recovered === true) this.#missed(runner, undefined);
      },
      onEnd: (error) => {
        options.note(`this process is out of the group of aggregators, and joins again: ${String(error)}`);
      },
    });
    this.#asking = new Asking(kafka, topic, options.base);
    this.#watch = new TopicWatch(kafka, topic);
    this.#lateTicks = new LateTicks(options);
    this.#mismatches = new Mismatches(options.now);
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
        this.#lateTicks.nudge(this.runners());
      }, NUDGE_INTERVAL_MS),
      setInterval(() => {
        // what can't be told now is asked again
        this.#lookAtTopic().catch(() => undefined);
      }, WATCH_INTERVAL_MS),
    ];
  }

  /** Saves every state and leaves the group, so that others go on from there. @param graceMs how long that may take */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const each of this.#timers) clearInterval(each);
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = afterOwnTime(graceMs, resolve);
    });
    await Promise.race([Promise.allSettled(this.runners().map((runner) => runner.finish())), late]);
    cancel();
    for (const runner of this.#runners.values()) runner.abandon();
    await this.#member.close();
    await this.#lateTicks.close().catch(() => undefined);
    await this.#asking.close();
    await this.#watch.close();
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
    const fault = await this.#topicFault().catch(() => undefined);
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
          if (fault !== undefined) await runner.halt('log_mismatch', fault);
          else
            await runner.recover().catch((error: unknown) => {
              this.#runners.delete(p);
              throw error;
            });
          if (!isCurrent(runner)) continue;
          if (runner.recovered) runner.start(this.#options.onFailure);
          else this.#mismatches.didNotFit(p);
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
        onAgain: () => {
          if (this.#runners.get(partition) === runner) this.#goOn(runner);
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
    this.#member.seek(runner.partition, runner.queue.nextSeq - this.#options.base);
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
      const position = this.#options.base + Number(message.offset);
      // fetched before another place was asked for
      if (position < queue.nextSeq) continue;
      if (position > queue.nextSeq) {
        this.#missed(runner, position);
        break;
      }
      runner.push(Number(message.timestamp), message.value ?? EMPTY);
    }
    queue.known({ head: this.#options.base + Number(batch.highWatermark) });
    if (queue.isFull) this.#member.pause([batch.partition]);
    runner.wake();
    return Promise.resolve();
  }

  /**
   * What came does not follow on what was before, or nothing is where it should go on: what lies between has been deleted, or the topic is another.
   * The first happens to one that slept past its session: another has had the partition, saved a later state and let go of what it no longer needed.
   * Whether that is so the newest state says: it is brought back, and halts where it does not reach to what is left.
   */
  #missed(runner: PartitionRunner, position: number | undefined): void {
    const { note } = this.#options;
    const { partition } = runner;
    const expected = runner.queue.nextSeq;
    this.#member.pause([partition]);
    this.#asking.bounds().then(
      (bounds) => {
        if (this.#runners.get(partition) !== runner) return;
        const { low, head } = bounds.get(partition) ?? { low: 0, head: 0 };
        if (head < expected) {
          void runner.halt('log_mismatch', lostItsEnd(head, expected));
          return;
        }
        if (low <= expected) {
          this.#goOn(runner);
          return;
        }
        note(`partition ${partition} begins at message ${low}, ${expected} was to be read: going on from the newest state`);
        this.#beginAnew(runner);
      },
      (error: unknown) => {
        note(
          `partition ${partition}: got ${position === undefined ? 'nothing' : `message ${position}`} instead of message ${expected}: ${String(error)}`,
        );
        if (this.#runners.get(partition) === runner) this.#goOn(runner);
      },
    );
  }

  #beginAnew(runner: PartitionRunner): void {
    runner.abandon();
    this.#runners.delete(runner.partition);
    this.#bringBack([runner.partition]);
  }

  /** Why the topic is not the one that this process began with; undefined when it is. Rejects while nobody tells. */
  async #topicFault(): Promise<string | undefined> {
    const { topic, topicFound } = this.#options;
    return faultOf(topic, topicFound, await this.#watch.now())?.message;
  }

  /** Halts what can't go on with the topic as it is now, and tries again what did not fit its log before. */
  #lookAtTopic(): Promise<void> {
    this.#watching ??= this.#look().finally(() => {
      this.#watching = undefined;
    });
    return this.#watching;
  }

  async #look(): Promise<void> {
    const fault = await this.#topicFault();
    // asked before the bounds are: what comes meanwhile lies behind them
    const expected = new Map(this.runners().map((runner) => [runner, runner.queue.nextSeq]));
    const bounds = fault === undefined ? await this.#asking.bounds() : undefined;
    for (const [runner, next] of expected) {
      const { partition, recovered } = runner;
      if (this.#stopping || this.#runners.get(partition) !== runner) continue;
      const head = bounds?.get(partition)?.head ?? next;
      if (fault !== undefined) {
        this.#mismatches.byTopic(runner);
        await runner.halt('log_mismatch', fault);
      } else if (recovered && head < next) await runner.halt('log_mismatch', lostItsEnd(head, next));
      else if (this.#mismatches.mayBeginAnew(runner)) this.#beginAnew(runner);
    }
  }

  #commit(): void {
    const known = this.runners().filter((runner) => runner.recovered && runner.progress().storedSeq >= 0);
    const next = new Map(
      known.map((runner) => [runner.partition, Math.max(0, runner.progress().storedSeq + 1 - this.#options.base)]),
    );
    // it only tells others how far this group is: the next time will do as well
    this.#member.commit(next).catch(() => undefined);
  }

  #trim(partition: number, beforeSeq: number): void {
    const { topic, note, base } = this.#options;
    const offset = beforeSeq - base;
    this.#asking
      .do((admin) => deleteBefore(admin, topic, partition, offset))
      .catch((error: unknown) => {
        note(`partition ${partition}: what is no longer needed could not be deleted: ${String(error)}`);
      });
  }
}

const EMPTY = new Uint8Array(0);
