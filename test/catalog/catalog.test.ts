import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { accountBody, vmBody } from '../../src/catalog/bodies.ts';
import { planBody } from '../../src/domain/plan.ts';
import { StoreError, type Store } from '../../src/store/store.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf, recordsOf } from '../support/records.ts';

const plan = (currency = 'CNY') =>
  planBody.parse({ currency, time_zone: 'Asia/Taipei', price: { amount: '300.00', per: 'month' } });
const account = (currency = 'CNY', name = 'Ünïcode "quoted" \\ Ltd') => accountBody.parse({ name, currency });

describe('the catalog', () => {
  let test: TestStore;
  let store: Store;
  let catalog: Catalog;
  let failing = false;
  let filler = 0;
  /** The numbers of the last entry that those who watch the journal were told of. */
  const seen: bigint[] = [];
  const openAgain = () =>
    openCatalogOf({ store, now: () => 1_772_323_200_000, randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });

  beforeAll(async () => {
    test = await openTestStore();
    store = {
      ...test.store,
      // A lost answer: the insert happens, and the caller is told that it may not have.
      async insertRowBinary(...args) {
        await test.store.insertRowBinary(...args);
        if (failing) throw new StoreError('ECONNRESET', 'lost', true);
      },
    };
    catalog = await openAgain();
    const { journal } = recordsOf(catalog);
    journal.watch(() => seen.push(journal.lastSeq));
  });
  afterAll(() => test.remove());

  it('makes one admin key at first start, and none afterwards', async () => {
    const key = await catalog.keys.bootstrapAdmin(undefined);
    expect(key).toMatch(/^upt_[A-Za-z0-9_-]{43}$/);
    expect(catalog.keys.findKey(key ?? '')).toMatchObject({ role: 'admin', vms: null });
    expect(await catalog.keys.bootstrapAdmin(undefined)).toBeUndefined();
    const stored = Buffer.from(await store.ndjson('SELECT * FROM catalog')).toString();
    expect(stored).not.toContain(key);
    expect(await catalog.keys.bootstrapAdmin('a-key-of-my-own-choice')).toBeUndefined();
    expect(catalog.keys.findKey('a-key-of-my-own-choice')?.role).toBe('admin');
    expect(catalog.keys.findKey(key ?? '')).toBeUndefined();
  });

  it('records a version for every change and none for the same content', async () => {
    const first = await catalog.putAccount('a1', account(), 'admin');
    expect(await catalog.putAccount('a1', account(), 'other')).toEqual(first);
    const second = await catalog.putAccount('a1', account('CNY', 'New name'), 'other');
    expect(second).toMatchObject({ id: 'a1', seq: first.seq + 1n, recordedBy: 'other', recordedAtMs: 1_772_323_200_000 });
    expect(await store.rows("SELECT count() AS n FROM catalog WHERE kind = 'account'")).toEqual([{ n: '2' }]);
    expect(seen.at(-1)).toBe(second.seq);
  });

  it('refuses a VM whose account or plans are not there, naming the fields', async () => {
    await catalog.putPlan('usd', plan('USD'), 'admin');
    const body = vmBody.parse({
      account: 'a1',
      plans: [
        { plan: 'nope', from: 0 },
        { plan: 'usd', from: 5 },
      ],
      paid_amount: '1.001',
    });
    await expect(catalog.putVm('v1', body, 'admin')).rejects.toMatchObject({
      code: 'invalid_reference',
      extra: { errors: [{ field: 'plans.0.plan' }, { field: 'plans.1.plan' }, { field: 'paid_amount' }] },
    });
    await expect(catalog.putVm('v1', { ...body, account: 'nobody', plans: [] }, 'admin')).rejects.toMatchObject({
      extra: { errors: [{ field: 'account' }] },
    });
    expect(catalog.vm('v1')).toBeUndefined();
  });

  it('sorts plans, reads instants, and knows who is on what', async () => {
    await catalog.putPlan('p1', plan(), 'admin');
    await catalog.putPlan('p2', plan(), 'admin');
    const body = vmBody.parse({
      account: 'a1',
      plans: [
        { plan: 'p2', from: '2026-03-02T00:00:00+08:00' },
        { plan: 'p1', from: '2026-03-01T00:00:00+08:00' },
      ],
      ends_at: '2026-04-01T00:00:00Z',
    });
    await catalog.putVm('v1', body, 'admin');
    expect(catalog.datedPlans('v1').map((each) => [each.fromMs, each.plan.id])).toEqual([
      [1_772_294_400_000, 'p1'],
      [1_772_380_800_000, 'p2'],
    ]);
    expect([catalog.vmsOf('a1'), catalog.vmsOn('p2'), catalog.vmsOn('usd'), catalog.endsAtMs('v1')]).toEqual([
      ['v1'],
      ['v1'],
      [],
      1_775_001_600_000,
    ]);
  });

  it('keeps currencies together', async () => {
    await expect(catalog.putPlan('p1', plan('USD'), 'admin')).rejects.toMatchObject({ code: 'catalog_conflict' });
    await expect(catalog.putAccount('a1', account('USD'), 'admin')).rejects.toMatchObject({ code: 'catalog_conflict' });
  });

  it('moves a VM between accounts', async () => {
    await catalog.putAccount('a2', account(), 'admin');
    const body = catalog.vm('v1')?.body;
    if (body === undefined) throw new Error('v1 is gone');
    await catalog.putVm('v1', { ...body, account: 'a2' }, 'admin');
    expect([catalog.vmsOf('a1'), catalog.vmsOf('a2')]).toEqual([[], ['v1']]);
  });

  it('makes and revokes keys, but never the last of an admin', async () => {
    const { key, entry } = await catalog.keys.create({ role: 'agent', name: 'h1', vms: ['web-*'] }, 'admin');
    expect(catalog.keys.findKey(key)).toEqual({ id: entry.id, name: 'h1', role: 'agent', vms: ['web-*'] });
    await catalog.keys.revoke(entry.id, 'admin');
    expect(catalog.keys.findKey(key)).toBeUndefined();
    await expect(catalog.keys.revoke(entry.id, 'admin')).rejects.toMatchObject({ code: 'key_unknown' });
    await expect(catalog.keys.revoke('bootstrap', 'admin')).rejects.toMatchObject({ code: 'last_admin_key' });
  });

  it('looks again after an answer was lost, and gives no number twice', async () => {
    failing = true;
    await expect(catalog.putAccount('lost', account(), 'admin')).rejects.toBeInstanceOf(StoreError);
    failing = false;
    await catalog.putAccount('next', account(), 'admin');
    expect(catalog.account('lost')).toBeDefined();
    expect(await store.rows('SELECT uniqExact(seq) = count() AS distinct FROM catalog')).toEqual([{ distinct: 1 }]);
  });

  it('is the same when it is opened again', async () => {
    const again = await openAgain();
    expect(again.lastSeq).toBe(catalog.lastSeq);
    expect(again.vm('v1')).toEqual(catalog.vm('v1'));
    expect(again.account('a1')).toEqual(catalog.account('a1'));
    expect(again.keys.all()).toEqual(catalog.keys.all());
    expect(again.keys.findKey('a-key-of-my-own-choice')?.id).toBe('bootstrap');
  });

  it.each([
    ['ends_at', { starts_at: 5, ends_at: 5 }],
    ['paid_until', { paid_at: 5, paid_until: 4 }],
    [
      'plans',
      {
        plans: [
          { plan: 'p1', from: 1 },
          { plan: 'p2', from: '1970-01-01T00:00:00.001Z' },
        ],
      },
    ],
    ['starts_at', { starts_at: 'yesterday' }],
    ['nics', { nics: ['eth0', 'eth0'] }],
    ['paid_amount', { paid_amount: 300 }],
    ['', { plan: 'p1' }],
  ])('a VM body names %s when it is wrong', (field, change) => {
    const parsed = vmBody.safeParse({ account: 'a1', ...change });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(field);
  });
});
