/** What connections do to a server: half-sent and oversized bodies, crowds, full capacity, and a slow sender at the end. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HTTP_LIMITS } from '../../src/http/bare-server.ts';
import { type TestServer, agentKey, postLines, startServer, untilStored, within } from '../support/server.ts';

let dir: string;
let server: TestServer;
let agent: string;
const sockets: Socket[] = [];
const now = Date.now();

async function start(env: Record<string, string> = {}): Promise<void> {
  server = await startServer({ dir, env });
  agent = (await agentKey(server, 'host', ['*'])).key;
}
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-ingest-'));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.end('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

async function open(headers: readonly string[]): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const all = [
    'POST /v1/samples HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${agent}`,
    'Content-Type: application/x-ndjson',
    ...headers,
  ];
  socket.write(`${all.join('\r\n')}\r\n\r\n`);
  return socket;
}

/** Everything that comes back on a socket until it is closed. */
async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  // a reset is an end too
  await within('the connection to be closed', new Promise((resolve) => socket.on('close', resolve)));
  return text;
}

const line = (vm: string, ts = now): string => `{"vm":"${vm}","ts":${ts}}`;

describe('bodies that are sent badly', () => {
  it('half a body is no body, and its neighbours get in', async () => {
    await start();
    const length = 10_000;
    const halves = await Promise.all(Array.from({ length: 20 }, () => open([`Content-Length: ${length}`])));
    const chunked = await Promise.all(Array.from({ length: 20 }, () => open(['Transfer-Encoding: chunked'])));
    for (const socket of halves) socket.write(`${line('half')}\n`.repeat(10));
    for (const socket of chunked) socket.write(`40\r\n${`${line('half')}\n`.padEnd(64)}\r\n`);
    expect((await postLines(server, agent, [line('whole')])).status).toBe(202);
    for (const socket of [...halves, ...chunked]) socket.destroy();
    expect((await postLines(server, agent, [line('whole', now - 1)])).status).toBe(202);
    expect((await untilStored(server)).samples.accepted).toBe(2);
    expect((await server.call('/v1/vms/half/samples?from=0&to=60000')).status).toBe(404);
  });

  it('a body above 8 MiB is answered 413, told by its length or not', async () => {
    await start();
    const tooMuch = 8 * 1024 * 1024 + 1;
    const sized = await open([`Content-Length: ${tooMuch}`, 'Connection: close']);
    sized.write(Buffer.alloc(tooMuch, ' '));
    expect(await answerOf(sized)).toMatch(/^HTTP\/1.1 413 .*"code":"body_too_large"/s);
    const chunked = await open(['Transfer-Encoding: chunked', 'Connection: close']);
    for (let sent = 0; sent < tooMuch; sent += 65_536) chunked.write(`10000\r\n${' '.repeat(65_536)}\r\n`);
    chunked.write('0\r\n\r\n');
    expect(await answerOf(chunked)).toMatch(/^HTTP\/1.1 413 .*"code":"body_too_large"/s);
    expect((await postLines(server, agent, [line('v')])).status).toBe(202);
  });

  it.each([
    ['9 MiB', 9, true],
    ['9 MiB, chunked', 9, false],
    ['60 MiB', 60, true],
  ])('a body of %s is read to its end, so that its sender hears why it was refused', async (_, mib, sized) => {
    await start();
    const socket = await open([sized ? `Content-Length: ${mib * 1024 * 1024}` : 'Transfer-Encoding: chunked']);
    const chunk = ' '.repeat(1024 * 1024);
    for (let sent = 0; sent < mib; sent++) socket.write(sized ? chunk : `100000\r\n${chunk}\r\n`);
    if (!sized) socket.write('0\r\n\r\n');
    expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 413 .*"code":"body_too_large"/s);
  });

  it('who announces far too much hears 413 before sending it', async () => {
    await start();
    const socket = await open(['Content-Length: 900000000']);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 .*"code":"body_too_large"/s);
  });

  it('slow senders are closed: the limits of time are set', () => {
    // what they do is Node's; waiting for them here would take their time
    expect(HTTP_LIMITS.headersTimeoutMs).toBeLessThanOrEqual(30_000);
    expect(HTTP_LIMITS.requestTimeoutMs).toBeLessThanOrEqual(120_000);
    expect(HTTP_LIMITS.connectionTimeoutMs).toBeGreaterThan(0);
  });

  it('and hold up no end of the server, which loses nothing for them', async () => {
    await start();
    const slow = await open(['Content-Length: 1000']);
    slow.write(line('slow'));
    const trickle = setInterval(() => slow.write(' '), 200);
    expect((await postLines(server, agent, [line('v'), 'bad'])).status).toBe(202);
    const exit = await server.end('SIGTERM');
    clearInterval(trickle);
    expect(exit).toEqual({ code: 0, signal: null });
    server = await startServer({ dir });
    const { samples } = await server.status();
    expect([samples.accepted, samples.applied, samples.rejected]).toEqual([1, 1, { malformed_json: 1 }]);
  });
});

