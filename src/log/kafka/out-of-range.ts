/** Offsets that a partition does not have: who consumes decides what then, not kafkajs. */
import { createRequire } from 'node:module';

interface ConsumerGroup {
  readonly groupId: string;
  readonly preferredReadReplicasPerTopicPartition: Record<string, Record<number, unknown> | undefined>;
  readonly subscriptionState: {
    pause(topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): void;
  };
}

interface OutOfRange {
  readonly topic: string;
  readonly partition: number;
}

const toldOutOfRange = new Map<string, (partition: number) => void>();

/**
 * Where a consumer asks for an offset that a partition does not have, kafkajs commits the oldest one there is (or the newest) and goes on from
 * there, with a word in its log. For a group that is named here nothing is committed and nothing more is fetched of the partition: who consumes is
 * told, and decides. The returned function ends that.
 */
export function decideOutOfRange(groupId: string, tell: (partition: number) => void): () => void {
  refuseResets();
  toldOutOfRange.set(groupId, tell);
  return () => {
    toldOutOfRange.delete(groupId);
  };
}

let refused = false;

function refuseResets(): void {
  if (refused) return;
  refused = true;
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js') as {
    readonly prototype: { recoverFromOffsetOutOfRange?: (this: ConsumerGroup, error: OutOfRange) => Promise<void> };
  };
  const reset = prototype.recoverFromOffsetOutOfRange;
  if (typeof reset !== 'function') throw otherVersion();
  prototype.recoverFromOffsetOutOfRange = function (error) {
    const { topic, partition } = error;
    const tell = toldOutOfRange.get(this.groupId);
    if (tell === undefined) return reset.call(this, error);
    const replicas = this.preferredReadReplicasPerTopicPartition[topic];
    if (replicas?.[partition] !== undefined) {
      // a follower may be behind: the leader is asked first
      const others = Object.entries(replicas).filter(([each]) => Number(each) !== partition);
      this.preferredReadReplicasPerTopicPartition[topic] = Object.fromEntries(others);
      return Promise.resolve();
    }
    this.subscriptionState.pause([{ topic, partitions: [partition] }]);
    tell(partition);
    return Promise.resolve();
  };
}

export function otherVersion(): Error {
  return new Error('this version of kafkajs is not the one that Uptally was made with (2.2.4)');
}
