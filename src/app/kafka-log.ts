/**
 * Which log the topic carries, settled before any role begins: it must be the one that the database names, the same topic as far as the brokers
 * tell, and hold everything that is known to have been in it. Only a database without any log gets a new one, and only for it is a topic made.
 */
import { type Admin, type Kafka } from 'kafkajs';
import { readProgress } from '../aggregate/progress.ts';
import { afterGaps } from '../log/gaps.ts';
import { LogIdentityError, newLogId } from '../log/identity.ts';
import { withAdmin } from '../log/kafka/client.ts';
import type { KafkaSettings } from '../process/config.ts';
import type { Faults } from '../process/faults.ts';
import { fetchMessage, type TopicNow } from '../log/kafka/internals.ts';
import { checkOrigin } from '../log/kafka/message.ts';
import type { Bounds } from '../log/kafka/queue.ts';
import {
  boundsOf,
  checkTopicConfig,
  createTopic,
  type KafkaLog,
  messageBytesMaxOf,
  TopicError,
  topicNow,
} from '../log/kafka/topic.ts';
import { TopicWatch } from '../log/kafka/watch.ts';
import { LogError } from '../log/log.ts';
import {
  type LogTopic,
  readAcknowledged,
  readFirstPartitions,
  readLogTopic,
  recordAcknowledged,
  recordLogTopic,
} from '../store/kafka-log.ts';
import { type LogGap, nameLog, type NamedLog, readGaps, readNamedLog } from '../store/named-log.ts';
import type { Store } from '../store/store.ts';

export interface LogSetup {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly store: Store;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults?: Faults;
}

/** What to do, where a topic is not the one: the page of the documentation that says how. */
export const ADVICE =
  'Give back the topic that the rows came from, or let a new log follow on what is stored: uptally log accept (docs/operating/kafka-topic.md)';

/** Finds the log, or makes it for a database that has had none. Throws TopicError or LogIdentityError when it must not be used. */
export async function openKafkaLog(setup: LogSetup): Promise<KafkaLog> {
  const { kafka, settings, store } = setup;
  const watch = new TopicWatch(kafka, settings.topic);
  try {
    return await withAdmin(kafka, async (admin) => {
      const named = (await readNamedLog(store)) ?? (await nameFirst(setup, admin, watch));
      const found = await theTopic(setup, admin, watch, named);
      await checkTopicConfig(admin, settings.topic);
      const known = await checkHoldsAll(setup, admin, watch, named, found);
      return {
        logId: named.logId,
        topic: found.now,
        base: named.firstPosition,
        adopted: found.recorded.adopted,
        partitions: found.recorded.partitions,
        starts: found.recorded.starts.map((offset) => named.firstPosition + offset),
        known,
        messageBytesMax: await messageBytesMaxOf(admin, settings.topic),
      };
    });
  } finally {
    await watch.close();
  }
}

/** A database that names no log: of a version without ids, or new. */
async function nameFirst(setup: LogSetup, admin: Admin, watch: TopicWatch): Promise<NamedLog> {
  const { settings, store, now, randomBytes, faults } = setup;
  const { topic } = settings;
  const first = await readFirstPartitions(store, topic);
  const hasRows = await hasProgress(store);
  let found = await topicNow(admin, watch, topic);
  const adopted = first.length > 0;
  if (hasRows && !adopted)
    throw new LogIdentityError('log_foreign', {
      found: `the rows of this database don't come from topic ${topic}`,
      expected: 'the log that they come from is expected, and its positions say nothing about another',
      advice: ADVICE,
    });
  if (adopted && found === undefined) throw gone(topic);
  if (found === undefined) {
    await createTopic(admin, settings);
    found = await topicNow(admin, watch, topic);
  }
  // the brokers tell of a new topic one after another
  if (found === undefined) throw new Error(`topic ${topic} is not there yet`);
  if (adopted) await checkAdoptable(setup, admin, watch, found, first);
  else await checkEmpty(admin, topic);
  const logId = newLogId(randomBytes);
  await recordLogTopic(store, { logId, topic, adopted, starts: [], ...found }, now());
  faults?.at('after-log-topic');
  if (adopted) {
    // what was answered before logs had ids is at least what is stored
    const before = await readProgress(store, found.partitions);
    const acknowledged = before.map(({ storedSeq, aggregatedSamples }) => ({ next: storedSeq + 1, samples: aggregatedSamples }));
    await recordAcknowledged(store, { logId, instance: 'before', acknowledged, nowMs: now() });
    faults?.at('after-log-acknowledged');
  }
  const named = await nameLog(store, 1, {
    logId,
    kind: 'kafka',
    name: topic,
    firstPosition: 0,
    recordedMs: now(),
    recordedBy: '',
  });
  faults?.at('after-log-named');
  return named;
}

