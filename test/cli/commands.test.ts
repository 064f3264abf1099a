import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptAll, startFakeServer, type FakeServer, type SeenRequest } from '../support/fake-server.ts';
import { runCli } from '../support/fake-cli.ts';

let dir: string;
const servers: FakeServer[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-cli-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await rm(dir, { recursive: true, force: true });
});

async function serve(
  respond?: Parameters<typeof startFakeServer>[0],
): Promise<{ server: FakeServer; env: Record<string, string> }> {
  const server = await startFakeServer(respond);
  servers.push(server);
  return { server, env: { UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' } };
}

const line = (i: number): string => `{"vm":"v${i % 7}","ts":${1_772_323_200_000 + i}}`;

describe('wrong usage ends in 2, and says what is right', () => {
  it.each<[string[], RegExp]>([
    [[], /Usage: uptally/],
    [['nonsense'], /unknown command/],
    [['send'], /missing required argument/],
    [['send', 'x', '--nope'], /unknown option/],
    [['send', '-', '--retry-for', 'soon'], /write a time such as/],
    [['send', '-'], /which server\? give --server/],
    [['send', '-', '--server', 'http://127.0.0.1:1'], /which key\? give --key/],
    [['status', '--server', 'nowhere', '--key', 'k'], /must be an http or https URL/],
    [['agent'], /--source/],
    [['agent', '--source', 'tea'], /Allowed choices are sysfs, libvirt/],
    [['agent', '--source', 'sysfs', '--map', 'tap3', '--server', 'http://127.0.0.1:1', '--key', 'k'], /NAME=VM/],
    [['agent', '--source', 'sysfs', '--spool-max', '1 heap'], /write a size such as/],
    [
      ['agent', '--source', 'libvirt', '--cause', 'off=me', '--server', 'http://127.0.0.1:1', '--key', 'k'],
      /STATE\/REASON=CAUSE/,
    ],
    [['keys', 'create', '--name', 'x'], /--role/],
    [['keys', 'create', '--role', 'king', '--name', 'x'], /Allowed choices are agent, billing, read, admin/],
    [['keys', 'create', '--role', 'admin', '--name', 'x', '--vm', 'a'], /for keys of agents and customers only/],
    [['keys', 'revoke'], /missing required argument/],
  ])('%j', async (args, message) => {
    const run = await runCli(args);
    expect(run.err).toMatch(message);
    expect(run.code).toBe(2);
    expect(run.out).toBe('');
  });
});

describe('help', () => {
  it.each([
    ['--help'],
    ['agent', '--help'],
    ['send', '--help'],
    ['status', '--help'],
    ['keys', '--help'],
    ['keys', 'create', '--help'],
  ])('of %j %s shows examples and ends in 0', async (...args) => {
    const run = await runCli(args);
    expect(run.code).toBe(0);
    expect(run.out).toContain('Examples:');
  });

  it('prints its version', async () => {
    expect((await runCli(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('send', () => {
  it('posts a file in batches of at most 5,000 lines, gzipped, in order', async () => {
    const { server, env } = await serve();
    const lines = Array.from({ length: 12_345 }, (_, i) => line(i));
    const file = join(dir, 'samples.ndjson');
    await writeFile(file, lines.join('\n'));
    const run = await runCli(['send', file], { env });
    expect(run).toMatchObject({ code: 0 });
    expect(run.out).toMatch(/^12345 accepted, 0 rejected, 0 failed/);
    expect(server.seen.map((request) => request.text.split('\n').length - 1)).toEqual([5000, 5000, 2345]);
    expect(server.seen.map((request) => request.text).join('')).toBe(lines.join('\n') + '\n');
    expect(server.seen[0]?.headers).toMatchObject({ authorization: 'Bearer k', 'content-encoding': 'gzip' });
  });

  it('keeps a request below 4 MiB', async () => {
    const { server, env } = await serve();
    const stdin = Array.from({ length: 4_000 }, () => `{"vm":"a","ts":1,"note":"${'x'.repeat(2000)}"}`).join('\n');
    expect((await runCli(['send', '-'], { env, stdin })).code).toBe(0);
    expect(Math.max(...server.seen.map((request) => request.text.length))).toBeLessThan(4 * 1024 * 1024);
    expect(server.seen).toHaveLength(2);
  });

  it('sums up rejections by code with the lines of the file, and ends in 1', async () => {
    const { env } = await serve((request: SeenRequest) => {
      const bad = request.text.split('\n').flatMap((text, index) => (text.includes('bad') ? [index] : []));
      const errors = bad.map((index) => ({ index, code: index === 0 ? 'bad_vm' : 'bad_ts', field: 'x', message: `no ${index}` }));
      return { status: 202, body: { accepted: 2, rejected: bad.length, errors } };
    });
    const run = await runCli(['send', '-'], { env, stdin: '\nbad\n\ngood\nbad\ngood\nbad' });
    expect(run.code).toBe(1);
    expect(run.out).toMatch(/2 accepted, 3 rejected, 0 failed/);
    expect(run.out).toMatch(/bad_vm +1 {2}line 2 +no 0/);
    expect(run.out).toMatch(/bad_ts +2 {2}line 5, 7/);
  });

  it('counts what the server did not name', async () => {
    const { env } = await serve(() => ({
      status: 202,
      body: { accepted: 0, rejected: 3, errors: [{ index: 0, code: 'bad_ts' }] },
    }));
    expect((await runCli(['send', '-'], { env, stdin: 'a\nb\nc' })).out).toMatch(/more \(not named by the server\) +2/);
  });

  it('reports a refused batch with the errors of the problem', async () => {
    const errors = [{ index: 1, code: 'malformed_json' }];
    const { env } = await serve(() => ({ status: 400, body: { code: 'no_usable_sample', accepted: 0, rejected: 2, errors } }));
    const run = await runCli(['send', '-'], { env, stdin: 'a\nb' });
    expect(run.code).toBe(1);
    expect(run.out).toMatch(/0 accepted, 2 rejected/);
    expect(run.out).toMatch(/malformed_json +1 {2}line 2/);
  });

  it('counts a batch refused without details as failed', async () => {
    const { env } = await serve(() => ({ status: 413, body: { code: 'too_large', detail: 'big' } }));
    const run = await runCli(['send', '-'], { env, stdin: 'a\nb' });
    expect(run).toMatchObject({ code: 1 });
    expect(run.out).toMatch(/0 accepted, 0 rejected, 2 failed/);
  });

  it('waits as the server asks on 503 and 429, and sends the same bytes', async () => {
    const { server, env } = await serve((request, n) =>
      n === 0
        ? { status: 503, headers: { 'retry-after': '3' } }
        : n === 1
          ? { status: 429, headers: { 'retry-after': '1' } }
          : acceptAll(request),
    );
    const run = await runCli(['send', '-'], { env, stdin: line(1) });
    expect(run.code).toBe(0);
    expect(run.waits).toEqual([3250, 1250]);
    expect(server.seen[2]?.raw).toEqual(server.seen[0]?.raw);
  });

  it('gives up when the time for retries is over', async () => {
    const { env } = await serve(() => ({ status: 503, headers: { 'retry-after': '60' }, body: { code: 'busy' } }));
    const run = await runCli(['send', '-', '--retry-for', '90s'], { env, stdin: line(1) });
    expect(run).toMatchObject({ code: 1, waits: [60_250] });
    expect(run.err).toMatch(/can't take samples: 503 busy.*safe/s);
  });

  it('stops at once when the key is wrong', async () => {
    const { server, env } = await serve(() => ({ status: 401, body: { code: 'unauthorized', detail: 'unknown key' } }));
    const run = await runCli(['send', '-'], { env, stdin: line(1) });
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/401 unauthorized: unknown key/);
    expect(server.seen).toHaveLength(1);
  });

  it('names a file that is not there', async () => {
    const { env } = await serve();
    const run = await runCli(['send', join(dir, 'none')], { env });
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/can't be read: ENOENT/);
  });
});

const status = (appended: number, aggregated: number, stored: number): unknown => ({
  log: { appended, aggregated, stored },
  watermark: '2026-03-01T00:00:00Z',
  vms: 3,
  samples: { accepted: 10, applied: 8, duplicate: 1, conflict: 1, late: 0, quarantined: 0, rejected: { bad_ts: 4 } },
});

describe('status', () => {
  it('shows the counts in a table', async () => {
    const { env } = await serve(() => ({ status: 200, body: status(9, 9, 9) }));
    const run = await runCli(['status'], { env });
    expect(run.code).toBe(0);
    expect(run.out).toMatch(/samples applied +8\n/);
    expect(run.out).toMatch(/rejected bad_ts +4\n/);
    expect(run.out).toContain('Everything posted can be queried.');
  });

  it('passes the answer on as it is with --json, numbers beyond 2⁵³ included', async () => {
    const body =
      '{"log":{"appended":9007199254740993,"aggregated":1,"stored":1},"watermark":null,"vms":0,"samples":{"accepted":0,"applied":0,"duplicate":0,"conflict":0,"rejected":{}}}';
    const { env } = await serve(() => ({ status: 200, body }));
    expect((await runCli(['status', '--json'], { env })).out).toBe(`${body}\n`);
  });

  it('waits for what was appended when it was asked, though the log grows on', async () => {
    const answers = [status(9, 4, 2), status(12, 9, 8), status(15, 12, 9)];
    const { server, env } = await serve((_, n) => ({ status: 200, body: answers[n] }));
    const run = await runCli(['status', '--wait'], { env });
    expect(run).toMatchObject({ code: 0, waits: [250, 250] });
    expect(server.seen).toHaveLength(3);
  });

  it('gives up waiting in time', async () => {
    const { env } = await serve(() => ({ status: 200, body: status(9, 4, 2) }));
    const run = await runCli(['status', '--wait', '--timeout', '1s'], { env });
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/not settled within 1 s: of 9 appended, 4 aggregated, 2 stored/);
  });

  it('fails clearly when nobody is there', async () => {
    const gone = await startFakeServer();
    await gone.close();
    const run = await runCli(['status', '--server', gone.url, '--key', 'k']);
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/can't be reached: .*ECONNREFUSED/);
  });
});

describe('keys', () => {
  it('creates a key, alone on stdout', async () => {
    const { server, env } = await serve(() => ({ status: 201, body: { id: 'k_1', key: 'up_secret', role: 'agent' } }));
    const run = await runCli(['keys', 'create', '--role', 'agent', '--name', 'h1', '--vm', 'a*', '--vm', 'b'], { env });
    expect(run).toMatchObject({ code: 0, out: 'up_secret\n' });
    expect(JSON.parse(server.seen[0]?.text ?? '')).toEqual({ role: 'agent', name: 'h1', vms: ['a*', 'b'] });
    expect(server.seen[0]).toMatchObject({ method: 'POST', url: '/v1/keys' });
  });

  it('names no VMs for a role that posts no samples', async () => {
    const { server, env } = await serve(() => ({ status: 201, body: { id: 'k_1', key: 'up_secret', role: 'billing' } }));
    await runCli(['keys', 'create', '--role', 'billing', '--name', 'b1'], { env });
    expect(JSON.parse(server.seen[0]?.text ?? '')).toEqual({ role: 'billing', name: 'b1' });
  });

  it('lists keys', async () => {
    const row = { id: 'k_1', role: 'agent', name: 'h1', vms: ['a*', 'b'], created_at: '2026-03-01T00:00:00Z' };
    const { env } = await serve(() => ({ status: 200, body: { keys: [row, { ...row, id: 'k_2', role: 'admin', vms: null }] } }));
    const run = await runCli(['keys', 'list'], { env });
    expect(run.out).toMatch(/k_1 {2}agent {2}h1 +a\* b {2}2026-03-01T00:00:00Z\n/);
    expect(run.out).toMatch(/k_2 {2}admin {2}h1 +2026-03-01T00:00:00Z\n/);
  });

  it('revokes a key by its id, escaped', async () => {
    const { server, env } = await serve(() => ({ status: 204 }));
    expect((await runCli(['keys', 'revoke', 'k/1'], { env })).code).toBe(0);
    expect(server.seen[0]).toMatchObject({ method: 'DELETE', url: '/v1/keys/k%2F1' });
  });

  it('says what the server said when it refuses', async () => {
    const { env } = await serve(() => ({ status: 403, body: { code: 'forbidden', detail: 'admin keys only' } }));
    const run = await runCli(['keys', 'list'], { env });
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/403 forbidden: admin keys only/);
  });
});
