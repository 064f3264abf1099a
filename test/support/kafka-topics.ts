/** What people do to topics behind our back, by hand or by mistake. */
import kafkajs, { type Admin, CompressionTypes, Kafka, logLevel } from 'kafkajs';
import type { TopicNow } from '../../src/log/kafka/topic-now.ts';
import { TopicWatch } from '../../src/log/kafka/watch.ts';
import { until } from './until.ts';

/**
 * Each change resolves when the broker that is asked has it: the controller answers before, and for a moment what is deleted can still be written to
 * and what was made is not there.
 */
export class Topics {
  readonly #kafka: Kafka;

  constructor(brokers: string) {
    this.#kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100, retries: 10 } });
  }

  async #admin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async make(topic: string, numPartitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const settings = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1', ...config };
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await this.#admin((admin) => admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, configEntries }] }));
    await this.#untilKnown(topic, 'made', (found) => found?.partitions === numPartitions);
  }

  async delete(topic: string): Promise<void> {
    await this.#admin((admin) => admin.deleteTopics({ topics: [topic] }));
    await this.#untilKnown(topic, 'deleted', (found) => found === undefined);
  }

  async makeAgain(topic: string, partitions: number): Promise<void> {
    await this.delete(topic);
    await this.make(topic, partitions);
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    await this.#admin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }));
    await this.#untilKnown(topic, 'given partitions', (found) => found?.partitions === count);
  }

  async #untilKnown(topic: string, what: string, holds: (found: TopicNow | undefined) => boolean): Promise<void> {
    const watch = new TopicWatch(this.#kafka, topic);
    try {
      await until(`topic ${topic} to be ${what}`, async () => holds(await watch.now()));
    } finally {
      await watch.close();
    }
  }

  configure(topic: string, name: string, value: string): Promise<void> {
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
    return this.#admin(async (admin) => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
      // altering replaces everything that was set
      const kept = (resources[0]?.configEntries ?? []).filter((entry) => !entry.isDefault && entry.configName !== name);
      const configEntries = [...kept.map((entry) => ({ name: entry.configName, value: entry.configValue })), { name, value }];
      await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
    });
  }

  heads(topic: string): Promise<number[]> {
    return this.#admin(async (admin) =>
      (await admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high)),
    );
  }

  /** Deletes everything that the topic has. */
  truncate(topic: string): Promise<void> {
    return this.#admin(async (admin) => {
      const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, offset: high }));
      await admin.deleteTopicRecords({ topic, partitions });
    });
  }

  /** Every message that the topic has, by partition. */
  async messages(topic: string): Promise<Map<number, Buffer[]>> {
    const heads = await this.heads(topic);
    const read = new Map(heads.map((_, partition): [number, Buffer[]] => [partition, []]));
    let left = heads.filter((head) => head > 0).length;
    if (left === 0) return read;
    const consumer = this.#kafka.consumer({ groupId: `test-${topic}-${Math.random()}` });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = ({
        partition,
        message,
      }: {
        partition: number;
        message: { offset: string; value: Buffer | null };
      }): Promise<void> => {
        const head = heads[partition] ?? 0;
        if (Number(message.offset) < head) read.get(partition)?.push(message.value ?? Buffer.alloc(0));
        if (Number(message.offset) === head - 1 && --left === 0) resolve();
        return Promise.resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
    await consumer.disconnect();
    return read;
  }

  async write(topic: string, messages: ReadonlyMap<number, readonly Buffer[]>): Promise<void> {
    const producer = this.#kafka.producer();
    await producer.connect();
    for (const [partition, values] of messages)
      for (const value of values)
        await producer.send({ topic, acks: -1, compression: CompressionTypes.None, messages: [{ partition, value }] });
    await producer.disconnect();
  }
}
