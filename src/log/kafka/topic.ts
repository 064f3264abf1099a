/** The topic as administrators see it: made with the settings that the log needs, and asked for what it has. */
import kafkajs, { type Admin } from 'kafkajs';
import { type LogId, UnusableLogError } from '../identity.ts';
import type { KafkaSettings } from '../../process/config.ts';
import type { TopicNow } from './topic-now.ts';
import { MESSAGE_BYTES_MAX } from './message.ts';
import type { Bounds } from './queue.ts';
import type { TopicWatch } from './watch.ts';

/** The log that every role of this process works on. */
export interface KafkaLog {
  readonly logId: LogId;
  readonly topic: TopicNow;
  /** The position of offset 0. */
  readonly base: number;
  /** The log is older than its id. */
  readonly adopted: boolean;
  readonly partitions: number;
  /** Of each partition, the position that the log begins with; before it stand messages of the log that it took the place of. */
  readonly starts: readonly number[];
  /** Of each partition, the position that its next message gets at least. */
  readonly known: readonly number[];
  readonly messageBytesMax: number;
}

/** The topic can't serve as it is set up: going on would be silently wrong. */
export class TopicError extends UnusableLogError {
  override readonly name = 'TopicError';
}

const CONFIG = {
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
  // what is no longer needed is deleted by the aggregators, once two checkpoints lie behind it
  'retention.ms': '-1',
  'retention.bytes': '-1',
} as const;

/** Makes the topic; another process may have been faster. */
export async function createTopic(admin: Admin, { topic, partitions }: KafkaSettings): Promise<void> {
  const configEntries = Object.entries(CONFIG).map(([name, value]) => ({ name, value }));
  // false where another process was faster
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: partitions, replicationFactor: -1, configEntries }],
  });
}

async function configOf(admin: Admin, topic: string, names: readonly string[]): Promise<Map<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [...names] }],
  });
  return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
}

/** Throws TopicError for a topic on which the log can't be kept. */
export async function checkTopicConfig(admin: Admin, topic: string): Promise<void> {
  const found = await configOf(admin, topic, Object.keys(CONFIG));
  for (const name of ['message.timestamp.type', 'cleanup.policy'] as const) {
    if (found.get(name) !== CONFIG[name])
      throw new TopicError(`topic ${topic} has ${name}=${found.get(name) ?? ''}, and must have ${CONFIG[name]}`);
  }
}

/** What a batch of one message has around it, and what gzip adds to bytes that can't be compressed, at most. */
const BATCH_OVERHEAD_BYTES = 128;
const GZIP_OVERHEAD_SHARE = 256;

/**
 * The largest message that the brokers take whatever its bytes are: the topic's `max.message.bytes`, or the brokers' where it has none. That limit
 * is of the compressed batch.
 */
export async function messageBytesMaxOf(admin: Admin, topic: string): Promise<number> {
  const limit = Number((await configOf(admin, topic, ['max.message.bytes'])).get('max.message.bytes') ?? NaN);
  return Number.isInteger(limit) ? roomIn(limit) : MESSAGE_BYTES_MAX;
}

/** What fits into a batch of this size, at most what messages are made of anyway. */
export function roomIn(batchBytes: number): number {
  return Math.min(MESSAGE_BYTES_MAX, batchBytes - BATCH_OVERHEAD_BYTES - Math.ceil(batchBytes / GZIP_OVERHEAD_SHARE));
}

/** How many partitions the topic has now. */
export async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

/** The first and the next offset of every partition. */
export async function boundsOf(admin: Admin, topic: string): Promise<Map<number, Bounds>> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return new Map(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), head: Number(high) }]));
}

/** The same of a topic that may not be there; undefined then. */
export async function boundsIfThere(admin: Admin, topic: string): Promise<Map<number, Bounds> | undefined> {
  return (await isThere(admin, topic)) ? boundsOf(admin, topic) : undefined;
}

async function isThere(admin: Admin, topic: string): Promise<boolean> {
  return (await admin.listTopics()).includes(topic);
}

/** What the brokers say of the topic, with the number of partitions also where they don't know ids; undefined for none. */
export async function topicNow(admin: Admin, watch: TopicWatch, topic: string): Promise<TopicNow | undefined> {
  if (!(await isThere(admin, topic))) return undefined;
  const [found, partitions] = [await watch.now(), await partitionsOf(admin, topic)];
  return found === undefined ? undefined : { uuid: found.uuid, partitions };
}
