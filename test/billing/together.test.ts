import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { rateDocument } from '../../src/billing/document.ts';
import { inBatches, readTogether } from '../../src/billing/together.ts';
import type { Store } from '../../src/store/store.ts';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { billingOn } from '../support/scheduler.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Accounts that are gone through are read together, and each is rated as if it had been read alone. */
const MARCH = [Date.parse('2026-03-01T00:00:00Z'), Date.parse('2026-04-01T00:00:00Z')] as const;

describe('accounts read together', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const accounts = Array.from({ length: 6 }, (_, n) => `a${n}`);
  let statements = 0;
  const nowMs = Date.parse('2026-05-01T00:00:00Z');
  let context: ReturnType<typeof billingOn>;
  const served = (account: string, more: object = {}) =>
    done('PUT', `/v1/vms/${account}-1`, { account, plans: [{ plan: 'p', from: '2026-02-01T00:00:00Z' }], starts_at: '2026-02-01T00:00:00Z', ...more }); // prettier-ignore

  beforeAll(async () => {
    test = await openTestStore();
    const store: Store = new Proxy(test.store, {
      get(of, name) {
        const found: unknown = Reflect.get(of, name);
        if (name === 'rows') statements += 1;
        return typeof found === 'function' ? (found.bind(of) as unknown) : found;
      },
    });
    const catalog = await openCatalog(store, () => nowMs);
    app = await serverOn(store, catalog, { now: () => nowMs });
    context = billingOn(recordsOf(catalog), { nowMs });
    const traffic = { counting: 'sum', tiers: [{ up_to: null, price: '0.10' }] };
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, traffic });
    for (const [n, account] of accounts.entries()) {
      await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'CNY' });
      await served(account);
      for (const minute of ['2026-03-01 00:00:00', '2026-04-30 00:00:00'])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${account}-1', '${minute}', 60000, 1)`); // prettier-ignore
      await test.store.command(`INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${account}-1', 'eth0', '2026-03-0${n + 1} 00:00:00', ${n + 1}000000000, 0, 1)`); // prettier-ignore
    }
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('come to the same documents, by the statements of one', async () => {
    const rated = async (of: typeof context): Promise<{ texts: string[]; asked: number }> => {
      const before = statements;
      const texts: string[] = [];
      for (const account of accounts) texts.push((await rateDocument(of, account, ...MARCH)).rest);
      return { texts, asked: statements - before };
    };
    const [alone, together] = [await rated(context), await rated(readTogether(context, accounts))];
    expect(together.texts).toEqual(alone.texts);
    expect(together.texts[3]).toContain('"total":"31.40"');
    expect(together.asked * accounts.length).toBe(alone.asked);
  });

  it('an account whose VMs were changed meanwhile is read as it is now, and one that is none of them by itself', async () => {
    const together = readTogether(context, accounts.slice(0, 3));
    await rateDocument(together, 'a0', ...MARCH);
    await served('a1', { ends_at: '2026-03-11T00:00:00Z' });
    expect((await rateDocument(together, 'a1', ...MARCH)).rest).toBe((await rateDocument(context, 'a1', ...MARCH)).rest);
    expect((await rateDocument(together, 'a5', ...MARCH)).rest).toBe((await rateDocument(context, 'a5', ...MARCH)).rest);
  });

  it('are as many as a statement and the memory bear, each once and in order', () => {
    const many = Array.from({ length: 120 }, (_, n) => `none-${n}`);
    const batches = [...inBatches(context.catalog, many)];
    expect(batches.map((batch) => batch.length)).toEqual([50, 50, 20]);
    expect(batches.flat()).toEqual(many);
  });
});
