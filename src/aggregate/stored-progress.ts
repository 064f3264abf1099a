/**
 * How far the rows of a log that only this process reads are stored, as the table `progress` says: the last step that is stored, and how far
 * steps may have come whose rows are stored in part. A step is announced before its first row is written, so that after a crash the log is
 * known to be another time's when it does not hold all that rows may come from.
 */
import type { LogMark } from '../log/check.ts';
import { literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';

export interface StoredProgress {
  /** The last record whose step is stored. */
  readonly seq: number;
  readonly clock: bigint;
  readonly counters: readonly bigint[];
  readonly catalogSeq: bigint;
  /** '' written before logs had ids. */
  readonly logId: string;
  /** What the log said of itself at `seq`; undefined where it said nothing. */
  readonly mark: LogMark | undefined;
  /** Rows of up to this record may be stored. */
  readonly reach: number;
  readonly reachCheck: string;
}

interface Row {
  readonly position: string;
  readonly clock: string;
  readonly counters: string[];
  readonly catalog_seq: string;
  readonly log_id: string;
  readonly log_check: string;
  readonly log_samples: string;
  readonly reach: string;
  readonly reach_check: string;
}

/** The newest row of a partition. @param logId of this log, and of before logs had ids; left out: of any */
export async function readStoredProgress(store: Store, partition: number, logId?: string): Promise<StoredProgress | undefined> {
  const ofLog = logId === undefined ? '' : `AND log_id IN ('', ${literal(logId)})`;
  const [row] = await store.rows<Row>(
    `SELECT position, clock, counters, catalog_seq, log_id, log_check, log_samples, reach, reach_check FROM progress
     WHERE partition_id = ${partition} ${ofLog} ORDER BY position DESC, reach DESC, stored_at DESC LIMIT 1`,
  );
  if (row === undefined) return undefined;
  const seq = Number(row.position);
  return {
    seq,
    clock: BigInt(row.clock),
    counters: row.counters.map(BigInt),
    catalogSeq: BigInt(row.catalog_seq),
    logId: row.log_id,
    mark: row.log_check === '' ? undefined : { check: row.log_check, samples: BigInt(row.log_samples) },
    reach: Math.max(seq, Number(row.reach)),
    reachCheck: Number(row.reach) > seq ? row.reach_check : row.log_check,
  };
}

const STRUCTURE =
  'partition_id UInt32, position UInt64, clock Int64, counters Array(UInt64), catalog_seq UInt64, log_id String, log_check String, log_samples UInt64, reach Int64, reach_check String';

/** Writes a row of the embedded log's only partition, however long ClickHouse takes. */
export async function writeStoredProgress(store: Store, progress: StoredProgress): Promise<void> {
  const { seq, clock, counters, catalogSeq, logId, mark, reach, reachCheck } = progress;
  const u64 = (...values: (number | bigint)[]): Buffer =>
    Buffer.from(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer);
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')]);
  const row = Buffer.concat([
    Buffer.alloc(4),
    u64(seq, clock),
    Buffer.of(counters.length),
    u64(...counters, catalogSeq),
    text(logId),
    text(mark?.check ?? ''),
    u64(mark?.samples ?? 0n, reach),
    text(reachCheck),
  ]);
  await store.insertRowBinary('progress', STRUCTURE, [row]);
}

/** The highest position that any stored row was computed at; -1 without rows. Reads a column of every table. */
export async function highestStoredSeq(store: Store): Promise<number> {
  const maxima = [
    'max(pos) AS v FROM samples',
    ...['uptime', 'traffic', 'outages', 'anomalies'].map((t) => `max(version) AS v FROM ${t}`),
  ];
  const rows = await Promise.all(
    maxima.map(async (each) => {
      const [row] = await store.rows<{ v: string; n: string }>(`SELECT count() AS n, ${each}`);
      return row === undefined || row.n === '0' ? -1 : Number(BigInt(row.v) >> 16n);
    }),
  );
  return Math.max(...rows);
}
