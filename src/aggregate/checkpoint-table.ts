/**
 * Checkpoints of a partition in ClickHouse, where every process finds them. A state is cut into chunks; it counts when all chunks of one
 * (position, SHA-256) are there, so that two processes that write at the same position don't mix. Two are kept, and nothing of the log
 * that the older of them needs is given up.
 */
import { createHash } from 'node:crypto';
import type { Faults } from '../process/faults.ts';
import { LAYOUT_FOLD, READABLE_FOLDS } from '../kernel/layout.ts';
import { leb128, literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import type { Checkpoints } from './checkpoint.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
const KEPT = 2;
const STRUCTURE =
  "partition_id UInt32, position UInt64, sha256 FixedString(32), chunk UInt32, total UInt32, layout UInt32, instance String, log_id String, stored_at DateTime64(3, 'UTC'), bytes String";

export interface CheckpointTableOptions {
  readonly store: Store;
  readonly partition: number;
  /** Who writes, for people. */
  readonly instance: string;
  /** The log that the states are of. Those of logs that the database does not name are not read. */
  readonly logId: string;
  readonly now: () => number;
  readonly faults: Faults;
}

/** The checkpoints of one partition. */
export function checkpointTable({ store, partition, instance, logId, now, faults }: CheckpointTableOptions): Checkpoints {
  const whole = (): Promise<{ position: string; sha: string; total: number }[]> =>
    store.rows(
      `SELECT position, hex(sha256) AS sha, any(total) AS total FROM checkpoints WHERE partition_id = ${partition} AND layout IN (${READABLE_FOLDS.join(', ')})
       AND (log_id IN ('', ${literal(logId)}) OR log_id IN (SELECT log_id FROM log_identity))
       GROUP BY position, sha256 HAVING uniqExact(chunk) = total ORDER BY position DESC`,
    );
  const positions = async (): Promise<number[]> => [...new Set((await whole()).map((row) => Number(row.position)))];

  return {
    list: positions,
    async read(seq) {
      for (const { sha, total } of (await whole()).filter((row) => Number(row.position) === seq)) {
        const chunks: Buffer[] = [];
        for (let chunk = 0; chunk < total; chunk++) {
          const [row] = await store.rows<{ text: string }>(
            `SELECT base64Encode(bytes) AS text FROM checkpoints WHERE partition_id = ${partition} AND position = ${seq} AND hex(sha256) = ${literal(sha)} AND chunk = ${chunk} LIMIT 1`,
          );
          chunks.push(Buffer.from(row?.text ?? '', 'base64'));
        }
        const state = Buffer.concat(chunks);
        if (createHash('sha256').update(state).digest('hex').toUpperCase() === sha) return state;
      }
      return undefined;
    },
    async write(seq, state) {
      faults.at('before-checkpoint');
      const sha = createHash('sha256').update(state).digest();
      const total = Math.max(1, Math.ceil(state.length / CHUNK_BYTES));
      const storedMs = now();
      for (let chunk = 0; chunk < total; chunk++) {
        const bytes = state.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
        const head = rowHead({ partition, seq, sha, chunk, total, instance, logId, storedMs, length: bytes.length });
        await store.insertRowBinary(
          'checkpoints',
          STRUCTURE,
          [head, bytes],
          `${partition}-${seq}-${sha.toString('hex')}-${chunk}`,
        );
        if (chunk === 0) faults.at('during-checkpoint');
      }
      faults.at('after-checkpoint');
      const kept = (await positions()).slice(0, KEPT);
      // with one only, nothing is given up yet
      const oldest = kept.length < KEPT ? -1 : (kept.at(-1) ?? -1);
      await dropBefore(oldest);
      return oldest;
    },
  };

  async function dropBefore(seq: number): Promise<void> {
    const old = await store.rows<{ position: string }>(
      `SELECT DISTINCT position FROM checkpoints WHERE partition_id = ${partition} AND toInt64(position) < ${seq}`,
    );
    for (const { position } of old) await store.command(`ALTER TABLE checkpoints DROP PARTITION (${partition}, ${position})`);
  }
}

interface RowHead {
  readonly partition: number;
  readonly seq: number;
  readonly sha: Buffer;
  readonly chunk: number;
  readonly total: number;
  readonly instance: string;
  readonly logId: string;
  readonly storedMs: number;
  readonly length: number;
}

/** A row up to the state's bytes, which follow it. */
function rowHead({ partition, seq, sha, chunk, total, instance, logId, storedMs, length }: RowHead): Buffer {
  const start = Buffer.alloc(12);
  start.writeUInt32LE(partition, 0);
  start.writeBigUInt64LE(BigInt(seq), 4);
  const numbers = Buffer.alloc(12);
  numbers.writeUInt32LE(chunk, 0);
  numbers.writeUInt32LE(total, 4);
  numbers.writeUInt32LE(LAYOUT_FOLD, 8);
  const name = Buffer.from(instance, 'utf8').subarray(0, 127);
  const log = Buffer.from(logId, 'latin1');
  const at = Buffer.alloc(8);
  at.writeBigInt64LE(BigInt(storedMs));
  return Buffer.concat([start, sha, numbers, Buffer.of(name.length), name, Buffer.of(log.length), log, at, leb128(length)]);
}
