import type { Kafka } from 'kafkajs';
import { producingTo } from '../../log/kafka/connection.ts';
import { MessageBuilder } from '../../log/kafka/message.ts';
import type { Producing } from '../../log/kafka/producing.ts';
import { tickRecord } from '../../log/record.ts';
import type { LogId } from '../../log/identity.ts';
import type { PartitionRunner } from './partition-runner.ts';

/** A step ends with a tick, and what came last must not wait for an ingest process that may never come back: a tick from here lets it go on. */
export class LateTicks {
  readonly #logId: LogId;
  readonly #now: () => number;
  readonly #producing: Producing;
  /** where each partition waited for a tick when it was last looked at */
  readonly #waitedAt = new Map<number, number>();

  constructor({ kafka, topic, logId, now }: { kafka: Kafka; topic: string; logId: LogId; now: () => number }) {
    this.#logId = logId;
    this.#now = now;
    this.#producing = producingTo(kafka, topic);
  }

  /** Gives a tick to the partitions that wait for one where they waited the last time. */
  nudge(runners: readonly PartitionRunner[]): void {
    const waiting = runners.filter(({ queue }) => queue.waitsForTick);
    const stuck = waiting.filter(({ partition, queue }) => this.#waitedAt.get(partition) === queue.nextSeq);
    this.#waitedAt.clear();
    for (const { partition, queue } of waiting) this.#waitedAt.set(partition, queue.nextSeq);
    if (stuck.length === 0) return;
    const messages = stuck.map(({ partition, queue }) => {
      const tick = new MessageBuilder();
      tick.add(tickRecord(this.#now(), []));
      return { partition, value: tick.seal({ logId: this.#logId, partition }, queue.nextSeq) };
    });
    // the next round will do as well
    this.#producing.produce(messages).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#producing.close();
  }
}
