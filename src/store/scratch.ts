/** The files through which rows travel to an engine in this process. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, writevSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesIn } from './rowbinary.ts';

const SUFFIX = '.rowbinary';

/** A path in the folder that no other has. */
export function scratchPath(directory: string): string {
  return join(directory, randomUUID() + SUFFIX);
}

/** Files of inserts that a killed process left behind: their rows come again from the log. */
export async function removeScratch(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (name.endsWith(SUFFIX)) await rm(join(directory, name), { force: true });
}

/** Writes a file in one go; for threads that have nothing else to do meanwhile. */
export function writeScratch(path: string, chunks: readonly Uint8Array[]): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    const written = writevSync(file, chunks);
    if (written !== bytesIn(chunks))
      throw new Error(`${written} of ${bytesIn(chunks)} bytes could be written to ${path}: is the disk full?`);
  } finally {
    closeSync(file);
  }
}
