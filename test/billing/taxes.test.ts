import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Taxes by the kind of line (SPEC §6a), over HTTP. Worked out by hand: 31.00 a month, 0.10 a GB, March has 31 days. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const APRIL = { from: MARCH.to, to: '2026-05-01T00:00:00Z' };
const day = (n: number): string => `2026-03-${String(n).padStart(2, '0')}T00:00:00Z`;
const TAXES = [
  { name: 'VAT', percent: '20', kinds: ['service', 'flat'] },
  { name: 'Telecom tax', percent: '5', kinds: ['traffic'] },
  { name: 'VAT', kinds: ['charge'], exempt_reason: 'Damages, not taxable (Art. 2)' },
];

interface Line {
  kind: string;
  vm: string | null;
  amount: string;
  quantity: string;
  description: string;
}

describe('taxes by the kind of line', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const done = doneOf(() => app);
  const account = (id: string, more: object = {}) => done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', ...more });
  const served = async (vm: string, of: string, body: object = {}): Promise<void> => {
    const plans = [{ plan: 'p', from: day(1) }];
    await done('PUT', `/v1/vms/${vm}`, { account: of, plans, starts_at: day(1), ...body });
    for (const minute of ['2026-03-01 00:00:00', '2026-04-30 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${minute}', 60000, 1)`);
    await test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', 'eth0', '2026-03-10 00:00:00', 100000000000, 0, 1)`,
    );
  };
  const proven = async (id: string): Promise<void> => {
    const text = async (part: string): Promise<string> => (await call('GET', `/v1/invoices/${id}?part=${part}`)).text;
    const [content, evidence] = [await text('content'), await text('evidence')];
    const checked = checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
    expect(checked.derived).not.toBeNull();
  };
  const shown = ({ lines, total }: { lines: Line[]; total: string }): string[] => [
    ...lines.map(({ kind, amount, description }) => (kind === 'tax' ? `${description} ${amount}` : `${kind} ${amount}`)),
    total,
  ];
  const billed = async (of: string, period = MARCH): Promise<{ id: string; shown: string[] }> => {
    const draft = await done<{ id: string; lines: Line[]; total: string }>('POST', '/v1/invoices', { account: of, ...period, mode: 'draft' }); // prettier-ignore
    await done('POST', `/v1/invoices/${draft.id}/finalize`);
    await proven(draft.id);
    return { id: draft.id, shown: shown(draft) };
  };
  const outage = (vm: string): Promise<void> =>
    test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', '2026-03-10 00:00:00.000', '2026-03-11 00:00:00.000', ${conditionCode('provider')}, 0, 1)`,
    );
  const reconciled = async (of: string): Promise<string[]> => {
    const { invoices } = await done<{ invoices: { credit_notes: string[] }[] }>('POST', '/v1/reconcile', { account: of });
    return invoices.flatMap((each) => each.credit_notes);
  };
  const document = (id: string) => done<{ lines: Line[]; total: string }>('GET', `/v1/invoices/${id}`);

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-05-10T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), { now, issuer: { name: 'Example Hosting' } });
    await done('PUT', '/v1/plans/p', {
      ...{ currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, setup: '25.00' },
      traffic: { counting: 'sum', tiers: [{ up_to: null, price: '0.10' }] },
    });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('each is once on the sum of its lines, a discount is taxed as what it lowers, and what is exempt says why', async () => {
    await account('kinds', { tax_percent: '7', taxes: TAXES });
    await served('kinds-1', 'kinds', { discounts: [{ name: 'Partner', percent: '10', kinds: ['service', 'traffic'], from: day(1) }] }); // prettier-ignore
    await done('POST', '/v1/accounts/kinds/charges', { reference: 'c1', description: 'Broken disk', amount: '5.00', reason: 'opened by the customer', kind: 'damage', at: day(5) }); // prettier-ignore
    const { id, shown: lines } = await billed('kinds');
    // 20 % of 27.90, 5 % of 9.00, 7 % of the setup of 25.00
    expect(lines).toEqual([
      ...['service 31.00', 'traffic 10.00', 'setup 25.00', 'discount -4.10', 'charge 5.00'],
      ...['VAT 20 % 5.58', 'Telecom tax 5 % 0.45', 'VAT 0 % 0.00', 'Tax 7 % 1.75', '74.68'],
    ]);
    const html = (await call('GET', `/v1/invoices/${id}`, undefined, { accept: 'text/html' })).text;
    for (const text of [
      'VAT 20 % on 27.90',
      'Telecom tax 5 % on 9.00',
      'VAT 0 % on 5.00: Damages, not taxable (Art. 2)',
      'Tax 7 % on 25.00',
    ])
      // prettier-ignore
      expect(html).toContain(text);
    const pdf = await call('GET', `/v1/invoices/${id}`, undefined, { accept: 'application/pdf' });
    expect(pdf.status).toBe(200);
  });

  it('a correction takes back the tax of the line that it is of, by the taxes that the invoice was issued with', async () => {
    await account('kinds', { tax_percent: '7', taxes: [{ name: 'VAT', percent: '25', kinds: null }] });
    await outage('kinds-1');
    const [note = ''] = await reconciled('kinds');
    // 1.00 of service at 90 %, and 20 % of that
    expect(shown(await document(note)).map((text) => text.replace(/^Correction.*: /, ''))).toEqual(['service -0.90', 'VAT 20 % -0.18', '-1.08']); // prettier-ignore
    await proven(note);
    const html = (await call('GET', `/v1/invoices/${note}`, undefined, { accept: 'text/html' })).text;
    expect(html).toContain('VAT 20 %');
    expect(await reconciled('kinds')).toEqual([]);
    // The next one is of its own day.
    expect((await billed('kinds', APRIL)).shown.at(-2)).toBe('VAT 25 % 6.98');
  });

  it('what is given back by hand is given back with its own tax, and what is exempt with none', async () => {
    const list = await done<{ invoices: { id: string; type: string; from: string }[] }>('GET', '/v1/invoices?account=kinds');
    const { id = '' } = list.invoices.find(({ type, from }) => type === 'invoice' && from === MARCH.from) ?? {};
    const lines = [{ line: '1', amount: '2.00' }, { line: '2', amount: '10.00' }, { line: '4', amount: '5.00' }]; // prettier-ignore
    const { id: note } = await done('POST', `/v1/invoices/${id}/credit-notes`, { reason: 'goodwill', lines });
    const kept = await document(String(note));
    expect(kept.lines.map(({ kind, amount }) => `${kind} ${amount}`)).toEqual(['traffic -2.00', 'setup -10.00', 'charge -5.00', 'tax -0.10', 'tax -0.70']); // prettier-ignore
    expect(kept.total).toBe('-17.80');
  });

  it('what an invoice lacked is charged by the next with the tax that it lacked, and that is given back with it', async () => {
    await account('lacking', { taxes: TAXES });
    await served('lacking-1', 'lacking');
    await outage('lacking-1');
    expect((await billed('lacking')).shown).toEqual(['service 31.00', 'traffic 10.00', 'setup 25.00', 'credit -1.00', 'VAT 20 % 6.00', 'Telecom tax 5 % 0.50', '71.50']); // prettier-ignore
    await test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('lacking-1', '2026-03-10 00:00:00.000', '2026-03-11 00:00:00.000', ${conditionCode('provider')}, 1, 2)`,
    );
    await test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('lacking-1', 'eth0', '2026-03-10 00:00:00', 300000000000, 0, 2)`,
    );
    await reconciled('lacking');
    const { id, shown: lines } = await billed('lacking', APRIL);
    expect(lines.map((text) => text.replace(/^Correction.*: /, ''))).toEqual([
      ...['service 31.00', 'traffic 0.00', 'VAT 20 % 6.20', 'Telecom tax 5 % 0.00'],
      ...['service 1.00', 'traffic 20.00', 'VAT 20 % 0.20', 'Telecom tax 5 % 1.00', '59.40'],
    ]);
    const { id: note } = await done('POST', `/v1/invoices/${id}/credit-notes`, { reason: 'x', lines: [{ line: '5', amount: '20.00' }] }); // prettier-ignore
    expect((await document(String(note))).lines.map(({ kind, amount }) => `${kind} ${amount}`)).toEqual(['traffic -20.00', 'tax -1.00']); // prettier-ignore
  });

  it('taxes that contradict each other are refused', async () => {
    for (const taxes of [
      [],
      [{ name: 'a', percent: '1', kinds: ['service'] }, { name: 'b', percent: '2', kinds: ['service', 'fee'] }],
      [{ name: 'a', percent: '1' }, { name: 'b', percent: '2' }],
      [{ name: 'a', percent: '1', kinds: ['tax'] }],
      [{ name: 'a', percent: '1', exempt_reason: 'both' }],
      [{ name: 'a' }],
    ])
      expect(await call('PUT', '/v1/accounts/refused', { name: 'r', currency: 'EUR', taxes })).toMatchObject({ status: 400, body: { code: 'invalid_body' } }); // prettier-ignore
  });
});
