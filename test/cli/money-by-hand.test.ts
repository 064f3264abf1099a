import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Uptally } from '../../src/client/uptally.ts';
import { ADMIN, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** What people decide on about money, by command and by client, against the API itself. */
let test: TestStore;
let app: FastifyInstance;
let server: string;
let uptally: Uptally;
const now = Date.parse('2026-04-15T00:00:00Z');
const AT = '2026-04-10T00:00:00Z';
const done = doneOf(() => app);
const run = (...args: string[]) => runCli(['money', ...args], { env: { UPTALLY_SERVER: server, UPTALLY_KEY: ADMIN } });

beforeAll(async () => {
  test = await openTestStore();
  app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
  await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } });
  await done('PUT', '/v1/accounts/a', { name: 'a', currency: 'EUR' });
  await done('PUT', '/v1/vms/v', {
    ...{ account: 'a', terms: 'ipcats', plans: [{ plan: 'p', from: '2026-04-01T00:00:00Z' }], starts_at: '2026-04-01T00:00:00Z' },
  });
  for (const minute of ['2026-04-01 00:00:00', '2026-04-14 23:59:00'])
    await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('v', '${minute}', 60000, 1)`);
  await app.listen({ host: '127.0.0.1', port: 0 });
  server = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  uptally = new Uptally({ server, key: ADMIN });
});
afterAll(async () => {
  await uptally.close();
  await app.close();
  await test.remove();
});

describe('uptally money', () => {
  it('charges by hand, lists and withdraws', async () => {
    const said = ['--reference', 'q-7', '--kind', 'quoted', '--amount', '12.00', '--description', 'Moving', '--reason', 'quote 7', '--at', AT]; // prettier-ignore
    const made = await run('charge', 'a', ...said, '--tax-percent', '19');
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/quoted +12\.00 EUR +pending +Moving/) as unknown]);
    const [charge] = await uptally.money.charges('a');
    expect(charge).toMatchObject({ reference: 'q-7', tax_percent: '19', status: 'pending' });
    expect((await run('charge', 'a', ...said)).code).toBe(1);
    expect((await run('withdraw', 'a', charge?.id ?? '')).code).toBe(0);
    expect((await run('charges', 'a')).out).toContain('withdrawn');
    const other = { reference: 'q-8', description: 'Damage', amount: '3.00', reason: 'a broken disk', at: AT } as const;
    const twice = [await uptally.money.charge('a', other), await uptally.money.charge('a', other)];
    expect(twice[0]?.id).toBe(twice[1]?.id);
    await uptally.money.withdrawCharge('a', twice[0]?.id ?? '');
  });

  it('grants what a check found due, gives back of an invoice, and pays out', async () => {
    const covers = { vm: 'v', from: '2026-04-01T00:00:00Z', until: '2026-05-01T00:00:00Z' };
    await done('POST', '/v1/accounts/a/payments', { reference: 'term', amount: '31.00', at: '2026-04-01T00:00:00Z', covers });
    await done('POST', '/v1/vms/v/events', { at: '2026-04-10T00:00:00Z', kind: 'withdrawn' });
    const check = await done('POST', '/v1/refund-checks', { vm: 'v', at: '2026-04-11T00:00:00Z' });
    expect(check).toMatchObject({ decision: 'eligible', amount: '20.67' });
    const granted = await run('grant', String(check['id']));
    expect([granted.code, granted.out]).toEqual([0, expect.stringContaining('20.67 EUR for v granted: it stays') as unknown]);
    expect(await uptally.money.grant(String(check['id']))).toMatchObject({ refund: { amount: '20.67' }, balance: '31.00' });
    const draft = await done('POST', '/v1/invoices', {
      ...{ account: 'a', from: '2026-04-01T00:00:00Z', to: '2026-04-11T00:00:00Z', mode: 'draft' },
    });
    await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
    const credited = await run(
      'credit',
      String(draft['id']),
      '--line',
      '0=1.00',
      '--reason',
      'slow support',
      '--reference',
      't-9',
    );
    expect([credited.code, credited.out]).toEqual([0, expect.stringContaining('-1.00 EUR') as unknown]);
    const note = { reason: 'slow support', reference: 't-9', lines: [{ line: '0', amount: '1.00' }] };
    expect(await uptally.money.creditNote(String(draft['id']), note)).toMatchObject({ total: '-1.00' });
    const payout = ['payout', 'a', '--reference', 'wire-31', '--at', '2026-04-15T00:00:00Z', '--amount'];
    expect((await run(...payout, '100.00')).code).toBe(1);
    expect(await run(...payout, '0.50')).toMatchObject({ code: 0 });
    expect(await uptally.money.payOut('a', { reference: 'wire-31', amount: '0.50', at: now })).toMatchObject({
      ...{ entry: { kind: 'payout', amount: '-0.50' } },
    });
  });

  it.each([[['charge', 'a']], [['credit', 'x', '--line', '0', '--reason', 'r', '--reference', 'y']], [['grant']]])(
    '%j is wrong usage',
    async (args) => {
      expect((await run(...args)).code).toBe(2);
    },
  );
});
