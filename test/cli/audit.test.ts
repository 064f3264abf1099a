/** Who changed what, by command, against the API as it is. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN, callOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const RANGE = ['--from', '2020-01-01T00:00:00Z', '--to', '2099-01-01T00:00:00Z'];
let test: TestStore;
let app: FastifyInstance;
let env: Record<string, string>;

beforeAll(async () => {
  test = await openTestStore();
  const catalog = await openCatalog(test.store, Date.now);
  app = await serverOn(test.store, catalog, { now: Date.now });
  const { key } = await catalog.keys.create({ role: 'admin', name: '＝SUM(A1),"x"', vms: null }, 'test');
  await callOf(app, key)('PUT', '/v1/accounts/acme', { name: 'Acme', currency: 'EUR', language: 'en' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  env = { UPTALLY_SERVER: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, UPTALLY_KEY: ADMIN };
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

it('goes into a spreadsheet as text, whatever a key is called, and is the same as rows of JSON', async () => {
  const csv = await runCli(['audit', ...RANGE, '--id', 'acme', '--csv'], { env });
  const json = await runCli(['audit', ...RANGE, '--id', 'acme', '--json'], { env });
  const row = JSON.parse(json.out) as { seq: number; at: string; who: string };
  expect(row).toMatchObject({ what: 'account', id: 'acme', who: expect.stringMatching(/^＝SUM\(A1\),"x"#/) as unknown });
  const who = `"'${row.who.replaceAll('"', '""')}"`;
  expect(csv.out).toBe(`seq,at,who,what,id\r\n${row.seq},${row.at},${who},account,acme\r\n`);
});
