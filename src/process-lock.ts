import { open, readFile, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { readBootId } from './agent/epoch.ts';

/** Another process works in the folder: two would tear each other's files. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
}

/**
 * Takes the lock file at `path`; the returned function gives it back. `advice` tells whoever finds it taken what to do. A lock whose holder is gone (crash, reboot) is taken
 * over: the holder is named by boot, process number and start time, so a reused number is not mistaken for it.
 */
export async function lockFile(path: string, advice: string): Promise<() => Promise<void>> {
  const mine = identity(process.pid);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(mine);
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    const pid = Number(/^(\d+) /.exec(holder)?.[1] ?? 0);
    if (pid > 0 && identity(pid) === holder) {
      throw new LockedError(`${path} is held by process ${pid}; ${advice}`);
    }
    await rm(path, { force: true });
  }
  throw new LockedError(`${path} keeps being taken by someone else`);
}

function identity(pid: number): string {
  return `${pid} ${startOf(pid)} ${readBootId()}`;
}

/** The process's start time in clock ticks (field 22, counted after the name in brackets); empty when it is gone. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return isAlive(pid) ? 'alive' : '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
