/** What the main thread and the thread of the partitions' aggregators say to each other. */
import type { KafkaSettings } from '../../process/config.ts';
import type { KafkaLog } from '../../log/kafka/topic.ts';
import type { PartitionState } from '../progress.ts';
import type { Progress } from '../metering-status.ts';
import type { Aggregating } from '../aggregating.ts';

export interface GroupSetup extends Aggregating {
  readonly kafka: KafkaSettings;
  readonly partitions: number;
  readonly log: Pick<KafkaLog, 'logId' | 'adopted' | 'base' | 'topic'>;
  /** names this process where people look */
  readonly instance: string;
}

/** A partition that this process works on. */
export interface OwnPartition {
  readonly partition: number;
  /** its state is back, and it takes steps */
  readonly recovered: boolean;
  readonly state: PartitionState;
  readonly detail: string;
  readonly progress: Progress;
  /** the offset that the brokers give next, as far as is known */
  readonly headSeq: number;
  /** samples fetched and not taken in */
  readonly heldSamples: number;
}

export interface GroupState {
  /** a member with an assignment, which may be empty */
  readonly joined: boolean;
  /** why ClickHouse can't be written to; null when it can */
  readonly storeOutage: string | null;
  readonly partitions: readonly OwnPartition[];
}

export interface ToGroup {
  readonly type: 'stop';
  readonly graceMs: number;
}

export type FromGroup =
  | { readonly type: 'state'; readonly state: GroupState }
  | { readonly type: 'note'; readonly message: string; readonly detail?: object }
  | { readonly type: 'failed'; readonly message: string; readonly stack: string | undefined; readonly byIdentity: boolean }
  | { readonly type: 'stopped' };
