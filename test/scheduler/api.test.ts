import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { schedulerOn, type SimulatedClock } from '../support/scheduler.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

interface Row {
  job: string;
  slot: string;
  zone: string;
  outcome: string;
  trigger: string;
}

describe('the scheduler over HTTP', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  const clock: SimulatedClock = { nowMs: Date.parse('2026-03-10T12:00:00Z') };
  const done = doneOf(() => app);
  const told = ({ job, slot, zone, outcome }: Row): string => [job, slot, zone, outcome].join(' ');
  const runs = async (query = ''): Promise<string[]> =>
    ((await done('GET', `/v1/scheduler/runs${query}`))['rows'] as Row[]).map(told);

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await openCatalog(test.store, () => clock.nowMs);
    app = await serverOn(test.store, catalog, { now: () => clock.nowMs });
    for (const [id, zone] of [['b', 'Europe/Berlin'], ['t', 'Asia/Taipei']] as const) {
      await done('PUT', `/v1/plans/${id}`, { currency: 'EUR', time_zone: zone, price: { amount: '31.00', per: 'month' } });
      await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR' });
      await done('PUT', `/v1/vms/${id}-1`, { account: id, plans: [{ plan: id, from: '2026-02-01T00:00:00Z' }], starts_at: '2026-02-01T00:00:00Z' });
    } // prettier-ignore
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('says of each job when it is due next, in each zone, and that nobody does it', async () => {
    const answer = await done('GET', '/v1/scheduler/jobs');
    expect(answer).toMatchObject({ on: false, holder: null, now: '2026-03-10T12:00:00Z', invoices: 'drafts' });
    expect((answer['jobs'] as { name: string; next: object[] }[]).find(({ name }) => name === 'charge-days')).toMatchObject({
      late_ms: 0,
      done_at: null,
      next: [
        { zone: 'Asia/Taipei', slot: '2026-03-10', due_at: '2026-03-10T16:10:00Z' },
        { zone: 'Europe/Berlin', slot: '2026-03-10', due_at: '2026-03-10T23:10:00Z' },
      ],
    });
  });

  it('shows the runs of the schedule as they stand, the latest first, by page and by filter', async () => {
    const { tick } = schedulerOn(recordsOf(catalog), clock);
    await tick();
    clock.nowMs = Date.parse('2026-03-10T17:00:00Z');
    await tick();
    expect((await runs()).slice(0, 2)).toEqual([
      'standing 2026-03-10T16:00:00Z UTC done',
      'charge-days 2026-03-10 Asia/Taipei done',
    ]);
    expect(await runs('?outcome=done&job=charge-days')).toEqual(['charge-days 2026-03-10 Asia/Taipei done']);
    expect((await runs('?job=charge-days&zone=Europe/Berlin')).at(-1)).toBe('charge-days 2026-03-09 Europe/Berlin skipped');
    const all = await runs();
    const paged: string[] = [];
    for (let query = '?limit=2'; ;) {
      const { rows, next } = await done<{ rows: Row[]; next: string | null }>('GET', `/v1/scheduler/runs${query}`);
      paged.push(...rows.map(told));
      if (next === null) break;
      query = `?cursor=${next}&limit=2`;
    }
    expect(paged).toEqual(all);
    expect((await done('GET', '/v1/scheduler/jobs'))['holder']).toBe('a');
  });

  it('runs a job by hand: first what it would do, then once; what was done is found done', async () => {
    const run = async (body: object) =>
      (await done<{ runs: { id: string | null; counts: object; outcome: string; zone: string }[] }>('POST', '/v1/scheduler/jobs/invoice-run/run', body)).runs; // prettier-ignore
    const before = (await runs()).length;
    const dry = await run({ slot: '2026-02', dry_run: true });
    expect(dry.map(({ id, zone, counts }) => [id, zone, counts])).toEqual([
      [null, 'Asia/Taipei', { drafts: 1 }],
      [null, 'Europe/Berlin', { drafts: 1 }],
    ]);
    expect(await runs()).toHaveLength(before);
    expect((await run({ slot: '2026-02', account: 'b' })).map(({ zone, counts }) => [zone, counts])).toEqual([
      ['Europe/Berlin', { drafts: 1 }],
    ]);
    expect((await run({ slot: '2026-02' })).map(({ counts }) => counts)).toEqual([{ drafts: 1 }, {}]);
    expect(await runs('?job=invoice-run&limit=1')).toEqual(['invoice-run 2026-02 Europe/Berlin done']);
  });

  it('refuses what is no job, no turn that is over, no account', async () => {
    const codes: unknown[] = [];
    for (const [job, body] of [['nonsense', {}], ['invoice-run', { slot: '2026-03' }], ['invoice-run', { slot: 'x' }], ['reconcile', { account: 'x' }], ['reconcile', { when: 1 }]] as const)
      codes.push((await callOf(app)('POST', `/v1/scheduler/jobs/${job}/run`, body)).body['code']); // prettier-ignore
    expect(codes).toEqual(['invalid_parameter', 'invalid_parameter', 'invalid_parameter', 'account_unknown', 'invalid_body']);
    expect((await callOf(app)('GET', '/v1/scheduler/runs?job=x')).body['code']).toBe('invalid_parameter');
    expect((await callOf(app)('GET', '/v1/scheduler/runs?cursor=x')).body['code']).toBe('invalid_cursor');
  });
});
