import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { StoreError, type Store } from '../../src/store/store.ts';
import { ADMIN, openCatalog, serverOn } from '../support/api.ts';

/** A store that has nothing, takes everything, and answers questions by failing. */
const store: Store = {
  command: () => Promise.resolve(),
  rows: (sql) =>
    sql.includes('FROM catalog')
      ? Promise.resolve([])
      : Promise.reject(new StoreError('ECONNREFUSED', 'http://user:password@inside refused', true)),
  ndjson: () => Promise.resolve(new Uint8Array()),
  insertRowBinary: () => Promise.resolve(),
  claim: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

describe('on a real socket', () => {
  let app: FastifyInstance;
  let catalog: Catalog;
  let deeds = 0;
  let release: () => void;
  let entered: Promise<void>;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    catalog = await openCatalog(store, () => 0);
    let enter: () => void = () => undefined;
    entered = new Promise((resolve) => (enter = resolve));
    const held = new Promise<void>((resolve) => (release = resolve));
    app = await serverOn(store, catalog, {
      plugins: [
        (api) => {
          const letIn = (): Promise<void> => {
            enter();
            return Promise.resolve();
          };
          api.app.post('/v1/deed', { onRequest: [api.requireRole('billing'), letIn] }, () => {
            deeds += 1;
            return Promise.resolve({ done: true });
          });
          api.app.get('/v1/slow', async () => {
            enter();
            await held;
            return { done: true };
          });
        },
      ],
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => {
    release();
    for (const socket of sockets.splice(0)) socket.destroy();
    await app.close();
  });

  const open = async (): Promise<Socket> => {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const answerTo = async (text: string): Promise<string> => {
    const socket = await open();
    socket.end(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  };

  it.each([
    ['NONSENSE\r\n\r\n', 400, 'bad_request'],
    [`GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['PUT /v1/accounts/a HTTP/1.1\r\nHost: x\r\nContent-Length: zwölf\r\n\r\n', 400, 'bad_request'],
  ])('%.25j is answered %i %s as a problem', async (text, status, code) => {
    const answer = await answerTo(text);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
  });

  it('a body that breaks off harms nobody else', async () => {
    const socket = await open();
    socket.write(
      `PUT /v1/accounts/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"na`,
    );
    expect(await answerTo('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain('{"status":"live"}');
    socket.destroy();
    expect(await answerTo('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain('{"status":"live"}');
  });

  it('a database that does not answer is a 503 with Retry-After, and its address stays inside', async () => {
    const answer = await answerTo(
      `GET /v1/vms/v1/outages?from=0&to=60000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${ADMIN}\r\n\r\n`,
    );
    expect(answer).toContain('HTTP/1.1 503 ');
    expect(answer).toMatch(/retry-after: \d/i);
    expect(answer).toContain('"code":"store_unavailable"');
    expect(answer).not.toContain('password');
  });

  it.each([true, false])(
    'a body that comes after its key was revoked (%s) is carried out only where it was not',
    async (revoked) => {
      const { key, entry } = await catalog.keys.create({ role: 'billing', name: 'clerk', vms: null }, 'test');
      const before = deeds;
      const socket = await open();
      socket.write(
        `POST /v1/deed HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{`,
      );
      await entered;
      if (revoked) await catalog.keys.revoke(entry.id, 'test');
      socket.end('}');
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      expect(answer).toContain(revoked ? '"code":"unauthorized"' : '{"done":true}');
      expect(deeds - before).toBe(revoked ? 0 : 1);
    },
  );

  it('finishes what has begun when it is closed', async () => {
    const slow = answerTo('GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await entered;
    const closed = app.close();
    release();
    expect(await slow).toContain('{"done":true}');
    await closed;
  });
});
