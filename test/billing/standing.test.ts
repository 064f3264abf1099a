import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadedSheet, parseSheet, TermsLibrary } from '../../src/terms/library.ts';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { schedulerOn, type SimulatedClock, type TestScheduler } from '../support/scheduler.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const DAY_MS = 86_400_000;
const SHEET = {
  ...{ id: 'dunning', version: 1, effective_from: '2020-01-01T00:00:00Z', title: 'Example', document: 'terms.pdf' },
  clauses: Object.fromEntries(
    ['none', 'pay', 'remind', 'stop', 'end', 'over', 'data'].map((id) => [id, { says: `What is said of ${id}.`, place: id }]),
  ),
  credit: { kind: 'none', clause: 'none' },
  refund: { destination: 'balance', destination_clause: 'none', grounds: [], bars: [] },
  fees: [{ id: 'reminded', clause: 'remind', event: 'reminder', amount: '5.00', currency: 'EUR' }],
  billing: {
    ...{ clause: 'pay', prepaid: false },
    reminders: [
      { level: 1, after: '3d', clause: 'remind' },
      { level: 2, after: '7d', clause: 'remind' },
    ],
    suspend_overdue: { after: '10d', clause: 'stop' },
    end_overdue: { after: '30d', clause: 'end' },
  },
  expiry: { clause: 'over', end: { after: '3d', clause: 'over' } },
  retention: { after: '30d', clause: 'data' },
};

interface Told {
  kind: string;
  at: string;
  vm: string | null;
  level: number | null;
  wrong: boolean;
}
interface Standing {
  state: string;
  since: string | null;
  clause: string | null;
  overdue: { item: string; amount: string; reminded: number | null }[];
  vms: { vm: string; state: string; ends_at: string | null; deletes_at: string | null }[];
  ahead: { kind: string; at: string; vm: string | null }[];
  history: Told[];
}

