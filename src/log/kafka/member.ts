/**
 * A member of a consumer group for as long as the process lives. kafkajs begins anew after some errors and gives up after others, among them such
 * as a network makes ("Broker not connected", "Failed to find group coordinator"): then this begins with a new consumer.
 */
import type { Consumer, ConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { decideOutOfRange } from './out-of-range.ts';

export interface MemberOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly consumer: ConsumerConfig;
  readonly eachBatch: (payload: EachBatchPayload) => Promise<void>;
  /** Called synchronously with the partitions assigned, before the first of them is fetched. */
  readonly onJoin: (partitions: readonly number[]) => void;
  readonly onRebalancing?: () => void;
  /** Nothing is assigned until it has joined again. */
  readonly onLost: () => void;
  /** The partition does not have the message that was to be fetched next: it was paused, and stands where it stood. */
  readonly onOutOfRange: (partition: number) => void;
  /** The consumer has given up, and the next one will try. */
  readonly onEnd: (error: unknown) => void;
}

/** Between the end of a consumer and the next one. */
const AGAIN_MS = 1_000;

export class Member {
  readonly #options: MemberOptions;
  #consumer: Consumer | undefined;
  #joined = false;
  #again: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #decide: () => void;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#decide = decideOutOfRange(options.consumer.groupId, options.onOutOfRange);
  }

  /** Whether it has an assignment, which may be of no partition. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Joins when it can. */
  start(): void {
    const { kafka, topic, onJoin, onRebalancing, onEnd } = this.#options;
    const consumer = kafka.consumer(this.#options.consumer);
    this.#consumer = consumer;
    const isCurrent = (): boolean => !this.#closed && consumer === this.#consumer;
    const ended = (error: unknown): void => {
      if (!isCurrent()) return;
      this.#consumer = undefined;
      this.#lost();
      onEnd(error);
      consumer.disconnect().catch(() => undefined);
      this.#again = setTimeout(() => {
        this.start();
      }, AGAIN_MS);
    };
    const { GROUP_JOIN, REBALANCING, STOP, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!isCurrent()) return;
      this.#joined = true;
      onJoin(payload.memberAssignment[topic] ?? []);
    });
    consumer.on(REBALANCING, () => onRebalancing?.());
    consumer.on(STOP, () => {
      if (isCurrent()) this.#lost();
    });
    consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart) ended(payload.error);
    });
    this.#run(consumer).catch(ended);
  }

  /** Fetches nothing of these partitions until they are resumed. This and what follows does nothing without an assignment: the next one begins with `onJoin`. */
  pause(partitions: readonly number[]): void {
    if (this.#joined && partitions.length > 0) this.#consumer?.pause([this.#named(partitions)]);
  }

  resume(partition: number): void {
    if (this.#joined) this.#consumer?.resume([this.#named([partition])]);
  }

  /** The next message to fetch. */
  seek(partition: number, offset: number): void {
    if (this.#joined) this.#consumer?.seek({ topic: this.#options.topic, partition, offset: String(offset) });
  }

  /** Tells the brokers how far it is. @param offsets the next message of each partition */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    if (!this.#joined || offsets.size === 0) return;
    const { topic } = this.#options;
    await this.#consumer?.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
    );
  }

  /** Leaves the group. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#consumer?.disconnect().catch(() => undefined);
    this.#decide();
  }

  #lost(): void {
    if (!this.#joined) return;
    this.#joined = false;
    this.#options.onLost();
  }

  async #run(consumer: Consumer): Promise<void> {
    const { topic, eachBatch } = this.#options;
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch });
  }

  #named(partitions: readonly number[]): { topic: string; partitions: number[] } {
    return { topic: this.#options.topic, partitions: [...partitions] };
  }
}
