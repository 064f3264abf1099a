import { open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How far the spool is answered: everything before `offset` of `segment`, and all earlier segments. */
export interface Cursor {
  readonly segment: number;
  readonly offset: number;
  /** The newest instant ever spooled, so that it outlives the records. */
  readonly lastAtMs: number;
}

/** Replaces the cursor file in one step. Not fsynced: losing it only means sending answered batches again. */
export async function saveCursor(dir: string, cursor: Cursor): Promise<void> {
  const path = join(dir, 'cursor');
  await writeFile(`${path}.new`, JSON.stringify(cursor), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Reads the cursor; where there is none, or a torn one, everything that is left counts as unanswered. */
export async function loadCursor(dir: string): Promise<Cursor> {
  const start: Cursor = { segment: 0, offset: 0, lastAtMs: 0 };
  try {
    const value: unknown = JSON.parse(await readFile(join(dir, 'cursor'), 'utf8'));
    if (typeof value !== 'object' || value === null) return start;
    const { segment, offset, lastAtMs } = value as Partial<Record<keyof Cursor, unknown>>;
    return isCount(segment) && isCount(offset) && isCount(lastAtMs) ? { segment, offset, lastAtMs } : start;
  } catch {
    return start;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A new file's name is durable only when its folder is. */
export async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What a folder of set-aside batches holds. */
export interface RejectedFolder {
  readonly batches: number;
  readonly bytes: number;
}

/** Whether a file of `rejected/` is a batch, which can be sent again; the others say why, or are damaged. */
export function isBatchFile(name: string): boolean {
  return /\.(?:ndjson\.gz|samples|relayed)$/.test(name);
}

/** Removes the oldest files until the folder holds at most `bytesMax`; what is left, and how many batches went. */
export async function trimFolder(folder: string, bytesMax: number): Promise<RejectedFolder & { readonly removed: number }> {
  const files: { path: string; bytes: number; atMs: number }[] = [];
  for (const entry of await readdir(folder)) {
    const path = join(folder, entry);
    // Whoever sends batches again takes files away meanwhile.
    const found = await stat(path).catch(() => null);
    if (found === null) continue;
    const { size, mtimeMs } = found;
    files.push({ path, bytes: size, atMs: mtimeMs });
  }
  files.sort((a, b) => a.atMs - b.atMs);
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  let removed = 0;
  for (const file of files) {
    if (total <= bytesMax) break;
    await rm(file.path, { force: true });
    total -= file.bytes;
    if (isBatchFile(file.path)) removed += 1;
  }
  return { batches: files.filter(({ path }) => isBatchFile(path)).length - removed, bytes: total, removed };
}
