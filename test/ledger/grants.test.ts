import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AddressInfo } from 'node:net';
import { ApiClient } from '../../src/client/wire/client.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreError } from '../../src/store/store.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import { verifyDocuments } from '../../src/verify/documents.ts';
import { verifyLedgers } from '../../src/verify/ledgers.ts';
import { Reader } from '../../src/verify/reader.ts';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Refunds that are granted, over HTTP, every amount worked by hand. 310.00 CNY a month: March is 10.00 a day. */
const DAY_MS = 86_400_000;
const MARCH = Date.parse('2026-03-01T00:00:00Z');
const at = (days: number): string => new Date(MARCH + days * DAY_MS).toISOString().replace('.000', '');

let test: TestStore;
let app: FastifyInstance;
let now = MARCH;
/** Cuts the next insert of several entries: so many of them are stored. */
let kept: number | undefined = undefined as number | undefined;
const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
const done = doneOf(() => app);

function cutting(store: Store): Store {
  return {
    ...store,
    async insertRowBinary(table, structure, chunks, ...more) {
      const cut = table === 'catalog' && chunks.length > 1 && kept !== undefined;
      await store.insertRowBinary(table, structure, cut ? chunks.slice(0, kept) : chunks, ...more);
      if (cut) throw new StoreError('cut', 'the connection was cut', true);
    },
  };
}

async function start(): Promise<void> {
  app = await serverOn(test.store, await openCatalog(cutting(test.store), () => now), { now: () => now });
}

beforeAll(async () => {
  test = await openTestStore();
  await start();
  const price = { amount: '310.00', per: 'month' };
  await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price, refund_handling_fee: '5.00' });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

/** An account with a VM under a sheet, metered over March. */
async function account(id: string, terms: string, more: object = {}): Promise<string> {
  now = MARCH;
  await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY', ...more });
  const vm = `vm-${id}`;
  await done('PUT', `/v1/vms/${vm}`, { account: id, terms, plans: [{ plan: 'p', from: at(0) }], starts_at: at(0) });
  for (const minute of ['2026-03-01 00:00:00', '2026-03-31 23:59:00'])
    await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${minute}', 60000, 1)`);
  return vm;
}
async function paidTerm(id: string, amount: string, until = at(31)): Promise<void> {
  const covers = { vm: `vm-${id}`, from: at(0), until };
  await done('POST', `/v1/accounts/${id}/payments`, { reference: 'term', amount, at: at(0), covers });
}
/** The provider's outage of 25 hours from 5 March on, after which the rest of the term may be had back. */
async function outage(vm: string): Promise<void> {
  const scope = { vms: [vm] };
  await done('POST', '/v1/incidents', {
    scope,
    from: at(4),
    to: new Date(MARCH + 4 * DAY_MS + 25 * 3_600_000).toISOString(),
    cause: 'provider',
    asserts_down: true,
  });
}
async function invoiced(id: string, from = at(0), to = at(31)): Promise<string> {
  const draft = await done('POST', '/v1/invoices', { account: id, from, to, mode: 'draft' });
  const { id: made } = await done('POST', `/v1/invoices/${String(draft['id'])}/finalize?allow_incomplete=true`);
  return String(made);
}
const check = (vm: string, days: number) => done('POST', '/v1/refund-checks', { vm, at: at(days) });
const grant = (made: Record<string, unknown>) => call('POST', `/v1/refund-checks/${String(made['id'])}/grant`);
const ledger = async (id: string): Promise<string[]> =>
  ((await done('GET', `/v1/accounts/${id}/ledger`))['entries'] as Record<string, string>[]).map(
    ({ kind, amount, balance }) => `${String(kind)} ${String(amount)} ${String(balance)}`,
  );
const free = async (id: string, amount: string, reference = 'out') =>
  call('POST', `/v1/accounts/${id}/payouts`, { reference, amount, at: new Date(now).toISOString() });
const reconciled = async (id: string) => (await done('POST', '/v1/reconcile', { account: id, dry_run: true }))['invoices'];

