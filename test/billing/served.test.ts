import { afterAll, expect, it } from 'vitest';
import { agentKey, newFolder, postLines, sendJson, type ServedFolder, untilStored } from '../support/server.ts';

/** From samples to a paid bill on the product as it runs, through a kill. */
let folder: ServedFolder | undefined;
afterAll(() => folder?.remove());

it('samples with an outage of 30 seconds become a final invoice, which is the same after kill -9', async () => {
  const data = (folder = await newFolder('billing'));
  const start = () => data.start({ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' });
  let server = await start();
  const send = (method: 'PUT' | 'POST', path: string, body?: object) => sendJson(server, method, path, body);
  await send('PUT', '/v1/plans/p', {
    currency: 'CNY',
    time_zone: 'Asia/Taipei',
    price: { amount: '14.40', per: 'day' },
    terms: 'internet-service',
    traffic: { counting: 'sum', tiers: [{ up_to: null, price: '1.00' }] },
  });
  await send('PUT', '/v1/accounts/a', { name: 'A', currency: 'CNY' });
  await send('PUT', '/v1/vms/e1', { account: 'a', plans: [{ plan: 'p', from: 0 }] });

  const day = Date.parse('2026-03-05T00:00:00+08:00');
  const lines: string[] = [];
  // 1,000,000 bytes a minute; the last samples close the last minute of the day.
  for (let minute = 0; minute <= 1445; minute += 1)
    lines.push(`{"vm":"e1","ts":${day + minute * 60_000},"rx_bytes":${minute * 600_000},"tx_bytes":${minute * 400_000}}`);
  const ten = Date.parse('2026-03-05T10:00:00+08:00');
  lines.push(`{"vm":"e1","ts":${ten + 10_000},"state":"down"}`, `{"vm":"e1","ts":${ten + 40_000},"state":"up"}`);
  const { key } = await agentKey(server, 'host');
  expect((await postLines(server, key, lines)).status).toBe(202);
  await untilStored(server);

  const draft = await send('POST', '/v1/invoices', {
    account: 'a',
    from: '2026-03-05T00:00:00+08:00',
    to: '2026-03-06T00:00:00+08:00',
    mode: 'draft',
  });
  const path = `/v1/invoices/${String(draft['id'])}`;
  const final = await send('POST', `${path}/finalize`, {});
  const amounts = (final['lines'] as { kind: string; quantity: string; amount: string }[]).map((line) => [
    line.kind,
    line.quantity,
    line.amount,
  ]);
  expect(amounts).toEqual([
    ['service', '1', '14.40'],
    ['traffic', '1.44', '1.44'],
    ['credit', '1', '-0.01'],
  ]);
  expect(final).toMatchObject({ number: 1, status: 'final', total: '15.83', usage_complete: true });

  await server.end('SIGKILL');
  server = await start();
  expect(await server.ask(path)).toEqual(final);
  expect(await send('POST', '/v1/reconcile', {})).toEqual({ checked: 1, dry_run: false, invoices: [], left: 0, next: null });
  expect(await send('POST', `${path}/payments`, { amount: '15.83' })).toMatchObject({ status: 'paid', outstanding: '0.00' });
});
