/** The topic: made if it is not there, and checked against what was recorded when it was first used. */
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { literal } from '../../store/rowbinary.ts';
import type { Store } from '../../store/store.ts';
import { type KafkaSettings, withAdmin } from './client.ts';
import type { Bounds } from './queue.ts';

/** The topic is not what the stored rows were made from, or can't serve: going on would be silently wrong. */
export class TopicError extends Error {
  override readonly name = 'TopicError';
}

const CONFIG = {
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
  // what is no longer needed is deleted by the aggregators, once two checkpoints lie behind it
  'retention.ms': '-1',
  'retention.bytes': '-1',
} as const;

/** Makes the topic if need be, and answers its number of partitions. Throws TopicError when it can't be used. */
export async function prepareTopic(kafka: Kafka, settings: KafkaSettings, store: Store, nowMs: number): Promise<number> {
  return withAdmin(kafka, async (admin) => {
    const { topic } = settings;
    if (!(await admin.listTopics()).includes(topic)) await create(admin, settings);
    await checkConfig(admin, topic);
    const partitions = await partitionsOf(admin, topic);
    await checkPartitions(store, topic, partitions, nowMs);
    return partitions;
  });
}

async function create(admin: Admin, { topic, partitions }: KafkaSettings): Promise<void> {
  const configEntries = Object.entries(CONFIG).map(([name, value]) => ({ name, value }));
  // false where another process was faster
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: partitions, replicationFactor: -1, configEntries }],
  });
}

async function checkConfig(admin: Admin, topic: string): Promise<void> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(CONFIG) }],
  });
  const found = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
  for (const name of ['message.timestamp.type', 'cleanup.policy'] as const) {
    if (found.get(name) !== CONFIG[name])
      throw new TopicError(`topic ${topic} has ${name}=${found.get(name) ?? ''}, and must have ${CONFIG[name]}`);
  }
}

/** How many partitions the topic has now. */
export async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

/** What to do about a changed number, for people. */
export function partitionsChanged(topic: string, recorded: number, actual: number): TopicError {
  return new TopicError(
    `topic ${topic} has ${actual} partitions and was first used with ${recorded}: a VM's partition follows from the number, so it can't change. ` +
      `Give UPTALLY_KAFKA_TOPIC a new topic and an empty database, or restore the old topic`,
  );
}

async function checkPartitions(store: Store, topic: string, actual: number, nowMs: number): Promise<void> {
  const recorded = async (): Promise<number[]> => {
    const rows = await store.rows<{ partitions: number }>(
      'SELECT DISTINCT partitions FROM log_partitions WHERE topic = {topic:String} ORDER BY partitions',
      { topic },
    );
    return rows.map((row) => row.partitions);
  };
  if ((await recorded()).length === 0) {
    await store.command(
      `INSERT INTO log_partitions (topic, partitions, recorded_at) SELECT ${literal(topic)}, ${actual}, fromUnixTimestamp64Milli(toInt64(${nowMs}))`,
    );
  }
  // also what another process has written at the same moment
  for (const number of await recorded()) if (number !== actual) throw partitionsChanged(topic, number, actual);
}

/** The first and the next offset of every partition. */
export async function boundsOf(admin: Admin, topic: string): Promise<Map<number, Bounds>> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return new Map(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), head: Number(high) }]));
}