async function hasProgress(store: Store): Promise<boolean> {
  const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM progress');
  return row !== undefined && row.n !== '0';
}

/** A topic of the version before: the same number of partitions, and no message of a log with an id. */
async function checkAdoptable(
  setup: LogSetup,
  admin: Admin,
  watch: TopicWatch,
  found: TopicNow,
  first: readonly number[],
): Promise<void> {
  const { topic } = setup.settings;
  for (const recorded of first) if (recorded !== found.partitions) throw partitionsChanged(topic, recorded, found.partitions);
  for (const { partition, offset, value } of await newestMessages(admin, watch, topic)) {
    const other = otherLog(() => {
      checkOrigin(value, offset, { logId: '', partition, adopted: true });
    });
    if (other !== undefined)
      throw foreign(topic, `topic ${topic} holds a log that has an id`, 'this database has rows and names no log');
  }
}

/** For a database without rows: messages that are there would be another's, or of a database that was lost. */
async function checkEmpty(admin: Admin, topic: string): Promise<void> {
  for (const [partition, { head }] of await boundsOf(admin, topic)) {
    if (head > 0)
      throw foreign(
        topic,
        `partition ${partition} of topic ${topic} has had ${head} messages`,
        'this database has no rows, so they are of another deployment, or of a database that was lost',
      );
  }
}

function foreign(topic: string, found: string, expected: string): LogIdentityError {
  return new LogIdentityError('log_foreign', {
    found,
    expected,
    advice: `Restore the database that belongs to topic ${topic}, give UPTALLY_KAFKA_TOPIC a topic of its own, or take it over: uptally log accept (docs/operating/kafka-topic.md)`,
  });
}

function gone(topic: string): LogIdentityError {
  return new LogIdentityError('log_unknown', {
    found: `topic ${topic} is not there`,
    expected: 'this database has a log, and a start does not make it anew',
    advice: ADVICE,
  });
}

/** What to do about a changed number, for people. */
function partitionsChanged(topic: string, recorded: number, actual: number): TopicError {
  return new TopicError(
    `topic ${topic} has ${actual} partitions and was first used with ${recorded}: a VM's partition follows from the number, so it can't change. ` +
      `Give UPTALLY_KAFKA_TOPIC a new topic and an empty database, or restore the old topic`,
  );
}

interface FoundTopic {
  readonly now: TopicNow;
  readonly recorded: LogTopic;
}

/** The topic as it is, which must be the one that the log was first used with. */
async function theTopic({ settings, store }: LogSetup, admin: Admin, watch: TopicWatch, named: NamedLog): Promise<FoundTopic> {
  const { topic } = settings;
  if (named.kind !== 'kafka' || named.name !== topic) {
    const where = named.kind === 'kafka' ? `topic ${named.name}` : 'the embedded log of a data folder';
    throw new LogIdentityError('log_foreign', {
      found: `the log is to be topic ${topic}`,
      expected: `the rows of this database come from ${where}`,
      advice: ADVICE,
    });
  }
  const now = await topicNow(admin, watch, topic);
  if (now === undefined) throw gone(topic);
  const recorded = await readLogTopic(store, named.logId);
  if (recorded === undefined)
    throw new TopicError(`the database names log ${named.logId} and says nothing of its topic: restore a backup of it`);
  if (recorded.partitions !== now.partitions) throw partitionsChanged(topic, recorded.partitions, now.partitions);
  if (recorded.uuid !== undefined && now.uuid !== undefined && recorded.uuid !== now.uuid)
    throw new LogIdentityError('log_foreign', {
      found: `the brokers call topic ${topic} ${now.uuid}`,
      expected: `they called it ${recorded.uuid} when log ${named.logId} began: it was deleted and made again, or is another cluster's`,
      advice: ADVICE,
    });
  return { now, recorded };
}

