import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Nothing metered, nothing to bill, a period that has not been, nobody who bills: each gets a word, none a number. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const HOUR_MS = 3_600_000;
type Json = Record<string, unknown>;

describe('zero is no answer:', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let now = Date.parse('2026-04-05T00:00:00Z');
  const done = doneOf(() => app);
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const account = (id: string, more: object = {}) => done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', ...more });
  const vm = (id: string, of: string, more: object = {}) =>
    done('PUT', `/v1/vms/${id}`, { account: of, plans: [{ plan: 'p', from: MARCH.from }], ...more });
  const invoice = (id: string, mode = 'preview', period: object = MARCH) =>
    done('POST', '/v1/invoices', { account: id, ...period, mode });
  const metered = async (id: string, ...minutes: string[]): Promise<void> => {
    for (const minute of minutes)
      await test.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}', '${minute.replace('T', ' ')}:00', 60000, 1)`,
      );
  };
  const run = async (period: string, accounts: readonly string[], more: object = {}): Promise<Json[]> =>
    (await done('POST', '/v1/invoice-runs', { period, accounts, finalize: true, ...more }))['outcomes'] as Json[];

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => now), {
      now: () => now,
      issuer: { name: 'Example Hosting' },
    });
    await done('PUT', '/v1/plans/p', {
      currency: 'EUR',
      time_zone: 'UTC',
      price: { amount: '31.00', per: 'month' },
      traffic: { counting: 'sum', tiers: [{ up_to: null, price: '0.10' }] },
    });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  describe('what was not measured is told', () => {
    it('of a VM that was never metered, on the document and in the run', async () => {
      await account('never');
      await vm('n1', 'never');
      const preview = await invoice('never');
      expect(preview['warnings']).toEqual([expect.stringContaining('VM n1 was never metered')]);
      expect(preview['not_measured']).toEqual([{ vm: 'n1', served_ms: 744 * HOUR_MS, not_measured_ms: 744 * HOUR_MS }]);
      expect(await run('2026-03', ['never'])).toMatchObject([{ outcome: 'finalized', warnings: preview['warnings'] }]);
    });

    it.each([
      ['from the 10th on', ['2026-03-10T00:00', '2026-03-31T23:59'], 216],
      ['until the 20th', ['2026-03-01T00:00', '2026-03-19T23:59'], 288],
      ['from an hour after its start on', ['2026-03-01T01:00', '2026-03-31T23:59'], 1],
    ])('of a VM that was metered %s', async (_, minutes, hours) => {
      const id = `part-${hours}`;
      await account(id);
      await vm(`${id}-1`, id);
      await metered(`${id}-1`, ...minutes);
      const preview = await invoice(id);
      expect(preview['warnings']).toEqual([`VM ${id}-1 was not metered for ${hours} h of the 744 h that it was served`]);
    });

    it('of a VM that was silent in between, until somebody has said what that was', async () => {
      await account('dumb');
      await vm('d1', 'dumb');
      await metered('d1', '2026-03-01T00:00', '2026-03-31T23:59');
      await test.store.command(
        "INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('d1', '2026-03-10 00:00:00', '2026-03-12 12:30:00', 8, 0, 1)",
      );
      expect((await invoice('dumb'))['warnings']).toEqual([
        'VM d1 was not metered for 60 h 30 min of the 744 h that it was served',
      ]);
      await done('POST', '/v1/incidents', {
        scope: { vms: ['d1'] },
        from: '2026-03-10T00:00:00Z',
        to: '2026-03-12T12:30:00Z',
        cause: 'maintenance',
      });
      expect((await invoice('dumb'))['warnings']).toEqual([]);
    });

    it('of what it was served alone: not before its service, and not after', async () => {
      await account('short');
      await vm('s1', 'short', { starts_at: '2026-03-10T00:00:00Z', ends_at: '2026-03-12T00:00:00Z' });
      await metered('s1', '2026-03-10T00:00', '2026-03-11T23:59');
      expect(await invoice('short')).toMatchObject({ warnings: [], usage_complete: true });
    });

    it('of many VMs in few words', async () => {
      await account('fleet');
      for (let i = 0; i < 14; i += 1) await vm(`f${i}`, 'fleet');
      const { warnings } = (await invoice('fleet')) as { warnings: string[] };
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/^14 VMs f0, f1, .* and 4 more were never metered/);
    });
  });

  describe('what is nothing has no number', () => {
    it.each(['0', '19', '0.5'])('of an account that has no VM, or whose VM has ended, at %s % tax', async (tax) => {
      const ids = [`empty-${tax}`, `gone-${tax}`];
      for (const id of ids) await account(id, { tax_percent: tax });
      await vm(`g-${tax}`, `gone-${tax}`, {
        plans: [{ plan: 'p', from: '2026-01-01T00:00:00Z' }],
        ends_at: '2026-02-01T00:00:00Z',
      });
      expect((await run('2026-03', ids)).map((each) => each['outcome'])).toEqual(['nothing', 'nothing']);
      for (const id of ids) {
        const draft = await invoice(id, 'draft');
        expect(draft).toMatchObject({ lines: [], total: '0.00' });
        const refused = { status: 409, body: { code: 'nothing_to_bill' } };
        expect(await call('POST', `/v1/invoices/${String(draft['id'])}/finalize`)).toMatchObject(refused);
      }
    });
  });

  describe('what has not been is not billed', () => {
    it.each([
      ['a period of the future', '2031-01'],
      ['a month that is not over', '2026-04'],
      ['a day that is not over', '2026-04-05'],
    ])('%s is refused by the run', async (_, period) => {
      await account('early');
      await vm('e1', 'early');
      expect(await run(period, ['early'])).toMatchObject([{ outcome: 'failed', code: 'period_not_over' }]);
    });

    it('nor finalized singly; a draft of it is one, and says so; whoever wants it all the same says that', async () => {
      const period = { from: '2026-04-01T00:00:00Z', to: '2026-05-01T00:00:00Z' };
      const draft = await invoice('early', 'draft', period);
      expect(draft).toMatchObject({ period_over: false, warnings: [expect.stringContaining('was not over'), expect.anything()] });
      const path = `/v1/invoices/${String(draft['id'])}/finalize`;
      expect(await call('POST', path)).toMatchObject({ status: 409, body: { code: 'period_not_over' } });
      // Over by now, it was rated before: what is metered since is not in it.
      now = Date.parse('2026-05-01T00:00:00Z');
      expect(await call('POST', path)).toMatchObject({ status: 409, body: { code: 'period_not_over' } });
      expect(await invoice('early', 'draft', period)).not.toHaveProperty('period_over');
      expect(await call('POST', path)).toMatchObject({ status: 200, body: { status: 'final' } });
      const june = await invoice('early', 'draft', { from: '2026-06-01T00:00:00Z', to: '2026-07-01T00:00:00Z' });
      expect((await call('POST', `/v1/invoices/${String(june['id'])}/finalize?allow_incomplete=true`)).status).toBe(200);
    });
  });

  describe('without a seller', () => {
    it('a run makes nothing final, a draft says so, and finalizing it is refused to whoever asks for a seller', async () => {
      const nobody = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
      const asked = callOf(nobody);
      const request = { period: '2026-04', accounts: ['never'], finalize: true };
      for (const more of [{}, { dry_run: true }])
        expect(await asked('POST', '/v1/invoice-runs', { ...request, ...more })).toMatchObject({
          status: 409,
          body: { code: 'issuer_missing' },
        });
      const april = { account: 'never', from: '2026-04-01T00:00:00Z', to: '2026-05-01T00:00:00Z', mode: 'draft' };
      const { body: draft } = await asked('POST', '/v1/invoices', april);
      expect(draft).toMatchObject({ issuer: null, warnings: [expect.stringContaining('names no seller'), expect.anything()] });
      const path = `/v1/invoices/${String(draft['id'])}/finalize`;
      const refused = { status: 409, body: { code: 'issuer_missing' } };
      expect(await asked('POST', `${path}?without_issuer=false`)).toMatchObject(refused);
      const answer = await asked('POST', '/v1/invoice-runs', { ...request, without_issuer: true });
      expect(answer.body['outcomes']).toMatchObject([{ outcome: 'finalized' }]);
      await nobody.close();
    });
  });
});
