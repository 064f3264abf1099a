import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { Follower } from '../../src/journal/follow.ts';
import { NOTICES, type NoticeType } from '../../src/notices/record/types.ts';
import type { NoticeDraft } from '../../src/notices/record/notice.ts';
import { noticesOfEntry, TOLD_KINDS } from '../../src/notices/told/from-journal.ts';
import { moneyWatch } from '../../src/notices/watch/money.ts';
import type { Watch } from '../../src/notices/watch/watch.ts';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { billingOn, schedulerOn, type SimulatedClock } from '../support/scheduler.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** What is told of a small provider's days, found as the server finds it: by following the journal, and by looking now and again. */
describe('what is told', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  let follower: Follower;
  const clock: SimulatedClock = { nowMs: Date.parse('2026-03-10T12:00:00Z') };
  const found: NoticeDraft[] = [];
  const done = doneOf(() => app);
  const told = (type: NoticeType): NoticeDraft[] => found.filter((each) => each.type === type);
  const dataOf = (type: NoticeType): Record<string, unknown>[] =>
    told(type).map(({ data }) => JSON.parse(data) as Record<string, unknown>);
  const caughtUp = async (): Promise<void> => {
    const { journal } = recordsOf(catalog);
    for (const endMs = performance.now() + 30_000; follower.position < journal.lastSeq && performance.now() < endMs;)
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const look = async (watch: Watch): Promise<NoticeDraft[]> => {
    const drafts: NoticeDraft[] = [];
    const context = billingOn(recordsOf(catalog), clock);
    const { nowMs } = clock;
    for await (const page of watch.look({ context, nowMs, sinceMs: Date.parse('2026-03-01T00:00:00Z'), outageMs: 300_000 }))
      drafts.push(...page);
    return drafts;
  };

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await openCatalog(test.store, () => clock.nowMs);
    app = await serverOn(test.store, catalog, { now: () => clock.nowMs });
    follower = await Follower.start(recordsOf(catalog).journal, {
      name: 'test-notices',
      from: recordsOf(catalog).journal.lastSeq,
      kinds: TOLD_KINDS,
      deliver: async (entries) => {
        for (const entry of entries) found.push(...(await noticesOfEntry(billingOn(recordsOf(catalog), clock), entry)));
      },
      onError: (error) => {
        throw error;
      },
    });
    await done('PUT', '/v1/plans/p', {
      currency: 'EUR',
      time_zone: 'UTC',
      price: { amount: '31.00', per: 'month' },
      terms: 'internet-service',
    });
    await done('PUT', '/v1/accounts/acme', { name: 'Acme', currency: 'EUR' });
    await done('PUT', '/v1/accounts/other', { name: 'Other', currency: 'EUR' });
    for (const [vm, account] of [['w-1', 'acme'], ['w-2', 'acme'], ['o-1', 'other']] as const)
      await done('PUT', `/v1/vms/${vm}`, { account, plans: [{ plan: 'p', from: '2026-02-01T00:00:00Z' }], starts_at: '2026-02-01T00:00:00Z' }); // prettier-ignore
  });
  afterAll(async () => {
    await follower.close();
    await app.close();
    await test.remove();
  });

  it('an incident, to each account that has a VM in it, and that it was withdrawn; maintenance ahead is announced', async () => {
    const times = { from: '2026-03-01T00:00:00Z', to: '2026-03-01T01:00:00Z' };
    const { id } = await done<{ id: string }>('POST', '/v1/incidents', {
      scope: { all: true },
      ...times,
      cause: 'provider',
      note: 'switch',
    });
    await done('DELETE', `/v1/incidents/${id}`);
    await done('POST', '/v1/incidents', { scope: { vms: ['w-1'] }, from: '2026-03-20T00:00:00Z', to: '2026-03-20T01:00:00Z', cause: 'maintenance', announced_at: '2026-03-10T00:00:00Z' }); // prettier-ignore
    await caughtUp();
    expect(
      told('incident.recorded')
        .map(({ account }) => account)
        .sort(),
    ).toEqual(['acme', 'other']);
    expect(
      dataOf('incident.recorded')
        .map(({ vms }) => vms)
        .sort(),
    ).toEqual([1, 2]);
    expect(told('incident.withdrawn')).toHaveLength(2);
    expect(dataOf('maintenance.announced')).toMatchObject([{ vms: 1, from: '2026-03-20T00:00:00Z' }]);
  });

  it('other prices of a plan, and a VM that goes to another one', async () => {
    await done('PUT', '/v1/plans/q', {
      currency: 'EUR',
      time_zone: 'UTC',
      price: { amount: '62.00', per: 'month' },
      terms: 'internet-service',
    });
    await done('PATCH', '/v1/plans/p', { price: { amount: '33.00', per: 'month' } });
    await done('PATCH', '/v1/vms/w-2', { plans: [{ plan: 'p', from: '2026-02-01T00:00:00Z' }, { plan: 'q', from: '2026-05-01T00:00:00Z' }] }); // prettier-ignore
    await caughtUp();
    expect(
      told('price.announced')
        .map(({ account }) => account)
        .sort(),
    ).toEqual(['acme', 'acme', 'other']);
    expect(dataOf('price.announced')).toContainEqual({ plan: 'q', vms: 1, from: '2026-05-01T00:00:00Z' });
  });

  it('an invoice: final, due, overdue, each once, with exact amounts', async () => {
    clock.nowMs = Date.parse('2026-03-12T12:00:00Z');
    const draft = { account: 'acme', from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', mode: 'draft' };
    const { id } = await done<{ id: string }>('POST', '/v1/invoices', draft);
    const { total, due_at: dueAt } = await done<{ total: string; due_at: string }>('POST', `/v1/invoices/${id}/finalize`);
    await caughtUp();
    expect(dataOf('invoice.final')).toMatchObject([{ invoice: id, number: '1', total, currency: 'EUR', due_at: dueAt }]);
    const ofMoney = async (at: string | number): Promise<string[]> => {
      clock.nowMs = typeof at === 'number' ? at : Date.parse(at);
      return (await look(moneyWatch)).map(({ type }) => type);
    };
    const due = Date.parse(dueAt);
    expect(await ofMoney('2026-03-12T12:00:00Z')).toEqual([]);
    expect(await ofMoney(due - 86_400_000)).toEqual(['invoice.due']);
    expect(await ofMoney(due + 1)).toEqual(['invoice.overdue']);
    const [first] = await look(moneyWatch);
    clock.nowMs += 86_400_000;
    const [later] = await look(moneyWatch);
    expect(later?.id).toBe(first?.id);
    expect(JSON.parse(first?.data ?? '{}')).toMatchObject({ invoice: id, unpaid: total });
  });

  it('what the scheduler carries out as the terms have it', async () => {
    const { tick } = schedulerOn(recordsOf(catalog), clock);
    for (let days = 0; days < 40; days += 10) {
      clock.nowMs += 10 * 86_400_000;
      await tick();
    }
    await caughtUp();
    expect(found.some(({ type }) => type === 'account.reminder' || type === 'account.suspended' || type === 'vm.ended')).toBe(
      true,
    );
  });

  it('of an account its balance, when it is low', async () => {
    await done('PUT', '/v1/accounts/ahead', { name: 'Ahead', currency: 'EUR', low_balance: '50.00' });
    const post = (body: object) => done('POST', '/v1/accounts/ahead/balance', body);
    await post({ kind: 'top_up', amount: '60.00', reference: 'wire-1', at: '2026-04-01T00:00:00Z' });
    expect((await look(moneyWatch)).filter(({ account }) => account === 'ahead')).toEqual([]);
    await post({ kind: 'adjustment', amount: '-20.00', note: 'a cable', at: '2026-04-02T00:00:00Z' });
    const [low] = (await look(moneyWatch)).filter(({ account }) => account === 'ahead');
    expect(low?.type).toBe('balance.low');
    const data = { currency: 'EUR', balance: '40.00', threshold: '50.00', since: '2026-04-02T00:00:00Z' };
    expect(JSON.parse(low?.data ?? '{}')).toEqual(data);
  });

  it('all of it has the shape that the document says, and an id of its own', () => {
    for (const { type, data } of found)
      expect(NOTICES[type].data.safeParse(JSON.parse(data)).error?.issues ?? [], type).toEqual([]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  });
});
