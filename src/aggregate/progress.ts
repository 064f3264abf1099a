/** The table `progress`: how far the stored rows of each partition have come, written by whoever works on it, read by every API process. */
import { COUNTER_WORDS } from '../kernel/layout.ts';
import { literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import type { Progress } from './status.ts';

/** '' takes samples in; the others wait for someone to do something. */
export type PartitionState = '' | 'capacity_full' | 'log_corrupt';

/** A partition as its last row says. */
export interface PartitionProgress {
  readonly partition: number;
  /** the last message whose rows are stored */
  readonly storedSeq: number;
  readonly storedSamples: bigint;
  /** null before the first tick */
  readonly clockMs: number | null;
  readonly counters: readonly bigint[];
  readonly vms: number;
  readonly vmSlots: number;
  readonly nicSlots: number;
  readonly catalogSeq: bigint;
  /** -1 without one */
  readonly checkpointSeq: number;
  readonly checkpointAtMs: number | null;
  readonly state: PartitionState;
  readonly instance: string;
}

/** Writes what an aggregator says of a partition after a step. Nothing before its first. */
export async function writeProgress(
  store: Store,
  partition: number,
  progress: Progress,
  state: PartitionState,
  instance: string,
): Promise<void> {
  if (progress.storedSeq < 0) return;
  await store.command(
    `INSERT INTO progress (partition_id, position, clock, counters, vms, vm_slots, nic_slots, catalog_seq, checkpoint, state, instance, stored_at)
     SELECT ${partition}, ${progress.storedSeq}, ${progress.clockMs}, [${progress.counters.join(', ')}], ${progress.vms}, ${progress.vmSlots}, ${progress.nicSlots},
            ${progress.catalogSeq}, ${progress.checkpointSeq}, ${literal(state)}, ${literal(instance)}, now64(3)`,
  );
}

interface Row {
  partition_id: number;
  latest: [string, string, string[], number, number, number, string, string, PartitionState, string];
}

/** The newest row of every partition, by its number; empty for one that has not been worked on. */
export async function readProgress(store: Store, partitions: number): Promise<PartitionProgress[]> {
  const [rows, checkpoints] = await Promise.all([
    store.rows<Row>(
      `SELECT partition_id, argMax((position, clock, counters, vms, vm_slots, nic_slots, catalog_seq, checkpoint, state, instance), (position, stored_at)) AS latest
       FROM progress GROUP BY partition_id`,
    ),
    store.rows<{ partition_id: number; at: string }>(
      'SELECT partition_id, toUnixTimestamp64Milli(argMax(stored_at, position)) AS at FROM checkpoints GROUP BY partition_id',
    ),
  ]);
  const byPartition = new Map(rows.map((row) => [row.partition_id, row.latest]));
  const checkpointAt = new Map(checkpoints.map((row) => [row.partition_id, Number(row.at)]));
  return Array.from({ length: partitions }, (_, partition) => {
    const latest = byPartition.get(partition);
    if (latest === undefined) return nothingYet(partition);
    const [position, clock, counters, vms, vmSlots, nicSlots, catalogSeq, checkpoint, state, instance] = latest;
    const numbers = counters.map(BigInt);
    return {
      partition,
      storedSeq: Number(position),
      storedSamples: numbers[0] ?? 0n,
      clockMs: clock === '0' ? null : Number(clock),
      counters: numbers,
      vms,
      vmSlots,
      nicSlots,
      catalogSeq: BigInt(catalogSeq),
      checkpointSeq: Number(checkpoint),
      checkpointAtMs: checkpointAt.get(partition) ?? null,
      state,
      instance,
    };
  });
}

function nothingYet(partition: number): PartitionProgress {
  return {
    partition,
    storedSeq: -1,
    storedSamples: 0n,
    clockMs: null,
    counters: Array.from({ length: COUNTER_WORDS }, () => 0n),
    vms: 0,
    vmSlots: 0,
    nicSlots: 0,
    catalogSeq: 0n,
    checkpointSeq: -1,
    checkpointAtMs: null,
    state: '',
    instance: '',
  };
}

/** The highest clock that any partition has reached; null before the first. */
export async function highestClock(store: Store): Promise<number | null> {
  const [row] = await store.rows<{ clock: string }>('SELECT max(clock) AS clock FROM progress');
  const clock = Number(row?.clock ?? 0);
  return clock === 0 ? null : clock;
}