describe('a refund that is granted', () => {
  it('B1: frees what was paid for time that no invoice has charged, ends the service, and is not there a second time', async () => {
    const vm = await account('b1', 'ipcats');
    await paidTerm('b1', '310.00');
    await outage(vm);
    now = MARCH + 12 * DAY_MS;
    const found = await check(vm, 10);
    expect(found).toMatchObject({ decision: 'eligible', amount: '210.00', destination: 'balance' });
    const { status, body } = await grant(found);
    expect([status, body]).toMatchObject([
      201,
      {
        refund: { vm, amount: '210.00', freed: '210.00', ends_at: at(10), from: at(10), until: at(31), destination: 'balance' },
        ...{ credit_note: null, balance: '310.00' },
      },
    ]);
    expect((await done('GET', `/v1/vms/${vm}`))['ends_at']).toBe(at(10));
    const again = await Promise.all(Array.from({ length: 4 }, () => grant(found)));
    expect(again.map((each) => [each.status, each.body])).toEqual(Array.from({ length: 4 }, () => [200, body]));
    // Another check, whether made before or after, gives nothing of the same time.
    expect(await check(vm, 10.01)).toMatchObject({ decision: 'not_eligible' });
    expect(await grant(await check(vm, 9))).toMatchObject({ status: 409, body: { code: 'nothing_to_grant' } });
    // The ten days that were served are paid by what is still kept for them.
    now = MARCH + 31 * DAY_MS;
    const invoice = await invoiced('b1');
    expect(await done('GET', `/v1/invoices/${invoice}`)).toMatchObject({ total: '100.00', status: 'paid' });
    expect(await ledger('b1')).toEqual(['payment 310.00 310.00', 'charge -100.00 210.00']);
    // It was given to the balance only.
    expect((await free('b1', '0.01')).body).toMatchObject({ code: 'balance_bound' });
  });

  it('B9: takes back by a credit note with its tax what an invoice has charged; reconciling finds nothing more', async () => {
    const vm = await account('b9', 'ipcats', { tax_percent: '6' });
    const invoice = await invoiced('b9');
    await paidTerm('b9', '328.60');
    await outage(vm);
    now = MARCH + 12 * DAY_MS;
    const found = await check(vm, 10);
    // 328.60 × 21 / 31
    expect(found).toMatchObject({ decision: 'eligible', amount: '222.60' });
    const { body } = await grant(found);
    expect(body).toMatchObject({
      refund: { amount: '222.60', freed: '222.60' },
      ...{ credit_note: { invoice, total: '-222.60', number: 1 }, balance: '222.60' },
    });
    const note = await done('GET', `/v1/invoices/${(body['credit_note'] as { id: string }).id}`);
    expect((note['lines'] as { kind: string; amount: string }[]).map(({ kind, amount }) => `${kind} ${amount}`)).toEqual([
      'service -210.00',
      'tax -12.60',
    ]);
    const page = await call('GET', `/v1/invoices/${String(note['id'])}`, undefined, { accept: 'text/html' });
    expect(page.text).toContain(`refund of ${vm}, 11 March 2026 00:00 to 1 April 2026 00:00, granted by refund check`);
    expect(await done('GET', `/v1/invoices/${invoice}`)).toMatchObject({ status: 'paid', credited: '222.60', paid: '106.00' });
    expect(await ledger('b9')).toEqual(['charge -328.60 -328.60', 'payment 328.60 0.00', 'credit_note 222.60 222.60']);
    expect(await reconciled('b9')).toEqual([]);
    // Neither the old way nor a second check, made before, gives it back once more.
    const booked = { kind: 'refund', amount: '222.60', refund_check: found['id'] };
    expect((await call('POST', '/v1/accounts/b9/balance', booked)).body).toMatchObject({ code: 'balance_conflict' });
    expect((await done('GET', `/v1/vms/${vm}`))['paid_until']).toBe(at(10));
    expect((await free('b9', '0.01')).body).toMatchObject({ code: 'balance_bound' });
  });

  it('B9: of a full refund less a handling fee the customer owes the fee, and nothing for the time', async () => {
    const vm = await account('full', 'cstserver-2022');
    await paidTerm('full', '310.00');
    now = MARCH + 2 * DAY_MS;
    const found = await check(vm, 1);
    expect(found).toMatchObject({ decision: 'eligible', amount: '305.00' });
    expect((await grant(found)).body).toMatchObject({
      refund: { amount: '305.00', freed: '305.00', basis: 'full' },
      balance: '310.00',
    });
    now = MARCH + 31 * DAY_MS;
    const invoice = await invoiced('full');
    expect(await done('GET', `/v1/invoices/${invoice}`)).toMatchObject({ total: '5.00', status: 'paid' });
    expect(await ledger('full')).toEqual(['payment 310.00 310.00', 'charge -5.00 305.00']);
    expect(await reconciled('full')).toEqual([]);
  });

  it('B9: what a grant took back of an invoice is no more there to be paid back on it', async () => {
    const vm = await account('back', 'ipcats');
    const invoice = await invoiced('back');
    await done('POST', '/v1/accounts/back/payments', { reference: 'w', amount: '310.00', at: at(0), covers: { invoice } });
    await done('PATCH', `/v1/vms/${vm}`, { paid_at: at(0), paid_until: at(31), paid_amount: '310.00' });
    await outage(vm);
    now = MARCH + 12 * DAY_MS;
    expect((await grant(await check(vm, 10))).body).toMatchObject({
      refund: { amount: '210.00', freed: '0.00' },
      balance: '210.00',
    });
    const back = (amount: string) => call('POST', `/v1/invoices/${invoice}/payments`, { kind: 'refund', amount, at: at(12) });
    expect(await back('100.01')).toMatchObject({ status: 409, body: { code: 'invoice_conflict' } });
    expect((await back('100.00')).status).toBe(201);
  });

  it('leaves the account by an entry where the terms give it back the way it came', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'uptally-grants-'));
    const shipped = JSON.parse(await readFile('schemas/terms/ipcats.json', 'utf8')) as { refund: object };
    const sheet = { ...shipped, id: 'by-wire', refund: { ...shipped.refund, destination: 'original_payment' } };
    await writeFile(join(folder, 'by-wire.json'), JSON.stringify(sheet));
    await app.close();
    const catalog = await openCatalog(test.store, () => now);
    app = await serverOn(test.store, catalog, { now: () => now, termsLibrary: loadTerms([shippedTermsFolder(), folder]) });
    const found = await prepared('wire', 'by-wire');
    expect(found).toMatchObject({ decision: 'eligible', destination: 'original_payment' });
    expect((await grant(found)).body).toMatchObject({ refund: { amount: '222.60' }, balance: '0.00' });
    expect((await grant(found)).status).toBe(200);
    expect(await ledger('wire')).toEqual([
      ...['charge -328.60 -328.60', 'payment 328.60 0.00', 'credit_note 222.60 222.60', 'refund -222.60 0.00'],
    ]);
    await app.close();
    await start();
    await rm(folder, { recursive: true });
  });

  it('gives nothing that the ledger has no payment for', async () => {
    const vm = await account('unpaid', 'ipcats');
    await done('PATCH', `/v1/vms/${vm}`, { paid_at: at(0), paid_until: at(31), paid_amount: '310.00' });
    await outage(vm);
    now = MARCH + 12 * DAY_MS;
    const found = await check(vm, 10);
    expect(found).toMatchObject({ decision: 'eligible', amount: '210.00' });
    expect(await grant(found)).toMatchObject({ status: 409, body: { code: 'nothing_to_grant' } });
    expect((await done('GET', `/v1/vms/${vm}`))['ends_at']).toBeNull();
    expect((await done('GET', `/v1/vms/${vm}/events`))['rows']).toEqual([]);
    // As soon as it has, the same check is granted.
    await paidTerm('unpaid', '310.00');
    expect((await grant(found)).status).toBe(201);
  });

  it.each([1, 2, 3])('is finished by asking again where it was cut off after %i of its four entries', async (stored) => {
    const twin = await books('twin');
    const id = `cut-${stored}`;
    const found = await prepared(id);
    kept = stored;
    expect((await grant(found)).status).toBe(503);
    kept = undefined;
    await app.close();
    await start();
    expect((await grant(found)).status).toBe(201);
    expect((await grant(found)).status).toBe(200);
    expect(await books(id)).toEqual(twin);
  });

  it.each([1, 2, 3])('and so of a full refund with its handling fee, after %i of its four entries', async (stored) => {
    const id = `cut-full-${stored}`;
    const vm = await account(id, 'cstserver-2022');
    await paidTerm(id, '310.00');
    now = MARCH + 2 * DAY_MS;
    const found = await check(vm, 1);
    kept = stored;
    expect((await grant(found)).status).toBe(503);
    kept = undefined;
    await app.close();
    await start();
    expect((await grant(found)).body).toMatchObject({ refund: { amount: '305.00', freed: '305.00' }, balance: '310.00' });
    expect((await done('GET', `/v1/accounts/${id}/charges`))['charges']).toMatchObject([
      { kind: 'handling', amount: '5.00', status: 'pending' },
    ]);
    expect((await done('GET', `/v1/vms/${vm}`))['ends_at']).toBe(at(1));
  });
});

