import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Member } from '../../src/log/kafka/member.ts';
import { TopicWatch } from '../../src/log/kafka/watch.ts';
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

  it('gives a topic another id when it is made again', async () => {
    const ids: (string | undefined)[] = [];
    const watch = new TopicWatch(kafka, 'again');
    for (let i = 0; i < 2; i++) {
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'again', numPartitions: 2 }] });
      const found = await watch.now();
      expect(found).toMatchObject({ partitions: 2 });
      ids.push(found?.uuid);
      await admin.deleteTopics({ topics: ['again'] });
    }
    await watch.close();
    expect(new Set(ids).size).toBe(2);
    expect(ids).not.toContain(undefined);
  });

  it('does not have kafkajs decide where to go on when an offset is out of range', async () => {
    const told = await new Promise<number>((resolve) => {
      const member = new Member({
        kafka,
        topic: 't',
        consumer: { groupId: 'range' },
        eachBatch: () => Promise.reject(new Error('something was read')),
        onJoin: (partitions) => {
          member.pause(partitions);
          member.seek(0, 1_000);
          member.resume(0);
        },
        onLost: () => undefined,
        onOutOfRange: (partition) => {
          void member.close().then(() => {
            resolve(partition);
          });
        },
        onEnd: () => undefined,
      });
      member.start();
    });
    expect(told).toBe(0);
    const committed = await admin.fetchOffsets({ groupId: 'range', topics: ['t'] });
    expect(committed[0]?.partitions.every(({ offset }) => offset === '-1')).toBe(true);
  });
});
