import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka-broker.ts';

/** The oldest and the newest broker that we say kafkajs can talk to: what Uptally asks of a broker, asked of each. */
const VERSIONS = ['3.9.2', '4.3.1'];

describe.each(VERSIONS)('kafkajs and Kafka %s', (version) => {
  let broker: KafkaBroker;
  let kafka: Kafka;
  let admin: Admin;
  beforeAll(async () => {
    broker = await startKafkaBroker({ version });
    kafka = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100, retries: 10 } });
    admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: 't',
          numPartitions: 3,
          configEntries: [
            { name: 'message.timestamp.type', value: 'LogAppendTime' },
            { name: 'retention.ms', value: '-1' },
          ],
        },
      ],
    });
  });
  afterAll(async () => {
    await admin.disconnect();
    await broker.stop();
  });

  it('answers a produce with acks all with offset and append time, keeps it through kill -9, and gives it to a group', async () => {
    const beforeMs = Date.now();
    const producer = kafka.producer();
    await producer.connect();
    const sent = await producer.send({
      topic: 't',
      acks: -1,
      messages: [0, 1, 2, 2].map((p) => ({ value: `v${p}`, partition: p })),
    });
    await producer.disconnect();
    expect(sent.map(({ partition, baseOffset }) => [partition, baseOffset]).sort()).toEqual([0, 1, 2].map((p) => [p, '0']));
    for (const { logAppendTime } of sent) expect(Number(logAppendTime)).toBeGreaterThanOrEqual(beforeMs);

    await broker.kill();
    await broker.start();

    const consumer = kafka.consumer({ groupId: 'g', sessionTimeout: 6_000 });
    await consumer.connect();
    await consumer.subscribe({ topics: ['t'], fromBeginning: true });
    const got: string[] = [];
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      const eachMessage = ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        got.push(message.value?.toString() ?? '');
        if (got.length === 4) resolve();
        return Promise.resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
    await consumer.disconnect();
    expect(got.sort()).toEqual(['v0', 'v1', 'v2', 'v2']);
  });

  it('deletes records below an offset', async () => {
    // kafkajs deletes only where it knows the leader, and learns that from questions about the topic
    await admin.fetchTopicOffsets('t');
    await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 2, offset: '1' }] });
    const offsets = await admin.fetchTopicOffsets('t');
    expect(offsets.find(({ partition }) => partition === 2)).toMatchObject({ low: '1', high: '2' });
  });
});
