/** Folders that the product keeps things in: made, or told in one sentence why they can't be used. */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, chmod, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** A folder that nothing can be kept in, in one sentence that names the setting. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

/** The name of the setting that a folder comes from, and its value, as `UPTALLY_DATA_DIR=./data`. */
export type FolderSetting = string;

const OWNER_ONLY = 0o700;
const PROBE_BYTES = 4096;

/**
 * Makes the folder, for this user alone, and its parents, if there is none. Not `mkdir` with `recursive`: that never ends where a file system says of a
 * folder that is there that it is not, as /proc does.
 */
export async function makeFolder(path: string, setting: FolderSetting): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  while (!(await isFolder(at, setting))) {
    missing.push(at);
    if (dirname(at) === at) throw new FolderError(`${setting} can't be used: ${at} is not there`);
    at = dirname(at);
  }
  for (const folder of missing.reverse()) {
    try {
      await mkdir(folder, folder === resolve(path) ? { mode: OWNER_ONLY } : {});
    } catch (error) {
      const code = codeOf(error);
      // made by another process meanwhile, or a link that leads nowhere
      if (code === 'EEXIST') {
        if (await isFolder(folder, setting)) continue;
        throw new FolderError(`${setting} can't be used: ${folder} is a link that leads nowhere`);
      }
      throw folderError(error, setting, `${folder} can't be made`);
    }
  }
}

/** Whether the folder may be entered, read and written; says nothing of a folder that is not there. */
export async function checkAccess(path: string, setting: FolderSetting): Promise<void> {
  if (!(await isFolder(path, setting))) return;
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw folderError(error, setting);
  }
}

/** Writes a few bytes to the folder and takes them away again: whether it may be written to, and has room, only a try can tell. */
export async function checkWritable(path: string, setting: FolderSetting): Promise<void> {
  const probe = join(path, `.probe-${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(probe, 'wx', 0o600);
    try {
      await file.writeFile(Buffer.alloc(PROBE_BYTES, 0x2e));
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw folderError(error, setting);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/** Takes the access of others away from what the product made in the folder before it made everything for its user alone. */
export async function closeToOthers(folder: string, names: readonly string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!names.includes(entry.name) || entry.isSymbolicLink()) continue;
    const path = join(folder, entry.name);
    const { mode } = await stat(path);
    // who may not change it does not own it: then it is nothing that this process made
    if ((mode & 0o077) !== 0) await chmod(path, mode & OWNER_ONLY).catch(() => undefined);
  }
}

/** Whether others than the owner and the group may enter the folder. */
export async function isOpenToOthers(folder: string): Promise<boolean> {
  return ((await stat(folder)).mode & 0o007) !== 0;
}

/** What a file system says, in words; an error that is none of its kind goes on as it is. */
export function folderError(error: unknown, setting: FolderSetting, what?: string): Error {
  const code = codeOf(error);
  const reason = REASONS[code];
  if (!(error instanceof Error) || code === '') return error instanceof Error ? error : new Error(String(error));
  const where = what === undefined ? '' : `${what}: `;
  return new FolderError(`${setting} can't be used: ${where}${reason ?? error.message}`);
}

const user = typeof process.getuid === 'function' ? ` (this process runs as user ${process.getuid()})` : '';
const REASONS: Readonly<Record<string, string>> = {
  EACCES: `it may not be read or written${user}`,
  EPERM: `it may not be written${user}`,
  EROFS: 'it is on a file system that is mounted read-only',
  ENOSPC: 'there is no space left on its file system',
  EDQUOT: "the disk quota of this process' user is used up",
  ENOTDIR: 'a part of its path is a file, not a folder',
  ENOENT: 'its file system does not let a folder be made there',
  ELOOP: 'its links lead round in a circle',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'its disk does not answer as it should (EIO)',
  ESTALE: 'it is on a shared volume that is not there any more (ESTALE)',
};

/** Throws where something else has the name, or where it can't be known. */
async function isFolder(path: string, setting: FolderSetting): Promise<boolean> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw folderError(error, setting, codeOf(error) === 'EACCES' ? `${path} can't be looked at` : undefined);
  }
  if (!found.isDirectory()) throw new FolderError(`${setting} can't be used: ${path} is a file, not a folder`);
  return true;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