interface Newest {
  readonly partition: number;
  readonly offset: number;
  readonly value: Buffer;
}

/** The newest message of each partition that has any. */
async function newestMessages(admin: Admin, watch: TopicWatch, topic: string): Promise<Newest[]> {
  const newest: Newest[] = [];
  for (const [partition, { low, head }] of await boundsOf(admin, topic)) {
    if (low >= head) continue;
    const message = await watch.with((cluster) => fetchMessage(cluster, topic, partition, head - 1));
    if (message !== undefined)
      newest.push({ partition, offset: Number(message.offset), value: message.value ?? Buffer.alloc(0) });
  }
  return newest;
}

/** What is told of messages that are another log's; undefined for those that can't be read, which is the aggregators' to say. */
function otherLog(check: () => void): string | undefined {
  try {
    check();
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (error.code === 'log_mismatch') return error.message;
  }
  return undefined;
}

/** Answers the next position of each partition. Throws where something that was acknowledged is not there. */
async function checkHoldsAll(
  { settings, store }: LogSetup,
  admin: Admin,
  watch: TopicWatch,
  named: NamedLog,
  { recorded }: FoundTopic,
): Promise<number[]> {
  const { topic } = settings;
  const base = named.firstPosition;
  const [progress, acknowledged, gaps] = [
    await readProgress(store, recorded.partitions),
    await readAcknowledged(store, named.logId),
    await readGaps(store),
  ];
  const bounds = await boundsOf(admin, topic);
  for (const { partition, storedSeq } of progress) {
    const { low, head } = bounds.get(partition) ?? { low: 0, head: 0 };
    const told = acknowledged.get(partition)?.next ?? 0;
    checkPartition({ topic, partition, bounds: { low: base + low, head: base + head }, storedNext: storedSeq + 1, told, gaps });
  }
  for (const { partition, offset, value } of await newestMessages(admin, watch, topic)) {
    if (offset < (recorded.starts[partition] ?? 0)) continue;
    const expected = { logId: named.logId, partition, adopted: recorded.adopted };
    const other = otherLog(() => {
      checkOrigin(value, base + offset, expected);
    });
    if (other !== undefined) throw foreign(topic, other, `this database's log is ${named.logId}, in topic ${topic}`);
  }
  return recordedNext(bounds, base, recorded.partitions);
}

function recordedNext(bounds: ReadonlyMap<number, Bounds>, base: number, partitions: number): number[] {
  return Array.from({ length: partitions }, (_, partition) => base + (bounds.get(partition)?.head ?? 0));
}

function lost(topic: string, partition: number, head: number, known: number): LogIdentityError {
  return new LogIdentityError('log_behind', {
    found: `partition ${partition} of topic ${topic} ends before message ${head}`,
    expected: `messages up to ${known - 1} were acknowledged: the topic has lost what was answered, or is of an earlier time`,
    advice: ADVICE,
  });
}

export interface PartitionFound {
  readonly topic: string;
  readonly partition: number;
  /** Positions, not offsets. */
  readonly bounds: Bounds;
  /** The position after the last whose rows are stored. */
  readonly storedNext: number;
  /** The position after the last that some process had acknowledged. */
  readonly told: number;
  readonly gaps: readonly LogGap[];
}

/** Throws LogIdentityError when a partition does not hold what it must. */
export function checkPartition({ topic, partition, bounds, storedNext, told, gaps }: PartitionFound): void {
  const next = afterGaps(gaps, partition, storedNext);
  const known = Math.max(next, told);
  if (bounds.head < known) throw lost(topic, partition, bounds.head, known);
  if (bounds.low > next) throw trimmed(topic, partition, bounds.low, next);
}

function trimmed(topic: string, partition: number, low: number, next: number): LogIdentityError {
  return new LogIdentityError('log_behind', {
    found: `partition ${partition} of topic ${topic} begins at message ${low}`,
    expected: `the rows of messages from ${next} on are not stored: what was answered with messages ${next} to ${low - 1} is lost unless a backup of the topic has it`,
    advice: `Restore the topic, or give these messages up: uptally log skip --partition ${partition} --from ${next} --until ${low} (docs/operating/kafka-topic.md)`,
  });
}
