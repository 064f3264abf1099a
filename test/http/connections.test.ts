/** Connections end, whatever their clients do with them, and there are never more than may be. */
import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { bareServer, type HttpLimits } from '../../src/http/bare-server.ts';
import { connectionsFor, type CutReason } from '../../src/http/connections.ts';
import { isFileLimit, limitIn, openFilesMax } from '../../src/process/process-files.ts';
import { within } from '../support/server.ts';

const SHORT: Partial<HttpLimits> = {
  ...{ headersTimeoutMs: 200, requestTimeoutMs: 400, keepAliveTimeoutMs: 200, connectionTimeoutMs: 60_000 },
  ...{ checkIntervalMs: 50, lingerMs: 100, readWithinMs: 300 },
};
const LONG = 'x'.repeat(64 * 1024 * 1024);

let app: FastifyInstance;
const sockets: Socket[] = [];
const cut: CutReason[] = [];

async function start(limits: Partial<HttpLimits>, connectionsMax?: number): Promise<void> {
  app = bareServer(undefined, {
    limits,
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    onCut: (reason) => cut.push(reason),
  });
  app.get('/long', () => LONG);
  app.post('/refused', { onRequest: async (_request, reply) => reply.code(401).send('no') }, () => 'yes');
  app.post('/limited', { bodyLimit: 10 }, () => 'yes');
  app.post('/read', (request) => String((request.body as string | undefined)?.length));
  app.get('/held', {
    onRequest: (request, _reply, done) => {
      request.key = { id: String(request.headers.authorization), role: 'agent', name: 'a', vms: ['*'] };
      done();
    },
    handler: () => 'held',
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  cut.splice(0);
  await app.close();
});

/** A client that never closes its side, and reads only if it is asked to. */
async function open(text = ''): Promise<Socket> {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** Until the server has no connection any more. */
async function untilClosed(): Promise<void> {
  await within(
    'the server to close its connections',
    (async () => {
      while (app.connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    })(),
    10_000,
  );
}

const head = (first: string, ...headers: string[]): string => [`${first} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');

describe('a connection that its client leaves open is closed', () => {
  it.each([
    ['without a byte', ''],
    ['in the middle of its headers', 'GET /long HTTP/1.1\r\nX: '],
    ['that is no HTTP', 'NONSENSE\r\n\r\n'],
    ['with headers that are too large', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`],
    ['in the middle of a body', head('POST /read', 'Content-Type: application/json', 'Content-Length: 9') + '1'],
    ['after a 401, its body never sent', head('POST /refused', 'Content-Length: 9')],
    ['after a 413', head('POST /limited', 'Content-Type: application/json', 'Content-Length: 900')],
    ['after a 404 of a body in chunks', head('POST /nothing', 'Transfer-Encoding: chunked') + '5\r\nabc'],
    ['after its last answer', head('GET /held', 'Connection: close')],
    ['after an answer, with no other question', head('GET /held')],
    ['after what nobody expects', head('GET /held', 'Expect: a-miracle')],
    ['after a tunnel was refused', head('CONNECT x:443')],
  ])('%s', async (_, text) => {
    await start(SHORT);
    const socket = await open(text);
    socket.resume();
    await untilClosed();
  });

  it('while its headers trickle in', async () => {
    await start(SHORT);
    const socket = await open('GET /long HTTP/1.1\r\nX: ');
    socket.resume();
    const trickle = setInterval(() => socket.write('x'), 20);
    await untilClosed();
    clearInterval(trickle);
  });

  it('though it never reads the answer', async () => {
    await start(SHORT);
    const socket = await open(head('GET /long'));
    socket.pause();
    await untilClosed();
    expect(cut).toContain('slow_reader');
  });

  it('but not while a slow client takes as much as it should', async () => {
    await start({ ...SHORT, readWithinMs: 200, readBytesMin: 1 });
    const socket = await open(head('GET /long', 'Connection: close'));
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
    await once(socket, 'end');
    expect(bytes).toBeGreaterThan(LONG.length);
    expect(cut).not.toContain('slow_reader');
  });
});

describe('when there are as many connections as may be', () => {
  const answerOn = async (socket: Socket, text: string): Promise<string> => {
    socket.write(text);
    const [chunk] = (await within('an answer', once(socket, 'data'))) as [Buffer];
    return chunk.toString();
  };

  it('a new one takes the place of the oldest without a key', async () => {
    await start({}, 5);
    const held = await open();
    expect(await answerOn(held, head('GET /held', 'Authorization: a'))).toContain('200 OK');
    const strangers = await Promise.all(Array.from({ length: 20 }, () => open()));
    const gone = strangers.map((stranger) => once(stranger.resume(), 'end'));
    await within('the oldest to go', Promise.all(gone.slice(0, 15)));
    expect(app.connections.open).toBeLessThanOrEqual(5);
    expect(await answerOn(held, head('GET /held', 'Authorization: a'))).toContain('200 OK');
    expect(await answerOn(await open(), head('GET /held', 'Authorization: b'))).toContain('200 OK');
    expect(new Set(cut)).toEqual(new Set(['full']));
  });

  it('and where all have keys, of the key that has most', async () => {
    await start({}, 6);
    const of = async (key: string): Promise<Socket> => {
      const socket = await open();
      await answerOn(socket, head('GET /held', `Authorization: ${key}`));
      return socket;
    };
    const few = await of('few');
    for (let i = 0; i < 20; i++) await of('many');
    expect(app.connections.open).toBe(6);
    expect(await answerOn(few, head('GET /held', 'Authorization: few'))).toContain('200 OK');
    expect(await answerOn(await of('third'), head('GET /held', 'Authorization: third'))).toContain('200 OK');
  });
});

describe('how many connections there may be', () => {
  it.each([
    [512, 1, 320],
    [1024, 1, 704],
    [1024, 2, 352],
    [20_000, 1, 14_936],
    [1_000_000, 1, 16_384],
    [64, 1, 16],
    [Infinity, 2, 16_384],
  ])('of %i files, %i each: %i', (files, each, connections) => {
    expect(connectionsFor(files, each)).toBe(connections);
  });

  it('the limit of files is read where the system says it', () => {
    const table = (soft: string): string =>
      `Limit  Soft  Hard  Units\nMax cpu time unlimited unlimited seconds\nMax open files            ${soft}   4096   files\n`;
    expect([limitIn(table('1024')), limitIn(table('unlimited')), limitIn('')]).toEqual([
      1024,
      Number.MAX_SAFE_INTEGER,
      undefined,
    ]);
    expect(openFilesMax()).toBeGreaterThan(0);
  });

  it.each([
    [Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }), true],
    [Object.assign(new Error('open ENFILE'), { code: 'ENFILE' }), true],
    [new Error('Cannot open file /x/y.rowbinary: , errno: 24, strerror: Too many open files'), true],
    [new Error('errno: 2, strerror: No such file or directory'), false],
    [Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' }), false],
    [undefined, false],
  ])('%s is a want of files: %s', (error, is) => {
    expect(isFileLimit(error)).toBe(is);
  });
});
