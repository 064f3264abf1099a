/** A topic and its database side by side. */
import type { Admin, Kafka } from 'kafkajs';
import { readProgress } from '../aggregate/progress.ts';
import { afterGaps } from '../log/gaps.ts';
import type { KafkaSettings } from '../process/config.ts';
import type { Faults } from '../process/faults.ts';
import type { Bounds } from '../log/kafka/queue.ts';
import { boundsIfThere } from '../log/kafka/topic.ts';
import { readAcknowledged, readFirstPartitions, readLogTopic } from '../store/kafka-log.ts';
import { type LogGap, type NamedLog, readGaps, readNamedLog } from '../store/named-log.ts';
import type { Store } from '../store/store.ts';

export interface KafkaToolSetup {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly store: Store;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults?: Faults;
}

/** A partition as topic and database have it; positions, with `until` and `next` the first after. */
export interface PartitionView {
  readonly partition: number;
  /** What the topic has; null: there is no such topic. */
  readonly topic: Bounds | null;
  /** The first position of which no row is stored and that was not let pass. */
  readonly storedNext: number;
  /** The position after the last that was recorded as acknowledged. */
  readonly acknowledgedNext: number;
  /** Samples that were acknowledged and are neither stored nor on record as lost; null: nothing is recorded. */
  readonly missing: bigint | null;
}

export interface KafkaLogView {
  readonly named: NamedLog | undefined;
  readonly topic: string;
  readonly partitions: readonly PartitionView[];
  readonly gaps: readonly LogGap[];
}

export async function view({ settings, store }: KafkaToolSetup, admin: Admin): Promise<KafkaLogView> {
  const { topic } = settings;
  const named = await readNamedLog(store);
  const offsets = (await boundsIfThere(admin, topic)) ?? new Map<number, Bounds>();
  const base = named?.firstPosition ?? 0;
  const recorded = named === undefined ? undefined : await readLogTopic(store, named.logId);
  const partitions = recorded?.partitions ?? Math.max(offsets.size, ...(await readFirstPartitions(store, topic)));
  const [progress, acknowledged, gaps] = [
    await readProgress(store, partitions),
    await readAcknowledged(store, named?.logId ?? ''),
    await readGaps(store),
  ];
  return {
    named,
    topic,
    gaps,
    partitions: progress.map(({ partition, storedSeq, aggregatedSamples }): PartitionView => {
      const own = offsets.get(partition);
      const told = acknowledged.get(partition);
      const lost = gaps.reduce((sum, gap) => (gap.partition === partition ? sum + (gap.samples ?? 0n) : sum), 0n);
      const missing = told === undefined ? null : told.samples - aggregatedSamples - lost;
      return {
        partition,
        topic: own === undefined ? null : { low: base + own.low, head: base + own.head },
        storedNext: afterGaps(gaps, partition, storedSeq + 1),
        acknowledgedNext: told?.next ?? 0,
        missing: missing === null || missing > 0n ? missing : 0n,
      };
    }),
  };
}
