/**
 * Putting a new log in the place of one that is given up. The new one is made beside it under another name; the database then names it, which
 * decides; and only then are the files moved. A crash in between leaves either the old log in force or the move to be finished at the next start.
 */
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Faults, NO_FAULTS } from '../process/faults.ts';
import { openEmbeddedWriter } from './embedded-log.ts';
import type { Identity } from './identity.ts';
import type { LogMark } from './check.ts';
import { openReadTable } from './lmdb.ts';

const LOCK = '-lock';

function newPath(path: string): string {
  return `${path}.new`;
}

/** Where a log that was replaced is kept, for people: nothing reads it again. */
export function setAsidePath(path: string, newLogId: string): string {
  return `${path}.set-aside-before-${newLogId}`;
}

/** Makes the new log, which begins at `seq` with a count of samples; answers what it says of itself before its first record. */
export async function makeNewLog(path: string, seq: number, samples: bigint, identity: Identity): Promise<LogMark> {
  const made = newPath(path);
  for (const each of [made, made + LOCK]) await rm(each, { force: true });
  const writer = openEmbeddedWriter({ path: made, onFatal: () => undefined });
  try {
    const mark = await writer.beginAt(seq, samples);
    await writer.identify(identity);
    return mark;
  } finally {
    await writer.close();
  }
}

/** Finishes the move when the database names the log that lies ready. */
export async function finishReplacing(path: string, namedId: string, faults: Faults = NO_FAULTS): Promise<void> {
  const made = newPath(path);
  if (!existsSync(made)) return;
  const table = openReadTable(made);
  const { logId } = table.head();
  await table.close();
  if (logId !== namedId) return;
  if (existsSync(path)) await rename(path, setAsidePath(path, namedId));
  faults.at('after-log-aside');
  for (const lock of [path + LOCK, made + LOCK]) await rm(lock, { force: true });
  await rename(made, path);
  faults.at('after-log-moved');
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}
