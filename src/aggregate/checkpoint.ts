/**
 * Checkpoints: the kernel's memory in a file, so that a start need not read the whole log. They decide how long a start takes, never what
 * comes out. A file is magic, layout, length, SHA-256, state; it gets its name when it is complete and on disk, and two are kept.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Faults } from '../faults.ts';
import { layoutHash } from '../kernel/layout.ts';

const MAGIC = 'UPTALLY-STATE-1\n';
const HEAD_BYTES = 64;
const KEPT = 2;
const NAME = /^(\d{16})\.checkpoint$/;

/** Where checkpoints are kept: a folder of this process' own, or a table that every process can read (`checkpoint-table.ts`). */
export interface Checkpoints {
  /** Sequence numbers of what is there, newest first. */
  list(): number[] | Promise<number[]>;
  /** The state of one, undefined if it is damaged or of another layout. */
  read(seq: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Writes one durably and lets go of the oldest. Returns the sequence number up to which the log is no longer needed. */
  write(seq: number, state: Uint8Array): Promise<number>;
}

export interface CheckpointFolder extends Checkpoints {
  list(): number[];
  read(seq: number): Uint8Array | undefined;
}

function fileName(seq: number): string {
  return `${String(seq).padStart(16, '0')}.checkpoint`;
}

function head(state: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.write(MAGIC);
  bytes.writeUInt32LE(layoutHash(), 16);
  bytes.writeBigUInt64LE(BigInt(state.length), 24);
  createHash('sha256').update(state).digest().copy(bytes, 32);
  return bytes;
}

/** Opens (or makes) the folder. Unfinished files of a process that was killed are removed. */
export function openCheckpoints(directory: string, faults: Faults): CheckpointFolder {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) if (name.endsWith('.unfinished')) rmSync(join(directory, name), { force: true });

  const list = (): number[] =>
    readdirSync(directory)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);

  return {
    list,
    read(seq) {
      const bytes = readFileSync(join(directory, fileName(seq)));
      if (bytes.length < HEAD_BYTES) return undefined;
      const state = bytes.subarray(HEAD_BYTES);
      return head(state).equals(bytes.subarray(0, HEAD_BYTES)) ? state : undefined;
    },
    async write(seq, state) {
      faults.at('before-checkpoint');
      const path = join(directory, fileName(seq));
      const file = await open(`${path}.unfinished`, 'w', 0o600);
      try {
        await file.writeFile(head(state));
        await file.writeFile(state);
        faults.at('during-checkpoint');
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.unfinished`, path);
      const folder = await open(directory, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
      faults.at('after-checkpoint');
      const all = list();
      for (const old of all.slice(KEPT)) rmSync(join(directory, fileName(old)), { force: true });
      return all.slice(0, KEPT).at(-1) ?? seq;
    },
  };
}

/** When the newest checkpoint of a folder was written, by the clock of its machine; null without one. */
export function newestCheckpointMs(directory: string): number | null {
  const times = readdirSync(directory)
    .filter((name) => NAME.test(name))
    .flatMap((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? []);
  return times.length === 0 ? null : Math.max(...times);
}
