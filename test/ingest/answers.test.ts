/** What `POST /v1/samples` answers, over real HTTP, to everything that can be wrong with a post; and that what is right gets in. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  type TestServer,
  agentKey,
  allRows,
  newFolder,
  postLines,
  sendJson,
  type ServedFolder,
  untilStatus,
  untilStored,
} from '../support/server.ts';

const MIB = 1024 * 1024;
const BODY_BYTES_MAX = 8 * MIB;
let folder: ServedFolder;
let server: TestServer;
let agent: string;

beforeAll(async () => {
  folder = await newFolder('ingest');
  server = await folder.start();
  agent = (await agentKey(server, 'host', ['v*'])).key;
});
afterAll(() => folder.remove());

const now = Date.now();
const line = (fields: Record<string, unknown> = {}): string => JSON.stringify({ vm: 'v1', ts: now, ...fields });

function post(body: string | Uint8Array, headers: Record<string, string> = {}, key: string | null = agent): Promise<Answer> {
  return server.call('/v1/samples', {
    key,
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body,
  });
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json; charset=utf-8']);
  expect(answer.json()).toMatchObject({ status, code, type: `/problems#${code}` });
}

const instantsOf = async (vm: string): Promise<number[]> =>
  (await allRows<{ ts: string }>(server, `/v1/vms/${vm}/samples?from=0&to=2099-01-01T00:00:00Z`)).map((row) =>
    Date.parse(row.ts),
  );

describe('a bad sample', () => {
  const DAY = 86_400_000;
  const BAD: [code: string, field: string, line: string][] = [
    ['malformed_json', '', '{"vm":"v1"'],
    ['malformed_json', '', '[1]'],
    ['malformed_json', '', 'null'],
    ['missing_field', 'vm', JSON.stringify({ ts: now })],
    ['missing_field', 'ts', JSON.stringify({ vm: 'v1' })],
    ['missing_field', 'rx_bytes', line({ state: 'none' })],
    ['bad_vm', 'vm', line({ vm: 'v 1' })],
    ['bad_vm', 'vm', line({ vm: 'v'.repeat(65) })],
    ['bad_nic', 'nic', line({ nic: 'ü' })],
    ['bad_ts', 'ts', line({ ts: '2026-02-30T00:00:00Z' })],
    ['ts_in_future', 'ts', line({ ts: now + 3_600_000 })],
    ['ts_too_old', 'ts', line({ ts: now - 91 * DAY })],
    ['bad_counter', 'rx_bytes', line({ rx_bytes: -1, tx_bytes: 0 })],
    ['bad_counter', 'tx_bytes', line({ rx_bytes: 0, tx_bytes: '18446744073709551616' })],
    ['bad_epoch', 'epoch', line({ epoch: 4294967296 })],
    ['bad_state', 'state', line({ state: 'sideways' })],
    ['bad_cause', 'cause', line({ cause: 'provider' })],
    ['bad_cause', 'cause', line({ state: 'down', cause: 'silent' })],
    ['vm_not_allowed', 'vm', line({ vm: 'w1' })],
  ];

  it('is told by index, code and field, and its neighbours get in', async () => {
    const good = (i: number): string => line({ vm: 'v.neighbour', ts: now - 1000 * i });
    const lines = BAD.flatMap(([, , bad], i) => [bad, good(i)]);
    const answer = await postLines(server, agent, lines);
    expect(answer.status).toBe(202);
    const { accepted, rejected, errors } = answer.json() as {
      accepted: number;
      rejected: number;
      errors: { index: number; code: string; field: string; message: string }[];
    };
    expect([accepted, rejected]).toEqual([BAD.length, BAD.length]);
    expect(errors.map(({ index, code, field }) => [index, code, field])).toEqual(
      BAD.map(([code, field], i) => [2 * i, code, field]),
    );
    expect(errors.every(({ message }) => message.length > 10)).toBe(true);
    const before = await untilStored(server);
    expect(await instantsOf('v.neighbour')).toEqual(BAD.map((_, i) => now - 1000 * i).reverse());
    const { samples } = await untilStatus(
      server,
      'the refusals',
      ({ samples: { rejected: by } }) => Object.keys(by).length === 12,
    );
    expect(samples.rejected).toEqual(
      Object.fromEntries(
        [...new Set(BAD.map(([code]) => code))].map((code) => [code, BAD.filter(([each]) => each === code).length]),
      ),
    );
    expect(samples.accepted).toBe(before.samples.accepted);
  });

  it.each(BAD)('alone is a 400 with the same told: %s %s', async (code, field, bad) => {
    const answer = await post(bad);
    expectProblem(answer, 400, 'no_usable_sample');
    expect(answer.json()).toMatchObject({ accepted: 0, rejected: 1, errors: [{ index: 0, code, field }] });
  });

  it('tells the first 100 of many', async () => {
    const answer = await postLines(server, agent, [...Array.from({ length: 150 }, () => '{'), line()]);
    const receipt = answer.json() as { accepted: number; rejected: number; errors: unknown[] };
    expect([answer.status, receipt.accepted, receipt.rejected, receipt.errors.length]).toEqual([202, 1, 150, 100]);
  });
});

describe('bodies', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['blank lines', '\n\n  \n'],
    ['an empty array', '[]'],
  ])('%s is no usable sample', async (_, body) => {
    expectProblem(
      await post(body, { 'content-type': body === '[]' ? 'application/json' : 'application/x-ndjson' }),
      400,
      'no_usable_sample',
    );
  });

  it.each<[string, string, number]>([
    ['a sample', line(), 202],
    ['an array', `[${line()},${line({ ts: now - 1 })}]`, 202],
    ['half a document', `[${line()}`, 400],
    ['two documents', `${line()}${line()}`, 400],
    ['nesting a million deep', '['.repeat(1e6), 400],
    ['a nested unknown field', `{"deep":${'['.repeat(1e6)}${']'.repeat(1e6)},"vm":"v1","ts":${now}}`, -1],
  ])('JSON: %s', async (_, body, status) => {
    const answer = await post(body, { 'content-type': 'application/json' });
    // how deep an ignored field may be is not told; that the server lives and answers is
    if (status === -1) expect([202, 400]).toContain(answer.status);
    else expect(answer.status).toBe(status);
    expect((await server.call('/livez', { key: null })).status).toBe(200);
  });

  it('deep lines harm no neighbour', async () => {
    const answer = await postLines(server, agent, [
      `{"vm":${'{"a":'.repeat(300_000)}`,
      line(),
      '['.repeat(1e6),
      line({ ts: now - 5 }),
    ]);
    expect([answer.status, (answer.json() as { accepted: number }).accepted]).toEqual([202, 2]);
  });

  it('a flood of unknown keys is ignored', async () => {
    const keys = Array.from({ length: 200_000 }, (_, i) => `"k${i}":${i}`).join(',');
    const answer = await post(`{${keys},"vm":"v1","ts":${now}}`);
    expect([answer.status, answer.text]).toEqual([202, '{"accepted":1,"rejected":0,"errors":[]}']);
  });

  it('bytes that are not UTF-8 are malformed, not guessed at', async () => {
    const answer = await post(
      Buffer.concat([Buffer.from('{"vm":"v1","note":"'), Buffer.from([0xff, 0xfe]), Buffer.from(`","ts":${now}}\n${line()}`)]),
    );
    expect(answer.status).toBe(202);
    expect(answer.json()).toMatchObject({ accepted: 1, rejected: 1, errors: [{ index: 0, code: 'malformed_json' }] });
  });
});

describe('limits', () => {
  const short = `{"vm":"v1","ts":${now}}\n`;
  const padded = (size: number): Buffer => Buffer.concat([Buffer.from(short), Buffer.alloc(size - short.length, ' ')]);

  it('50,000 samples are taken and one more is not', async () => {
    expect((await post(short.repeat(50_000))).text).toBe('{"accepted":50000,"rejected":0,"errors":[]}');
    expectProblem(await post(short.repeat(50_001)), 413, 'too_many_samples');
    expectProblem(await post('x\n'.repeat(50_001)), 413, 'too_many_samples');
  });

  it('8 MiB are taken and one byte more is not', async () => {
    expect((await post(padded(BODY_BYTES_MAX))).status).toBe(202);
    expectProblem(await post(padded(BODY_BYTES_MAX + 1)), 413, 'body_too_large');
  });

  it('inflated too, whatever the ratio', async () => {
    const gzip = { 'content-encoding': 'gzip' };
    expect((await post(gzipSync(padded(BODY_BYTES_MAX)), gzip)).status).toBe(202);
    expectProblem(await post(gzipSync(padded(BODY_BYTES_MAX + 1)), gzip), 413, 'body_too_large');
    const bomb = gzipSync(Buffer.alloc(256 * MIB));
    expect(256 * MIB).toBeGreaterThan(900 * bomb.length);
    expectProblem(await post(bomb, gzip), 413, 'body_too_large');
  });

  it('nothing of a refused body gets in', async () => {
    const vm = 'v.refused';
    const { accepted } = (await untilStored(server)).samples;
    await post(`{"vm":"${vm}","ts":${now}}\n`.repeat(50_001));
    await post(gzipSync(Buffer.from(`{"vm":"${vm}","ts":${now}}\n${' '.repeat(BODY_BYTES_MAX)}`)), {
      'content-encoding': 'gzip',
    });
    await post(`[{"vm":"${vm}","ts":${now}},`, { 'content-type': 'application/json' });
    expect((await post(line({ ts: now - 77 }))).status).toBe(202);
    expect((await untilStored(server)).samples.accepted).toBe(accepted + 1);
    expect((await server.call(`/v1/vms/${vm}/samples?from=0&to=60000`)).status).toBe(404);
  });
});

describe('encodings and types', () => {
  const good = gzipSync(line());
  it.each<[string, Uint8Array, string, number, string]>([
    ['gzip', good, 'gzip', 202, ''],
    ['gzip in capitals', good, 'GZIP', 202, ''],
    ['identity', Buffer.from(line()), 'identity', 202, ''],
    ['gzip that is none', Buffer.from(line()), 'gzip', 400, 'bad_request'],
    ['gzip cut short', good.subarray(0, good.length - 9), 'gzip', 400, 'bad_request'],
    [
      'gzip with a wrong checksum',
      Buffer.concat([good.subarray(0, good.length - 8), Buffer.alloc(8)]),
      'gzip',
      400,
      'bad_request',
    ],
    ['no gzip at all', Buffer.alloc(0), 'gzip', 400, ''],
    ['zstd', good, 'zstd', 415, 'unsupported_encoding'],
    ['gzip twice', gzipSync(good), 'gzip, gzip', 415, 'unsupported_encoding'],
  ])('%s', async (_, body, encoding, status, code) => {
    const answer = await post(body, { 'content-encoding': encoding });
    expect(answer.status).toBe(status);
    if (code !== '') expectProblem(answer, status, code);
  });

  it.each<[string, number]>([
    ['application/x-ndjson; charset=utf-8', 202],
    ['Application/JSON; Charset="UTF-8"', 202],
    ['application/json; charset=latin1', 415],
    ['application/x-ndjson; charset=utf-16', 415],
    ['text/plain', 415],
    ['application/xml', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/x-www-form-urlencoded', 415],
    ['nonsense', 415],
    ['', 415],
  ])('content type %j', async (type, status) => {
    const answer = await post(line(), { 'content-type': type });
    expect(answer.status).toBe(status);
    if (status === 415) expectProblem(answer, 415, 'unsupported_media_type');
  });
});

describe('who may post, and where', () => {
  it.each<[string, string | null, number, string]>([
    ['nobody', null, 401, 'unauthorized'],
    ['a stranger', 'no-key-of-this-server', 401, 'unauthorized'],
  ])('%s', async (_, key, status, code) => {
    expectProblem(await post(line(), {}, key), status, code);
  });

  it('a billing key reads, and posts nothing', async () => {
    const { key } = await sendJson<{ key: string }>(server, 'POST', '/v1/keys', { role: 'billing', name: 'books' });
    expectProblem(await post(line(), {}, key), 403, 'forbidden');
  });

  it('an agent posts for its patterns only, and reads nothing', async () => {
    const { key } = await agentKey(server, 'patterns', ['v1', 'db-*']);
    const answer = await postLines(
      server,
      key,
      ['v1', 'v10', 'db-', 'db-7', 'xdb-7', 'DB-7'].map((vm) => line({ vm })),
    );
    expect(answer.json()).toMatchObject({
      accepted: 3,
      errors: [1, 4, 5].map((index) => ({ index, code: 'vm_not_allowed', field: 'vm' })),
    });
    expectProblem(await server.call('/v1/vms/v1/samples?from=0&to=60000', { key }), 403, 'forbidden');
  });

  it('a revoked key is refused at once', async () => {
    const { id, key } = await agentKey(server, 'leaver', ['v*']);
    expect((await post(line(), {}, key)).status).toBe(202);
    expect((await server.call(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(204);
    expectProblem(await post(line(), {}, key), 401, 'unauthorized');
  });

  it('other methods and paths are told apart', async () => {
    const got = await server.call('/v1/samples');
    expectProblem(got, 405, 'method_not_allowed');
    expect(got.headers['allow']).toBe('POST');
    expectProblem(await server.call('/v1/sample', { method: 'POST', body: line() }), 404, 'not_found');
  });
});
