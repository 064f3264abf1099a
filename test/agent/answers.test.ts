import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAgent, type AgentOptions, type RunningAgent } from '../../src/agent/agent.ts';
import { ApiClient } from '../../src/client/wire/client.ts';
import { resendRejected } from '../../src/agent/resend.ts';
import type { Observation, Reader } from '../../src/samples/reading.ts';
import { readBinary } from '../support/binary-samples.ts';
import { acceptAll, startFakeServer, type Answer, type FakeServer, type SeenRequest } from '../support/fake-server.ts';

const NOW_MS = 1_000_000;
const PROBLEM = { 'content-type': 'application/problem+json; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json' };
const HTML = { 'content-type': 'text/html' };
let dir: string;
const agents: RunningAgent[] = [];
const servers: FakeServer[] = [];
let lines: string[];
let waits: number[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-answers-'));
  lines = [];
  waits = [];
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  for (const server of servers.splice(0)) await server.close();
  await rm(dir, { recursive: true, force: true });
});

/** Rounds of so many VMs, ten seconds apart, the first ten seconds before the clock of these tests. */
function reader(vms = 1, firstMs = NOW_MS - 10_000): Reader {
  let n = 0;
  return {
    name: 'test',
    read() {
      const counters = { rxBytes: BigInt(n), txBytes: 2n ** 63n, epoch: 7 };
      const observations = Array.from({ length: vms }, (_, i): Observation => ({
        vm: `vm-${i}`,
        nic: 'e0',
        counters,
        downCause: null,
      }));
      return Promise.resolve({ atMs: firstMs + n++ * 10_000, observations });
    },
  };
}

async function start(respond: (request: SeenRequest, n: number) => Answer | 'hang' | 'reset', more: Partial<AgentOptions> = {}) {
  const server = await startFakeServer(respond);
  servers.push(server);
  const agent = await runAgent({
    server: server.url,
    key: 'secret',
    reader: reader(),
    spoolDir: dir,
    intervalMs: 3_600_000,
    now: () => NOW_MS,
    random: () => 0,
    log: (_, message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
    sleep: async (ms, signal) => {
      if (ms !== 5_000 && ms <= 3_500_000) {
        waits.push(ms);
        await new Promise(setImmediate);
      } else if (signal?.aborted !== true) {
        await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
      }
    },
    ...more,
  });
  agents.push(agent);
  return { agent, server };
}

const problem = (status: number, code: string, more: object = {}): Answer => ({
  status,
  headers: PROBLEM,
  body: { type: `/problems#${code}`, status, code, detail: 'why', ...more },
});
const noneUsable = (...codes: string[]): Answer =>
  problem(400, 'no_usable_sample', {
    accepted: 0,
    rejected: codes.length,
    errors: codes.map((code, index) => ({ index, code, field: 'ts', message: code })),
  });
const linesOf = ({ text }: SeenRequest): number => text.trim().split('\n').length;

describe('an answer that is not Uptally’s', () => {
  it.each<[string, Answer]>([
    ['400 of nginx: plain HTTP was sent to its HTTPS port', { status: 400, headers: HTML, body: '<h1>400 Bad Request</h1>' }],
    ['400 of a load balancer, in JSON', { status: 400, headers: JSON_TYPE, body: { message: 'Bad Request' } }],
    [
      '400 with one of our codes, and not as a problem document',
      { status: 400, headers: JSON_TYPE, body: { code: 'no_usable_sample' } },
    ],
    ['400 of another product’s problem document', { status: 400, headers: PROBLEM, body: { code: 'some_thing' } }],
    ['404 of a wrong path', { status: 404, headers: HTML, body: 'not here' }],
    ['409', { status: 409, headers: PROBLEM, body: { code: 'catalog_conflict' } }],
    ['415 of a firewall', { status: 415, headers: HTML, body: 'no' }],
    ['415 of a server that knows no binary', problem(415, 'unsupported_media_type')],
    ['422 of a firewall', { status: 422, headers: HTML, body: 'no' }],
    ['451', { status: 451, body: '' }],
    ['200 of a captive portal', { status: 200, headers: HTML, body: '<h1>Welcome</h1>' }],
    ['202 of something that takes anything', { status: 202, headers: HTML, body: 'OK' }],
    ['302 to a page to log in', { status: 302, headers: { location: 'http://portal.example/' }, body: '' }],
  ])('%s: the batch stays, is told of, and goes when Uptally is back', async (_, answer) => {
    const { agent, server } = await start((request, n) => (n < 3 ? answer : acceptAll(request)));
    await agent.drained();
    expect(new Set(server.seen.map(({ raw }) => raw.toString('hex'))).size).toBe(1);
    expect(agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 0, failedAttempts: 3 });
    expect(await readdir(join(dir, 'rejected'))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('check --server') || line.startsWith('the server does not know'))).toHaveLength(
      3,
    );
    expect(lines.filter((line) => line.startsWith('the server takes samples again'))).toHaveLength(1);
  });
});

