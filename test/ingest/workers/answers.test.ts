/** What clients hear through ingest workers: to the byte what the main process says, of the whole server, and of keys as they are now. */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADMIN_KEY,
  agentKey,
  newFolder,
  postLines,
  sendJson,
  startServer,
  type ServedFolder,
  type TestServer,
  untilStatus,
  untilStored,
  within,
} from '../../support/server.ts';
import { metric, untilMetric } from './support.ts';

const TS = Date.parse('2026-03-01T00:00:00Z');
const VMS_MAX = 20;
const MIB = 1024 * 1024;

let folder: ServedFolder;
let server: TestServer;
let agent: { id: string; key: string };
let billing: string;
let invoice: string;

beforeAll(async () => {
  folder = await newFolder('workers');
  // the sockets between the processes are in the folder for temporary files; time stands still without samples
  server = await folder.start({
    UPTALLY_INGEST_WORKERS: '2',
    UPTALLY_MAX_VMS: String(VMS_MAX),
    UPTALLY_MAX_VMS_PER_KEY: String(VMS_MAX),
    UPTALLY_CLOCK: 'event',
    UPTALLY_RETENTION_DAYS: '0',
    TMPDIR: folder.dir,
  });
  agent = await agentKey(server, 'host', ['v*']);
  billing = (await sendJson<{ key: string }>(server, 'POST', '/v1/keys', { role: 'billing', name: 'books' })).key;
  await sendJson(server, 'PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '30.00', per: 'month' } });
  await sendJson(server, 'PUT', '/v1/accounts/a', { name: 'A', currency: 'EUR' });
  await sendJson(server, 'PUT', '/v1/vms/v1', {
    account: 'a',
    plans: [{ plan: 'p', from: TS - 86_400_000 }],
    starts_at: TS - 86_400_000,
  });
  expect((await postLines(server, agent.key, [line('v1'), line('v1', TS + 600_000)])).status).toBe(202);
  await untilStored(server);
  const drafted = { account: 'a', from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', mode: 'draft' };
  invoice = (await sendJson<{ id: string }>(server, 'POST', '/v1/invoices', drafted)).id;
});
afterAll(() => folder.remove());

function line(vm: string, ts = TS): string {
  return `{"vm":"${vm}","ts":${ts}}`;
}

describe('an answer through a worker is the main process’ own', () => {
  type Wire = string | Buffer;
  /** Head and body of a request as they are sent; `Connection: close` unless another is named. */
  const as = (first: string, headers: readonly string[] = [], body: Wire = '', length = true): Wire => {
    const all = [`${first} HTTP/1.1`, 'Host: x', ...headers];
    if (!headers.some((header) => header.startsWith('Connection'))) all.push('Connection: close');
    if (length && body.length > 0) all.push(`Content-Length: ${Buffer.byteLength(body)}`);
    return Buffer.concat([Buffer.from(`${all.join('\r\n')}\r\n\r\n`), Buffer.from(body as string)]);
  };
  const ADMIN = `Authorization: Bearer ${ADMIN_KEY}`;
  const JSON_TYPE = 'Content-Type: application/json';
  const NDJSON = 'Content-Type: application/x-ndjson';
  const put = (body: Wire, ...headers: string[]): Wire => as('PUT /v1/accounts/b', [ADMIN, ...headers], body);
  const post = (body: Wire, ...headers: string[]): Wire =>
    as('POST /v1/samples', [`Authorization: Bearer ${agent.key}`, ...headers], body);

  const CASES: [what: string, status: string, wire: () => Wire][] = [
    ['a question', '200 OK', () => as('GET /v1/status', [ADMIN])],
    ['its head', '200 OK', () => as('HEAD /v1/status', [ADMIN])],
    ['health', '200 OK', () => as('GET /readyz')],
    [
      'two on one connection',
      '200 OK',
      () => Buffer.concat([as('GET /livez', ['Connection: keep-alive']), as('GET /nothing')] as Buffer[]),
    ],
    ['HTTP/1.0, no host', '200 OK', () => 'GET /livez HTTP/1.0\r\n\r\n'],
    ['a whole address', '200 OK', () => as('GET http://elsewhere/livez')],
    ['an upgrade', '200 OK', () => as('GET /livez', ['Connection: upgrade, close', 'Upgrade: websocket'])],
    ['no path of ours', '404 Not Found', () => as('GET /v1/sample?x=1')],
    ['two slashes', '404 Not Found', () => as('GET //livez')],
    ['the other methods of samples', '405 Method Not Allowed', () => as('GET /v1/samples', [ADMIN])],
    ['their head', '405 Method Not Allowed', () => as('HEAD /v1/samples', [ADMIN])],
    ['OPTIONS', '405 Method Not Allowed', () => as('OPTIONS /v1/status')],
    ['QUERY', '405 Method Not Allowed', () => as('QUERY /v1/status')],
    ['QUERY for samples', '405 Method Not Allowed', () => as('QUERY /v1/samples', [ADMIN, NDJSON], line('v1'))],
    ['a wrong method with a body of no type', '405 Method Not Allowed', () => as('PATCH /v1/status', ['Content-Type: ;'], '{')],
    ['LINK to nothing', '404 Not Found', () => as('LINK /v1/nothing')],
    ['a proxy’s request', '405 The path does not take this method', () => as('CONNECT x:443')],
    ['a trailer that is announced', '200 OK', () => as('GET /livez', [JSON_TYPE, 'Trailer: X'], '{}')],
    ['one of a change', '200 OK', () => put('{"name":"B","currency":"EUR"}', JSON_TYPE, 'Trailer: X-Sum', 'TE: trailers')],
    [
      'one that comes',
      '200 OK',
      () =>
        as(
          'PUT /v1/accounts/b',
          [ADMIN, JSON_TYPE, 'Transfer-Encoding: chunked', 'Trailer: X-Sum'],
          '1d\r\n{"name":"B","currency":"EUR"}\r\n0\r\nX-Sum: 7\r\n\r\n',
          false,
        ),
    ],
    ['a trailer before samples', '202 Accepted', () => post(line('v1'), NDJSON, 'Trailer: X')],
    [
      'a connection’s own headers',
      '200 OK',
      () => as('GET /v1/status', [ADMIN, 'Connection: close, x', 'X: 1', 'Keep-Alive: timeout=5', 'TE: gzip, trailers']),
    ],
    [
      'a key that the connection calls its own',
      '200 OK',
      () => as('GET /v1/status', [ADMIN, 'Connection: close, authorization']),
    ],
    [
      'a length that the connection calls its own',
      '200 OK',
      () => put('{"name":"B","currency":"EUR"}', JSON_TYPE, 'Connection: close, content-length'),
    ],
    [
      'an upgrade that nobody makes',
      '200 OK',
      () => as('GET /v1/status', [ADMIN, 'Connection: upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Key: x']),
    ],
    ['h2c', '200 OK', () => as('GET /v1/status', [ADMIN, 'Connection: close, Upgrade, HTTP2-Settings', 'Upgrade: h2c'])],
    [
      'what is for a proxy',
      '200 OK',
      () => as('GET /v1/status', [ADMIN, 'Proxy-Authorization: Basic x', 'Proxy-Connection: close']),
    ],
    ['what is expected and not known', '417 Expectation Failed', () => as('GET /v1/status', [ADMIN, 'Expect: a-miracle'])],
    ...['gzip, chunked', 'chunked, chunked', 'identity', 'CHUNKED', 'chunked, identity'].map(
      (coding): [string, string, () => Wire] => [
        `a body coded ${coding}`,
        coding === 'CHUNKED' ? '200 OK' : coding === 'gzip, chunked' ? '400 Bad Request' : '400 The request cannot be understood',
        () =>
          as(
            'PUT /v1/accounts/b',
            [ADMIN, JSON_TYPE, `Transfer-Encoding: ${coding}`],
            coding === 'gzip, chunked' ? '2\r\n{}\r\n0\r\n\r\n' : '1d\r\n{"name":"B","currency":"EUR"}\r\n0\r\n\r\n',
            false,
          ),
      ],
    ),
    [
      'a length and chunks at once',
      '400 The request cannot be understood',
      () => put('0\r\n\r\n', JSON_TYPE, 'Transfer-Encoding: chunked'),
    ],
    [
      'a question in chunks',
      '200 OK',
      () => as('GET /v1/status', [ADMIN, JSON_TYPE, 'Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n', false),
    ],
    ['OPTIONS *', '404 Not Found', () => as('OPTIONS *')],
    ['a method that nobody takes', '404 Not Found', () => as('PROPFIND /v1/nothing')],
    ['a bad escape', '400 Bad Request', () => as('GET /v1/vms/%zz/uptime', [ADMIN])],
    ['a long name', '414 URI Too Long', () => as(`GET /v1/vms/${'v'.repeat(200)}/uptime`, [ADMIN])],
    ['a bad parameter', '400 Bad Request', () => as('GET /v1/vms/v1/uptime?from=x', [ADMIN])],
    ['nobody’s question', '401 Unauthorized', () => as('GET /v1/status')],
    ['a stranger’s question', '401 Unauthorized', () => as('GET /v1/status', ['Authorization: Bearer x'])],
    ['a question of the wrong role', '403 Forbidden', () => as('GET /v1/keys', [`Authorization: Bearer ${billing}`])],
    ['a change', '200 OK', () => put('{"name":"B","currency":"EUR"}', JSON_TYPE)],
    ['one that waits to be asked for', '200 OK', () => put('{"name":"B","currency":"EUR"}', JSON_TYPE, 'Expect: 100-continue')],
    [
      'one in chunks',
      '200 OK',
      () =>
        as(
          'PUT /v1/accounts/b',
          [ADMIN, JSON_TYPE, 'Transfer-Encoding: chunked'],
          '1d\r\n{"name":"B","currency":"EUR"}\r\n0\r\n\r\n',
          false,
        ),
    ],
    ['half a JSON document', '400 Bad Request', () => put('{"name":', JSON_TYPE)],
    ['a body of another type', '415 Unsupported Media Type', () => put('name: B', 'Content-Type: text/plain')],
    ['no body', '400 Bad Request', () => put('', JSON_TYPE)],
    ['no body and no type', '400 Bad Request', () => as('POST /v1/invoices', [ADMIN])],
    // so much is sent as is read, whoever answers: more would meet a closed connection
    [
      'a body that says it is too large',
      '413 Payload Too Large',
      () => as('PUT /v1/accounts/b', [ADMIN, JSON_TYPE, `Content-Length: ${2 * MIB}`]),
    ],
    [
      'one that turns out to be',
      '413 Payload Too Large',
      () => as('PUT /v1/accounts/b', [ADMIN, JSON_TYPE, 'Transfer-Encoding: chunked'], `100001\r\n${' '.repeat(MIB + 1)}`, false),
    ],
    // it is read and dropped, and the connection goes on
    [
      'one for nobody',
      '401 Unauthorized',
      () =>
        Buffer.concat([
          as('PUT /v1/accounts/b', ['Connection: keep-alive', JSON_TYPE], 'x'.repeat(500_000)),
          as('GET /livez'),
        ] as Buffer[]),
    ],
    ['a body with a question', '200 OK', () => as('GET /v1/status', [ADMIN, JSON_TYPE], '{}')],
    ['headers that are too large', '431 The headers are too large', () => as('GET /livez', [`X-Long: ${'x'.repeat(20_000)}`])],
    ['no HTTP', '400 The request cannot be understood', () => 'NONSENSE\r\n\r\n'],
    ['an invoice', '200 OK', () => as(`GET /v1/invoices/${invoice}`, [ADMIN])],
    ['the same as a page', '200 OK', () => as(`GET /v1/invoices/${invoice}`, [ADMIN, 'Accept: text/html'])],
    ['the same as PDF', '200 OK', () => as(`GET /v1/invoices/${invoice}`, [ADMIN, 'Accept: application/pdf'])],
    ['the OpenAPI document', '200 OK', () => as('GET /openapi.json')],
    ['the documentation', '200 OK', () => as('GET /docs/')],
    ['a script of it', '200 OK', () => as('GET /docs/static/swagger-ui-bundle.js')],
    ['the problems', '200 OK', () => as('GET /problems')],
    ['samples', '202 Accepted', () => post(line('v1'), NDJSON)],
    ['samples to the path with a slash', '202 Accepted', () => as('POST /v1/samples/', [ADMIN, NDJSON], line('v1'))],
    ['good and bad ones', '202 Accepted', () => post(`${line('v1')}\n{"vm":\n${line('w')}`, NDJSON)],
    ['bad ones', '400 Bad Request', () => post('{"vm":"v 1"}', NDJSON)],
    ['no samples', '400 Bad Request', () => post('', NDJSON)],
    ['samples that are no JSON', '400 Bad Request', () => post('[', JSON_TYPE)],
    ['too many samples', '413 Payload Too Large', () => post('x\n'.repeat(50_001), NDJSON)],
    ['samples of nobody', '401 Unauthorized', () => as('POST /v1/samples', [NDJSON], line('v1'))],
    ['samples of a stranger', '401 Unauthorized', () => as('POST /v1/samples', [NDJSON, 'Authorization: Bearer x'], line('v1'))],
    [
      'samples of a reader',
      '403 Forbidden',
      () => as('POST /v1/samples', [NDJSON, `Authorization: Bearer ${billing}`], line('v1')),
    ],
    ['samples in XML', '415 Unsupported Media Type', () => post('<v1/>', 'Content-Type: application/xml')],
    ['samples as zstd', '415 Unsupported Media Type', () => post(line('v1'), NDJSON, 'Content-Encoding: zstd')],
    ['samples as gzip', '202 Accepted', () => post(gzipSync(line('v1')), NDJSON, 'Content-Encoding: gzip')],
    ['samples as x-gzip', '202 Accepted', () => post(gzipSync(line('v1')), NDJSON, 'Content-Encoding: x-gzip')],
    ['samples as X-GZIP', '202 Accepted', () => post(gzipSync(line('v1')), NDJSON, 'Content-Encoding: X-GZIP')],
    [
      'samples as gzip and nothing else',
      '202 Accepted',
      () => post(gzipSync(line('v1')), NDJSON, 'Content-Encoding: identity, GZip'),
    ],
    [
      'samples as gzip twice',
      '415 Unsupported Media Type',
      () => post(gzipSync(line('v1')), NDJSON, 'Content-Encoding: gzip, gzip'),
    ],
    ['samples after a byte order mark', '202 Accepted', () => post(`\ufeff${line('v1')}`, NDJSON)],
    ['samples in UTF-16', '400 Bad Request', () => post(Buffer.from(`\ufeff${line('v1')}`, 'utf16le'), NDJSON)],
    ['samples as gzip that is none', '400 Bad Request', () => post(line('v1'), NDJSON, 'Content-Encoding: gzip')],
  ];

  const answerTo = async (wire: Wire, at: { port: number } | { path: string }): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', ...at });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.write(wire);
    // a reset is an end too
    await within('an answer', new Promise((resolve) => socket.on('close', resolve)));
    return Buffer.concat(chunks)
      .toString('latin1')
      .replaceAll(/^Date: .*$/gm, 'Date');
  };

  it.each(CASES)('%s: %s', async (_, status, wire) => {
    const [place = ''] = readdirSync(folder.dir).filter((name) => name.startsWith('uptally-'));
    const direct = await answerTo(wire(), { path: join(folder.dir, place, 'main') });
    const through = await answerTo(wire(), { port: server.port });
    expect(through).toBe(direct);
    expect(through.replace('HTTP/1.1 100 Continue\r\n\r\n', '').split('\r\n', 1)).toEqual([`HTTP/1.1 ${status}`]);
  });
});

it('a port that is taken is told, and nobody is left behind', async () => {
  const second = startServer({
    dir: join(folder.dir, 'second'),
    env: { UPTALLY_INGEST_WORKERS: '1', UPTALLY_PORT: String(server.port), TMPDIR: folder.dir },
  });
  await expect(second).rejects.toThrow(/ended with 1 instead of listening:.*EADDRINUSE.*:\d+\n$/s);
  // its output is its worker's too: both have ended
  expect(readdirSync(folder.dir).filter((name) => name.startsWith('uptally-'))).toHaveLength(1);
});

it('metrics through any worker are the whole server’s, and posts are counted in them once', async () => {
  const posts = (status: number): string =>
    `uptally_http_request_seconds_count{method="POST",route="/v1/samples",status="${status}"}`;
  const before = { good: await metric(server, posts(202)), bad: await metric(server, posts(400)) };
  const status = await untilStored(server);
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      postLines(
        server,
        agent.key,
        i % 3 === 0
          ? ['{"vm":"v1","ts":-1}']
          : [line('v1', TS + i), '{"vm":"v1","ts":1,"nic":"!"}', '{"vm":"v1","ts":1,"epoch":-1}'],
      ),
    ),
  );
  expect(answers.map((answer) => answer.status)).toEqual(answers.map((_, i) => (i % 3 === 0 ? 400 : 202)));
  await untilMetric(server, posts(202), before.good + 40);
  await untilMetric(server, posts(400), before.bad + 20);
  const was = status.samples.rejected;
  await untilStatus(
    server,
    'the refusals',
    ({ samples: { rejected } }) => (rejected['bad_ts'] ?? 0) - (was['bad_ts'] ?? 0) === 20,
  );
  const { samples } = await untilStored(server);
  const since = (code: string): number => (samples.rejected[code] ?? 0) - (was[code] ?? 0);
  expect(['bad_ts', 'bad_nic', 'bad_epoch'].map(since)).toEqual([20, 40, 40]);
  expect(samples.accepted - status.samples.accepted).toBe(40);
  expect(await metric(server, 'uptally_samples_rejected{code="bad_nic"}')).toBe(samples.rejected['bad_nic']);
  expect(await metric(server, 'uptally_ingest_workers')).toBe(2);
});

