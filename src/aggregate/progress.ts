/** The table `progress`: how far the stored rows of each partition have come, written by whoever works on it, read by every API process. */
import { COUNTER_WORDS } from '../kernel/layout.ts';
import { literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import { NO_WORK, type WaitingWork } from './backlog.ts';
import type { Progress } from './metering-status.ts';

/** '' takes samples in; the others wait for someone to do something. */
export type PartitionState = '' | 'capacity_full' | 'log_corrupt' | 'log_mismatch';

/** A partition as its last row says. */
export interface PartitionProgress {
  readonly partition: number;
  /** the last message whose rows are stored */
  readonly storedSeq: number;
  /** taken in, also those whose rows wait for repair */
  readonly aggregatedSamples: bigint;
  readonly storedSamples: bigint;
  /** null before the first tick */
  readonly clockMs: number | null;
  readonly counters: readonly bigint[];
  readonly vms: number;
  readonly vmSlots: number;
  readonly nicSlots: number;
  readonly catalogSeq: bigint;
  readonly waiting: WaitingWork;
  /** -1 without one */
  readonly checkpointSeq: number;
  readonly checkpointAtMs: number | null;
  readonly state: PartitionState;
  readonly instance: string;
}

export interface Told {
  readonly partition: number;
  readonly progress: Progress;
  readonly state: PartitionState;
  readonly instance: string;
  readonly logId: string;
  readonly storedMs: number;
}

const STRUCTURE =
  "partition_id UInt32, position UInt64, clock Int64, counters Array(UInt64), vms UInt32, vm_slots UInt32, nic_slots UInt32, catalog_seq UInt64, checkpoint Int64, state String, instance String, log_id String, log_samples UInt64, stored_at DateTime64(3, 'UTC'), waiting_vms UInt32, waiting_minutes UInt64, waiting_samples UInt64";

/** Writes what an aggregator says of a partition after a step. Nothing before its first. */
export async function writeProgress(
  store: Store,
  { partition, progress, state, instance, logId, storedMs }: Told,
): Promise<void> {
  if (progress.storedSeq < 0) return;
  const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  const u64 = (...values: (number | bigint)[]): Buffer =>
    Buffer.from(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer);
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'utf8').subarray(0, 127);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  };
  const row = Buffer.concat([
    u32(partition),
    u64(progress.storedSeq, progress.clockMs),
    Buffer.of(progress.counters.length),
    u64(...progress.counters),
    u32(progress.vms, progress.vmSlots, progress.nicSlots),
    u64(progress.catalogSeq, progress.checkpointSeq),
    text(state),
    text(instance),
    text(logId),
    u64(progress.aggregatedSamples, storedMs),
    u32(progress.waiting.vms),
    u64(progress.waiting.minutes, progress.waiting.samples),
  ]);
  await store.insertRowBinary('progress', STRUCTURE, [row]);
}

interface Row {
  partition_id: number;
  latest: [string, string, string[], number, number, number, string, string, PartitionState, string, number, string, string];
}

/** The newest row of every partition, by its number; empty for one that has not been worked on. */
export async function readProgress(store: Store, partitions: number): Promise<PartitionProgress[]> {
  const [rows, checkpoints] = await Promise.all([
    store.rows<Row>(
      `SELECT partition_id, argMax((position, clock, counters, vms, vm_slots, nic_slots, catalog_seq, checkpoint, state, instance, waiting_vms, waiting_minutes, waiting_samples), (position, stored_at)) AS latest
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
    const [position, clock, counters, vms, vmSlots, nicSlots, catalogSeq, checkpoint, state, instance, ...waiting] = latest;
    const numbers = counters.map(BigInt);
    return {
      partition,
      storedSeq: Number(position),
      aggregatedSamples: numbers[0] ?? 0n,
      storedSamples: (numbers[0] ?? 0n) - BigInt(waiting[2]),
      clockMs: clock === '0' ? null : Number(clock),
      counters: numbers,
      vms,
      vmSlots,
      nicSlots,
      catalogSeq: BigInt(catalogSeq),
      waiting: { vms: waiting[0], minutes: Number(waiting[1]), samples: Number(waiting[2]) },
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
    aggregatedSamples: 0n,
    storedSamples: 0n,
    clockMs: null,
    counters: Array.from({ length: COUNTER_WORDS }, () => 0n),
    vms: 0,
    vmSlots: 0,
    nicSlots: 0,
    catalogSeq: 0n,
    waiting: NO_WORK,
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

/** Says of a partition whose state could not be brought back why it stands still. Nothing for one of which no row is stored. */
export async function writeStandstill(
  store: Store,
  {
    partition,
    state,
    instance,
    nowMs,
  }: { readonly partition: number; readonly state: PartitionState; readonly instance: string; readonly nowMs: number },
): Promise<void> {
  const replaced = `${literal(state)} AS state, ${literal(instance)} AS instance, fromUnixTimestamp64Milli(toInt64(${nowMs}), 'UTC') AS stored_at`;
  await store.command(
    `INSERT INTO progress SELECT * REPLACE (${replaced}) FROM progress WHERE partition_id = ${partition} ORDER BY position DESC, progress.stored_at DESC LIMIT 1`,
  );
}
