import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Store } from '../../src/store/store.ts';
import { ADMIN, callOf, serverOn } from '../support/api.ts';
import { openCatalogOf } from '../support/records.ts';
import { insertFleet, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const DAY_MS = 86_400_000;

describe('a request with an Idempotency-Key', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  let filler = 0;
  let nowMs = ms('12:00');
  /** Inserts into a table fail from now on. */
  let failing: string | undefined;
  let store: Store;

  const open = (shared = false): Promise<Catalog> =>
    openCatalogOf({ store, shared, now: () => nowMs, randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });
  const serve = (on: Catalog): Promise<FastifyInstance> => serverOn(store, on, { now: () => nowMs });

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    store = {
      ...test.store,
      insertRowBinary: (table, ...rest) =>
        table === failing ? Promise.reject(new Error(`no insert into ${table}`)) : test.store.insertRowBinary(table, ...rest),
    };
    catalog = await open();
    await catalog.keys.bootstrapAdmin(ADMIN);
    app = await serve(catalog);
    await callOf(app)('PUT', '/v1/accounts/a1', { name: 'A', currency: 'CNY' });
    await callOf(app)('PUT', '/v1/vms/v2', { account: 'a1' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  const event = (note: string) => ({ at: ms('01:00'), kind: 'ip_replaced', note });
  const post = (url: string, body: unknown, key: string, on = app, by = ADMIN) =>
    callOf(on, by)('POST', url, body, { 'idempotency-key': key });
  const notes = async (): Promise<unknown[]> => {
    const { body } = await callOf(app)('GET', '/v1/vms/v2/events');
    return (body['rows'] as { note: string }[]).map(({ note }) => note);
  };

  it('is carried out once, and answered as it was before', async () => {
    const first = await post('/v1/vms/v2/events', event('one'), 'k1');
    expect([first.status, first.headers['idempotent-replayed']]).toEqual([201, undefined]);
    const again = await post('/v1/vms/v2/events', event('one'), 'k1');
    expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([201, first.text, 'true']);
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    expect(await notes()).toEqual(['one']);
  });

  it('is the same to a process that starts later, and to one that runs beside', async () => {
    const other = await serve(await open());
    const again = await post('/v1/vms/v2/events', event('one'), 'k1', other);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    await other.close();
    expect(await notes()).toEqual(['one']);
  });

  it('with another body, path or query is refused', async () => {
    expect(await post('/v1/vms/v2/events', event('two'), 'k1')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(await post('/v1/refund-checks', { vm: 'v2', at: ms('02:00') }, 'k1')).toMatchObject({ status: 422 });
    expect(await notes()).toEqual(['one']);
  }); // prettier-ignore

  it('is another one under another API key', async () => {
    const made = await callOf(app)('POST', '/v1/keys', { role: 'billing', name: 'clerk' });
    const other = await post('/v1/vms/v2/events', event('two'), 'k1', app, String(made.body['key']));
    expect([other.status, other.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect(await notes()).toEqual(['one', 'two']);
  });

  it('twice at once is carried out once: the other is told to come again', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => post('/v1/vms/v2/events', event('three'), 'k3')));
    const codes = answers.map(({ status, body }) => (status === 201 ? 201 : body['code'])).sort();
    expect(codes).toEqual([201, 'request_running', 'request_running']);
    expect(await notes()).toEqual(['one', 'two', 'three']);
    expect((await post('/v1/vms/v2/events', event('three'), 'k3')).status).toBe(201);
  });

  it('at two processes at once is carried out by one', async () => {
    const two = [await serve(await open(true)), await serve(await open(true))];
    const answers = await Promise.all(two.map((each) => post('/v1/vms/v2/events', event('beside'), 'k9', each)));
    expect(answers.map(({ status, body }) => (status === 201 ? 201 : body['code'])).sort()).toEqual([201, 'request_running']);
    for (const each of two) await each.close();
    app = await serve((catalog = await open()));
    expect((await notes()).filter((note) => note === 'beside')).toEqual(['beside']);
  });

  it('that was refused, or recorded nothing, is looked at anew', async () => {
    expect((await post('/v1/vms/unheard/events', event('four'), 'k4')).status).toBe(404);
    expect((await post('/v1/vms/v2/events', event('four'), 'k4')).status).toBe(201);
    const scope = { scope: { vms: ['v2'] }, from: ms('00:10'), to: ms('00:20'), cause: 'maintenance' };
    expect((await post('/v1/incidents?dry_run=true', scope, 'k5')).status).toBe(200);
    expect((await post('/v1/incidents', scope, 'k5')).status).toBe(201);
  });

  it('whose answer was lost with the process says what was recorded, and does nothing again', async () => {
    failing = 'answers';
    const first = await post('/v1/vms/v2/events', event('five'), 'k6');
    expect(first.status).toBe(201);
    failing = undefined;
    const restarted = await serve(await open());
    expect(await post('/v1/vms/v2/events', event('five'), 'k6', restarted)).toMatchObject({
      status: 409,
      body: { code: 'answer_not_kept', recorded: [{ kind: 'event', id: first.body['id'] }] },
    });
    await restarted.close();
    expect((await notes()).filter((note) => note === 'five')).toEqual(['five']);
  });

  it('whose insert failed is carried out when it comes again', async () => {
    failing = 'catalog';
    expect((await post('/v1/vms/v2/events', event('six'), 'k7')).status).toBe(500);
    failing = undefined;
    expect((await post('/v1/vms/v2/events', event('six'), 'k7')).status).toBe(201);
    expect((await notes()).filter((note) => note === 'six')).toEqual(['six']);
  });

  it('shows a new key to nobody but who asked for it', async () => {
    const wanted = { role: 'agent', name: 'h1', vms: ['v*'] };
    const made = await post('/v1/keys', wanted, 'k8');
    const key = String(made.body['key']);
    expect((await post('/v1/keys', wanted, 'k8')).body['key']).toBe(key);
    const rows = await test.store.rows<{ sealed: string }>('SELECT sealed FROM answers');
    const entries = await test.store.rows<{ body: string }>('SELECT body FROM catalog');
    expect(rows.length).toBeGreaterThan(3);
    for (const { sealed } of rows) expect(Buffer.from(sealed, 'base64').includes(key)).toBe(false);
    expect(entries.some(({ body }) => body.includes(key))).toBe(false);
  });

  it('of another form is refused, and changes nothing', async () => {
    for (const key of ['', ' ', 'ä', 'x'.repeat(256), 'a b'])
      expect([key, (await post('/v1/vms/v2/events', event('seven'), key)).status]).toEqual([key, 400]);
    expect((await notes()).includes('seven')).toBe(false);
  });

  it('is forgotten after a day', async () => {
    nowMs += DAY_MS + 1;
    expect((await post('/v1/vms/v2/events', event('one'), 'k1')).headers['idempotent-replayed']).toBeUndefined();
    expect((await notes()).filter((note) => note === 'one')).toEqual(['one', 'one']);
    failing = 'answers';
    await post('/v1/vms/v2/events', event('three'), 'k3');
    failing = undefined;
    expect((await post('/v1/vms/v2/events', event('three'), 'k3')).body['code']).toBe('answer_not_kept');
  });
});
