/** `--listen`: what is posted by who tries once is on disk before it is answered, and reaches the server as it came. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/client/wire/client.ts';
import { wholeLines } from '../../src/agent/relay-lines.ts';
import { decodeRelayed, encodeRelayed, partsOfLines, relayPath } from '../../src/agent/relayed.ts';
import { relaySpool, type RelayOptions, runRelay, type RunningRelay } from '../../src/agent/relay.ts';
import { resendRejected } from '../../src/agent/resend.ts';
import { type Answer, type FakeServer, startFakeServer } from '../support/fake-server.ts';

const HERE = { host: '127.0.0.1', port: 0 };
const WRITE = '/v1/receive/influx/pve/api/v2/write?org=o&bucket=b';
const PATIENCE = { timeout: 20_000 };

let dir: string;
let fake: FakeServer;
let respond: (n: number) => Answer;
const running: RunningRelay[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'uptally-relay-'));
  respond = () => ({ status: 204 });
  fake = await startFakeServer((_, n) => respond(n));
});
afterEach(async () => {
  for (const relay of running.splice(0)) await relay.stop();
  await fake.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(options: Partial<RelayOptions> = {}): Promise<RunningRelay> {
  const relay = await runRelay({
    ...{ server: fake.url, key: 'k', spoolDir: dir, spoolBytesMax: 64 * 1024 * 1024, listen: HERE, stopGraceMs: 200 },
    sleep: (_, signal) =>
      new Promise((resolve) => {
        setTimeout(resolve, signal?.aborted === true ? 0 : 5);
      }),
    ...options,
  });
  running.push(relay);
  return relay;
}

function post(
  relay: RunningRelay,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`http://127.0.0.1:${relay.port}${path}`, { method: 'POST', body: Buffer.from(body), headers });
}

describe('a post', () => {
  it('is answered while the server is away, and outlives the agent', async () => {
    respond = () => ({ status: 503 });
    const first = await start();
    const answer = await post(first, WRITE, 'nics,a=b c=1 5\n', { authorization: 'Token theirs', 'content-type': 'text/plain' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    await first.stop();
    const before = fake.seen.length;
    respond = () => ({ status: 204 });
    const second = await start();
    await expect.poll(() => fake.seen.length, PATIENCE).toBeGreaterThan(before);
    const { url, headers, text } = fake.seen.at(-1) ?? { url: '', headers: {}, text: '' };
    expect([url, headers.authorization, headers['content-type'], text]).toEqual([
      WRITE,
      'Bearer k',
      'text/plain',
      'nics,a=b c=1 5\n',
    ]);
    await expect.poll(() => second.stats().pendingBatches, PATIENCE).toBe(0);
  });

  it('of each protocol is answered as its sender expects, and goes on with what says what it is', async () => {
    const relay = await start();
    const packed = gzipSync('{"resourceMetrics":[]}');
    const otlp = await post(relay, '/v1/receive/otlp/pve/v1/metrics', packed, {
      ...{ 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
    expect([otlp.status, otlp.headers.get('content-type'), await otlp.text()]).toEqual([200, 'application/json', '{}']);
    for (const protocol of ['collectd', 'ceilometer', 'cloudevents']) {
      const answer = await post(relay, `/v1/receive/${protocol}/s`, '[]', { 'content-type': 'application/json', 'ce-id': '7' });
      expect(answer.status).toBe(204);
    }
    await expect.poll(() => fake.seen.length, PATIENCE).toBe(4);
    expect(fake.seen[0]?.raw).toEqual(packed);
    expect(fake.seen[3]?.headers).toMatchObject({ 'ce-id': '7', 'content-type': 'application/json' });
    const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${relay.port}/v1/receive/influx/pve${path}`);
    expect((await ask('/health')).status).toBe(200);
    expect((await ask('/ping')).status).toBe(204);
    expect(await (await ask('/query?q=CREATE')).json()).toEqual({ results: [{}] });
  });

  it.each([
    ['/v1/receive/prometheus/s', 404],
    ['/v1/receive/influx/../../keys/api/v2/write', 404],
    ['/v1/receive/influx/pve/delete', 404],
    ['/v1/samples', 404],
  ])('to %s is not relayed', async (path, status) => {
    const relay = await start();
    expect((await post(relay, path, 'x')).status).toBe(status);
    expect(relay.stats()).toMatchObject({ takenPosts: 0, refusedPosts: 1 });
  });

  it('shows the token where one is asked for, in any of three spellings', async () => {
    const token = 'sixteen-characters';
    const relay = await start({ token });
    const said = async (authorization: string): Promise<number> =>
      (await post(relay, WRITE, 'a b=1 1\n', { authorization })).status;
    for (const header of [`Token ${token}`, `Bearer ${token}`, `Basic ${Buffer.from(`u:${token}`).toString('base64')}`])
      expect(await said(header)).toBe(204);
    for (const header of ['Token wrong', 'Digest x', `Basic ${token}`]) expect(await said(header)).toBe(401);
  });

  it('that is too large is refused before it is read, and a large one of lines goes in parts that end with lines', async () => {
    const relay = await start();
    expect((await post(relay, '/v1/receive/collectd/s', Buffer.alloc(9 * 1024 * 1024))).status).toBe(413);
    const lines = 'system,object=qemu,vmid=100 netin=1,netout=2 1767225600000000000\n'.repeat(160_000);
    expect((await post(relay, WRITE, lines)).status).toBe(204);
    await expect.poll(() => fake.seen.length, PATIENCE).toBe(3);
    expect(fake.seen.map(({ text }) => text).join('') === lines).toBe(true);
    expect(fake.seen.every(({ text }) => text.endsWith('\n') && text.length <= 4 * 1024 * 1024)).toBe(true);
  });
});

describe('what the server says', () => {
  it('413 halves lines, 422 is taken but for some, what it never reads is set aside and can be sent again', async () => {
    const relay = await start();
    respond = (n) => ({ status: n === 0 ? 413 : 204 });
    await post(relay, WRITE, 'a b=1 1\nc d=2 2\n');
    await expect.poll(() => fake.seen.length, PATIENCE).toBe(3);
    expect(fake.seen.map(({ text }) => text)).toEqual(['a b=1 1\nc d=2 2\n', 'a b=1 1\n', 'c d=2 2\n']);
    respond = () => ({ status: 422, body: { code: 'unprocessable entity', message: 'line 1' } });
    await post(relay, WRITE, 'a b=1 1\n');
    await expect.poll(() => relay.stats(), PATIENCE).toMatchObject({ pendingBatches: 0, sentBatches: 2, rejectedSamples: 1 });
    respond = () => ({ status: 400, body: { code: 'invalid', message: 'no line can be read' } });
    await post(relay, WRITE, 'broken\n');
    await expect.poll(() => relay.stats(), PATIENCE).toMatchObject({ setAsideBatches: 1, rejectedBatches: 1, pendingBatches: 0 });
    await relay.stop();
    respond = () => ({ status: 204 });
    const client = new ApiClient({ server: fake.url, key: 'k' });
    for await (const { removed } of resendRejected(client, relaySpool(dir))) expect(removed).toBe(true);
    await client.close();
    expect(fake.seen.at(-1)?.text).toBe('broken\n');
    expect(readdirSync(join(relaySpool(dir), 'rejected'))).toEqual([]);
  });

  it('a source that is not there yet keeps posts waiting', async () => {
    respond = () => ({ status: 404, body: { code: 'source_unknown', detail: 'there is no source pve' } });
    const relay = await start();
    await post(relay, WRITE, 'a b=1 1\n');
    await expect.poll(() => fake.seen.length, PATIENCE).toBeGreaterThan(2);
    expect(relay.stats()).toMatchObject({ pendingBatches: 1, setAsideBatches: 0 });
  });
});

describe('datagrams', () => {
  it('G12: of one that is cut in the middle of a line the whole lines count', async () => {
    const relay = await start({ listen: undefined, lines: { listen: HERE, source: 'pve' } });
    const socket = createSocket('udp4');
    const send = (text: string): Promise<void> =>
      new Promise((resolve) => {
        socket.send(text, relay.linesPort ?? 0, '127.0.0.1', () => {
          resolve();
        });
      });
    await send('nics,instance=tap1i0 netin=1529756162,netout=77 1767225600000000000\nsystem,vmid=1 netin=15297');
    await send('system,vmid=1 netin=9 1767225600000000000\n');
    socket.close();
    await expect
      .poll(() => fake.seen.map(({ text }) => text).join(''), PATIENCE)
      .toBe('nics,instance=tap1i0 netin=1529756162,netout=77 1767225600000000000\nsystem,vmid=1 netin=9 1767225600000000000\n');
    expect(fake.seen[0]?.url).toBe('/v1/receive/influx/pve/api/v2/write');
    expect(relay.stats()).toMatchObject({ datagrams: 2, cutDatagrams: 1, lostDatagrams: 0 });
  });

  it.each([
    ['a 1\nb 2\n', 'a 1\nb 2\n'],
    ['a 1\nb 2', 'a 1\n'],
    ['a 1', ''],
    ['', ''],
  ])('%j has the lines %j', (datagram, lines) => {
    expect(wholeLines(Buffer.from(datagram)).toString()).toBe(lines);
  });
});

describe('records', () => {
  it('hold a post as it came', () => {
    const post = { path: WRITE, headers: { 'content-type': 'text/plain' }, body: Buffer.from([0, 255, 10]) };
    expect(decodeRelayed(encodeRelayed(post))).toEqual(post);
    expect(() => decodeRelayed(Buffer.from('UPR1\xff\xff\xff\x00{}', 'latin1'))).toThrow();
  });

  it.each([
    ['a\nbb\nccc\n', 4, ['a\n', 'bb\n', 'ccc\n']],
    ['a\nbb\nccc\n', 5, ['a\nbb\n', 'ccc\n']],
    ['longer than it\nb', 3, ['longer than it\n', 'b']],
    ['', 3, []],
  ])('%j in parts of %i', (lines, bytes, parts) => {
    expect([...partsOfLines(Buffer.from(lines), bytes)].map(String)).toEqual(parts);
  });

  it.each([
    ['/v1/receive/influx/pve', { protocol: 'influx', rest: '' }],
    ['/v1/receive/otlp/a.b/v1/metrics', { protocol: 'otlp', rest: '/v1/metrics' }],
    ['/v1/receive/influx/pve/../x', null],
    ['/v1/receive/influx//x', null],
  ])('%s', (path, read) => {
    expect(relayPath(path)).toEqual(read);
  });
});
