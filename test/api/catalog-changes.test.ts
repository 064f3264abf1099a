import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A short body erases nothing that was invoiced, and nothing at all where it is a PATCH. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
type Json = Record<string, unknown>;

describe('a change of the catalog', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const PLAN = { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } };
  const vmBody = (account: string) => ({ account, plans: [{ plan: `p-${account}`, from: MARCH.from }], paid_amount: '31.00' });
  /** An account with a plan and a VM of its own, and a final invoice of March. */
  const invoiced = async (id: string, more: Json = {}): Promise<void> => {
    await done('PUT', `/v1/plans/p-${id}`, PLAN);
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', tax_percent: '10', ...more });
    await done('PUT', `/v1/vms/${id}-1`, vmBody(id));
    const draft = await done('POST', '/v1/invoices', { account: id, ...MARCH, mode: 'draft' });
    await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
  };
  const without = (entry: Json, ...names: string[]): Json =>
    Object.fromEntries(Object.entries(entry).filter(([name]) => !names.includes(name)));
  const withoutVersion = (entry: Json): Json => without(entry, 'version', 'recorded_at');

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => Date.parse('2026-05-01T00:00:00Z')));
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  describe('by PATCH', () => {
    it.each([
      [
        'accounts',
        'pa',
        { name: 'Acme', currency: 'EUR', tax_percent: '6', address: 'Road 1', tax_id: 'X1' },
        { email: 'a@example.net' },
      ],
      ['plans', 'pp', { ...PLAN, creditable: ['provider', 'attack'], terms: 'ipcats' }, { refund_handling_fee: '1.00' }],
      [
        'vms',
        'pv',
        { account: 'pa', nics: ['eth0'], plans: [{ plan: 'pp', from: MARCH.from }], promotion: true },
        { terms: 'ipcats' },
      ],
    ])('of %s leaves what it does not name', async (kind, id, body, patch) => {
      const before = await done('PUT', `/v1/${kind}/${id}`, body);
      const after = await done('PATCH', `/v1/${kind}/${id}`, patch);
      const same = (entry: Json): Json => withoutVersion(without(entry, 'rows'));
      expect(same(after)).toEqual({ ...same(before), ...patch });
      const [name = ''] = Object.keys(patch);
      expect(withoutVersion(await done('PATCH', `/v1/${kind}/${id}`, { [name]: null }))).toEqual(withoutVersion(before));
    });

    it('of the same is no new version, what came back from us is ignored', async () => {
      const before = await done('GET', '/v1/accounts/pa');
      expect(await done('PATCH', '/v1/accounts/pa', { id: 'x', version: 1, name: before['name'] })).toEqual(before);
    });

    it.each([
      ['a field that must be there', 'accounts/pa', { name: null }, 400, 'invalid_body'],
      ['a field that is not known', 'accounts/pa', { nam: 'x' }, 400, 'invalid_body'],
      ['a value that is none', 'plans/pp', { price: { amount: '-1', per: 'month' } }, 400, 'invalid_body'],
      ['what contradicts the rest', 'vms/pv', { starts_at: 5, ends_at: 4 }, 400, 'invalid_body'],
      ['a plan that there is not', 'vms/pv', { plans: [{ plan: 'none', from: 0 }] }, 422, 'invalid_reference'],
      ['a sheet that there is not', 'plans/pp', { terms: 'none' }, 422, 'invalid_reference'],
      ['a thing that there is not', 'plans/nobody', { price: { amount: '1', per: 'day' } }, 404, 'plan_unknown'],
    ])('%s is refused', async (_, path, patch, status, code) => {
      expect(await call('PATCH', `/v1/${path}`, patch)).toMatchObject({ status, body: { code } });
    });
  });

  describe('with If-Match', () => {
    it.each(['PUT', 'PATCH'] as const)('by %s is made to what was read, and refused to what came since', async (method) => {
      const path = '/v1/accounts/pa';
      const body = (name: string): Json => ({ name, currency: 'EUR' });
      const read = await call('GET', path);
      const tag = String(read.headers['etag']);
      expect(tag).toBe(`"${String(read.body['version'])}"`);
      const first = await call(method, path, body(`${method} 1`), { 'if-match': tag });
      expect(first).toMatchObject({ status: 200, headers: { etag: `"${String(first.body['version'])}"` } });
      const refused = { status: 412, body: { code: 'version_conflict', version: first.body['version'] } };
      expect(await call(method, path, body(`${method} 2`), { 'if-match': tag })).toMatchObject(refused);
      expect((await done('GET', path))['name']).toBe(`${method} 1`);
      // One of several, a tag that a proxy made weak, or any.
      for (const given of [`"0", ${String(first.headers['etag'])}`, `W/${String(first.headers['etag'])}`, '*'])
        expect((await call(method, path, body(`${method} 1`), { 'if-match': given })).status).toBe(200);
      expect((await call(method, '/v1/accounts/none', body('none'), { 'if-match': '*' })).status).toBe(412);
    });
  });

  describe('of what was invoiced', () => {
    it.each([
      ['a price', { price: { amount: '62.00', per: 'month' } }, 'plan_in_use', ['34.10']],
      ['what it is per', { price: { amount: '31.00', per: 'day' } }, 'plan_in_use', ['1023.00']],
      ['a time zone', { time_zone: 'Asia/Tokyo' }, 'plan_in_use', ['0.01']],
      ['traffic', { traffic: { counting: 'sum', tiers: [{ up_to: null, price: '1' }] } }, 'plan_in_use', []],
      ['what is creditable', { creditable: ['silent'] }, 'restates_invoices', []],
      ['terms', { terms: 'internet-service' }, 'restates_invoices', []],
    ])('B12: %s of a plan: refused, told beforehand, done if that is meant', async (name, patch, code, debited) => {
      const id = `plan-${name.replaceAll(/[^a-z]/g, '')}`;
      await invoiced(id);
      const path = `/v1/plans/p-${id}`;
      const before = await done('GET', path);
      const would = await done('PATCH', `${path}?dry_run=true`, patch);
      expect(would).toMatchObject({ dry_run: true, checked: 1, left: 0, next: null });
      expect((would['invoices'] as Json[]).map((each) => each['debited'])).toEqual(debited);
      const refused = await call('PATCH', path, patch);
      expect(refused).toMatchObject({ status: 409, body: { code, checked: 1, touched: [{ account: id }] } });
      expect(String(refused.body['detail'])).toContain('?restate=true');
      expect(await call('PUT', path, { ...PLAN, ...patch })).toMatchObject({ status: 409, body: { code } });
      // The same again, and what nothing is rated by, is another matter.
      expect(await done('PUT', path, PLAN)).toEqual(before);
      expect((await call('PATCH', path, { refund_handling_fee: '1.00' })).status).toBe(200);
      expect((await call('PATCH', `${path}?restate=true`, patch)).status).toBe(200);
      const [found] = (await done('POST', '/v1/reconcile', { account: id, dry_run: true }))['invoices'] as Json[];
      expect(found === undefined).toBe(debited.length === 0);
    });

    it.each([
      ['plans, by a body that lacks them', (id: string): Json => ({ account: id }), ['34.10']],
      ['the begin of service', (id: string): Json => ({ ...vmBody(id), starts_at: '2026-03-16T00:00:00Z' }), ['16.50']],
      [
        'a plan from a day on',
        (id: string): Json => ({ ...vmBody(id), plans: [{ plan: `p-${id}`, from: '2026-03-11T00:00:00Z' }] }),
        ['11.00'],
      ],
      ['terms', (id: string): Json => ({ ...vmBody(id), terms: 'internet-service' }), []],
      ['interfaces', (id: string): Json => ({ ...vmBody(id), nics: ['eth0'] }), []],
    ])('%s of a VM: refused, told beforehand, done if that is meant', async (name, bodyOf, credited) => {
      const id = `vm-${name.replaceAll(/[^a-z]/g, '')}`;
      await invoiced(id);
      const path = `/v1/vms/${id}-1`;
      const before = await done('GET', path);
      const would = await done('PUT', `${path}?dry_run=true`, bodyOf(id));
      expect((would['invoices'] as Json[]).map((each) => each['credited'])).toEqual(credited);
      expect(await call('PUT', path, bodyOf(id))).toMatchObject({ status: 409, body: { code: 'restates_invoices' } });
      expect(await done('GET', path)).toEqual(before);
      expect((await call('PUT', `${path}?restate=true`, bodyOf(id))).status).toBe(200);
    });

    it('what a VM is paid for, a plan from a later day on, and an end of service are no such change', async () => {
      await invoiced('free');
      const later = [...vmBody('free').plans, { plan: 'p-free', from: MARCH.to }];
      for (const patch of [{ paid_amount: null }, { plans: later }, { promotion: true }, { ends_at: '2026-03-21T00:00:00Z' }])
        expect((await call('PATCH', '/v1/vms/free-1', patch)).status).toBe(200);
      // To take the end back gives the time that was invoiced another price.
      expect(await call('PATCH', '/v1/vms/free-1', { ends_at: null })).toMatchObject({
        status: 409,
        body: { code: 'restates_invoices' },
      });
    });

    it('tax that a body lacks is not taken away; another rate may come', async () => {
      await invoiced('taxed');
      const lacking = { name: 'taxed', currency: 'EUR' };
      expect(await call('PUT', '/v1/accounts/taxed', lacking)).toMatchObject({
        status: 409,
        body: { code: 'restates_invoices' },
      });
      expect((await call('PATCH', '/v1/accounts/taxed', { tax_percent: '19' })).status).toBe(200);
      expect((await call('PUT', '/v1/accounts/taxed?restate=true', lacking)).status).toBe(200);
    });

    it('what only a draft or a void invoice has may change as before', async () => {
      await invoiced('void');
      const [final] = (await done('GET', '/v1/invoices?account=void'))['invoices'] as Json[];
      await done('POST', `/v1/invoices/${String(final?.['id'])}/void`);
      await done('POST', '/v1/invoices', { account: 'void', ...MARCH, mode: 'draft' });
      expect((await call('PATCH', '/v1/plans/p-void', { price: { amount: '1.00', per: 'day' } })).status).toBe(200);
      expect((await call('PUT', '/v1/vms/void-1', { account: 'void' })).status).toBe(200);
    });

    it('a dry run goes on where the time of a call ended', async () => {
      let clock = 0;
      const slow = await serverOn(test.store, await openCatalog(test.store, () => 0), { now: () => (clock += 10_000) });
      await invoiced('many');
      const april = { account: 'many', from: MARCH.to, to: '2026-05-01T00:00:00Z', mode: 'draft' };
      const draft = await done('POST', '/v1/invoices', april);
      await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
      const again = await serverOn(test.store, await openCatalog(test.store, () => 0), { now: () => (clock += 10_000) });
      const asked = (after: string) =>
        callOf(again)('PATCH', `/v1/plans/p-many?dry_run=true${after}`, { price: { amount: '1.00', per: 'month' } });
      const { body: first } = await asked('');
      expect(first).toMatchObject({ checked: 1, left: 1 });
      const { body: second } = await asked(`&after=${String(first['next'])}`);
      expect(second).toMatchObject({ checked: 1, left: 0, next: null });
      await again.close();
      await slow.close();
    });
  });

  describe('of a name that the PDF cannot print', () => {
    it.each([
      ['Georgian', 'კომპანია', true],
      ['an emoji', 'Cloud ☁️🚀', true],
      ['a currency that is new', 'Riyal ⃁', true],
      ['marks of direction', 'a\u202eb', true],
      ['Chinese, Korean and Greek', '雲端 클라우드 Νέφος', false],
      ['Arabic', 'شركة', false],
      ['Hebrew', 'חברה', false],
      ['Thai', 'บริษัทน้ำ', false],
      ['Persian, whose letters are parted', 'می\u200cخواهم', false],
      ['accents put together', 'Société Générale e\u0301', false],
    ])('%s is taken, and told or not', async (name, text, isTold) => {
      const id = `print-${name.replaceAll(/[^a-zA-Z]/g, '')}`;
      const put = await done('PUT', `/v1/accounts/${id}`, { name: text, currency: 'EUR', address: 'Road 1' });
      const told = [expect.stringMatching(/^name has characters that the PDF can't print/)];
      expect(put['warnings']).toEqual(isTold ? told : undefined);
      await done('PUT', `/v1/plans/p-${id}`, PLAN);
      await done('PUT', `/v1/vms/${id}-1`, vmBody(id));
      const { warnings } = await done('POST', '/v1/invoices', { account: id, ...MARCH, mode: 'preview' });
      expect((warnings as string[]).some((each) => each.startsWith("the customer's name has characters"))).toBe(isTold);
    });
  });

  it('is in the OpenAPI document with its header, its parameters and its answers', async () => {
    const { paths } = await done<{ paths: Record<string, Record<string, Json>> }>('GET', '/openapi.json');
    for (const path of ['/v1/plans/{id}', '/v1/accounts/{id}', '/v1/vms/{id}'])
      for (const method of ['put', 'patch']) {
        const operation = paths[path]?.[method] as { parameters: { name: string; in: string }[]; responses: Json };
        const names = operation.parameters.map((each) => `${each.in} ${each.name}`);
        expect(names).toEqual(expect.arrayContaining(['header if-match', 'query dry_run', 'query restate']));
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['200', '409', '412']));
      }
  });
});
