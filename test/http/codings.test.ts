/** How a body of a call may be written: a byte order mark is none of it, and a coding is named. (Samples: test/ingest/answers.test.ts.) */
import type { FastifyInstance } from 'fastify';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { ADMIN, openCatalog, serverOn } from '../support/api.ts';

/** A store that has nothing and takes everything. */
const store: Store = {
  command: () => Promise.resolve(),
  rows: () => Promise.resolve([]),
  ndjson: () => Promise.resolve(new Uint8Array()),
  insertRowBinary: () => Promise.resolve(),
  claim: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
const TEXT = '{"name":"A","currency":"EUR"}';

let app: FastifyInstance;
beforeAll(async () => {
  app = await serverOn(store, await openCatalog(store, () => 0));
});
afterAll(() => app.close());

it.each<[what: string, body: string | Buffer, coding: string | undefined, status: number, says: string]>([
  ['as it is', TEXT, undefined, 200, ''],
  ['with a byte order mark', `\ufeff${TEXT}`, undefined, 200, ''],
  ['with two', `\ufeff\ufeff${TEXT}`, undefined, 400, 'not valid JSON'],
  ['said to be as it is', TEXT, 'identity', 200, ''],
  ['said so in capitals, twice', TEXT, 'Identity, IDENTITY', 200, ''],
  ['with gzip', gzipSync(TEXT), 'gzip', 415, 'without Content-Encoding'],
  ['with gzip by its old name', gzipSync(TEXT), 'x-gzip', 415, 'without Content-Encoding'],
  ['with brotli', 'x', 'br', 415, 'without Content-Encoding'],
  ['with a coding after another', 'x', 'identity, deflate', 415, 'without Content-Encoding'],
  ['with gzip, unsaid', gzipSync(TEXT), undefined, 400, 'not valid JSON'],
])('a change %s', async (_, payload, coding, status, says) => {
  const answer = await app.inject({
    method: 'PUT',
    url: '/v1/accounts/a',
    headers: {
      authorization: `Bearer ${ADMIN}`,
      'content-type': 'application/json',
      ...(coding === undefined ? {} : { 'content-encoding': coding }),
    },
    payload,
  });
  expect([answer.statusCode, answer.payload]).toEqual([status, expect.stringContaining(says)]);
});
