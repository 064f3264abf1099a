/** Links into the portal by command, against the API as it is. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN, callOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

let test: TestStore;
let app: FastifyInstance;
let env: Record<string, string>;

beforeAll(async () => {
  test = await openTestStore();
  app = await serverOn(test.store, await openCatalog(test.store, Date.now), { now: Date.now });
  await callOf(app)('PUT', '/v1/accounts/acme', { name: 'Acme', currency: 'EUR', language: 'en' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  env = { UPTALLY_SERVER: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`, UPTALLY_KEY: ADMIN };
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

it('a link is made with its whole address, listed without its token, exchanged once and revoked', async () => {
  const made = await runCli(['portal-links', 'create', 'acme', '--expires-in', '5m', '--vm', 'web-*'], { env });
  const [, server, token] = /^(http:\/\/127\.0\.0\.1:\d+)\/portal#(\S+)\n$/.exec(made.out) ?? [];
  expect([made.code, server]).toEqual([0, env['UPTALLY_SERVER']?.slice(0, -1)]);
  const id = /^link (\S+) of account acme can be used once/.exec(made.err)?.[1] ?? '';

  const listed = await runCli(['portal-links', 'list', 'acme'], { env });
  expect(listed.out).toContain(id);
  expect(listed.out).toMatch(/open +web-\*/);
  expect(listed.out).not.toContain(token);
  const page = { 'x-uptally': '1', 'sec-fetch-site': 'same-origin' };
  expect(await callOf(app, null)('POST', '/v1/session', { token }, page)).toMatchObject({
    status: 201,
    body: { vms: ['web-*'] },
  });

  expect(await runCli(['portal-links', 'revoke', 'acme', id], { env })).toMatchObject({
    code: 0,
    err: `link ${id} is revoked\n`,
  });
  expect((await runCli(['portal-links', 'list', 'acme'], { env })).out).toContain('revoked');
});

it('of no account, and for no time, is refused with what is wrong', async () => {
  expect(await runCli(['portal-links', 'create', 'nobody'], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('no account nobody') as unknown,
  });
  expect(await runCli(['portal-links', 'create', 'acme', '--expires-in', 'soon'], { env })).toMatchObject({ code: 2 });
});