describe('what follows when something is due', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let scheduler: TestScheduler;
  const clock: SimulatedClock = { nowMs: Date.parse('2026-02-03T00:00:00Z') };
  const done = doneOf(() => app);
  const standing = (account: string) => done<Standing>('GET', `/v1/accounts/${account}/standing`);
  const sheet = parseSheet(JSON.stringify(SHEET), 'dunning.json');
  const library = new TermsLibrary('sheet' in sheet ? [sheet satisfies LoadedSheet] : []);

  /** An account with a VM of 310.00 a month, and January's invoice: its id, and when it is due. */
  const invoiced = async (account: string): Promise<{ id: string; dueMs: number }> => {
    await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'EUR', time_zone: 'UTC' });
    const vm = {
      account,
      terms: 'dunning',
      plans: [{ plan: 'p', from: '2026-01-01T00:00:00Z' }],
      starts_at: '2026-01-01T00:00:00Z',
    };
    await done('PUT', `/v1/vms/${account}-1`, vm);
    for (const minute of ['2026-01-01 00:00:00', '2026-01-31 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${account}-1', '${minute}', 60000, 1)`);
    const draft = await done<{ id: string }>('POST', '/v1/invoices', { account, from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', mode: 'draft' }); // prettier-ignore
    const { id, due_at: dueAt } = await done<{ id: string; due_at: string }>('POST', `/v1/invoices/${draft.id}/finalize`);
    return { id, dueMs: Date.parse(dueAt) };
  };
  const pay = (id: string, more: object = {}) => done('POST', `/v1/invoices/${id}/payments`, { amount: '310.00', ...more });
  /** Hour by hour, as a server would. */
  const until = async (ms: number): Promise<void> => {
    for (; clock.nowMs < ms; clock.nowMs = Math.min(ms, clock.nowMs + 6 * 3_600_000)) await scheduler.tick();
    await scheduler.tick();
  };
  const said = ({ history }: Standing): string[] =>
    history.toReversed().map(({ kind, at, vm, level, wrong }) => [at.slice(5, 13), kind, level, vm, wrong ? 'wrong' : null].filter((each) => each !== null).join(' ')); // prettier-ignore
  const day = (ms: number): string => new Date(ms).toISOString().slice(5, 13);

  beforeAll(async () => {
    test = await openTestStore();
    const catalog = await openCatalog(test.store, () => clock.nowMs);
    const given = { termsLibrary: library, issuer: { name: 'Example Hosting' } };
    app = await serverOn(test.store, catalog, { now: () => clock.nowMs, ...given });
    await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'UTC', price: { amount: '310.00', per: 'month' } });
    scheduler = schedulerOn(recordsOf(catalog), clock, { invoices: 'none', ...given });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('an unpaid invoice is reminded of, then suspends, once each, on their days; paid, service goes on', async () => {
    const { id, dueMs } = await invoiced('a');
    await until(dueMs + 5 * DAY_MS);
    expect(await standing('a')).toMatchObject({
      ...{ state: 'active', overdue: [{ item: id, amount: '310.00', reminded: 1 }] },
      ahead: [{ kind: 'reminder' }, { kind: 'suspended' }, { kind: 'ended' }],
    });
    await until(dueMs + 12 * DAY_MS);
    const suspended = await standing('a');
    expect(said(suspended)).toEqual([
      `${day(dueMs + 3 * DAY_MS)} reminder 1`,
      `${day(dueMs + 7 * DAY_MS)} reminder 2`,
      `${day(dueMs + 10 * DAY_MS)} suspended`,
    ]);
    expect(suspended).toMatchObject({
      state: 'suspended',
      clause: expect.stringContaining('stop: ') as unknown,
      vms: [{ state: 'suspended' }],
    });
    await pay(id);
    await until(clock.nowMs + 3_600_000);
    expect(await standing('a')).toMatchObject({ state: 'active', overdue: [], ahead: [], vms: [{ state: 'active' }], history: [{ kind: 'resumed', wrong: false }, {}, {}, {}] }); // prettier-ignore
    const events = (await done('GET', '/v1/vms/a-1/events'))['rows'] as { kind: string }[];
    expect(events.map(({ kind }) => kind)).toEqual(['reminder', 'reminder', 'suspended', 'resumed']);
  });

  it('a reminder costs what the sheet says, on the next invoice', async () => {
    const fees = (await done<{ lines: { kind: string; amount: string; quantity: string }[] }>('POST', '/v1/invoices', { account: 'a', from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', mode: 'preview' })).lines.filter(({ kind }) => kind === 'fee'); // prettier-ignore
    expect(fees.length).toBeGreaterThan(0);
  });

  it('a payment booked late, made in time, ends the suspension as wrong: a finding says so, and nothing is rewritten', async () => {
    const { id, dueMs } = await invoiced('late');
    await until(Math.max(clock.nowMs, dueMs) + 11 * DAY_MS);
    const before = await standing('late');
    expect(before.state).toBe('suspended');
    await pay(id, { at: new Date(dueMs - DAY_MS).toISOString() });
    await until(clock.nowMs + 3_600_000);
    const after = await standing('late');
    expect(after).toMatchObject({ state: 'active', history: [{ kind: 'resumed', wrong: true }, { kind: 'suspended' }, {}, {}] });
    expect(after.history.slice(1)).toEqual(before.history);
    expect((await done('GET', '/v1/findings?kind=suspended_wrongly'))['rows']).toMatchObject([
      { account: 'late', since: before.since },
    ]);
  });

  it('what stays unpaid is ended, its data may be deleted so long after; each is told once', async () => {
    const { dueMs } = await invoiced('gone');
    const from = Math.max(clock.nowMs, dueMs);
    await until(from + 31 * DAY_MS);
    const ended = await standing('gone');
    expect(ended).toMatchObject({ state: 'ended', vms: [{ state: 'ended' }] });
    const endsAt = Date.parse(ended.vms[0]?.ends_at ?? '');
    expect(Date.parse(ended.vms[0]?.deletes_at ?? '')).toBe(endsAt + 30 * DAY_MS);
    await until(endsAt + 33 * DAY_MS);
    expect(said(await standing('gone')).slice(-2)).toEqual([
      `${day(endsAt)} ended gone-1`,
      `${day(endsAt + 30 * DAY_MS)} deletion_due gone-1`,
    ]);
    expect(said(await standing('gone')).filter((each) => /suspended|ended|deletion/.test(each))).toHaveLength(3);
  });

  it('a term that is over and not renewed expires, and ends where it was over; renewed before or after that, service goes on', async () => {
    const paidUntil = clock.nowMs + DAY_MS;
    for (const account of ['x', 'y']) {
      await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'EUR', time_zone: 'UTC' });
      const plans = [{ plan: 'p', from: clock.nowMs }];
      await done('PUT', `/v1/vms/${account}-1`, { account, terms: 'dunning', plans, starts_at: clock.nowMs, paid_at: clock.nowMs, paid_until: paidUntil, paid_amount: '10.00' }); // prettier-ignore
    }
    expect((await standing('x')).ahead).toMatchObject([
      { kind: 'expired', vm: 'x-1' },
      { kind: 'ended', vm: 'x-1' },
    ]);
    await until(paidUntil + DAY_MS);
    expect(await standing('y')).toMatchObject({ state: 'active', vms: [{ state: 'suspended' }] });
    await done('PATCH', '/v1/vms/y-1', { paid_until: paidUntil + 5 * DAY_MS });
    await until(paidUntil + 4 * DAY_MS);
    expect(said(await standing('y')).map((each) => each.slice(9))).toEqual(['expired y-1', 'resumed y-1']);
    expect(await standing('x')).toMatchObject({
      state: 'ended',
      vms: [{ state: 'ended', ends_at: new Date(paidUntil).toISOString().replace('.000Z', 'Z') }],
    });
    await done('PATCH', '/v1/vms/x-1', { paid_until: clock.nowMs + 9 * DAY_MS });
    await until(clock.nowMs + DAY_MS);
    expect(await standing('x')).toMatchObject({ state: 'active', vms: [{ state: 'active', ends_at: null }] });
    expect(said(await standing('x')).map((each) => each.slice(9))).toEqual(['expired x-1', 'ended x-1', 'resumed x-1']);
  });
});
