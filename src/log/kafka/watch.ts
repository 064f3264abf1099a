/**
 * Whether the topic is still the one that this process began with. The brokers give every topic an id and never give one twice (KIP-516), so what
 * they say after an acknowledgement proves which topic had acknowledged. Brokers before 3.0 don't tell: then positions and messages must do.
 */
import type { Kafka } from 'kafkajs';
import { LogError } from '../log.ts';
import { type Cluster, clusterOf } from './internals.ts';
import { askTopic, type TopicNow } from './topic-now.ts';
import { Kept } from './kept.ts';

export class TopicWatch {
  readonly #topic: string;
  readonly #connection: Kept<Cluster>;
  #expected: TopicNow | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<TopicNow | undefined> | undefined;

  /** @param expected what the topic was when this process began with it */
  constructor(kafka: Kafka, topic: string, expected?: TopicNow) {
    this.#topic = topic;
    this.#connection = new Kept(() => connect(kafka, topic));
    this.#expected = expected;
  }

  /** What the brokers say now; undefined for no such topic. */
  now(): Promise<TopicNow | undefined> {
    return this.with((cluster) => askTopic(cluster, this.#topic));
  }

  /**
   * Resolves when the topic is the one expected, by an answer to a question that was asked after this call; all who wait share it. Rejects with
   * `log_mismatch` when it is another one, `log_unavailable` when there is none or nobody tells.
   */
  async confirm(): Promise<void> {
    const expected = this.#expected;
    if (expected?.uuid === undefined) return;
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const asked = this.now();
      this.#running = asked.catch(() => undefined);
      return asked;
    });
    const found = await this.#next.catch((error: unknown) => {
      throw new LogError('log_unavailable', `the brokers do not say whether the topic is the same: ${String(error)}`, error);
    });
    const fault = faultOf(this.#topic, expected, found);
    if (fault !== undefined) throw fault;
  }

  /** Asks the brokers something else. */
  with<T>(use: (cluster: Cluster) => Promise<T>): Promise<T> {
    return this.#connection.use(use);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

async function connect(kafka: Kafka, topic: string): Promise<Cluster> {
  const cluster = clusterOf(kafka);
  await cluster.connect();
  await cluster.addTargetTopic(topic).catch(() => undefined);
  return cluster;
}

/** Why what was found is not the topic expected; undefined when it is. */
export function faultOf(topic: string, expected: TopicNow, found: TopicNow | undefined): LogError | undefined {
  if (found === undefined) return new LogError('log_unavailable', `topic ${topic} is gone: the brokers know none of this name`);
  if (expected.uuid === undefined || found.uuid === undefined) return undefined;
  if (found.uuid !== expected.uuid)
    return new LogError(
      'log_mismatch',
      `topic ${topic} was deleted and made again: the brokers call it ${found.uuid} now, and called it ${expected.uuid}`,
    );
  if (found.partitions !== expected.partitions)
    return new LogError(
      'log_mismatch',
      `topic ${topic} has ${found.partitions} partitions and was first used with ${expected.partitions}: a VM's partition follows from the number, so it can't change`,
    );
  return undefined;
}
