/**
 * A disk whose power can be cut: ext4 in a file, mounted through a loop device. Needs root, and a mount namespace of its own
 * (`unshare --mount`), so that nothing of it is seen by others or left behind.
 */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const UNMOUNT_TRIES = 100;

/** Why power cuts cannot be made here, undefined if they can. */
export function loopDiskMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount';
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices (/dev/loop-control)';
  for (const program of ['cc', 'mkfs.ext4', 'mount', 'umount', 'unshare']) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    } catch {
      return `${program} is not installed`;
    }
  }
  return undefined;
}

export interface LoopDisk {
  /** Where it is mounted. */
  readonly path: string;
  /**
   * Cuts the power. What was not written is gone, and from now on every access fails until `restore`.
   * `journal` lets the file system write its journal first, which is what a cut a moment later would find.
   */
  cut(journal: boolean): Promise<void>;
  /** Mounts what is left, as after a boot of the machine. Nobody may have a file of it open. */
  restore(): Promise<void>;
  remove(): Promise<void>;
}

export async function makeLoopDisk(bytes: number): Promise<LoopDisk> {
  const missing = loopDiskMissing();
  if (missing !== undefined) throw new Error(`no disk can be made: ${missing}`);
  const directory = await mkdtemp(join(tmpdir(), 'uptally-disk-'));
  const [image, path, program, bootId] = ['image', 'mount', 'power-cut', 'boot-id'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
    string,
  ];
  await run('cc', ['-o', program, join(import.meta.dirname, 'power-cut.c')]);
  await mkdir(path);
  await writeFile(image, '');
  await truncate(image, bytes);
  await run('mkfs.ext4', ['-q', '-F', image]);

  const mount = async (): Promise<void> => {
    await run('mount', ['-o', 'loop,noatime', image, path]);
    // a machine that comes back has another boot id, by which programs tell a crash of theirs from one of the machine
    await writeFile(bootId, `${randomUUID()}\n`);
    await run('mount', ['--bind', bootId, BOOT_ID]);
  };
  const unmount = async (): Promise<void> => {
    await run('umount', [BOOT_ID]);
    for (let tries = 1; ; tries++) {
      try {
        await run('umount', [path]);
        return;
      } catch (error) {
        // the kernel closes the files of a killed process a little after its end
        if (tries === UNMOUNT_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  await mount();
  return {
    path,
    async cut(journal) {
      await run(program, [path, journal ? '1' : '2']);
    },
    async restore() {
      await unmount();
      await mount();
    },
    async remove() {
      await unmount();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
