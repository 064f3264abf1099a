/**
 * Checkpoints: the kernel's memory in a file, so that a start need not read the whole log. They decide how long a start takes, never what
 * comes out. A file is magic, layout, length, SHA-256, the log's id, its check there, state; it gets its name when it is complete and on disk,
 * and two are kept.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Faults } from '../process/faults.ts';
import { LAYOUT_FOLD, READABLE_FOLDS } from '../kernel/layout.ts';

const MAGIC = 'UPTALLY-STATE-2\n';
const HEAD_BYTES = 112;
/** Of the version before logs had ids. */
const MAGIC_1 = 'UPTALLY-STATE-1\n';
const HEAD_1_BYTES = 64;
const KEPT = 2;
const NAME = /^(\d{16})\.checkpoint$/;

/** Of which log a state is, and what that log says of itself at its last record. Both '' where it says nothing. */
export interface Origin {
  readonly logId: string;
  readonly check: string;
}

const NO_ORIGIN: Origin = { logId: '', check: '' };

/** Where checkpoints are kept: a folder of this process' own, or a table that every process can read (`checkpoint-table.ts`). */
export interface Checkpoints {
  /** Sequence numbers of what is there, newest first. */
  list(): number[] | Promise<number[]>;
  /** The state of one, undefined if it is damaged or of another layout. */
  read(seq: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Of which log one is: '' for those of before logs had ids. A store of checkpoints that never asks has no such method. */
  originOf?(seq: number): Origin | Promise<Origin>;
  /** Writes one durably and lets go of the oldest. Returns the sequence number up to which the log is no longer needed. */
  write(seq: number, state: Uint8Array, origin?: Origin): Promise<number>;
}

export interface CheckpointFolder extends Checkpoints {
  list(): number[];
  read(seq: number): Uint8Array | undefined;
  originOf?(seq: number): Origin;
}

function fileName(seq: number): string {
  return `${String(seq).padStart(16, '0')}.checkpoint`;
}

function head(state: Uint8Array, { logId, check }: Origin, fold = LAYOUT_FOLD): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.write(MAGIC);
  bytes.writeUInt32LE(fold, 16);
  bytes.writeBigUInt64LE(BigInt(state.length), 24);
  bytes.write(logId, 64, 'latin1');
  bytes.write(check, 96, 'latin1');
  createHash('sha256').update(bytes.subarray(64)).update(state).digest().copy(bytes, 32);
  return bytes;
}

/** The head of a file of before logs had ids. */
function head1(state: Uint8Array, fold: number): Buffer {
  const bytes = head(state, NO_ORIGIN, fold).subarray(0, HEAD_1_BYTES);
  bytes.write(MAGIC_1);
  createHash('sha256').update(state).digest().copy(bytes, 32);
  return bytes;
}

function originIn(bytes: Buffer): Origin {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC || bytes.length < HEAD_BYTES) return NO_ORIGIN;
  const text = (from: number, to: number): string => bytes.toString('latin1', from, to).replaceAll('\0', '');
  return { logId: text(64, 96), check: text(96, HEAD_BYTES) };
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
      if (bytes.length < HEAD_1_BYTES) return undefined;
      const isOld = bytes.toString('latin1', 0, MAGIC_1.length) === MAGIC_1;
      const headBytes = isOld ? HEAD_1_BYTES : HEAD_BYTES;
      const state = bytes.subarray(headBytes);
      const fold = bytes.readUInt32LE(16);
      if (!READABLE_FOLDS.includes(fold)) return undefined;
      const expected = isOld ? head1(state, fold) : head(state, originIn(bytes), fold);
      return expected.equals(bytes.subarray(0, headBytes)) ? state : undefined;
    },
    originOf(seq) {
      const bytes = Buffer.alloc(HEAD_BYTES);
      const file = openSync(join(directory, fileName(seq)), 'r');
      try {
        return originIn(bytes.subarray(0, readSync(file, bytes)));
      } finally {
        closeSync(file);
      }
    },
    async write(seq, state, origin = NO_ORIGIN) {
      faults.at('before-checkpoint');
      const path = join(directory, fileName(seq));
      const file = await open(`${path}.unfinished`, 'w', 0o600);
      try {
        await file.writeFile(head(state, origin));
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
