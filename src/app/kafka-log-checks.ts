/** Whether a topic is the log that the database names, and holds what is known to have been in it. */
import { type Admin, type Kafka } from 'kafkajs';
import type { Faults } from '../process/faults.ts';
import type { KafkaSettings } from '../process/config.ts';
import type { Store } from '../store/store.ts';
import { fetchMessage } from '../log/kafka/internals.ts';
import type { TopicNow } from '../log/kafka/topic-now.ts';
import type { LogTopic } from '../store/kafka-log.ts';
import { readProgress } from '../aggregate/progress.ts';
import { afterGaps } from '../log/gaps.ts';
import { LogIdentityError } from '../log/identity.ts';
import { checkOrigin } from '../log/kafka/message.ts';
import type { Bounds } from '../log/kafka/queue.ts';
import { boundsOf, TopicError } from '../log/kafka/topic.ts';
import type { TopicWatch } from '../log/kafka/watch.ts';
import { LogError } from '../log/log.ts';
import { readAcknowledged } from '../store/kafka-log.ts';
import { type LogGap, type NamedLog, readGaps } from '../store/named-log.ts';

export interface LogSetup {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly store: Store;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults?: Faults;
}

export interface FoundTopic {
  readonly now: TopicNow;
  readonly recorded: LogTopic;
}

interface Newest {
  readonly partition: number;
  readonly offset: number;
  readonly value: Buffer;
}

/** The newest message of each partition that has any. */
export async function newestMessages(admin: Admin, watch: TopicWatch, topic: string): Promise<Newest[]> {
  const newest: Newest[] = [];
  for (const [partition, { low, head }] of await boundsOf(admin, topic)) {
    if (low >= head) continue;
    const message = await watch.with((cluster) => fetchMessage(cluster, topic, partition, head - 1));
    if (message !== undefined)
      newest.push({ partition, offset: Number(message.offset), value: message.value ?? Buffer.alloc(0) });
  }
  return newest;
}

/** What to do, where a topic is not the one: the page of the documentation that says how. */
export const ADVICE =
  'Give back the topic that the rows came from, or let a new log follow on what is stored: uptally log accept (docs/operating/kafka-topic.md)';

export function foreign(topic: string, found: string, expected: string): LogIdentityError {
  return new LogIdentityError('log_foreign', {
    found,
    expected,
    advice: `Restore the database that belongs to topic ${topic}, give UPTALLY_KAFKA_TOPIC a topic of its own, or take it over: uptally log accept (docs/operating/kafka-topic.md)`,
  });
}

export function gone(topic: string): LogIdentityError {
  return new LogIdentityError('log_unknown', {
    found: `topic ${topic} is not there`,
    expected: 'this database has a log, and a start does not make it anew',
    advice: ADVICE,
  });
}

/** What to do about a changed number, for people. */
export function partitionsChanged(topic: string, recorded: number, actual: number): TopicError {
  return new TopicError(
    `topic ${topic} has ${actual} partitions and was first used with ${recorded}: a VM's partition follows from the number, so it can't change. ` +
      `Give UPTALLY_KAFKA_TOPIC a new topic and an empty database, or restore the old topic`,
  );
}

/** What is told of messages that are another log's; undefined for those that can't be read, which is the aggregators' to say. */
export function otherLog(check: () => void): string | undefined {
  try {
    check();
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (error.code === 'log_mismatch') return error.message;
  }
  return undefined;
}

/** Answers the next position of each partition. Throws where something that was acknowledged is not there. */
export async function checkHoldsAll(
  { settings, store }: LogSetup,
  admin: Admin,
  watch: TopicWatch,
  named: NamedLog,
  { recorded }: FoundTopic,
): Promise<number[]> {
  const { topic } = settings;
  const base = named.firstPosition;
  const { bounds, found } = await boundsAround(
    () => boundsOf(admin, topic),
    async () => ({
      progress: await readProgress(store, recorded.partitions),
      acknowledged: await readAcknowledged(store, named.logId),
      gaps: await readGaps(store),
    }),
  );
  const { progress, acknowledged, gaps } = found;
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

/**
 * What a topic holds, beside what is known of it by others who go on meanwhile: they store, then trim, so where a partition begins is asked before;
 * they append, then tell, so where it ends is asked after. Asked once on either side, a running group would look like a topic that has lost something.
 */
export async function boundsAround<T>(
  ask: () => Promise<ReadonlyMap<number, Bounds>>,
  read: () => Promise<T>,
): Promise<{ bounds: ReadonlyMap<number, Bounds>; found: T }> {
  const before = await ask();
  const found = await read();
  const after = await ask();
  const bounds = new Map(
    [...after].map(([partition, { low, head }]) => [partition, { low: before.get(partition)?.low ?? low, head }]),
  );
  return { bounds, found };
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
