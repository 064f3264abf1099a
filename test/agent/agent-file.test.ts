/** The agent as one file, alone in a folder: no node_modules, no package.json, no native code. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../deploy/program.ts';
import { hostOf, uuidOf } from '../support/canned-virsh.ts';
import { acceptAll, startFakeServer } from '../support/fake-server.ts';
import { ADMIN_KEY, newFolder, type ServedFolder, type TestServer, untilStored } from '../support/server.ts';

const BYTES_MAX = 3 * 1024 * 1024;
const PATIENCE = { timeout: 60_000 };

let folder: ServedFolder;
let server: TestServer;
let file: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await newFolder('agent-file');
  const alone = join(folder.dir, 'alone');
  await mkdir(alone);
  file = join(alone, 'uptally-agent.mjs');
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-agent.js'), file]);
  server = await folder.start();
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});
afterAll(async () => {
  await folder.remove();
});

interface Agent {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

function start(url: string, ...args: string[]): Agent {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: folder.dir,
    env: { PATH: process.env['PATH'] ?? '', UPTALLY_SERVER: url, UPTALLY_KEY: ADMIN_KEY },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null);
  return { child, said: () => said, ended };
}

const interfaces = (name: string): string[] => [
  '--source',
  'sysfs',
  '--match',
  'lo',
  '--map',
  `lo=${name}`,
  '--interval',
  '50ms',
];
const samplesOf = async (vm: string): Promise<unknown[]> => {
  await untilStored(server);
  const to = Date.now() + 60_000;
  const { rows } = await server.ask<{ rows: unknown[] }>(`/v1/vms/${vm}/samples?from=${to - 3_600_000}&to=${to}`);
  return rows;
};

describe('the agent as one file', () => {
  it('is at most 3 MB and has nothing beside it', () => {
    expect(statSync(file).size).toBeLessThanOrEqual(BYTES_MAX);
    expect(readdirSync(join(folder.dir, 'alone'))).toEqual(['uptally-agent.mjs']);
    expect(statSync(file).mode & 0o111).not.toBe(0);
  });

  it('knows its version, and its help is that of uptally agent', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const ask = (argument: string): string => spawnSync(process.execPath, [file, argument], { encoding: 'utf8' }).stdout;
    expect(ask('--version').trim()).toBe(version);
    expect(ask('--help')).toContain('--source <source>');
  });

  it.skipIf(!existsSync('/sys/class/net/lo'))('posts the counters of interfaces to a real server', async () => {
    const agent = start(server.url, ...interfaces('file-lo'), '--spool', './spool-sysfs', '--once');
    expect(await agent.ended, agent.said()).toBe(0);
    expect(await samplesOf('file-lo')).toMatchObject([{ vm: 'file-lo', state: 'up' }]);
  });

  it('posts the domains of libvirt, counters and states', async () => {
    const mac = '52:54:00:00:00:01';
    const answers = hostOf([
      { name: 'file-web', uuid: uuidOf(1), id: '7', nics: [{ device: 'vnet0', mac, rx: 5_000_000_001, tx: 7 }] },
      { name: 'file-off', uuid: uuidOf(2), state: 5, reason: 1 },
    ]);
    await writeFile(join(folder.dir, 'answers.json'), JSON.stringify(answers));
    const virsh = join(folder.dir, 'virsh');
    // as virsh has it: one command as words, many as one text with a mark before each
    await writeFile(
      virsh,
      `#!${process.execPath}
const answers = JSON.parse(require('fs').readFileSync('${join(folder.dir, 'answers.json')}', 'utf8'));
const words = process.argv.slice(5);
if (words.length > 1 || answers[words[0]] !== undefined) process.stdout.write(answers[words.join(' ')]);
else for (const part of words[0].split('; ')) {
  const echo = /^echo (.*)$/.exec(part);
  process.stdout.write(echo ? echo[1] + '\\n' : answers[part.replaceAll('"', '')] ?? '\\n');
}
`,
    );
    await chmod(virsh, 0o755);
    const agent = start(server.url, '--source', 'libvirt', '--virsh', virsh, '--spool', './spool-libvirt', '--once');
    expect(await agent.ended, agent.said()).toBe(0);
    expect(await samplesOf('file-web')).toMatchObject([{ nic: mac, rx_bytes: 5_000_000_001, tx_bytes: 7, state: 'up' }]);
    expect(await samplesOf('file-off')).toMatchObject([{ state: 'down', cause: 'customer' }]);
  });

  it('killed with batches under way sends them again, the same bytes, when it is started anew', async () => {
    let away = true;
    const fake = await startFakeServer((request) =>
      away ? { status: 503, headers: { 'retry-after': '0' } } : acceptAll(request),
    );
    try {
      const first = start(fake.url, ...interfaces('file-kill'), '--spool', './spool-kill');
      await expect.poll(() => fake.seen.length, PATIENCE).toBeGreaterThan(3);
      first.child.kill('SIGKILL');
      expect(await first.ended).toBe('SIGKILL');
      const { length } = fake.seen;
      away = false;
      const second = start(fake.url, ...interfaces('file-kill'), '--spool', './spool-kill');
      await expect.poll(() => fake.seen.length, PATIENCE).toBeGreaterThan(length + 3);
      second.child.kill('SIGTERM');
      expect(await second.ended).toBe(0);
      expect(fake.seen[length]?.raw).toEqual(fake.seen[0]?.raw);
    } finally {
      await fake.close();
    }
  });

  it.each([
    ['the file itself', (args: readonly string[]) => [file, ...args]],
    [
      'the agent of the package, which has the kernel’s lock',
      (args: readonly string[]) => [join(ROOT, 'dist/cli/main.js'), 'agent', ...args],
    ],
  ])('keeps its spool from a second agent: %s', async (_, command) => {
    const fake = await startFakeServer();
    try {
      const args = [...interfaces('file-two'), '--spool', './spool-two'];
      const first = start(fake.url, ...args);
      await expect.poll(() => fake.seen.length, PATIENCE).toBeGreaterThan(0);
      const { status, stderr } = spawnSync(process.execPath, command(args), {
        cwd: folder.dir,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', UPTALLY_SERVER: fake.url, UPTALLY_KEY: ADMIN_KEY },
      });
      expect(stderr).toMatch(/is held by process \d+ .*; give each agent a folder of its own/);
      expect(status).toBe(1);
      first.child.kill('SIGTERM');
      expect(await first.ended, first.said()).toBe(0);
    } finally {
      await fake.close();
    }
  });
});
