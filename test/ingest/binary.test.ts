/** The binary format over real HTTP: the same rules, answers and limits as NDJSON's. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeBinary } from '../../src/samples/binary-writer.ts';
import type { Observation } from '../../src/samples/reading.ts';
import { type Answer, type TestServer, agentKey, allRows, newFolder, type ServedFolder, untilStored } from '../support/server.ts';

let folder: ServedFolder;
let server: TestServer;
let agent: string;

beforeAll(async () => {
  folder = await newFolder('binary');
  server = await folder.start();
  agent = (await agentKey(server, 'host', ['v*'])).key;
});
afterAll(() => folder.remove());

const now = Date.now();
const up = (vm: string, rxBytes = 1n): Observation => ({
  vm,
  nic: 'eth0',
  counters: { rxBytes, txBytes: 2n ** 64n - 1n, epoch: 3 },
  downCause: null,
});

function post(body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  return server.call('/v1/samples', {
    key: agent,
    method: 'POST',
    headers: { 'content-type': 'application/vnd.uptally.samples', ...headers },
    body,
  });
}

describe('samples in binary', () => {
  it('are taken, bad ones told by index, and are the samples that lines would have been', async () => {
    const answer = await post(
      encodeBinary({ atMs: now, observations: [up('v1', 5n), up('other'), { ...up('v2'), downCause: 'attack' }] }),
    );
    expect([answer.status, answer.json()]).toMatchObject([
      202,
      { accepted: 2, rejected: 1, errors: [{ index: 1, code: 'vm_not_allowed', field: 'vm' }] },
    ]);
    await untilStored(server);
    const rows = await allRows<Record<string, unknown>>(server, '/v1/vms/v1/samples?from=0&to=2099-01-01T00:00:00Z');
    expect(rows).toMatchObject([{ nic: 'eth0', rx_bytes: 5, epoch: 3, state: 'up', agent: 'host' }]);
  });

  it('may be gzipped', async () => {
    const body = gzipSync(encodeBinary({ atMs: now, observations: [up('v3')] }));
    expect((await post(body, { 'content-encoding': 'gzip' })).json()).toEqual({ accepted: 1, rejected: 0, errors: [] });
  });

  it.each([
    ['a cut body', () => encodeBinary({ atMs: now, observations: [up('v4'), up('v5')] }).subarray(0, -1), 'bad_request'],
    ['lines', () => Buffer.from('{"vm":"v4"}\n'), 'bad_request'],
    ['nothing', () => Buffer.alloc(0), 'bad_request'],
    ['no record', () => encodeBinary({ atMs: now, observations: [] }), 'no_usable_sample'],
    ['only bad samples', () => encodeBinary({ atMs: 0, observations: [up('v4')] }), 'no_usable_sample'],
  ])('%s: 400, and nothing gets in', async (_name, body, code) => {
    const answer = await post(body());
    expect([answer.status, answer.json()]).toMatchObject([400, { code }]);
    await untilStored(server);
    expect(await allRows(server, '/v1/vms/v4/samples?from=0&to=2099-01-01T00:00:00Z').catch(() => [])).toEqual([]);
  });

  it('are in the OpenAPI document', async () => {
    const document = (await server.call('/openapi.json', { key: null })).json() as {
      paths: Record<string, { post: { requestBody: { content: Record<string, unknown> } } }>;
    };
    expect(Object.keys(document.paths['/v1/samples']?.post.requestBody.content ?? {})).toContain(
      'application/vnd.uptally.samples',
    );
    expect(await readFile(new URL('../../schemas/samples-binary.md', import.meta.url), 'utf8')).toContain(
      'application/vnd.uptally.samples',
    );
  });
});