describe('a problem document of Uptally', () => {
  it.each([
    ['vm_not_allowed', noneUsable('vm_not_allowed')],
    ['ts_too_old', noneUsable('ts_too_old')],
    ['bad_vm', noneUsable('bad_vm')],
  ])('that refuses every sample (%s) has the batch set aside, and the next goes', async (_, answer) => {
    const { agent, server } = await start((request, n) => (n === 0 ? answer : acceptAll(request)));
    await agent.readNow();
    await agent.drained();
    expect(server.seen).toHaveLength(2);
    expect(agent.stats()).toMatchObject({ setAsideBatches: 1, acceptedSamples: 1, pendingBatches: 0, rejectedBatches: 1 });
    expect(agent.stats().rejectedBytes).toBeGreaterThan(0);
    expect(await readdir(join(dir, 'rejected'))).toHaveLength(2);
  });

  it('about a future that only a slow server sees is waited out', async () => {
    const { agent } = await start((request, n) => (n < 9 ? noneUsable('ts_in_future') : acceptAll(request)));
    await agent.drained();
    expect(agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 0 });
    expect(lines.filter((line) => line.startsWith('check the clocks'))).toHaveLength(9);
  });

  it('takes a part, and the rest is ahead of its clock: all of it goes again, and nothing is given up', async () => {
    const part = { status: 202, body: { accepted: 0, rejected: 1, errors: [{ index: 0, code: 'ts_in_future' }] } };
    const { agent, server } = await start((request, n) => (n < 3 ? part : acceptAll(request)));
    await agent.drained();
    expect(new Set(server.seen.map(({ raw }) => raw.toString('hex'))).size).toBe(1);
    expect(agent.stats()).toMatchObject({ acceptedSamples: 1, rejectedSamples: 0, setAsideBatches: 0 });
  });

  it('about a future that this host’s clock no longer has is not: what follows is not held up for a day', async () => {
    const dayMs = 86_400_000;
    const clock = [NOW_MS + dayMs, NOW_MS - 5_000];
    const wrong: Reader = {
      name: 'leaping',
      read: () =>
        Promise.resolve({ atMs: clock.shift() ?? 0, observations: [{ vm: 'a', nic: '', counters: null, downCause: null }] }),
    };
    const { agent } = await start((request, n) => (n === 0 ? noneUsable('ts_in_future') : acceptAll(request)), { reader: wrong });
    await agent.readNow();
    await agent.drained();
    expect(agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 1 });
  });

  it('that says it could not read the body is believed only after ten tries: something on the way may have broken it', async () => {
    const first = await start((request, n) => (n < 4 ? problem(400, 'bad_request') : acceptAll(request)));
    await first.agent.drained();
    expect(first.agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 0 });
    await first.agent.stop();
    const second = await start((request, n) => (n < 10 ? problem(400, 'bad_request') : acceptAll(request)), {
      reader: reader(1, NOW_MS),
    });
    await second.agent.readNow();
    await second.agent.drained();
    expect(second.agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 1 });
  });
});

describe('a limit of less than a batch', () => {
  const tooLarge: [string, Answer][] = [
    ['a proxy’s', { status: 413, headers: HTML, body: '<h1>413 Request Entity Too Large</h1>' }],
    ['Uptally’s on bytes', problem(413, 'body_too_large')],
    ['Uptally’s on samples', problem(413, 'too_many_samples')],
  ];
  it.each(tooLarge)('%s: the batch goes in parts, every sample once in those that are taken', async (_, answer) => {
    const { agent, server } = await start((request) => (linesOf(request) > 3 ? answer : acceptAll(request)), {
      reader: reader(10),
    });
    await agent.drained();
    const taken = server.seen.filter((request) => linesOf(request) <= 3);
    const vms = taken.flatMap(({ text }) => text.trim().split('\n').map((line) => (JSON.parse(line) as { vm: string }).vm)); // prettier-ignore
    expect([...vms].sort()).toEqual(Array.from({ length: 10 }, (_, i) => `vm-${i}`));
    expect(agent.stats()).toMatchObject({ acceptedSamples: 10, setAsideBatches: 0, pendingBatches: 0, sentBatches: 1 });
    expect(waits).toEqual([]);
  });

  it('is remembered: the next batch is not sent whole first', async () => {
    const { agent, server } = await start((request) => (linesOf(request) > 5 ? { status: 413 } : acceptAll(request)), {
      reader: reader(10),
    });
    await agent.drained();
    await agent.readNow();
    await agent.drained();
    expect(server.seen.map(linesOf)).toEqual([10, 5, 5, 5, 5]);
  });

  it('cuts the binary format too, values and instants whole', async () => {
    const { agent, server } = await start(
      ({ raw }) => {
        const n = readBinary(raw)?.length ?? 0;
        return n > 2 ? { status: 413 } : { status: 202, body: { accepted: n, rejected: 0, errors: [] } };
      },
      { reader: reader(5), format: 'binary' },
    );
    await agent.drained();
    const whole = readBinary(server.seen[0]?.raw ?? Buffer.alloc(0));
    const parts = server.seen.map(({ raw }) => readBinary(raw) ?? []).filter((samples) => samples.length <= 2);
    expect(parts.flat()).toEqual(whole);
    expect(agent.stats()).toMatchObject({ acceptedSamples: 5 });
  });

  it('that not even one sample keeps to is told of, and waited out', async () => {
    const { agent } = await start((request, n) => (n < 3 ? { status: 413 } : acceptAll(request)));
    await agent.drained();
    expect(agent.stats()).toMatchObject({ acceptedSamples: 1, setAsideBatches: 0 });
    expect(lines.filter((line) => line.startsWith('a single sample is too large'))).toHaveLength(3);
  });

  it('begins again with the whole when a part has to wait, and refuses no part for its neighbour’s sake', async () => {
    const { agent } = await start(
      (request, n) => {
        if (linesOf(request) > 2) return { status: 413 };
        if (n === 2) return { status: 503 };
        return request.text.includes('vm-0"') || request.text.includes('vm-1"')
          ? noneUsable('vm_not_allowed', 'vm_not_allowed')
          : acceptAll(request);
      },
      { reader: reader(4) },
    );
    await agent.drained();
    expect(agent.stats()).toMatchObject({ acceptedSamples: 2, rejectedSamples: 2, setAsideBatches: 0, pendingBatches: 0 });
  });
});

