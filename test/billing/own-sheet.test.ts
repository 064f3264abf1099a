import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A credit names the clause that it is given by, and a sheet charges for its own service: neither is a neighbouring plan's. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const MIDDLE = '2026-03-16T00:00:00Z';

interface Line {
  kind: string;
  amount: string;
  detail: { clauses?: string[] };
}

describe('of two plans', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const preview = async (account: string): Promise<{ lines: Line[]; warnings: string[] }> =>
    done('POST', '/v1/invoices', { account, ...MARCH, mode: 'preview' });
  const linesOf = async (account: string, kind: string): Promise<Line[]> =>
    (await preview(account)).lines.filter((line) => line.kind === kind);
  const served = async (id: string, body: object): Promise<void> => {
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
    await done('PUT', `/v1/vms/${id}-1`, { account: id, ...body });
    for (const minute of ['2026-03-01 00:00:00', '2026-03-31 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}-1', '${minute}', 60000, 1)`);
  };
  const outage = (id: string, from: string, to: string): Promise<void> =>
    test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${id}-1', '${from}', '${to}', 1, 0, 1)`,
    );

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => Date.parse('2026-05-01T00:00:00Z')), {
      issuer: { name: 'Example Hosting' },
    });
    for (const [id, terms] of [['none', null], ['isp', 'internet-service'], ['cst', 'cstserver-2022']] as const)
      await done('PUT', `/v1/plans/${id}`, { currency: 'CNY', time_zone: 'UTC', price: { amount: '310.00', per: 'month' }, terms }); // prettier-ignore
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  describe('a credit names', () => {
    // the plans before and after the 16th, the day of the outage, whose clause
    it.each([
      ['none', 'cst', '05', false],
      ['none', 'isp', '05', false],
      ['none', 'isp', '20', true],
      ['isp', 'none', '05', true],
      ['isp', 'none', '20', false],
      ['isp', 'cst', '05', true],
    ])('of %s then %s, on the %sth, a clause: %s', async (before, after, day, isNamed) => {
      const id = `c-${before}-${after}-${day}`;
      await served(id, { plans: [{ plan: before, from: MARCH.from }, { plan: after, from: MIDDLE }] }); // prettier-ignore
      await outage(id, `2026-03-${day} 10:00:00`, `2026-03-${day} 11:00:00`);
      const [credit] = await linesOf(id, 'credit');
      expect(credit?.amount).toMatch(/^-0\.4/);
      if (isNamed) expect(credit?.detail.clauses).toHaveLength(1);
      else expect(credit?.detail).not.toHaveProperty('clauses');
    });
  });

  describe('a fee is charged for', () => {
    const replaced = (id: string, at: string) => done('POST', `/v1/vms/${id}-1/events`, { kind: 'ip_replaced', at });

    it.each([
      ['before any plan', { plans: [{ plan: 'cst', from: '2026-03-10T00:00:00Z' }] }, '2026-03-05T00:00:00Z'],
      [
        'before the service, under a plan',
        { plans: [{ plan: 'cst', from: MARCH.from }], starts_at: '2026-03-10T00:00:00Z' },
        '2026-03-05T00:00:00Z',
      ],
      [
        'before the service, under terms of its own',
        { plans: [{ plan: 'none', from: '2026-03-10T00:00:00Z' }], terms: 'cstserver-2022' },
        '2026-03-09T23:59:59Z',
      ],
      ['at its end', { plans: [{ plan: 'cst', from: MARCH.from }], ends_at: '2026-03-20T00:00:00Z' }, '2026-03-20T00:00:00Z'],
    ])('nothing that happens %s: it is told', async (name, body, at) => {
      const id = `f-${name.replaceAll(/[^a-z]/g, '')}`;
      await served(id, body);
      await replaced(id, at);
      expect(await linesOf(id, 'fee')).toEqual([]);
      expect((await preview(id)).warnings).toContainEqual(expect.stringMatching(/ip_replaced, .* is not within its service/));
    });

    it('what happens in it, from its first instant on', async () => {
      await served('f-in', { plans: [{ plan: 'cst', from: '2026-03-10T00:00:00Z' }] });
      await replaced('f-in', '2026-03-10T00:00:00Z');
      expect((await linesOf('f-in', 'fee')).map((line) => line.amount)).toEqual(['15.00']);
    });
  });
});
