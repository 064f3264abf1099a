import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/client/wire/client.ts';
import { insertEntries } from '../../src/journal/append.ts';
import { type DocumentsReport, verifyDocuments } from '../../src/verify/documents.ts';
import { Reader } from '../../src/verify/reader.ts';
import { ADMIN, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/**
 * The ledger as `uptally verify` proves it (SPEC §9.3): damage is planted in what is stored, under a server that knows better or before one that is
 * started anew, and is found and named.
 */
let test: TestStore;
let app: FastifyInstance;
let now = Date.parse('2026-03-01T00:00:00Z');
const done = doneOf(() => app);

async function start(): Promise<void> {
  app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
  await app.listen({ host: '127.0.0.1', port: 0 });
}
const server = (): string => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

async function verified(): Promise<DocumentsReport> {
  const client = new ApiClient({ server: server(), key: ADMIN });
  const reader = new Reader({ client, sleep: () => Promise.resolve(), signal: new AbortController().signal, pageRows: 10_000 });
  try {
    return await verifyDocuments(reader, { onDocument: () => undefined, onAccount: () => undefined });
  } finally {
    await client.close();
  }
}

const post = (account: string, what: string, body: object) => done('POST', `/v1/accounts/${account}/${what}`, body);

/** An account with a VM of 31.00 a month, metered until May. */
async function open(id: string, vm: object = {}, body: object = {}): Promise<void> {
  await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', ...body });
  const plans = [{ plan: 'p', from: '2026-03-01T00:00:00Z' }];
  await done('PUT', `/v1/vms/vm-${id}`, { account: id, plans, starts_at: '2026-03-01T00:00:00Z', ...vm });
  for (const minute of ['2026-03-01 00:00:00', '2026-05-31 23:59:00'])
    await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-${id}', '${minute}', 60000, 1)`);
}

async function invoice(account: string, month: number, issuedAt: string): Promise<string> {
  now = Date.parse(issuedAt);
  const [from, to] = [month, month + 1].map((each) => `2026-0${each}-01T00:00:00Z`);
  const draft = await done('POST', '/v1/invoices', { account, from, to, mode: 'draft' });
  await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
  return String(draft['id']);
}

describe('the ledger is derived again', () => {
  beforeAll(async () => {
    test = await openTestStore();
    await start();
    const price = { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' } };
    await done('PUT', '/v1/plans/p', price);
    await open('paid', {}, { tax_percent: '19' });
    await open('late', { terms: 'internet-service' });
    await open('term', { terms: 'cstserver-2022' });
    await post('term', 'payments', { reference: 't', amount: '40.00', at: '2026-03-01T00:00:00Z', covers: { vm: 'vm-term', from: '2026-03-01T00:00:00Z', until: '2026-04-01T00:00:00Z' } });
    const march = await invoice('paid', 3, '2026-04-01T00:00:00Z');
    await invoice('late', 3, '2026-04-01T00:00:00Z');
    await invoice('term', 3, '2026-04-01T00:00:00Z');
    now = Date.parse('2026-04-20T00:00:00Z');
    await post('paid', 'payments', { reference: 'bank-1', amount: '50.00', at: '2026-04-10T00:00:00Z', covers: { invoice: march } });
    await post('paid', 'payouts', { reference: 'out-1', amount: '5.00', at: '2026-04-15T00:00:00Z' });
    await post('late', 'payments', { reference: 'bank-2', amount: '10.00', at: '2026-04-19T00:00:00Z' });
    await done('POST', `/v1/invoices/${march}/credit-notes`, { reason: 'goodwill', lines: [{ line: '0', amount: '1.00' }] });
    await done('POST', '/v1/accounts/paid/balance', { kind: 'adjustment', amount: '3.00' });
    // Some of March is unpaid when April is billed: a late fee is on its invoice.
    await invoice('late', 4, '2026-05-10T00:00:00Z');
    await done('POST', '/v1/charge-days', { account: 'late' });
    await open('hand');
    await post('hand', 'charges', { reference: 'work', kind: 'one_off', description: 'Work', amount: '7.00', reason: 'asked for', at: '2026-03-01T00:00:00Z' });
    await invoice('hand', 3, '2026-05-10T00:00:00Z');
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('agrees with what the API tells, and the command says so', async () => {
    const report = await verified();
    expect(report).toMatchObject({ disagreement: null, accounts: 4, invoices: 5, credit_notes: 1 });
    expect(report.entries).toBeGreaterThan(10);
    const told = await runCli(['verify', '--invoices'], { env: { UPTALLY_SERVER: server(), UPTALLY_KEY: ADMIN } });
    expect(told.code, told.err).toBe(0);
    expect(told.out).toContain(`${report.entries} entries of 4 ledgers are what the rows on record come to.`);
  });

  /** Changes rows for as long as a look takes; `anew`: the server is started again on what is then there. */
  async function damaged(where: string, change: (rows: readonly Stored[]) => readonly Stored[], anew = false) {
    const rows = await test.store.rows<Stored>(
      `SELECT kind, id, toString(seq) AS seq, toString(recorded_at) AS at, recorded_by AS by, body FROM catalog WHERE ${where} ORDER BY catalog.seq`,
    );
    expect(rows.length).toBeGreaterThan(0);
    const replace = async (by: readonly Stored[]): Promise<void> => {
      await test.store.command(`ALTER TABLE catalog DELETE WHERE ${where} SETTINGS mutations_sync = 2`);
      const entries = by.map(({ kind, id, seq, at, by: recordedBy, body }) => ({ kind, id, seq: BigInt(seq), recordedAtMs: Date.parse(`${at.replace(' ', 'T')}Z`), recordedBy, body }));
      if (entries.length > 0) await insertEntries(test.store, entries);
      if (!anew) return;
      await app.close();
      await start();
    };
    await replace(change(rows));
    const { disagreement } = await verified();
    await replace(rows);
    return disagreement;
  }
  const entry = (kind: string, account: string): string => `kind = 'balance' AND JSONExtractString(body, 'kind') = '${kind}' AND JSONExtractString(body, 'account') = '${account}'`;
  const amount = (to: string) => (rows: readonly Stored[]): Stored[] => rows.map((row) => ({ ...row, body: row.body.replace(/"amount_nanos":"-?\d+"/, `"amount_nanos":"${to}"`) }));

  it('B19: a changed entry is named, with what it was and what it is', async () => {
    expect(await damaged(entry('payment', 'paid'), amount('60000000000'))).toMatchObject({
      ...{ table: 'ledger', document: 'account paid', minute: '2026-04-10T00:00:00Z', stored: '50.00', recomputed: '60.00' },
      field: expect.stringMatching(/^entry \w+ \(payment\), amount$/) as unknown,
    });
  });

  it('a changed payment that a late fee rests on is found by the document, also by a server that never knew another', async () => {
    expect(await damaged(entry('payment', 'late'), amount('31000000000'), true)).toMatchObject({
      ...{ table: 'ledger', document: 'invoice 4 of late', field: 'what its late fee on 2 rests on' },
      stored: '31.00 due at 2026-04-15T00:00:00Z, 10.00 paid at 2026-04-19T00:00:00Z',
      recomputed: '31.00 due at 2026-04-15T00:00:00Z, 31.00 paid at 2026-04-19T00:00:00Z',
    });
  });

  it('what was charged by hand is what its invoice charges, and on record', async () => {
    const charge = "kind = 'charge'";
    expect(await damaged(charge, amount('8000000000'), true)).toMatchObject({ field: expect.stringContaining('charge by hand') as unknown, stored: '7.00', recomputed: '8.00' });
    expect(await damaged(charge, () => [], true)).toMatchObject({ field: expect.stringContaining('charge by hand') as unknown, stored: '7.00', recomputed: null });
  });

  it('B19: a missing entry is named', async () => {
    expect(await damaged(entry('payout', 'paid'), () => [])).toMatchObject({
      ...{ table: 'ledger', document: 'account paid', stored: 'payout -5.00', recomputed: null, minute: '2026-04-15T00:00:00Z' },
    });
  });

  it('an entry that nobody recorded is named', async () => {
    const more = (rows: readonly Stored[]): Stored[] => [...rows, ...rows.map((row) => ({ ...row, id: 'planted', seq: '9000' }))];
    expect(await damaged(entry('adjustment', 'paid'), more)).toMatchObject({
      ...{ table: 'ledger', document: 'account paid', field: 'entry planted', stored: null, recomputed: 'adjustment 3.00' },
    });
  });

  it('money that leaves twice is named, though the server was started on it: a payout under one reference, and more than was free', async () => {
    const twice = (rows: readonly Stored[]): Stored[] => [...rows, ...rows.map((row) => ({ ...row, id: 'planted', seq: '9000' }))];
    expect(await damaged(entry('payout', 'paid'), twice, true)).toMatchObject({
      ...{ document: 'account paid', field: 'entry planted (payout of -5.00), reference', stored: 'out-1' },
    });
    expect(await damaged(entry('payout', 'paid'), amount('-90000000000'), true)).toMatchObject({
      ...{ document: 'account paid', stored: '90.00', recomputed: 'at most 13.11, which was free' },
    });
  });

  it('books that say another sum than a document are named: its late fees, its issue, what it credits', async () => {
    const head = (from: RegExp, to: string) => (rows: readonly Stored[]): Stored[] => rows.map((row) => ({ ...row, body: row.body.replace(from, to) }));
    const documents = (account: string, type: string): string => `kind = 'invoice' AND JSONExtractString(body, 'head', 'account') = '${account}' AND JSONExtractBool(body, 'head', 'final') AND JSONExtractString(body, 'head', 'type') = '${type}'`;
    expect(await damaged(documents('term', 'invoice'), head(/"principal_nanos":"\d+"/, '"principal_nanos":"30000000000"'), true)).toMatchObject({
      ...{ document: 'invoice 3 of term', field: 'total without late fees in the books', stored: '30.00', recomputed: '31.00' },
    });
    expect(await damaged(documents('paid', 'credit_note'), head(/"line":0,"nanos":"\d+"/, '"line":0,"nanos":"900000000"'), true)).toMatchObject({
      ...{ document: 'credit note 1 of paid', field: 'lines in the books' },
    });
  });

  it('B19: a refund that was doubled is named, under a server that knows of one and under one that does not', async () => {
    const refund = { account: 'paid', currency: 'EUR', kind: 'refund', at: now, amount_nanos: '2000000000', due_at: null, day: null, invoice: null, vm: 'vm-paid', refund_check: 'c1', other: null, expires_at: null, lapsed: null, state: null, source: '', by: 'x' };
    const [{ last } = { last: '0' }] = await test.store.rows<{ last: string }>('SELECT toString(max(seq)) AS last FROM catalog');
    const row = (id: string, seq: bigint) => ({ kind: 'balance', id, seq, recordedAtMs: now, recordedBy: 'x', body: JSON.stringify(refund) });
    const restart = async (): Promise<void> => {
      await app.close();
      await start();
    };
    await insertEntries(test.store, [row('refund-1', BigInt(last) + 1n)]);
    await restart();
    expect((await verified()).disagreement).toBeNull();
    await insertEntries(test.store, [row('refund-2', BigInt(last) + 2n)]);
    const named = { document: 'account paid', field: 'entry refund-2 (refund of 2.00), refund_check', stored: 'c1', recomputed: 'none: entry refund-1 has refunded it' };
    await restart();
    expect((await verified()).disagreement).toMatchObject(named);
    await test.store.command(`ALTER TABLE catalog DELETE WHERE id LIKE 'refund-%' SETTINGS mutations_sync = 2`);
    await restart();
    // All that was planted is gone.
    expect((await verified()).disagreement).toBeNull();
  });
}); // prettier-ignore

interface Stored {
  kind: string;
  id: string;
  seq: string;
  at: string;
  by: string;
  body: string;
}

describe('the ledger of a journal of before there was one', () => {
  it('is derived again from its rows as they are', async () => {
    const store = await openTestStore();
    const text = readFileSync(join(import.meta.dirname, '..', 'ledger', 'before', 'rows.ndjson'), 'utf8');
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Stored & { at: number });
    await insertEntries(store.store, rows.map(({ kind, id, seq, at, by, body }) => ({ kind, id, seq: BigInt(seq), recordedAtMs: at, recordedBy: by, body }))); // prettier-ignore
    const kept = [test, app] as const;
    test = store;
    now = Date.parse('2026-05-02T00:00:00+08:00');
    try {
      await start();
      const client = new ApiClient({ server: server(), key: ADMIN });
      const reader = new Reader({ client, sleep: () => Promise.resolve(), signal: new AbortController().signal, pageRows: 7 });
      const { verifyLedgers } = await import('../../src/verify/ledgers.ts');
      const tally = await verifyLedgers(reader, new Map(), () => undefined);
      expect(tally.accounts).toBe(4);
      expect(tally.entries).toBeGreaterThan(20);
      await client.close();
    } finally {
      await app.close();
      await store.remove();
      [test, app] = kept;
    }
  });
});
