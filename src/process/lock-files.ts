/** The bytes of a lock file. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { encodeHolder, type Holder, RECORD_BYTES } from './lock-record.ts';

export async function write(file: FileHandle, holder: Holder): Promise<void> {
  await file.write(encodeHolder(holder), 0, RECORD_BYTES, 0);
}

export async function textOf(file: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(RECORD_BYTES);
  const { bytesRead } = await file.read(bytes, 0, RECORD_BYTES, 0);
  return bytes.toString('utf8', 0, bytesRead);
}

/** Of a file that may be anybody's: at most a record. Undefined where there is none. */
export function readText(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    return readRecord(fd);
  } finally {
    closeSync(fd);
  }
}

export function readRecord(fd: number): string {
  const bytes = Buffer.alloc(RECORD_BYTES);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, RECORD_BYTES, 0));
}

/** Whether the path still leads to the open file. */
export async function isNamed(file: FileHandle, path: string): Promise<boolean> {
  const own = await file.stat({ bigint: true });
  try {
    const named = statSync(path, { bigint: true });
    return named.ino === own.ino && named.dev === own.dev;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
