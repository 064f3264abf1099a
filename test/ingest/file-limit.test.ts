/** A server that has no file left for what comes next: it waits, says so, and goes on. Its limit is taken away and given back from outside. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Client } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { agentKey, newFolder, type ServedFolder, type TestServer, untilStored, within } from '../support/server.ts';
import { untilMetric, workersOf } from './workers/support.ts';

const FILES_MAX = 20_000;
const now = Date.now();
let folder: ServedFolder;
const sockets: Socket[] = [];
const clients: Client[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(clients.splice(0).map((client) => client.destroy()));
  await folder.remove();
});

function canLimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The process may open so many files more; the hard limit stays, so that it can be given back. */
function leaveFiles(pid: number, more: number): void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  // the limit is of the number that a file gets, which is the lowest that is free
  const free = Array.from({ length: open.size + more + 1 }, (_, number) => number).filter((number) => !open.has(number));
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${free[more] ?? open.size + more}:`]);
}

function giveFilesBack(pid: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${FILES_MAX}:`]);
}

/** How often the server has shown life in its folder's lock file so far. */
function beatsOf({ dir }: ServedFolder): number {
  const { beat } = JSON.parse(readFileSync(join(dir, 'data', 'lock'), 'utf8')) as { beat: number };
  return beat;
}

/** A connection that says half a head and nothing more; one that is refused is as good. */
async function stranger(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  socket.write('GET /livez HTTP/1.1\r\nX: ');
}

/** One connection of an agent: what it is told, status by status. */
function agentOn(server: TestServer, key: string): (vm: string, ts: number) => Promise<number> {
  const client = new Client(server.url);
  clients.push(client);
  return async (vm, ts) => {
    const { statusCode, body } = await client.request({
      method: 'POST',
      path: '/v1/samples',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
      body: `{"vm":"${vm}","ts":${ts}}`,
    });
    await body.text();
    return statusCode;
  };
}

describe.skipIf(!canLimit())('without a file to open', () => {
  it('the server lives, an agent that is connected is answered, and all is stored when there are files again', async () => {
    folder = await newFolder('files');
    const server = await folder.start({ UPTALLY_CHECKPOINT_INTERVAL_MS: '200' });
    const post = agentOn(server, (await agentKey(server, 'host')).key);
    expect(await post('v', now)).toBe(202);
    await untilStored(server);
    leaveFiles(server.pid, 0);
    await Promise.all(Array.from({ length: 100 }, () => stranger(server.port)));
    for (let i = 1; i <= 20; i++) {
      expect(await post('v', now - i)).toBe(202);
      await stranger(server.port);
    }
    // long enough for a server that can't look at its lock not to trust it any more
    const beats = beatsOf(folder);
    let sent = 21;
    while (beatsOf(folder) < beats + 5) expect(await post('v', now - sent++)).toBe(202);
    // steps and checkpoints are due by now, and cannot be taken
    await within(
      'it to be told',
      (async () => {
        // ClickHouse and Node spell it differently, and either may be the first to want a file
        while (!/too many open files/i.test(server.output())) await new Promise((resolve) => setTimeout(resolve, 50));
      })(),
    );
    for (const socket of sockets.splice(0)) socket.destroy();
    giveFilesBack(server.pid);
    const { samples } = await untilStored(server);
    expect([samples.accepted, samples.applied]).toEqual([sent, sent]);
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('a main process goes on with the workers that it has, and they with their connections', async () => {
    folder = await newFolder('files');
    const server = await folder.start({ UPTALLY_INGEST_WORKERS: '2' });
    const post = agentOn(server, (await agentKey(server, 'host')).key);
    expect(await post('v', now)).toBe(202);
    const pids = [server.pid, ...workersOf(server)];
    for (const pid of pids) leaveFiles(pid, 3);
    await Promise.all(Array.from({ length: 100 }, () => stranger(server.port)));
    for (let i = 1; i <= 20; i++) expect(await post('v', now - i)).toBe(202);
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const pid of pids) giveFilesBack(pid);
    await untilMetric(server, 'uptally_ingest_workers', 2);
    expect((await untilStored(server)).samples.applied).toBe(21);
    expect(workersOf(server)).toEqual(pids.slice(1));
  });

  it('a worker that dies then is replaced when there is a file for it', async () => {
    folder = await newFolder('files');
    const server = await folder.start({ UPTALLY_INGEST_WORKERS: '1' });
    const [worker = 0] = workersOf(server);
    leaveFiles(server.pid, 0);
    process.kill(worker, 'SIGKILL');
    await within(
      'it to be told',
      (async () => {
        while (!server.output().includes('ingest worker')) await new Promise((resolve) => setTimeout(resolve, 50));
      })(),
    );
    await Promise.all(Array.from({ length: 20 }, () => stranger(server.port)));
    giveFilesBack(server.pid);
    await untilMetric(server, 'uptally_ingest_workers', 1);
    expect(workersOf(server)).not.toContain(worker);
  });
});

describe('more connections than there may be', () => {
  it.each(['0', '2'])('keep out nobody with a key (%s workers)', async (workers) => {
    folder = await newFolder('files');
    const server = await folder.start({ UPTALLY_MAX_CONNECTIONS: '40', UPTALLY_INGEST_WORKERS: workers });
    const post = agentOn(server, (await agentKey(server, 'host')).key);
    expect(await post('v', now)).toBe(202);
    await Promise.all(Array.from({ length: 300 }, () => stranger(server.port)));
    for (let i = 1; i <= 5; i++) expect(await post('v', now - i)).toBe(202);
    const late = agentOn(server, (await agentKey(server, 'another')).key);
    expect(await late('w', now)).toBe(202);
    const { text } = await server.call('/metrics', { key: null });
    const value = (name: string): number =>
      Number(new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1]);
    expect(value('uptally_http_connections')).toBeLessThanOrEqual(40);
    expect(value('uptally_http_connections_max')).toBe(40);
    expect(value('uptally_http_connections_cut{reason="full"}')).toBeGreaterThan(0);
  });
});
