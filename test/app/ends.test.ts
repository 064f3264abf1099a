/** Ends of a process that has the embedded ClickHouse open: in bounded time, with a code or by its own hand, and never by SIGSEGV. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, runCommand, type RunningCommand, startCommand } from '../support/command.ts';
import { ADMIN_KEY, startOrDie, startServer, type TestServer, untilStored, within } from '../support/server.ts';

const ENV = {
  ...{ UPTALLY_PORT: '0', UPTALLY_ADMIN_KEY: ADMIN_KEY, UPTALLY_MAX_VMS: '5000', UPTALLY_INGEST_WORKERS: '0' },
  ...{ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' },
};
const T0 = Date.parse('2026-03-01T00:00:00Z');
const BATCHES = 6;
const BATCH = 2_000;

let dir: string;
/** A folder whose log holds samples of which nothing is stored. */
let unstored: string;
/** How many of them were answered. */
let answered = 0;
const running: TestServer[] = [];
const commands: RunningCommand[] = [];

async function serve(data: string, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ dir: data, env: { ...ENV, ...env } });
  running.push(server);
  return server;
}

function begin(data: string, env: Record<string, string> = {}): RunningCommand {
  const command = startCommand(['serve'], { ...ENV, UPTALLY_DATA_DIR: data, ...env });
  commands.push(command);
  return command;
}

/** Sends SIGTERM as soon as the condition holds; answers how the process ended. */
async function endedWhen(data: string, holds: (pid: number) => boolean): Promise<Ended> {
  const { child, ended } = begin(data);
  const pid = child.pid ?? 0;
  while (child.exitCode === null && child.signalCode === null && !holds(pid))
    await new Promise((resolve) => setTimeout(resolve, 1));
  child.kill('SIGTERM');
  return within('the end after SIGTERM', ended);
}

/** With a code of its own; or, where the engine could not be closed in time, by SIGKILL and with the reason. */
function expectOrderly({ code, signal, said }: Ended, expected: number): void {
  if (signal === 'SIGKILL') expect(said).toContain('did not close in time');
  else expect({ code, signal, said }).toMatchObject({ code: expected, signal: null });
  expect(said).not.toMatch(/\n\s+at /);
}

const files = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
/** The engine writes down who has its folder open as the first thing. */
const engineOf = (data: string, pid: number): boolean => {
  const status = join(data, 'clickhouse', 'status');
  return existsSync(status) && readFileSync(status, 'utf8').includes(`PID: ${pid}\n`);
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-ends-'));
  unstored = join(dir, 'unstored');
  const server = await startServer({ dir: unstored, env: { ...ENV, UPTALLY_TEST_CRASH: 'before-insert-samples' } });
  for (let batch = 0; batch < BATCHES; batch++) {
    const lines = Array.from({ length: BATCH }, (_, i) =>
      JSON.stringify({ vm: `vm-${i}`, ts: T0 + batch * 60_000, nic: 'e', rx_bytes: batch, tx_bytes: 0 }),
    );
    const headers = { 'content-type': 'application/x-ndjson' };
    const answer = await server.call('/v1/samples', { body: lines.join('\n'), headers }).catch(() => undefined);
    if (answer?.status !== 202) break;
    answered += BATCH;
  }
  await within('its death', server.exited);
  expect(answered).toBeGreaterThan(0);
});
afterEach(async () => {
  for (const { child } of commands.splice(0)) child.kill('SIGKILL');
  for (const server of running.splice(0)) await server.end('SIGKILL');
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe('SIGTERM during a start', () => {
  it.each<[string, (data: string, pid: number) => boolean]>([
    ['has its folder, and no engine yet', (data) => existsSync(join(data, 'lock'))],
    ['opens the engine', engineOf],
    ['migrates', (data) => existsSync(join(data, 'clickhouse', 'data'))],
    ['has opened the log', (data) => existsSync(join(data, 'log'))],
    ['writes to the catalog', (data) => files(join(data, 'scratch')).length > 0],
  ])('of a new folder that %s ends it, and the next start is as the first', async (_, moment) => {
    const data = join(dir, 'new');
    rmSync(data, { recursive: true, force: true });
    expectOrderly(await endedWhen(data, (pid) => moment(data, pid)), 0);
    const server = await serve(data);
    expect((await server.call('/readyz')).status).toBe(200);
  });

  it.each<[string, (data: string, pid: number) => boolean]>([
    ['opens the engine', engineOf],
    ['has the engine open', (data, pid) => engineOf(data, pid) && files(join(data, 'clickhouse', 'store')).length > 0],
    ['stores what the log holds', (data, pid) => engineOf(data, pid) && files(join(data, 'scratch')).length > 0],
  ])('of one with samples that wait, while it %s, ends it, and nothing that was answered is missing', async (_, moment) => {
    const data = join(dir, 'waiting');
    await rm(data, { recursive: true, force: true });
    await cp(unstored, data, { recursive: true });
    expectOrderly(await endedWhen(data, (pid) => moment(data, pid)), 0);
    const server = await serve(data);
    expect((await untilStored(server)).samples.accepted).toBeGreaterThanOrEqual(answered);
  });
});

describe('a start that fails with the engine open', () => {
  it('at a port that is taken says so, and ends with 1', async () => {
    const data = join(dir, 'port');
    await cp(unstored, data, { recursive: true });
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    try {
      const ended = await within('its end', begin(data, { UPTALLY_PORT: String(port) }).ended);
      expectOrderly(ended, 1);
      expect(ended.said).toMatch(/uptally: listen EADDRINUSE/);
    } finally {
      other.close();
    }
    expect((await untilStored(await serve(data))).samples.accepted).toBeGreaterThanOrEqual(answered);
  });

  it('at a log that is not the database’s says so, and ends with 1', async () => {
    const data = join(dir, 'lost');
    await cp(unstored, data, { recursive: true });
    await rm(join(data, 'log'));
    const ended = await within('its end', begin(data).ended);
    expectOrderly(ended, 1);
    expect(ended.said).toMatch(/the log is empty/);
  });
});

it('uptally log ends with its code, also when it refuses', async () => {
  const data = join(dir, 'tool');
  await cp(unstored, data, { recursive: true });
  await rm(join(data, 'log'));
  const env = { ...ENV, UPTALLY_DATA_DIR: data };
  const decided = ['--by', 'ann', '--why', 'the disk died'];
  expectOrderly(await runCommand(['log', 'show'], env), 0);
  expectOrderly(await runCommand(['log', 'skip', ...decided], env), 2);
  expectOrderly(await runCommand(['log', 'skip', '--record', '4711', ...decided], env), 1);
  const asked = await runCommand(['log', 'accept', ...decided], env);
  expectOrderly(asked, 1);
  const givesUp = /--give-up '([^']+)'/.exec(asked.said)?.[1] ?? '';
  expectOrderly(await runCommand(['log', 'accept', ...decided, '--give-up', givesUp], env), 0);
  // the folder is held by nobody
  await serve(data);
});

it('a fatal error under way ends the server by its own hand', async () => {
  const data = join(dir, 'fatal');
  const server = await startOrDie({ dir: data, env: ENV });
  if (server === undefined) throw new Error('it did not start');
  running.push(server);
  await rm(join(data, 'lock'));
  expect(await within('its end', server.exited)).toEqual({ code: null, signal: 'SIGKILL' });
});
