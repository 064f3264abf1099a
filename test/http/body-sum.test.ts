import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import type { Key } from '../../src/http/keys.ts';
import { bareServer } from '../../src/http/bare-server.ts';
import { BodyBudget, boundBodies } from '../../src/http/body-budget.ts';

/** Bodies of calls have a bound together, whoever sends them: begun and never ended they would fill the memory of the process. */
const KIB = 1024;
let app: FastifyInstance | undefined;
const open: Socket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await app?.close();
});

/** A server whose calls may hold 8 KiB, a key 4; the name of the key is in a header. */
async function served(): Promise<{ port: number; budget: BodyBudget }> {
  const budget = new BodyBudget(8 * KIB, 4 * KIB);
  app = bareServer(undefined, { limits: { bodyBytesMax: 2 * KIB } });
  boundBodies(app, 2 * KIB, budget);
  app.addHook('onRequest', (request, _reply, done) => {
    const id = request.headers['x-key'];
    if (typeof id === 'string') request.key = { id } as Key;
    done();
  });
  app.post('/call', (request) => Promise.resolve({ got: JSON.stringify(request.body).length }));
  app.post('/samples', { bodyLimit: 64 * KIB }, () => Promise.resolve({}));
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: (app.server.address() as AddressInfo).port, budget };
}

/** Sends the head of a request and `body`; what comes back is in `text()`. */
function begin(
  port: number,
  head: Record<string, string | number>,
  body = '',
  path = '/call',
): { text: () => string; socket: Socket } {
  const socket = connect(port, '127.0.0.1');
  open.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  const lines = Object.entries({ host: 'h', 'content-type': 'application/json', ...head }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  return { text: () => text, socket };
}

const statusOf = (text: string): string | undefined => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
const held = (budget: BodyBudget, bytes: number) => expect.poll(() => budget.held).toBe(bytes);

it('a key that begins bodies and ends none has a share, and another key goes on', async () => {
  const { port, budget } = await served();
  const slow = [1, 2].map(() => begin(port, { 'x-key': 'a', 'content-length': 2 * KIB }, '{'));
  await held(budget, 4 * KIB);
  const third = begin(port, { 'x-key': 'a', 'content-length': 2 }, '{}');
  await expect.poll(() => statusOf(third.text())).toBe('429');
  expect(third.text()).toContain('too_many_requests');
  const other = begin(port, { 'x-key': 'b', 'content-length': 2 }, '{}');
  await expect.poll(() => statusOf(other.text())).toBe('200');
  await held(budget, 4 * KIB);
  for (const { socket } of slow) socket.destroy();
  await held(budget, 0);
  const again = begin(port, { 'x-key': 'a', 'content-length': 2 }, '{}');
  await expect.poll(() => statusOf(again.text())).toBe('200');
});

it('where all is taken, whoever has most gives up its oldest body', async () => {
  const { port, budget } = await served();
  const [first] = [1, 2].map(() => begin(port, { 'x-key': 'a', 'content-length': 2 * KIB }, '{'));
  await held(budget, 4 * KIB);
  for (const key of ['b', 'c']) begin(port, { 'x-key': key, 'content-length': 2 * KIB }, '{');
  await held(budget, 8 * KIB);
  const gone = new Promise((resolve) => first?.socket.once('close', resolve));
  const fifth = begin(port, { 'x-key': 'd', 'content-length': 2 }, '{}');
  await expect.poll(() => statusOf(fifth.text())).toBe('200');
  await gone;
  await held(budget, 6 * KIB);
});

it('a body that does not say its length counts as the longest, and those to no path as one key', async () => {
  const { port, budget } = await served();
  begin(port, { 'x-key': 'a', 'transfer-encoding': 'chunked' }, '1\r\n{\r\n');
  await held(budget, 2 * KIB);
  for (let i = 0; i < 2; i += 1) begin(port, { 'content-length': 2 * KIB }, '{', '/nowhere');
  await held(budget, 6 * KIB);
  const more = begin(port, { 'content-length': 2 }, '{}', '/nowhere');
  await expect.poll(() => statusOf(more.text())).toBe('429');
});

it('what is too long is refused, and bodies with another limit are not counted here', async () => {
  const { port, budget } = await served();
  const long = begin(port, { 'x-key': 'a', 'content-length': 3 * KIB }, '{');
  await expect.poll(() => statusOf(long.text())).toBe('413');
  const samples = begin(port, { 'x-key': 'a', 'content-length': 60 * KIB }, '{', '/samples');
  const small = begin(port, { 'x-key': 'a', 'content-length': 2 }, '{}');
  await expect.poll(() => statusOf(small.text())).toBe('200');
  expect(statusOf(samples.text())).toBeUndefined();
  await held(budget, 0);
});
