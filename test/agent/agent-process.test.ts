import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { acceptAll, startFakeServer, type Answer, type FakeServer, type SeenRequest } from '../support/fake-server.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const runnable = existsSync(main) && process.platform === 'linux';

let dir: string;
let server: FakeServer;
let respond: (request: SeenRequest, n: number) => Answer | 'hang';
let child: ChildProcess | null = null;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-agent-process-'));
  respond = acceptAll;
  server = await startFakeServer((request, n) => respond(request, n));
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

function spawnAgent(...more: string[]): ChildProcess {
  const args = [
    main,
    'agent',
    '--source',
    'sysfs',
    '--match',
    'lo',
    '--map',
    'lo=vm-lo',
    '--interval',
    '50ms',
    '--spool',
    dir,
    ...more,
  ];
  child = spawn(process.execPath, args, {
    env: { ...process.env, UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return child;
}

async function exitOf(process: ChildProcess, signal: NodeJS.Signals | null): Promise<unknown> {
  const exited = once(process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  if (signal !== null) process.kill(signal);
  const [code, killedBy] = await exited;
  return code ?? killedBy;
}

async function outputOf({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const part of stdout ?? []) text += String(part);
  return text;
}

const instantsOf = (requests: readonly SeenRequest[]): number[] =>
  requests.map(({ text }) => (JSON.parse(text.split('\n')[0] ?? '') as { ts: number }).ts);

describe.skipIf(!runnable)(`the agent as a process${runnable ? '' : ' (skipped: no build in dist/)'}`, () => {
  it('killed while its batches are on the way, sends all of them again, same bytes, in order', async () => {
    respond = (_, n) => (n < 3 ? { status: 503, headers: { 'retry-after': '0' } } : 'hang');
    const first = spawnAgent();
    await expect.poll(() => server.seen.length, { timeout: 30_000 }).toBe(4);
    expect(await exitOf(first, 'SIGKILL')).toBe('SIGKILL');
    const before = server.seen.length;

    respond = acceptAll;
    const second = spawnAgent();
    await expect.poll(() => server.seen.length, { timeout: 30_000 }).toBeGreaterThan(before + 10);
    expect(await exitOf(second, 'SIGTERM')).toBe(0);

    const accepted = server.seen.slice(before);
    expect(accepted[0]?.raw).toEqual(server.seen[0]?.raw);
    const instants = instantsOf(accepted);
    expect(instants).toEqual([...new Set(instants)].sort((a, b) => a - b));
    expect(
      accepted.every(({ text }) => /^\{"vm":"vm-lo","ts":\d+,"rx_bytes":\d+,"tx_bytes":\d+,"epoch":\d+\}\n$/.test(text)),
    ).toBe(true);
    expect(new Set(accepted.map(({ text }) => /"epoch":(\d+)/.exec(text)?.[1])).size).toBe(1);
  });

  it('with --once ends in 0 when the server took the round', async () => {
    expect(await exitOf(spawnAgent('--once'), null)).toBe(0);
    expect(server.seen).toHaveLength(1);
  });

  it('with --once prints what it saw, before it sends, and ends in 1 with a hint when nothing was picked', async () => {
    const run = spawnAgent('--once');
    expect(await outputOf(run)).toMatch(/^SOURCE +VM +NIC .*\nlo +vm-lo +- +\d+ +\d+ +up +metered +matches 'lo'\n/);
    const root = join(dir, 'net');
    await mkdir(join(root, 'br0'), { recursive: true });
    await writeFile(join(root, 'br0', 'ifindex'), '3\n');
    child = spawn(
      process.execPath,
      [main, 'agent', '--source', 'sysfs', '--sysfs-root', root, '--spool', join(dir, 's'), '--once'],
      {
        env: { ...process.env, UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const [out, code] = await Promise.all([outputOf(child), exitOf(child, null)]);
    expect(out).toMatch(/br0 .* no guest end/);
    expect(code).toBe(1);
  });

  it('ends at SIGTERM though virsh hangs and ignores the request to end, and leaves no process behind', async () => {
    const virsh = join(dir, 'virsh');
    await writeFile(virsh, `#!/bin/bash\ntrap "" TERM\necho $$ >> ${dir}/pids\nwhile :; do sleep 0.1; done\n`);
    await chmod(virsh, 0o755);
    child = spawn(
      process.execPath,
      [main, 'agent', '--source', 'libvirt', '--virsh', virsh, '--virsh-limit', '600s', '--spool', join(dir, 's')],
      { env: { ...process.env, UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const pids = (): number[] =>
      existsSync(join(dir, 'pids')) ? readFileSync(join(dir, 'pids'), 'utf8').trim().split('\n').map(Number) : [];
    await expect.poll(pids, { timeout: 30_000 }).toHaveLength(1);
    expect(await exitOf(child, 'SIGTERM')).toBe(0);
    const left = pids().filter((pid) => existsSync(`/proc/${pid}`));
    await expect.poll(() => left.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 30_000 }).toEqual([]);
  });

  it('tells Prometheus what it does, over HTTP and in a file', async () => {
    const port = await freePort();
    const file = join(dir, 'uptally.prom');
    const run = spawnAgent('--metrics', `127.0.0.1:${port}`, '--metrics-file', file);
    const scrape = async (): Promise<string> =>
      await fetch(`http://127.0.0.1:${port}/metrics`).then(
        (answer) => answer.text(),
        () => '',
      );
    await expect.poll(scrape, { timeout: 30_000 }).toMatch(/uptally_agent_samples_total\{result="accepted"\} [1-9]/);
    await expect.poll(() => existsSync(file), { timeout: 30_000 }).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain('uptally_agent_metered 1');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect(await exitOf(run, 'SIGTERM')).toBe(0);
  });

  it('refuses a spool that another agent has', async () => {
    spawnAgent();
    await expect.poll(() => server.seen.length, { timeout: 30_000 }).toBeGreaterThan(0);
    const first = child;
    const second = spawnAgent();
    let said = '';
    second.stderr?.on('data', (part: Buffer) => (said += part.toString()));
    expect(await exitOf(second, null)).toBe(1);
    expect(said).toMatch(/is held by process \d+ on \S+ since \S+ \(lock [0-9a-f]{32}\); give each agent a folder of its own/);
    if (first !== null) await exitOf(first, 'SIGTERM');
  });
});
