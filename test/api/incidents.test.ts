import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { insertFleet, insertSample, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { ADMIN, callOf, serverOn } from '../support/api.ts';
import { openCatalogOf } from '../support/records.ts';

const HOURS = 'from=2026-03-01T00:00:00Z&to=2026-03-01T03:00:00Z&step=hour';

describe('incidents over HTTP', () => {
  let test: TestStore;
  let catalog: Catalog;
  let app: FastifyInstance;
  let filler = 0;
  const open = () =>
    openCatalogOf({ store: test.store, now: () => ms('12:00'), randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    await insertSample(test.store, { vm: 'v1', nic: '', ts: '02:00:00.000', pos: 20, condition: 0, agent: 'h2' });
    catalog = await open();
    await catalog.keys.bootstrapAdmin(ADMIN);
    app = await serverOn(test.store, catalog);
    await callOf(app)('PUT', '/v1/accounts/a1', { name: 'A', currency: 'CNY' });
    await callOf(app)('PUT', '/v1/vms/v2', { account: 'a1', ends_at: ms('01:30') });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  const down = async (query = '', vm = 'v1'): Promise<unknown[]> => {
    const answer = await callOf(app)('GET', `/v1/vms/${vm}/uptime?${HOURS}${query}`);
    return (answer.body['rows'] as { down_ms: object; silent_ms: number }[]).map((row) => ({
      ...row.down_ms,
      silent: row.silent_ms,
    }));
  };
  const post = (body: object, query = '') => callOf(app)('POST', `/v1/incidents${query}`, body);
  const range = (from: string, to: string) => ({ from: ms(from), to: ms(to) });
  // v1: provider 00:10 to 00:12:30, silent 01:00 to 01:30:00.001, customer from 02:50 on; published up to 03:00.
  const REPORTED = [{ provider: 150_000, silent: 0 }, { silent: 1_800_001 }, { customer: 600_000, silent: 0 }];

  it('shows what would change, and records nothing', async () => {
    const answer = await post({ scope: { all: true }, ...range('00:11', '01:10'), cause: 'maintenance' }, '?dry_run=true');
    expect(answer).toMatchObject({ status: 200, body: { dry_run: true, minutes: 12, effect: [{ vm: 'v1', minutes: 12 }, { vm: 'v2', minutes: 0 }] } });
    expect((await callOf(app)('GET', '/v1/incidents')).body).toEqual({ incidents: [] });
    expect(await down()).toEqual(REPORTED);
  }); // prettier-ignore

  it('tells which VMs nobody ever named: a slip of the pen would leave an outage its cause', async () => {
    const dry = await post({ scope: { vms: ['v1', 'v1l'] }, ...range('00:11', '01:10'), cause: 'maintenance' }, '?dry_run=true');
    expect(dry).toMatchObject({ status: 200, body: { unknown_vms: ['v1l'], minutes: 12 } });
  });

  it('restates causes, the one recorded later where two overlap, until it is withdrawn; reports stay', async () => {
    const first = await post({ scope: { vms: ['v1'] }, ...range('00:11', '01:10'), cause: 'maintenance', note: 'ticket 7' });
    expect(first).toMatchObject({ status: 201, body: { cause: 'maintenance', note: 'ticket 7', by: 'admin#bootstrap', minutes: 12 } });
    const second = await post({ scope: { all: true }, ...range('00:12', '01:05'), cause: 'attack', asserts_down: true });
    expect(await down()).toEqual([
      { provider: 60_000, maintenance: 60_000, attack: 2_880_000, silent: 0 },
      { maintenance: 300_000, attack: 300_000, silent: 1_200_001 },
      { customer: 600_000, silent: 0 },
    ]);
    expect(await down('&incidents=raw')).toEqual(REPORTED);

    expect((await callOf(app)('DELETE', `/v1/incidents/${String(second.body['id'])}`)).status).toBe(204);
    expect((await callOf(app)('DELETE', `/v1/incidents/${String(second.body['id'])}`)).status).toBe(204);
    const restated = [{ provider: 60_000, maintenance: 90_000, silent: 0 }, { maintenance: 600_000, silent: 1_200_001 }, { customer: 600_000, silent: 0 }];
    expect(await down()).toEqual(restated);

    // What was recorded is what is read again.
    const again = await serverOn(test.store, await open());
    const list = (await callOf(again)('GET', '/v1/incidents')).body['incidents'];
    expect(list).toMatchObject([{ id: first.body['id'], withdrawn_at: null }, { id: second.body['id'], withdrawn_at: '2026-03-01T12:00:00Z', withdrawn_by: 'admin#bootstrap' }]);
    await again.close();
    await callOf(app)('DELETE', `/v1/incidents/${String(first.body['id'])}`);
    expect(await down()).toEqual(REPORTED);
  }); // prettier-ignore

  it("covers with an agent's name the time for which that agent spoke, silence after it included", async () => {
    const answer = await post({ scope: { agent: 'h1' }, ...range('00:00', '03:00'), cause: 'provider' });
    // h1 spoke for v1 from 00:00:40.250 (the sample before is h2's) up to 02:00, where h2 took over.
    expect(answer.body['effect']).toEqual([{ vm: 'v1', minutes: 31 }]);
    expect(await down()).toEqual([{ provider: 150_000, silent: 0 }, { provider: 1_800_001, silent: 0 }, { customer: 600_000, silent: 0 }]);
    await callOf(app)('DELETE', `/v1/incidents/${String(answer.body['id'])}`);
  }); // prettier-ignore

  it("covers an account's VMs", async () => {
    const answer = await post({ scope: { account: 'a1' }, ...range('01:00', '02:00'), cause: 'third_party', asserts_down: true });
    expect(answer.body['effect']).toEqual([{ vm: 'v2', minutes: 30 }]);
    expect(await down('', 'v2')).toEqual([{ third_party: 1_800_000, silent: 0 }]);
    expect(await down()).toEqual(REPORTED);
    await callOf(app)('DELETE', `/v1/incidents/${String(answer.body['id'])}`);
  });

  it('lists the final invoices whose periods change, before it is recorded and before it is withdrawn', async () => {
    const done = async (method: 'PUT' | 'POST', url: string, body: object) => {
      const answer = await callOf(app)(method, url, body);
      expect(answer.status, answer.text).toBeLessThan(300);
      return answer.body;
    };
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '14.40', per: 'day' } });
    await done('PUT', '/v1/vms/v1', { account: 'a1', plans: [{ plan: 'p', from: 0 }] });
    const day = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
    const draft = await done('POST', '/v1/invoices', { account: 'a1', ...day, mode: 'draft' });
    const incident = { scope: { account: 'a1' }, ...range('00:00', '00:30'), cause: 'provider', asserts_down: true };
    // Two of v1's thirty minutes were the provider's as reported; half of a third was.
    expect((await post(incident, '?dry_run=true')).body).toMatchObject({ minutes: 28, final_invoices: [] });
    // Three hours of the day have been metered.
    await done('POST', `/v1/invoices/${String(draft['id'])}/finalize?allow_incomplete=true`, {});
    const touched = [{ id: draft['id'], number: 1, account: 'a1' }];
    const shown = await post(incident, '?dry_run=true');
    const recorded = await post(incident);
    for (const { body } of [shown, recorded])
      expect(body).toMatchObject({ final_invoices: touched, effect: [{ vm: 'v1' }, { vm: 'v2' }] });
    // What changes no minute touches no invoice, though the periods overlap.
    expect((await post({ ...incident, ...range('00:10', '00:12') }, '?dry_run=true')).body).toMatchObject({ minutes: 0, final_invoices: [] }); // prettier-ignore
    const url = `/v1/incidents/${String(recorded.body['id'])}`;
    const before = await callOf(app)('DELETE', `${url}?dry_run=true`);
    expect(before).toMatchObject({
      status: 200,
      body: { dry_run: true, minutes: recorded.body['minutes'], effect: recorded.body['effect'], final_invoices: touched },
    });
    expect(await down()).not.toEqual(REPORTED);
    expect((await callOf(app)('DELETE', url)).status).toBe(204);
    expect(await down()).toEqual(REPORTED);
    expect((await callOf(app)('DELETE', `${url}?dry_run=true`)).body).toMatchObject({ minutes: 0, final_invoices: [] });
    expect((await callOf(app)('DELETE', '/v1/incidents/x?dry_run=true')).status).toBe(404);
  });

  it('lists windows before they begin, and says for whom maintenance was announced too late', async () => {
    await callOf(app)('PUT', '/v1/vms/v9', { account: 'a1', terms: 'internet-service', plans: [{ plan: 'p', from: 0 }] });
    const window = { scope: { vms: ['v9'] }, from: '2026-12-24T00:00:00Z', to: '2026-12-24T02:00:00Z', cause: 'maintenance' };
    const late = [{ account: 'a1', terms: 'internet-service', vms: 1 }];
    expect((await post(window, '?dry_run=true')).body).toMatchObject({ late_announcement: late });
    const announced = { ...window, announced_at: '2026-12-01T00:00:00Z' };
    expect((await post({ ...window, cause: 'provider' }, '?dry_run=true')).body).toMatchObject({ late_announcement: [] });
    const made = await post(announced);
    expect(made.body).toMatchObject({ late_announcement: [] });
    const listed = async (state: string) => ((await callOf(app)('GET', `/v1/incidents?state=${state}`)).body['incidents'] as { id: string }[]).map(({ id }) => id); // prettier-ignore
    expect([await listed('upcoming'), await listed('running')]).toEqual([[made.body['id']], []]);
    await callOf(app)('DELETE', `/v1/incidents/${String(made.body['id'])}`);
    expect(await listed('upcoming')).toEqual([]);
    expect(await listed('withdrawn')).toContain(made.body['id']);
  });

  it.each([
    [{ scope: { vms: [] }, from: 0, to: 1, cause: 'provider' }, 400, 'scope.vms'],
    [{ scope: { all: true }, from: 1, to: 1, cause: 'provider' }, 400, 'to'],
    [{ scope: { all: true }, from: 0, to: 1, cause: 'silent' }, 400, 'cause'],
    [{ scope: { account: 'nobody' }, from: 0, to: 1, cause: 'provider' }, 422, 'scope.account'],
  ])('%j is refused with %i naming %s', async (body, status, field) => {
    expect(await post(body)).toMatchObject({ status, body: { errors: [{ field }] } });
  });

  it('does not know what was never recorded', async () => {
    expect(await callOf(app)('DELETE', '/v1/incidents/x')).toMatchObject({ status: 404, body: { code: 'incident_unknown' } });
  });
});
