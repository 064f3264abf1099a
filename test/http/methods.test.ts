/** What every documented path says to every method that HTTP has. */
import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { callOf, openCatalog, serverOn } from '../support/api.ts';

/** A store that has nothing and takes everything. */
const store: Store = {
  command: () => Promise.resolve(),
  rows: () => Promise.resolve([]),
  ndjson: () => Promise.resolve(new Uint8Array()),
  insertRowBinary: () => Promise.resolve(),
  claim: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

let app: FastifyInstance;
/** The methods that OpenAPI documents, by path. */
let documented: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  app = await serverOn(store, await openCatalog(store, () => 0));
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { body } = await callOf(app, null)('GET', '/openapi.json');
  const paths = body['paths'] as Record<string, object>;
  documented = new Map(
    Object.entries(paths).map(([path, item]) => [path, Object.keys(item).map((method) => method.toUpperCase())]),
  );
});
afterAll(() => app.close());

/** The whole answer to a request without a key; light-my-request knows fewer methods than HTTP has. */
async function answerTo(method: string, target: string, headers: readonly string[] = []): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  socket.write([`${method} ${target} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n'));
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  await once(socket, 'close');
  return answer;
}

const statusOf = (answer: string): string => answer.slice(9, 12);
const allowOf = (answer: string): string[] | undefined => /^allow: (.*)$/im.exec(answer)?.[1]?.trim().split(', ');
const fill = (path: string): string => path.replaceAll(/\{\w+\}/g, 'x');
const UNTAKEN = METHODS.filter((method) => !['GET', 'HEAD', 'CONNECT'].includes(method));

describe('a method that a path does not take', () => {
  it('is a 405 at every documented path, and Allow names the documented methods', async () => {
    const wrong: string[] = [];
    for (const [path, methods] of documented) {
      for (const method of UNTAKEN.filter((each) => !methods.includes(each))) {
        const answer = await answerTo(method, fill(path));
        const allow = allowOf(answer) ?? [];
        if (
          statusOf(answer) !== '405' ||
          allow.toSorted().join() !== methods.toSorted().join() ||
          !answer.includes('"code":"method_not_allowed"')
        )
          wrong.push(`${method} ${path}: ${statusOf(answer)} ${allow.join()}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('and what is near it', () => {
  it.each([
    ['a body that nobody reads', 'PATCH', '/v1/status', ['Content-Type: application/xml', 'Content-Length: 2', '', '<>'], 405],
    ['a content type that is none', 'PUT', '/livez', ['Content-Type: ;', 'Content-Length: 0'], 405],
    ['a body above every limit', 'POST', '/v1/status', ['Content-Length: 90000000000'], 405],
    ['a path with escapes', 'LINK', '/v1/%73tatus', [], 405],
    ['a slash at the end', 'PROPFIND', '/v1/status/', [], 405],
    ['a page for people', 'QUERY', '/openapi.json', [], 405],
    ['the documentation', 'POST', '/docs', [], 405],
    ['the list of problems', 'DELETE', '/problems', [], 405],
    ['a tunnel', 'CONNECT', 'x:443', [], 405],
    ['no path', 'QUERY', '/v1/nothing', [], 404],
    ['part of a path', 'LINK', '/v1/invoices/x/nothing', [], 404],
    ['a path with a bad escape', 'QUERY', '/v1/%zz', [], 400],
    ['the root', 'UNLINK', '/', [], 405],
    ['every path', 'OPTIONS', '*', [], 404],
  ] as const)('%s: %s %s', async (_, method, target, headers, status) => {
    const answer = await answerTo(method, target, headers);
    expect(statusOf(answer)).toBe(String(status));
    expect(answer).toContain('application/problem+json');
  });
});
