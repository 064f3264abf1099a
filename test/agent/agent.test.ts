import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAgent, type AgentOptions, type RunningAgent } from '../../src/agent/agent.ts';
import type { Observation, Reader } from '../../src/samples/reading.ts';
import type { Sleep } from '../../src/client/wire/retry.ts';
import { readBinary } from '../support/binary-samples.ts';
import { acceptAll, startFakeServer, type Answer, type FakeServer } from '../support/fake-server.ts';

const INTERVAL_MS = 3_600_000;
let dir: string;
const agents: RunningAgent[] = [];
const servers: FakeServer[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-agent-'));
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  for (const server of servers.splice(0)) await server.close();
  await rm(dir, { recursive: true, force: true });
});

/** A reader of one VM whose instant and counter grow with each round. */
function countingReader(startMs = 1_000_000): Reader {
  let n = 0;
  return {
    name: 'counting',
    read() {
      n += 1;
      const counters = { rxBytes: BigInt(n) * 100n, txBytes: (1n << 63n) + BigInt(n), epoch: 7 };
      return Promise.resolve({
        atMs: startMs + n * 10_000,
        observations: [{ vm: 'vm-1', nic: 'n0', counters, downCause: null }],
      });
    },
  };
}

/** Rounds happen when the test says so; back-offs pass at once and are kept. */
function quickSleep(waits: number[], onWait?: (ms: number) => Promise<void> | void): Sleep {
  return async (ms, signal) => {
    if (ms === 5_000 || ms > 3_500_000) {
      await new Promise<void>((resolve) => {
        if (signal?.aborted === true) resolve();
        signal?.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      });
      return;
    }
    waits.push(ms);
    await onWait?.(ms);
    await new Promise(setImmediate);
  };
}

async function start(options: Partial<AgentOptions> & { server: string }): Promise<RunningAgent> {
  const agent = await runAgent({
    key: 'secret',
    reader: countingReader(),
    spoolDir: dir,
    intervalMs: INTERVAL_MS,
    now: () => 1_000_000,
    random: () => 0.5,
    sleep: quickSleep([]),
    ...options,
  });
  agents.push(agent);
  return agent;
}

async function serve(respond: Parameters<typeof startFakeServer>[0], port = 0): Promise<FakeServer> {
  const server = await startFakeServer(respond, port);
  servers.push(server);
  return server;
}

const instants = (server: FakeServer): number[] =>
  server.seen.flatMap(({ text }) =>
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { ts: number }).ts),
  );

