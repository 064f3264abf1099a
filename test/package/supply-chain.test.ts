/** What comes with the product from others, and what a release consists of. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../deploy/program.ts';

/** Permissive ones, which ask for their text to be kept. An expression is taken apart at `AND`; a choice must be made, not taken as it is. */
const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'OFL-1.1',
  'Python-2.0',
  'Zlib',
]);

interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const locked = Object.entries((JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages).filter(
  ([path]) => path !== '',
);
const manifest = JSON.parse(read('package.json')) as { version: string; allowScripts: Record<string, boolean> };

let folder: string;
let release: (...args: string[]) => { status: number | null; stderr: string };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'uptally-release-'));
  release = (...args) => spawnSync(process.execPath, ['scripts/release.js', ...args], { cwd: ROOT, encoding: 'utf8' });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('what others wrote', () => {
  it('is locked by hash, but for engines of machines of other kinds, which the registry that wrote the lock file did not have', () => {
    const unlocked = locked.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path);
    expect(unlocked.filter((path) => !path.startsWith('node_modules/@chdb/lib-'))).toEqual([]);
    expect(unlocked).not.toContain('node_modules/@chdb/lib-linux-x64-gnu');
  });

  it('runs a script at install time only where the manifest says whether it may', () => {
    const scripted = locked
      .filter(([, each]) => each.hasInstallScript === true)
      .map(([path]) => path.split('node_modules/').at(-1));
    expect(scripted.filter((name) => name === undefined || !(name in manifest.allowScripts))).toEqual([]);
  });
});

describe('a release', () => {
  it('names the licence of every production dependency, and each is one that is known here', () => {
    const out = join(folder, 'first');
    expect(release(out)).toMatchObject({ status: 0 });
    const lines = readFileSync(join(out, `uptally-${manifest.version}.licences.txt`), 'utf8')
      .trim()
      .split('\n');
    const said = lines.map((line) => line.split(': ') as [string, string]);
    const unknown = said.filter(([, licence]) =>
      licence
        .replace(/^\(|\)$/g, '')
        .split(' AND ')
        .some((each) => !LICENCES.has(each)),
    );
    expect(unknown).toEqual([]);
    expect(said).toHaveLength(locked.filter(([, { dev }]) => dev !== true).length);

    const bill = JSON.parse(readFileSync(join(out, `uptally-${manifest.version}.cdx.json`), 'utf8')) as {
      components: { name: string; group?: string; version: string }[];
    };
    const inBill = new Set(
      bill.components.map(({ name, group, version }) => `${group === undefined ? '' : `${group}/`}${name} ${version}`),
    );
    expect(said.filter(([name]) => !inBill.has(name))).toEqual([]);
  });

  it('is the same bytes from the same commit, under sums that anybody can check', () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    expect(release(second)).toMatchObject({ status: 0 });
    const sums = readFileSync(join(second, 'SHA256SUMS'), 'utf8');
    expect(sums).toBe(readFileSync(join(first, 'SHA256SUMS'), 'utf8'));
    for (const line of sums.trim().split('\n')) {
      const [sum, file] = line.split('  ');
      expect(
        createHash('sha256')
          .update(readFileSync(join(first, file ?? '')))
          .digest('hex'),
      ).toBe(sum);
    }
  });

  it.skipIf(spawnSync('ssh-keygen', ['-?']).error !== undefined)('is signed, and a changed one is not', () => {
    const [key, out] = [join(folder, 'key'), join(folder, 'signed')];
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    expect(release(out, '--key', key)).toMatchObject({ status: 0 });
    writeFileSync(join(folder, 'signers'), `release ${readFileSync(`${key}.pub`, 'utf8')}`);
    const verify = [
      '-Y',
      'verify',
      '-f',
      join(folder, 'signers'),
      '-I',
      'release',
      '-n',
      'uptally',
      '-s',
      join(out, 'SHA256SUMS.sig'),
    ];
    const sums = readFileSync(join(out, 'SHA256SUMS'), 'utf8');
    expect(spawnSync('ssh-keygen', verify, { input: sums }).status).toBe(0);
    expect(
      spawnSync('ssh-keygen', verify, { input: sums.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }).status,
    ).not.toBe(0);
  });

  it('is not written over another one', () => {
    const { status, stderr } = release(join(folder, 'first'));
    expect([status, stderr]).toEqual([1, expect.stringContaining('is not empty')]);
  });
});
