/** What a role brings to its process. */
import type { HttpPlugin } from '../http/api.ts';
import type { PartitionHealth } from './metrics.ts';

export interface Role {
  readonly plugins: readonly HttpPlugin[];
  /** Why the role can't take its work now, undefined when it can. */
  notReady(): string | undefined;
  /** The partitions that it knows of, for the metrics. */
  partitions?(): readonly PartitionHealth[] | Promise<readonly PartitionHealth[]>;
  close(): Promise<void>;
}