describe('a crowd', () => {
  it.each([
    ['with room for everybody', '500000'],
    ['where more samples wait than there is room for VMs', '3000'],
  ])('1,000 small posts beside one of 50,000 samples are all answered 202, %s', async (_, vmsMax) => {
    await start({ UPTALLY_MAX_VMS: vmsMax });
    const large = Array.from(
      { length: 50_000 },
      (_, i) => `{"vm":"v${i % 1000}","ts":${now - 10 * i},"rx_bytes":${i},"tx_bytes":${i}}`,
    );
    const latencies: number[] = [];
    const timed = async (posted: Promise<{ status: number }>): Promise<number> => {
      const from = performance.now();
      const { status } = await posted;
      latencies.push(performance.now() - from);
      return status;
    };
    const gzip = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
    const big = timed(postLines(server, agent, large));
    const small = Array.from({ length: 1000 }, (_, i) =>
      timed(
        i % 2 === 0
          ? postLines(server, agent, [line(`small${i}`)])
          : server.call('/v1/samples', { key: agent, headers: gzip, body: gzipSync(line(`small${i}`)) }),
      ),
    );
    expect(await big).toBe(202);
    expect(new Set(await Promise.all(small))).toEqual(new Set([202]));
    latencies.sort((a, b) => a - b);
    console.info(
      `1,001 posts, room for ${vmsMax} VMs: median ${latencies[500]?.toFixed(0)} ms, last ${latencies.at(-1)?.toFixed(0)} ms`,
    );
    const { samples } = await untilStored(server);
    expect([samples.accepted, samples.applied]).toEqual([51_000, 51_000]);
  });

  it('300 connections at once posting small gzip bodies are all served', async () => {
    await start();
    const body = gzipSync(line('v'));
    const all = await Promise.all(
      Array.from({ length: 300 }, () => open([`Content-Length: ${body.length}`, 'Content-Encoding: gzip', 'Connection: close'])),
    );
    const answers = all.map(answerOf);
    for (const socket of all) socket.write(body);
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 202 /);
  });
});

describe('full capacity', () => {
  it('new VMs are refused with 503, whole batches at once; known ones are served; nothing of a refused batch is in', async () => {
    await start({ UPTALLY_MAX_VMS: '3', UPTALLY_MAX_NICS: '4' });
    expect(
      (
        await postLines(
          server,
          agent,
          ['a', 'b', 'c'].map((vm) => line(vm)),
        )
      ).status,
    ).toBe(202);
    for (const lines of [[line('d')], [line('a', now - 1), line('d')]]) {
      const refused = await postLines(server, agent, lines);
      expect([refused.status, refused.headers['retry-after']]).toEqual([503, '60']);
      expect(refused.json()).toMatchObject({ code: 'capacity_full' });
    }
    const known = await Promise.all(
      Array.from({ length: 20 }, (_, i) => postLines(server, agent, [line('abc'[i % 3] ?? 'a', now - 10 - i)])),
    );
    expect(known.map(({ status }) => status)).toEqual(known.map(() => 202));
    // one interface more fits, a second does not
    const nic = (name: string): string => `{"vm":"a","ts":${now - 50},"nic":"${name}"}`;
    expect((await postLines(server, agent, [nic('eth0')])).status).toBe(202);
    expect((await postLines(server, agent, [nic('eth1')])).status).toBe(503);
    const { samples, vms } = await untilStored(server);
    expect([samples.accepted, samples.applied, vms]).toEqual([24, 24, 3]);
    expect((await server.call('/v1/vms/d/samples?from=0&to=60000')).status).toBe(404);

    // the same after a restart
    await server.end('SIGKILL');
    server = await startServer({ dir, env: { UPTALLY_MAX_VMS: '3', UPTALLY_MAX_NICS: '4' } });
    expect((await postLines(server, agent, [line('d')])).status).toBe(503);
    expect((await postLines(server, agent, [line('b', now - 999)])).status).toBe(202);
  });
});