/** An account whose March is invoiced and paid, and a check that finds 222.60 due. */
async function prepared(id: string, terms = 'ipcats'): Promise<Record<string, unknown>> {
  const vm = await account(id, terms, { tax_percent: '6' });
  await invoiced(id);
  await paidTerm(id, '328.60');
  await outage(vm);
  now = MARCH + 12 * DAY_MS;
  return check(vm, 10);
}

/** What is left of an account by a grant: of `twin` one that nobody cut. */
async function books(id: string): Promise<object> {
  if (id === 'twin' && (await call('GET', '/v1/accounts/twin')).status === 404) await grant(await prepared('twin'));
  const { rows } = await done<{ rows: { kind: string; amount: string; at: string }[] }>('GET', `/v1/vms/vm-${id}/events`);
  const vm = await done('GET', `/v1/vms/vm-${id}`);
  const standing = await done('GET', `/v1/accounts/${id}/statement`);
  return {
    entries: await ledger(id),
    events: rows.map(({ kind, amount, at: when }) => ({ kind, amount, when })),
    ends: vm['ends_at'],
    free: standing['free'],
    reconciled: await reconciled(id),
  };
}

it('all of these documents and ledgers are what uptally verify derives from what is on record', async () => {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const client = new ApiClient({ server: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, key: ADMIN });
  const { signal } = new AbortController();
  const reader = new Reader({ client, sleep: () => Promise.resolve(), signal, pageRows: 10_000 });
  const heard = { onDocument: () => undefined, onAccount: () => undefined };
  try {
    expect(await verifyDocuments(reader, heard)).toMatchObject({ disagreement: null, not_derived: 0 });
    expect((await verifyLedgers(reader, new Map(), () => undefined)).accounts).toBeGreaterThan(5);
  } finally {
    await client.close();
  }
});
