import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkWritable, closeToOthers, FolderError, folderError, isOpenToOthers, makeFolder } from '../../src/process/folder.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-folder-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('a folder is made', () => {
  it('for its user alone, with its parents', async () => {
    const path = join(dir, 'a', 'b', 'data');
    await makeFolder(path, 'DATA');
    expect(await modeOf(path)).toBe(0o700);
    await makeFolder(path, 'DATA');
  });

  it('not where there is one, which stays as it is', async () => {
    await chmod(dir, 0o750);
    await makeFolder(dir, 'DATA');
    expect(await modeOf(dir)).toBe(0o750);
  });

  it('by two at once', async () => {
    const path = join(dir, 'x', 'y');
    await Promise.all([makeFolder(path, 'DATA'), makeFolder(path, 'DATA')]);
  });

  it.each<[string, RegExp, () => Promise<string>]>([
    [
      'where the file system makes none',
      /^DATA can't be used: \/proc\/nope can't be made: its file system does not let a folder/,
      () => Promise.resolve('/proc/nope'),
    ],
    [
      'deeper there',
      /^DATA can't be used: \/proc\/nope can't be made: its file system does not let a folder/,
      () => Promise.resolve('/proc/nope/a/b'),
    ],
    [
      'where a file is',
      /^DATA can't be used: .*\/file is a file, not a folder$/,
      async () => {
        await writeFile(join(dir, 'file'), '');
        return join(dir, 'file');
      },
    ],
    [
      'below a file',
      /^DATA can't be used: (.*\/file is a file, not a folder|a part of its path is a file, not a folder)$/,
      async () => {
        await writeFile(join(dir, 'file'), '');
        return join(dir, 'file', 'data');
      },
    ],
    [
      'at a link that leads nowhere',
      /^DATA can't be used: .*\/link is a link that leads nowhere$/,
      async () => {
        await symlink(join(dir, 'gone'), join(dir, 'link'));
        return join(dir, 'link');
      },
    ],
    [
      'at links that lead round in a circle',
      /^DATA can't be used: its links lead round in a circle$/,
      async () => {
        await symlink(join(dir, 'b'), join(dir, 'a'));
        await symlink(join(dir, 'a'), join(dir, 'b'));
        return join(dir, 'a');
      },
    ],
    [
      'with a name that is too long',
      /^DATA can't be used: its name is too long$/,
      () => Promise.resolve(join(dir, 'n'.repeat(300))),
    ],
  ])('not %s: one sentence says so, and it is said at once', async (_, sentence, path) => {
    const error: unknown = await makeFolder(await path(), 'DATA').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FolderError);
    expect((error as Error).message).toMatch(sentence);
  });
});

describe('a folder is tried', () => {
  it('and nothing of the try is left', async () => {
    await checkWritable(dir, 'DATA');
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([
    ['EROFS', 'it is on a file system that is mounted read-only'],
    ['ENOSPC', 'there is no space left on its file system'],
    ['EDQUOT', "the disk quota of this process' user is used up"],
    ['ESTALE', 'it is on a shared volume that is not there any more (ESTALE)'],
  ])('%s in words', (code, words) => {
    const said = folderError(Object.assign(new Error(`${code}: a bare code`), { code }), 'UPTALLY_DATA_DIR=/srv');
    expect(said.message).toBe(`UPTALLY_DATA_DIR=/srv can't be used: ${words}`);
  });

  it('an error that is not of a file system stays what it is', () => {
    const error = new TypeError('no');
    expect(folderError(error, 'DATA')).toBe(error);
  });
});

describe('what an earlier version left open to others', () => {
  it('is closed, what is not ours is not', async () => {
    for (const name of ['log', 'issuer.json']) {
      await writeFile(join(dir, name), '');
      await chmod(join(dir, name), 0o644);
    }
    for (const name of ['clickhouse', 'terms']) {
      await mkdir(join(dir, name));
      await chmod(join(dir, name), 0o755);
    }
    await symlink('/etc', join(dir, 'checkpoints'));
    await closeToOthers(dir, ['log', 'clickhouse', 'checkpoints', 'scratch']);
    const modes = await Promise.all(['log', 'issuer.json', 'clickhouse', 'terms'].map((name) => modeOf(join(dir, name))));
    expect(modes).toEqual([0o600, 0o644, 0o700, 0o755]);
    expect(await modeOf('/etc')).not.toBe(0o700);
  });

  it('the folder itself is the operator’s: whether others may look into it can be told', async () => {
    await chmod(dir, 0o755);
    expect(await isOpenToOthers(dir)).toBe(true);
    await chmod(dir, 0o750);
    expect(await isOpenToOthers(dir)).toBe(false);
  });
});
