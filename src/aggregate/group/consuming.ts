import type { Admin, ConsumerConfig } from 'kafkajs';
import { boundsOf } from '../../log/kafka/topic.ts';

const HEARTBEATS_A_SESSION = 6;
const FETCH_WAIT_MS = 500;
const FETCH_BYTES_A_PARTITION = 4 * 1024 * 1024;

/** How the group of aggregators consumes its topic. */
export function consumerOf(topic: string, sessionTimeoutMs: number): ConsumerConfig {
  const heartbeatMs = Math.floor(sessionTimeoutMs / HEARTBEATS_A_SESSION);
  return {
    groupId: `${topic}.aggregate`,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 2 * sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: Math.min(FETCH_WAIT_MS, heartbeatMs),
    maxBytesPerPartition: FETCH_BYTES_A_PARTITION,
    maxBytes: 4 * FETCH_BYTES_A_PARTITION,
    allowAutoTopicCreation: false,
  };
}

/** Deletes what lies before an offset of a partition. */
export async function deleteBefore(admin: Admin, topic: string, partition: number, offset: number): Promise<void> {
  // this client deletes only where it knows who leads, which it learns by asking
  const low = (await boundsOf(admin, topic)).get(partition)?.low ?? 0;
  if (low >= offset) return;
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
}