describe('agent', () => {
  it('posts gzipped NDJSON with its key, counters beyond 2⁵³ to the digit', async () => {
    const server = await serve(acceptAll);
    const agent = await start({ server: server.url });
    await agent.readNow();
    await agent.drained();
    const [first] = server.seen;
    expect(first?.method).toBe('POST');
    expect(first?.url).toBe('/v1/samples');
    expect(first?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
    expect(first?.raw.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(first?.text).toBe('{"vm":"vm-1","ts":1010000,"nic":"n0","rx_bytes":100,"tx_bytes":9223372036854775809,"epoch":7}\n');
    expect(agent.stats()).toMatchObject({ acceptedSamples: 2, pendingBatches: 0, readRounds: 2 });
  });

  it('posts the binary format when told to, the very same bytes again after a failure, and what was spooled before as it was', async () => {
    const placeholder = await startFakeServer();
    const port = placeholder.port;
    await placeholder.close();
    const before = await start({ server: `http://127.0.0.1:${port}` });
    await before.stop();
    const server = await serve(
      (_request, n) => (n < 2 ? { status: 503 } : { status: 202, body: { accepted: 1, rejected: 0, errors: [] } }),
      port,
    );
    const agent = await start({ server: server.url, format: 'binary', reader: countingReader(2_000_000) });
    await agent.drained();
    const [a, b, ndjson, binary] = server.seen;
    expect([b?.raw, ndjson?.raw]).toEqual([a?.raw, a?.raw]);
    expect(ndjson?.headers).toMatchObject({ 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' });
    expect(binary?.headers['content-type']).toBe('application/vnd.uptally.samples');
    expect(binary?.headers['content-encoding']).toBeUndefined();
    expect(readBinary(binary?.raw ?? Buffer.alloc(0))).toEqual([
      { vm: 'vm-1', nic: 'n0', tsMs: 2_010_000n, counters: { rx: 100n, tx: 2n ** 63n + 1n }, epoch: 7n, condition: 0 },
    ]);
    expect(agent.stats()).toMatchObject({ failedAttempts: 2, pendingBatches: 0 });
  });

  it('sends the very same binary bytes again', async () => {
    const server = await serve((_request, n) =>
      n < 2 ? 'reset' : { status: 202, body: { accepted: 1, rejected: 0, errors: [] } },
    );
    const agent = await start({ server: server.url, format: 'binary' });
    await agent.drained();
    const [a, b, c] = server.seen.map(({ raw }) => raw.toString('hex'));
    expect([b, c]).toEqual([a, a]);
  });

  it('keeps everything while the server is away, then sends it in order, each once', async () => {
    const placeholder = await startFakeServer();
    const port = placeholder.port;
    await placeholder.close();
    const agent = await start({ server: `http://127.0.0.1:${port}` });
    for (let i = 0; i < 9; i++) await agent.readNow();
    expect(agent.stats()).toMatchObject({ pendingBatches: 10, acceptedSamples: 0 });
    const server = await serve(acceptAll, port);
    await agent.drained();
    expect(instants(server)).toEqual(Array.from({ length: 10 }, (_, i) => 1_010_000 + i * 10_000));
    expect(agent.stats().failedAttempts).toBeGreaterThan(0);
  });

  it.each<[string, Answer | 'reset']>([
    ['503', { status: 503 }],
    ['429', { status: 429 }],
    ['500', { status: 500, body: 'oops' }],
    ['502 of a proxy', { status: 502, body: '<html>' }],
    ['a connection cut after the body', 'reset'],
  ])('sends the very same bytes again after %s', async (_name, failure) => {
    const server = await serve((request, n) => (n < 3 ? failure : acceptAll(request)));
    const agent = await start({ server: server.url });
    await agent.readNow();
    await agent.drained();
    const [a, b, c, d] = server.seen.map(({ raw }) => raw.toString('hex'));
    expect([b, c, d]).toEqual([a, a, a]);
    expect(instants(server)).toEqual([1_010_000, 1_010_000, 1_010_000, 1_010_000, 1_020_000]);
  });

  it('honours Retry-After in seconds and as a date, and backs off with jitter without it', async () => {
    const date = new Date(1_000_000 + 60_000).toUTCString();
    const answers: Answer[] = [
      { status: 503, headers: { 'retry-after': '7' } },
      { status: 429, headers: { 'retry-after': date } },
      { status: 503 },
      { status: 503 },
    ];
    const waits: number[] = [];
    const server = await serve((request, n) => answers[n] ?? acceptAll(request));
    const agent = await start({ server: server.url, sleep: quickSleep(waits) });
    await agent.drained();
    expect(waits).toEqual([7_000 + 250, 60_000 + 250, 1_000, 2_000]);
  });

  it('moves on after 202 with rejections, and says what was rejected', async () => {
    const lines: string[] = [];
    const server = await serve(() => ({
      status: 202,
      body: { accepted: 0, rejected: 1, errors: [{ index: 0, code: 'vm_not_allowed', field: 'vm', message: 'not yours' }] },
    }));
    const agent = await start({
      server: server.url,
      log: (_, message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
    });
    await agent.drained();
    expect(agent.stats()).toMatchObject({ rejectedSamples: 1, pendingBatches: 0 });
    expect(lines.join()).toContain('"vm_not_allowed":1');
  });

  it.each([401, 403, 404])('keeps the spool after %i, waits long, and says what to do', async (status) => {
    const waits: number[] = [];
    const lines: string[] = [];
    const server = await serve((request, n) => (n === 0 ? { status, body: { code: 'denied' } } : acceptAll(request)));
    const agent = await start({ server: server.url, sleep: quickSleep(waits), log: (_, message) => lines.push(message) });
    await agent.drained();
    expect(waits).toEqual([60_000]);
    expect(lines.find((line) => line.startsWith('check '))).toMatch(status === 404 ? /check --server/ : /check --key/);
    expect(agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 0 });
  });

  it('on stop finishes the batch under way and leaves the rest, which the next run sends', async () => {
    let stopped: Promise<unknown> | null = null;
    let agent: RunningAgent | null = null;
    const server = await serve((request, n) => {
      // The batch is at the server when the stop comes.
      if (n === 1) stopped = agent?.stop() ?? null;
      return n === 0 ? { status: 503, headers: { 'retry-after': '9' } } : acceptAll(request);
    });
    let open: (() => void) | null = null;
    const gate = new Promise<void>((resolve) => (open = resolve));
    agent = await start({ server: server.url, sleep: quickSleep([], () => gate) });
    for (let i = 0; i < 4; i++) await agent.readNow();
    (open as (() => void) | null)?.();
    await expect.poll(() => stopped).not.toBeNull();
    expect(await agent.stop()).toMatchObject({ acceptedSamples: 1, pendingBatches: 4 });
    const next = await start({ server: server.url, reader: countingReader(2_000_000) });
    await next.drained();
    expect(instants(server)).toEqual([1_010_000, 1_010_000, 1_020_000, 1_030_000, 1_040_000, 1_050_000, 2_010_000]);
  });

  it('gives up on a server that hangs when the grace is over, and sends the same bytes next time', async () => {
    const server = await serve((request, n) => (n === 0 ? 'hang' : acceptAll(request)));
    const agent = await start({ server: server.url, stopGraceMs: 20, sleep: quickSleep([]) });
    await expect.poll(() => server.seen.length).toBe(1);
    expect(await agent.stop()).toMatchObject({ pendingBatches: 1 });
    const next = await start({ server: server.url, reader: countingReader(2_000_000) });
    await next.drained();
    expect(server.seen[1]?.raw).toEqual(server.seen[0]?.raw);
  });

  it('never gives two samples of one interface the same instant, over restarts and clock steps', async () => {
    const server = await serve(acceptAll);
    const clock = [5_000_000, 5_000_000, 4_990_000, 5_010_000];
    const reader = (times: number[]): Reader => ({
      name: 'stepping',
      read: () => {
        const twice: Observation = { vm: 'a', nic: '', counters: null, downCause: null };
        return Promise.resolve({ atMs: times.shift() ?? 0, observations: [twice, { ...twice, downCause: 'customer' }] });
      },
    });
    const agent = await start({ server: server.url, reader: reader(clock) });
    for (let i = 0; i < 3; i++) await agent.readNow();
    await agent.drained();
    await agent.stop();
    const next = await start({ server: server.url, reader: reader([5_010_000, 5_020_000]) });
    await next.readNow();
    await next.drained();
    expect(instants(server)).toEqual([5_000_000, 5_010_000, 5_020_000]);
    expect(server.seen[0]?.text).toBe('{"vm":"a","ts":5000000}\n');
  });

  it('takes a clock as it is after it was far in the future', async () => {
    const server = await serve(acceptAll);
    const clock = [9_000_000_000, 5_000_000];
    const agent = await start({
      server: server.url,
      reader: {
        name: 'x',
        read: () =>
          Promise.resolve({ atMs: clock.shift() ?? 0, observations: [{ vm: 'a', nic: '', counters: null, downCause: null }] }),
      },
    });
    await agent.readNow();
    await agent.drained();
    expect(instants(server)).toEqual([9_000_000_000, 5_000_000]);
  });

  it('survives a source that fails, and counts it', async () => {
    const server = await serve(acceptAll);
    const good = countingReader();
    let n = 0;
    const reader: Reader = { name: 'shaky', read: () => (n++ === 0 ? Promise.reject(new Error('gone')) : good.read()) };
    const agent = await start({ server: server.url, reader });
    await agent.readNow();
    await agent.drained();
    expect(agent.stats()).toMatchObject({ failedRounds: 1, acceptedSamples: 1 });
  });

  it('cuts a large reading into batches that the server takes', async () => {
    const server = await serve(acceptAll);
    const observations = Array.from({ length: 12_001 }, (_, i): Observation => ({
      vm: `vm-${i}`,
      nic: '',
      counters: null,
      downCause: null,
    }));
    const agent = await start({
      server: server.url,
      reader: { name: 'big', read: () => Promise.resolve({ atMs: 1, observations }) },
    });
    await agent.drained();
    expect(server.seen.map(({ text }) => text.trim().split('\n').length)).toEqual([5000, 5000, 2001]);
  });

  it('refuses an address that is no URL before it starts', async () => {
    await expect(start({ server: 'localhost:8080' })).rejects.toMatchObject({ code: 'bad_server' });
  });
});
