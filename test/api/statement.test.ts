import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { readPdf } from '../support/read-pdf.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

interface Entry {
  kind: string;
  amount: string;
  balance: string;
  words: string;
  note: string;
  document: { type: string; number: string | null } | null;
}
interface Statement {
  opening_balance: string;
  closing_balance: string;
  credits: string;
  charges: string;
  from: string;
  to: string;
  time_zone: string;
  entries: Entry[];
}

/** 31.00 EUR a month in Taipei, billed in March and April, paid in part. */
describe('a statement of account', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let now = Date.parse('2026-04-01T00:00:00Z');
  const done = doneOf(() => app);
  const cents = (amount: string): number => Math.round(Number(amount) * 100);
  const statement = (query = '', account = 'a') => done<Statement>('GET', `/v1/accounts/${account}/statement${query}`);
  const form = async (accept: string, account = 'a', query = ''): Promise<Buffer> =>
    (
      await app.inject({
        url: `/v1/accounts/${account}/statement${query}`,
        headers: { authorization: `Bearer ${ADMIN}`, accept },
      })
    ).rawPayload;

  const month = async (account: string, from: string, to: string, at: string): Promise<void> => {
    now = Date.parse(at);
    const draft = await done('POST', '/v1/invoices', { account, from, to, mode: 'draft' });
    await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
  };

  beforeAll(async () => {
    test = await openTestStore();
    const issuer = {
      name: 'Example Hosting Ltd',
      address: '1 Harbour Road\nHong Kong',
      payment: 'Bank of Examples, account 123-456',
      numbers: { invoice: 'INV-{year}-{number:5}' },
    };
    app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now, issuer });
    await done('PUT', '/v1/plans/p', { currency: 'EUR', time_zone: 'Asia/Taipei', price: { amount: '31.00', per: 'month' } });
    for (const [id, language] of [
      ['a', 'en'],
      ['b', 'zh-Hans'],
      ['c', 'zh-Hant'],
    ] as const) {
      await done('PUT', `/v1/accounts/${id}`, {
        name: id === 'a' ? 'ACME <b>Ltd</b>' : '範例公司',
        currency: 'EUR',
        language,
        address: 'Main Street 1',
      });
      await done('PUT', `/v1/vms/vm-${id}`, {
        account: id,
        plans: [{ plan: 'p', from: '2026-03-01T00:00:00+08:00' }],
        starts_at: '2026-03-01T00:00:00+08:00',
      });
      for (const minute of ['2026-02-28 16:00:00', '2026-05-31 23:59:00'])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-${id}', '${minute}', 60000, 1)`);
      await month(id, '2026-03-01T00:00:00+08:00', '2026-04-01T00:00:00+08:00', '2026-04-01T02:00:00Z');
      now = Date.parse('2026-05-01T00:00:00Z');
      await done('POST', `/v1/accounts/${id}/payments`, {
        reference: `wire-${id}-1`,
        amount: '20.00',
        at: '2026-04-10T02:00:00Z',
      });
      await done('POST', `/v1/accounts/${id}/payments`, {
        ...{ reference: `=cmd|' /C calc'!A0`, amount: '5.55', at: '2026-04-30T15:59:59Z', note: 'cash, at the desk' },
        covers: { vm: `vm-${id}`, from: '2026-05-01T00:00:00+08:00', until: '2026-06-01T00:00:00+08:00' },
      });
      await month(id, '2026-04-01T00:00:00+08:00', '2026-05-01T00:00:00+08:00', '2026-05-01T02:00:00Z');
    }
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('carries forward what was before, names every document, and adds up', async () => {
    const april = await statement('?from=2026-04&to=2026-05');
    expect(april).toMatchObject({ opening_balance: '0.00', closing_balance: '-5.45', credits: '25.55', charges: '31.00', time_zone: 'Asia/Taipei', from: '2026-03-31T16:00:00Z', to: '2026-04-30T16:00:00Z' }); // prettier-ignore
    expect(april.entries.map(({ words, amount, balance }) => [words, amount, balance])).toEqual([
      ['Invoice INV-2026-00001', '-31.00', '-31.00'],
      ['Payment', '20.00', '-11.00'],
      ['Payment for VM vm-a, 1–31 May 2026', '5.55', '-5.45'],
    ]);
    expect(april.entries[0]?.document).toMatchObject({ type: 'invoice', number: 'INV-2026-00001' });
    expect(await statement('?from=2026-05-01&to=2026-06-01')).toMatchObject({
      opening_balance: '-5.45',
      closing_balance: '-36.45',
    });
  });

  it('of any cut into two the first closes with what the second opens with, and both are the whole', async () => {
    const whole = await statement('?from=2026-03-01&to=2026-06-01');
    for (const cut of ['2026-03-15', '2026-04-01T02:00:00Z', '2026-04-10T02:00:00Z', '1777564799001', '2026-05-20']) {
      const first = await statement(`?from=2026-03-01&to=${cut}`);
      const second = await statement(`?from=${cut}&to=2026-06-01`);
      expect(first.closing_balance).toBe(second.opening_balance);
      expect([...first.entries, ...second.entries]).toEqual(whole.entries);
    }
    let balance = cents(whole.opening_balance);
    for (const entry of whole.entries) expect(cents(entry.balance)).toBe((balance += cents(entry.amount)));
    expect(cents(whole.closing_balance)).toBe(balance);
    expect(cents(whole.opening_balance) + cents(whole.credits) - cents(whole.charges)).toBe(balance);
    const { balance: now } = await done<{ balance: string }>('GET', '/v1/accounts/a/balance');
    expect(whole.closing_balance).toBe(now);
  });

  it('left out, from is the first entry and to is now; an account without entries has an empty one', async () => {
    expect((await statement()).entries).toHaveLength(4);
    await done('PUT', '/v1/accounts/empty', { name: 'Empty', currency: 'JPY' });
    expect(await statement('', 'empty')).toMatchObject({ entries: [], opening_balance: '0', closing_balance: '0' });
    expect((await form('application/pdf', 'empty')).subarray(0, 5).toString()).toBe('%PDF-');
  });

  it.each([
    ['?from=2026-05&to=2026-04', 400, 'invalid_parameter'],
    ['?from=2026-13', 400, 'invalid_parameter'],
    ['?from=yesterday', 400, 'invalid_parameter'],
    ['?when=2026', 400, 'invalid_parameter'],
  ])('%s is refused: %i %s', async (query, status, code) => {
    expect(await callOf(app)('GET', `/v1/accounts/a/statement${query}`)).toMatchObject({ status, body: { code } });
  });
  it('of an account that is not there it is 404', async () => {
    expect(await callOf(app)('GET', '/v1/accounts/nobody/statement')).toMatchObject({
      status: 404,
      body: { code: 'account_unknown' },
    });
  });

  it('as CSV no cell is a formula, and the amounts add up to the closing balance', async () => {
    const csv = (await form('text/csv', 'a', '?from=2026-03-01')).toString();
    expect(csv).not.toMatch(/(^|,)"?=cmd/m);
    expect(csv).toContain(`'=cmd`);
    const rows = csv.trimEnd().split('\r\n');
    expect(rows[0]).toBe('account,currency,at,kind,invoice,credit_note,day,vm,reference,words,note,amount,balance,id');
    expect(rows[1]).toMatch(/^a,EUR,2026-02-28T16:00:00Z,opening,.*,0\.00,$/);
    expect(rows.at(-1)).toMatch(/,closing,.*,-36\.45,$/);
  });

  it.each([
    ['a', ['Statement of account', 'Balance carried forward', 'Invoice INV-2026-00001', 'Reference wire-a-1', 'Amount due', '36.45', 'How to pay', 'Bank of Examples, account 123-456']],
    ['b', ['对账单', '上期结转余额', '账单 INV-2026-00003', '参考号 wire-b-1', '应付金额', '36.45']],
    ['c', ['對帳單', '上期結轉餘額', '帳單 INV-2026-00005', '參考號 wire-c-1', '應付金額', '36.45']],
  ] as const)('of account %s is a page and a PDF in its language', async (account, said) => {
    const html = (await form('text/html', account)).toString();
    const pdf = await form('application/pdf', account);
    const { dense, pages } = await readPdf(pdf);
    expect(pages).toHaveLength(1);
    for (const each of said) {
      expect(html.replace(/<[^>]+>/g, '')).toContain(each);
      expect(dense).toContain(each.replaceAll(' ', ''));
    }
    expect(html).not.toContain('<b>Ltd</b>');
  }); // prettier-ignore

  it.each([
    ['en', 'Charge for 1 March 2026'],
    ['zh-Hans', '2026年3月1日的费用'],
    ['zh-Hant', '2026 年 3 月 1 日之費用'],
  ])(
    '%s: days that are charged by themselves are days in its language, without a note of the books',
    async (language, charge) => {
      const [id, from] = [`daily-${language}`, '2026-03-01T00:00:00+08:00'];
      await done('PUT', '/v1/plans/day', { currency: 'CNY', time_zone: 'Asia/Shanghai', price: { amount: '14.40', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
      await done('PUT', `/v1/accounts/${id}`, { name: '範例公司', currency: 'CNY', language });
      await done('PUT', `/v1/vms/vm-${id}`, { account: id, plans: [{ plan: 'day', from }], starts_at: from });
      for (const minute of ['2026-02-28 16:00:00', '2026-03-04 16:00:00'])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('vm-${id}', '${minute}', 60000, 1)`);
      now = Date.parse('2026-03-04T00:00:00+08:00');
      await done('POST', '/v1/charge-days', { account: id });
      const { entries } = await statement('', id);
      expect(entries.map(({ kind, words, note }) => [kind, words, note])[0]).toEqual(['charge', charge, '']);
      expect(entries).toHaveLength(3);
      const ledger = await done<{ entries: { note: string }[] }>('GET', `/v1/accounts/${id}/ledger`);
      expect(ledger.entries.map(({ note }) => note)).toContain('usage of 2026-03-01');
      expect((await readPdf(await form('application/pdf', id))).text).not.toContain('usage of');
    },
  );

  it('uptally statement shows and writes it', async () => {
    const { port } = app.server.address() as AddressInfo;
    const env = { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN };
    const shown = await runCli(['statement', 'a', '--from', '2026-04', '--to', '2026-05'], { env });
    expect(shown.code, shown.err).toBe(0);
    expect(shown.out).toMatch(/carried forward +0\.00/);
    expect(shown.out).toMatch(/Payment +wire-a-1 +20\.00 +-11\.00/);
    expect(shown.out).toMatch(/at the end +-5\.45/);
    const folder = await mkdtemp(join(tmpdir(), 'uptally-statement-'));
    try {
      const file = join(folder, 'a.pdf');
      expect((await runCli(['statement', 'a', '--pdf', file], { env })).code).toBe(0);
      expect((await readPdf(await readFile(file))).text).toContain('Statement of account');
    } finally {
      await rm(folder, { recursive: true });
    }
    expect((await runCli(['statement', 'nobody'], { env })).code).toBe(1);
    expect((await runCli(['statement', 'a', '--json', '--pdf', '-'], { env })).code).toBe(2);
  });
});
