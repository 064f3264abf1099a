import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

describe('events of the whole fleet', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const EVENT = { at: '2026-03-05T10:00:00Z', kind: 'ip_blocked', note: 'ticket 9' };
  type Rows = { rows: { vm: string; at: string; kind: string; withdrawn: boolean; id: string }[]; next: string | null };
  const list = (query: string) => done<Rows>('GET', `/v1/events${query}`);

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => 0));
    for (const account of ['a', 'b']) await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'EUR' });
    for (const [vm, account] of [['v2', 'a'], ['v1', 'b'], ['v3', 'b']]) await done('PUT', `/v1/vms/${vm ?? ''}`, { account }); // prettier-ignore
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('with once the same again is the same event, and a dry run records none', async () => {
    const once = '/v1/vms/v1/events?once=true';
    const call = callOf(app);
    expect(await done('POST', `${once}&dry_run=true`, EVENT)).toEqual({ dry_run: true, is_new: true });
    const first = await call('POST', once, EVENT);
    const second = await call('POST', once, { ...EVENT, at: '2026-03-05T12:00:00+02:00' });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    expect(await done('POST', `${once}&dry_run=true`, EVENT)).toEqual({ dry_run: true, is_new: false });
    // Another note, or the other VM: another event; and what was withdrawn counts no more, so it is not the same.
    expect((await call('POST', once, { ...EVENT, note: 'ticket 10' })).status).toBe(201);
    expect((await call('POST', '/v1/vms/v3/events?once=true', EVENT)).status).toBe(201);
    expect((await call('DELETE', `/v1/vms/v1/events/${String(first.body['id'])}`)).status).toBe(204);
    expect((await call('POST', once, EVENT)).status).toBe(201);
    expect((await call('POST', '/v1/vms/v1/events?dry_run=true', EVENT)).status).toBe(400);
    expect((await call('POST', '/v1/vms/v9/events?once=true', EVENT)).status).toBe(404);
  });

  it('many at once record one', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => callOf(app)('POST', '/v1/vms/v2/events?once=true', EVENT)));
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1);
    expect((await list('?account=a')).rows).toHaveLength(1);
  });

  it('are listed by VM and instant, with filters, and each on one page', async () => {
    const all = (await list('')).rows;
    expect(all.map(({ vm }) => vm)).toEqual(['v1', 'v1', 'v1', 'v2', 'v3']);
    const paged: string[] = [];
    for (let query = '?limit=1'; ;) {
      const { rows, next } = await list(query);
      expect(rows).toHaveLength(1);
      paged.push(...rows.map(({ id }) => id));
      if (next === null) break;
      query = `?limit=1&cursor=${next}`;
    }
    expect(paged).toEqual(all.map(({ id }) => id));
    expect((await list('?withdrawn=true')).rows).toHaveLength(1);
    expect((await list('?account=b&withdrawn=false')).rows).toHaveLength(3);
    expect((await list('?kind=abuse')).rows).toEqual([]);
    expect((await list('?from=2026-03-05T10:00:00Z&to=2026-03-05T10:00:00.001Z')).rows).toHaveLength(5);
    for (const query of ['?account=c', '?kind=x', '?from=yesterday', '?limit=0', '?cursor=x'])
      expect((await callOf(app)('GET', `/v1/events${query}`)).status, query).toBe(400);
  });
});