it('a key is refused by all workers from the moment that it was revoked, whatever it posts', async () => {
  const { id, key } = await agentKey(server, 'leaver', ['v*']);
  const clients = Array.from({ length: 6 }, () => new Client(server.url));
  const post = async (client: Client, body: string): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' };
    const { statusCode, body: answer } = await client.request({ method: 'POST', path: '/v1/samples', headers, body });
    await answer.text();
    return statusCode;
  };
  const all = (body: string): Promise<number[]> => Promise.all(clients.map((client) => post(client, body)));
  try {
    expect(new Set(await all(line('v1')))).toEqual(new Set([202]));
    const { samples } = await untilStored(server);
    expect((await server.call(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(new Set(await all(line('v1', TS + 999)))).toEqual(new Set([401]));
    expect(new Set(await all('{}'))).toEqual(new Set([401]));
    expect((await untilStored(server)).samples).toMatchObject({ accepted: samples.accepted });
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
});

it('full capacity is told by every worker, and known VMs are served', async () => {
  expect(
    (
      await postLines(
        server,
        agent.key,
        Array.from({ length: VMS_MAX }, (_, i) => line(`v${i}`)),
      )
    ).status,
  ).toBe(202);
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, i) => postLines(server, agent.key, [line(i % 2 === 0 ? `v.new${i}` : `v${i}`)])),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i % 2 === 0 ? 503 : 202)));
  expect(answers[0]?.headers['retry-after']).toBe('60');
  expect(answers[0]?.json()).toMatchObject({ code: 'capacity_full' });
});

it('while the main process does not keep up, workers take so much and then say 429', async () => {
  const long = `{"vm":"v1","ts":${TS},"nic":"${'n'.repeat(32)}"}\n`;
  const body = gzipSync(long.repeat(50_000));
  const post = () =>
    server.call('/v1/samples', {
      key: agent.key,
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      body,
    });
  // as many connections as the client has, so that none has to be accepted below
  await Promise.all(Array.from({ length: 16 }, () => postLines(server, agent.key, [long])));
  process.kill(server.pid, 'SIGSTOP');
  const posts = Array.from({ length: 16 }, post);
  try {
    const refused = await within('a refusal', Promise.race(posts));
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
    expect(refused.json()).toMatchObject({ code: 'too_many_requests' });
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  const statuses = (await Promise.all(posts)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([202, 429]));
});