describe('what was set aside', () => {
  async function resent(respond: (request: SeenRequest, n: number) => Answer | 'hang' | 'reset'): Promise<string[]> {
    const server = await startFakeServer(respond);
    servers.push(server);
    const client = new ApiClient({ server: server.url, key: 'secret' });
    const told: string[] = [];
    for await (const { file, outcome, removed } of resendRejected(client, dir))
      told.push(`${file} ${outcome.kind} ${String(removed)}`);
    await client.close();
    return told;
  }

  it('goes again, oldest first, the same bytes, and is gone when it is taken', async () => {
    const { agent, server } = await start(() => noneUsable('vm_not_allowed'));
    await agent.readNow();
    await agent.drained();
    await agent.stop();
    await writeFile(join(dir, 'rejected', 'damaged-1-0.bin'), 'not a batch');
    const before = server.seen.map(({ raw }) => raw.toString('hex'));
    const after: string[] = [];
    const told = await resent((request) => {
      after.push(request.raw.toString('hex'));
      return acceptAll(request);
    });
    expect(told.map((line) => line.slice(line.indexOf(' ')))).toEqual([' accepted true', ' accepted true']);
    expect(after).toEqual(before);
    expect(await readdir(join(dir, 'rejected'))).toEqual(['damaged-1-0.bin']);
  });

  it.each<[string, Answer, string]>([
    ['refused again', noneUsable('vm_not_allowed'), 'refused false'],
    [
      'taken in part',
      { status: 202, body: { accepted: 0, rejected: 1, errors: [{ index: 0, code: 'bad_vm' }] } },
      'accepted false',
    ],
    ['not heard', { status: 503 }, 'unavailable false'],
  ])('stays when it is %s', async (_, answer, words) => {
    const { agent } = await start(() => noneUsable('vm_not_allowed'));
    await agent.drained();
    await agent.stop();
    const files = await readdir(join(dir, 'rejected'));
    expect((await resent(() => answer)).join()).toContain(words);
    expect(await readdir(join(dir, 'rejected'))).toEqual(files);
  });

  it('of a version before, binary under the other’s name, is known by its first bytes', async () => {
    const { agent } = await start(() => noneUsable('vm_not_allowed'), { format: 'binary' });
    await agent.drained();
    await agent.stop();
    const [batch = ''] = (await readdir(join(dir, 'rejected'))).filter((name) => name.endsWith('.samples'));
    const old = join(dir, 'rejected', '990000-1-0.ndjson.gz');
    await writeFile(old, await readFile(join(dir, 'rejected', batch)));
    const types: (string | undefined)[] = [];
    await resent((request) => {
      types.push(request.headers['content-type']);
      return { status: 202, body: { accepted: 1, rejected: 0, errors: [] } };
    });
    expect(types).toEqual(['application/vnd.uptally.samples', 'application/vnd.uptally.samples']);
  });

  it('is the newest only, and what had to go is told and counted', async () => {
    const { agent } = await start(() => noneUsable('vm_not_allowed'));
    await agent.drained();
    await agent.stop();
    await writeFile(join(dir, 'rejected', '1-1-0.ndjson.gz'), Buffer.alloc(17 * 1024 * 1024));
    const next = await start(acceptAll, { reader: reader(1, NOW_MS) });
    expect(next.agent.stats().droppedRejectedBatches).toBeGreaterThan(0);
    expect(lines.filter((line) => line.startsWith('rejected/ is full'))).toHaveLength(1);
  });
});
