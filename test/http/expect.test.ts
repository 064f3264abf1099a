/** Who asks before it sends a body is told to send it when it is let in, and otherwise why not: by the server itself and through workers. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, agentKey, newFolder, type ServedFolder, sendJson, type TestServer, within } from '../support/server.ts';

const MIB = 1024 * 1024;
const LINE = `{"vm":"v","ts":${Date.now()}}`;

describe.each(['0', '1'])('Expect: 100-continue (%s ingest workers)', (workers) => {
  let folder: ServedFolder;
  let server: TestServer;
  let agent: string;
  let billing: string;
  beforeAll(async () => {
    folder = await newFolder('expect');
    server = await folder.start({ UPTALLY_INGEST_WORKERS: workers });
    agent = (await agentKey(server, 'host')).key;
    billing = (await sendJson<{ key: string }>(server, 'POST', '/v1/keys', { role: 'billing', name: 'books' })).key;
  });
  afterAll(() => folder.remove());

  /** What comes back before anything of the body is sent; the body is sent after 100, in two pieces. */
  async function asked(first: string, headers: readonly string[], body: string): Promise<{ before: string; after: string }> {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    let sent = false;
    let before = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
      if (sent) return;
      sent = true;
      before = answer.slice(9, 12);
      if (before !== '100') return;
      answer = '';
      socket.write(body.slice(0, 3));
      setImmediate(() => socket.write(body.slice(3)));
    });
    socket.on('error', () => undefined);
    socket.write([`${first} HTTP/1.1`, 'Host: x', 'Connection: close', 'Expect: 100-continue', ...headers, '', ''].join('\r\n'));
    await within('an answer', once(socket, 'close'));
    return { before, after: answer.slice(9, 12) };
  }

  const length = (bytes: number): string => `Content-Length: ${bytes}`;
  const by = (key: string): string => `Authorization: Bearer ${key}`;
  const NDJSON = 'Content-Type: application/x-ndjson';
  const JSON_TYPE = 'Content-Type: application/json';
  const ACCOUNT = '{"name":"B","currency":"EUR"}';

  it.each([
    ['samples', 'POST /v1/samples', () => [by(agent), NDJSON, length(LINE.length)], LINE, '202'],
    [
      'samples in chunks',
      'POST /v1/samples',
      () => [by(agent), NDJSON, 'Transfer-Encoding: chunked'],
      `${LINE.length.toString(16)}\r\n${LINE}\r\n0\r\n\r\n`,
      '202',
    ],
    ['samples that are none', 'POST /v1/samples', () => [by(agent), NDJSON, length(3)], 'abc', '400'],
    ['a change', 'PUT /v1/accounts/b', () => [by(ADMIN_KEY), JSON_TYPE, length(ACCOUNT.length)], ACCOUNT, '200'],
    ['a change that is no JSON', 'PUT /v1/accounts/b', () => [by(ADMIN_KEY), JSON_TYPE, length(4)], '{{{{', '400'],
  ])('who is let in is told to send: %s', async (_, first, headers, body, status) => {
    expect(await asked(first, headers(), body)).toEqual({ before: '100', after: status });
  });

  it.each([
    ['without a key', 'POST /v1/samples', () => [NDJSON, length(10 * MIB)], '401'],
    ['with a stranger’s key', 'POST /v1/samples', () => [by('x'), NDJSON, length(9)], '401'],
    ['of the wrong role', 'POST /v1/samples', () => [by(billing), NDJSON, length(9)], '403'],
    ['too large', 'POST /v1/samples', () => [by(agent), NDJSON, length(10 * MIB)], '413'],
    ['of another type', 'POST /v1/samples', () => [by(agent), 'Content-Type: text/csv', length(9)], '415'],
    ['in another coding', 'POST /v1/samples', () => [by(agent), NDJSON, 'Content-Encoding: br', length(9)], '415'],
    ['of a change, without a key', 'PUT /v1/accounts/b', () => [JSON_TYPE, length(9)], '401'],
    ['of a change, by a reader', 'PUT /v1/accounts/b', () => [by(agent), JSON_TYPE, length(9)], '403'],
    ['of a change, too large', 'PUT /v1/accounts/b', () => [by(ADMIN_KEY), JSON_TYPE, length(2 * MIB)], '413'],
    [
      'of a change, with gzip',
      'PUT /v1/accounts/b',
      () => [by(ADMIN_KEY), JSON_TYPE, 'Content-Encoding: gzip', length(9)],
      '415',
    ],
    ['of a change, in XML', 'PUT /v1/accounts/b', () => [by(ADMIN_KEY), 'Content-Type: application/xml', length(9)], '415'],
    ['to nowhere', 'POST /v1/nothing', () => [by(ADMIN_KEY), JSON_TYPE, length(9)], '404'],
    ['to what takes none', 'POST /v1/status', () => [by(ADMIN_KEY), JSON_TYPE, length(9)], '405'],
  ])('who is not hears why instead, and the connection ends: a body %s', async (_, first, headers, status) => {
    const { before } = await asked(first, headers(), '');
    expect(before).toBe(status);
  });
});
