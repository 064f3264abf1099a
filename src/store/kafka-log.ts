/** What the database says of the topic that carries its log, and of what the processes that append had acknowledged. */
import { readLogIds } from './named-log.ts';
import { literal } from './rowbinary.ts';
import type { Store } from './store.ts';

export interface LogTopic {
  readonly logId: string;
  readonly topic: string;
  /** The brokers' id of it; undefined where they had none. */
  readonly uuid: string | undefined;
  readonly partitions: number;
  /** The log is older than its id. */
  readonly adopted: boolean;
  /** Of each partition, the offset that the log begins with; empty for a log that has the topic for itself. */
  readonly starts: readonly number[];
}

/** The topic that a log was first used with; undefined when nothing is recorded. */
export async function readLogTopic(store: Store, logId: string): Promise<LogTopic | undefined> {
  const [row] = await store.rows<{ topic: string; topic_uuid: string; partitions: number; adopted: number; starts: string[] }>(
    'SELECT topic, topic_uuid, partitions, adopted, starts FROM log_topics WHERE log_id = {logId:String} ORDER BY recorded_at LIMIT 1',
    { logId },
  );
  if (row === undefined) return undefined;
  const { topic, partitions } = row;
  const uuid = row.topic_uuid === '' ? undefined : row.topic_uuid;
  return { logId, topic, partitions, uuid, adopted: row.adopted === 1, starts: row.starts.map(Number) };
}

export async function recordLogTopic(store: Store, log: LogTopic, nowMs: number): Promise<void> {
  const { logId, topic, uuid, partitions, adopted, starts } = log;
  await store.command(
    `INSERT INTO log_topics (log_id, topic, topic_uuid, partitions, adopted, starts, recorded_at) SELECT ${literal(logId)}, ${literal(topic)}, ${literal(uuid ?? '')}, ${partitions}, ${adopted ? 1 : 0}, [${starts.join(', ')}], fromUnixTimestamp64Milli(toInt64(${nowMs}))`,
  );
}

/** How many partitions a topic had when a version without ids first used it; none for one that no such version has used. */
export async function readFirstPartitions(store: Store, topic: string): Promise<number[]> {
  const rows = await store.rows<{ partitions: number }>(
    'SELECT DISTINCT partitions FROM log_partitions WHERE topic = {topic:String} ORDER BY partitions',
    { topic },
  );
  return rows.map((row) => row.partitions);
}

/** Of one partition, all processes that append together. */
export interface Acknowledged {
  /** The position after the last message acknowledged; 0 for none. */
  readonly next: number;
  /** Samples in all messages acknowledged, of every log that the database has named. */
  readonly samples: bigint;
}

/**
 * What was recorded as acknowledged, by partition. A log that was about to be named when its process died is none: the next start gives another one
 * the same samples. @param logId the log whose positions are asked for
 */
export async function readAcknowledged(store: Store, logId: string): Promise<Map<number, Acknowledged>> {
  const named = ['', ...(await readLogIds(store))].map((id) => literal(id));
  const rows = await store.rows<{ partition_id: number; next: string; total: string }>(
    `SELECT partition_id, maxIf(next_position, log_id = {logId:String}) AS next, toString(sum(samples)) AS total
     FROM (SELECT log_id, partition_id, instance, max(next_position) AS next_position, max(samples) AS samples FROM log_writers
       WHERE log_id IN (${named.join(', ')}) GROUP BY log_id, partition_id, instance)
     GROUP BY partition_id`,
    { logId },
  );
  return new Map(rows.map((row) => [row.partition_id, { next: Number(row.next), samples: BigInt(row.total) }]));
}

/** A process that had nothing acknowledged for so long is counted no more. */
const WRITERS_MINUTES = 10;

/** How many processes append to a log, by what they recorded lately; the one that asks is always one of them. */
export async function countWriters(store: Store, logId: string, instance: string): Promise<number> {
  const [row] = await store.rows<{ n: string }>(
    `SELECT uniqExact(instance) AS n FROM log_writers WHERE log_id = {logId:String} AND instance NOT IN ('before', {instance:String})
       AND recorded_at > (SELECT max(recorded_at) FROM log_writers WHERE log_id = {logId:String}) - INTERVAL ${WRITERS_MINUTES} MINUTE`,
    { logId, instance },
  );
  return 1 + Number(row?.n ?? 0);
}

export interface WriterCounts {
  readonly logId: string;
  readonly instance: string;
  /** By partition, of this process alone. */
  readonly acknowledged: readonly { readonly next: number; readonly samples: number | bigint }[];
  readonly nowMs: number;
}

/** Records what a process had acknowledged since it began. */
export async function recordAcknowledged(store: Store, { logId, instance, acknowledged, nowMs }: WriterCounts): Promise<void> {
  const values = acknowledged.map(
    ({ next, samples }, partition) =>
      `(${literal(logId)}, ${partition}, ${literal(instance)}, ${next}, ${samples}, fromUnixTimestamp64Milli(toInt64(${nowMs})))`,
  );
  const structure =
    'log_id String, partition_id UInt32, instance String, next_position UInt64, samples UInt64, recorded_at DateTime64(3)';
  if (values.length === 0) return;
  await store.command(`INSERT INTO log_writers SELECT * FROM values(${literal(structure)}, ${values.join(', ')})`);
}
