import { afterAll, expect, it } from 'vitest';
import { runCli } from '../support/fake-cli.ts';
import { ADMIN_KEY, newFolder, postLines, sendJson, type ServedFolder, untilStored } from '../support/server.ts';

/** The commands about money against the product as it runs. */
let folder: ServedFolder | undefined;
afterAll(() => folder?.remove());

it.each([
  ['reconcile', '--help'],
  ['balance', '--help'],
  ['charge-days', '--help'],
])('%s %s shows examples', async (...args) => {
  expect(await runCli(args)).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') as unknown });
});

it('a day is charged once through kill -9; an incident later is reconciled and comes back to the balance', async () => {
  const data = (folder = await newFolder('money'));
  const start = () => data.start({ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' });
  let server = await start();
  const cli = (...args: string[]) => runCli(args, { env: { UPTALLY_SERVER: server.url, UPTALLY_KEY: ADMIN_KEY } });
  const send = (method: 'PUT' | 'POST', path: string, body?: object) => sendJson(server, method, path, body);
  const day = Date.parse('2026-03-05T00:00:00+08:00');
  const service = { plans: [{ plan: 'p', from: day }], starts_at: day, ends_at: day + 86_400_000 };
  await send('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '14.40', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
  await send('PUT', '/v1/accounts/a', { name: 'A', currency: 'CNY' });
  await send('PUT', '/v1/vms/e1', { account: 'a', ...service });
  const lines = Array.from({ length: 1446 }, (_, minute) => `{"vm":"e1","ts":${day + minute * 60_000}}`);
  expect((await postLines(server, ADMIN_KEY, lines)).status).toBe(202);
  await untilStored(server);

  expect(await cli('balance', 'a', '--top-up', '200.00', '--reference', 'wire-1')).toMatchObject({
    err: '',
    out: expect.stringContaining('a: 200.00 CNY, ok') as unknown,
  });
  expect((await cli('balance', 'a', '--top-up', '200.00', '--reference', 'wire-1')).out).toContain('a: 200.00 CNY, ok');
  expect((await cli('charge-days', '--account', 'a')).out).toContain('charge 2026-03-05 -14.40: usage of 2026-03-05');
  await server.end('SIGKILL');
  server = await start();
  expect((await cli('charge-days')).out).not.toContain('2026-03-05');
  const draft = await send('POST', '/v1/invoices', { account: 'a', from: day, to: day + 86_400_000, mode: 'draft' });
  expect(await send('POST', `/v1/invoices/${String(draft['id'])}/finalize`, {})).toMatchObject({
    status: 'paid',
    total: '14.40',
  });
  expect((await cli('reconcile')).out).toBe('1 final invoice rated again, 0 differ\n');
  const incident = { scope: { vms: ['e1'] }, from: day, to: day + 3_600_000, cause: 'provider', asserts_down: true };
  await send('POST', '/v1/incidents', incident);
  expect((await cli('reconcile', '--dry-run')).out).toContain('credit  service e1: 14.40 -> 13.80');
  expect((await cli('reconcile')).out).toMatch(/credit note [0-9a-f]+/);
  // the credit note is in the account's book by itself: a run has nothing to add
  expect((await cli('charge-days')).out).toBe('');
  expect((await cli('balance', 'a')).out).toContain('a: 186.20 CNY, ok');
  const refused = await cli('balance', 'a', '--withdraw', '1.00');
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('IV.8') as unknown });
  expect((await cli('balance', 'a', '--transfer', '1.00')).code).toBe(2);
}, 120_000);
