import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** What is taken off (SPEC §6a), over HTTP. Worked out by hand. March has 31 days. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const day = (n: number): string => `2026-03-${String(n).padStart(2, '0')}T00:00:00Z`;
const GB = 10n ** 9n;

interface Line {
  id: string;
  kind: string;
  vm: string | null;
  amount: string;
  description: string;
}

describe('discounts', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const call = (...args: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...args);
  const account = (id: string, more: object = {}) => done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', ...more });
  const served = async (
    vm: string,
    of: string,
    plans: readonly (readonly [string, string])[],
    body: object = {},
  ): Promise<void> => {
    await done('PUT', `/v1/vms/${vm}`, { account: of, plans: plans.map(([plan, from]) => ({ plan, from })), ...body });
    for (const minute of ['2026-03-01 00:00:00', '2026-04-30 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${minute}', 60000, 1)`);
  };
  const draft = (of: string) =>
    done<{ id: string; lines: Line[]; total: string }>('POST', '/v1/invoices', { account: of, ...MARCH, mode: 'draft' });
  const proven = async (id: string): Promise<void> => {
    const text = async (part: string): Promise<string> => (await call('GET', `/v1/invoices/${id}?part=${part}`)).text;
    const [content, evidence] = [await text('content'), await text('evidence')];
    const checked = checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
    expect(checked.derived).not.toBeNull();
  };
  /** The lines of March, once it is final and every one of them has come out of its own evidence again. */
  const billed = async (of: string): Promise<{ id: string; lines: string[]; total: string }> => {
    const { id, lines, total } = await draft(of);
    await done('POST', `/v1/invoices/${id}/finalize`);
    await proven(id);
    return { id, lines: lines.map(({ kind, amount }) => `${kind} ${amount}`), total };
  };
  const outage = (vm: string): Promise<void> =>
    test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', '2026-03-10 00:00:00.000', '2026-03-11 00:00:00.000', ${conditionCode('provider')}, 0, 1)`,
    );

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-05-10T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), { now, issuer: { name: 'Example Hosting' } });
    const plan = (id: string, amount: string, more: object = {}) =>
      done('PUT', `/v1/plans/${id}`, { currency: 'EUR', time_zone: 'UTC', price: { amount, per: 'month' }, ...more });
    const traffic = { counting: 'sum', tiers: [{ up_to: null, price: '0.10' }] };
    await plan('small', '31.00', { traffic });
    await plan('begun', '31.00', { traffic, setup: '10.00' });
    await plan('large', '62.00', { minimum: '93.00' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('a percentage of the lines that it is on, as far as they are of its time', async () => {
    await account('percent');
    await served('percent-1', 'percent', [['begun', day(1)]], {
      starts_at: day(1),
      discounts: [
        { name: 'Spring', percent: '50', from: day(11), until: day(21), kinds: ['service'], reason: 'Opening of the new hall' },
        { name: 'Traffic', percent: '10', from: day(1), kinds: ['traffic'], clause: { en: 'Offer 7', 'zh-Hans': '报价七', 'zh-Hant': '報價七' } },
      ],
    }); // prettier-ignore
    await test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('percent-1', 'eth0', '2026-03-10 00:00:00', ${200n * GB}, 0, 1)`,
    );
    // 10 of 31 days of 31.00, half; 10 % of 20.00.
    const { id, lines, total } = await billed('percent');
    expect(lines).toEqual(['service 31.00', 'traffic 20.00', 'setup 10.00', 'discount -5.00', 'discount -2.00']);
    expect(total).toBe('54.00');
    const html = (await call('GET', `/v1/invoices/${id}`, undefined, { accept: 'text/html' })).text;
    for (const text of ['Discount of 50 %: Spring', 'Opening of the new hall', '“Offer 7”', '11–20 March 2026'])
      expect(html).toContain(text);
    const csv = (await call('GET', `/v1/invoices/${id}`, undefined, { accept: 'text/csv' })).text;
    expect(csv).toContain('discount,percent-1,Discount of 50 %: Spring,1,piece,-5.00,-5.00,');
    const shown = await done<{ discounts: unknown[] }>('GET', '/v1/vms/percent-1');
    expect(shown.discounts[0]).toEqual({ name: 'Spring', percent: '50', from: day(11), until: day(21), kinds: ['service'], reason: 'Opening of the new hall' }); // prettier-ignore
  });

  it('where a plan changes each plan’s part is taken off by itself, with what its minimum makes of it', async () => {
    await account('change');
    await served('change-1', 'change', [['small', day(1)], ['large', day(11)]], {
      starts_at: '2026-02-01T00:00:00Z',
      discounts: [{ name: 'Half', percent: '50', from: day(6), until: day(16), kinds: ['service'] }],
    }); // prettier-ignore
    // small: 10.00, half of it within: 5.00. large: 42.00 and 21.00 more up to 21/31 of the minimum; 5 of 21 days within, of both: 10.00 and 5.00.
    const { lines, total } = await billed('change');
    expect(lines).toEqual(['service 10.00', 'service 42.00', 'traffic 0.00', 'minimum 21.00', 'discount -10.00']);
    expect(total).toBe('63.00');
  });

  it('a sum by the time is spread as a price is, and never takes more than there is', async () => {
    await account('sum');
    await served('sum-1', 'sum', [['small', day(1)]], {
      starts_at: '2026-02-01T00:00:00Z',
      ends_at: day(11),
      discounts: [{ name: 'Loyalty', amount: '6.20', from: day(6) }, { name: 'All', amount: '100.00', per: 'day', from: day(10) }],
    }); // prettier-ignore
    // Five days of 0.20; then 100.00 of the 9.00 that are left.
    const { lines, total } = await billed('sum');
    expect(lines).toEqual(['service 10.00', 'traffic 0.00', 'discount -1.00', 'discount -9.00']);
    expect(total).toBe('0.00');
  });

  it('what an outage gives back is given back at the discounted price, so nobody is credited what nobody paid', async () => {
    await account('credited');
    await served('credited-1', 'credited', [['small', day(1)]], { starts_at: '2026-02-01T00:00:00Z', discounts: [{ name: 'Free', percent: '100', from: day(1) }] }); // prettier-ignore
    await outage('credited-1');
    const { lines, total } = await billed('credited');
    expect(lines).toEqual(['service 31.00', 'traffic 0.00', 'credit -1.00', 'discount -30.00']);
    expect(total).toBe('0.00');
  });

  it('an account’s percentage is of each VM, its sum is off all together, in proportion to what they hold', async () => {
    await account('whole', { tax_percent: '10', discounts: [{ name: 'Volume', percent: '10', from: day(1) }, { name: 'Voucher', amount: '9.30', from: day(11), until: null }] }); // prettier-ignore
    await served('whole-1', 'whole', [['small', day(1)]], { starts_at: '2026-02-01T00:00:00Z' });
    await served('whole-2', 'whole', [['large', day(1)]], { starts_at: '2026-02-01T00:00:00Z' });
    // 27.90 and 83.70 are left; of 21/31 of 9.30, 6.30, a quarter and three quarters: 1.575 and 4.725, cut where the sum of them is rounded.
    const { lines, total } = await billed('whole');
    expect(lines).toEqual([
      ...['service 31.00', 'traffic 0.00', 'discount -3.10', 'service 62.00', 'minimum 31.00', 'discount -9.30'],
      ...['discount -1.58', 'discount -4.72', 'tax 10.53'],
    ]);
    expect(total).toBe('115.83');
    const { discounts } = await done<{ discounts: unknown[] }>('GET', '/v1/accounts/whole');
    expect(discounts[1]).toEqual({ name: 'Voucher', amount: '9.30', per: 'month', from: day(11), until: null });
  });

  it('a restated line under a discount is corrected with what is taken off it, and with its tax', async () => {
    await account('again', { tax_percent: '10' });
    await served('again-1', 'again', [['small', day(1)]], { starts_at: '2026-02-01T00:00:00Z', discounts: [{ name: 'Half', percent: '50', from: day(1) }] }); // prettier-ignore
    const { id, total } = await billed('again');
    expect(total).toBe('17.05');
    await outage('again-1');
    const { invoices } = await done<{ invoices: { credit_notes: string[] }[] }>('POST', '/v1/reconcile', { account: 'again' });
    const notes = invoices.flatMap((each) => each.credit_notes);
    expect(notes).toHaveLength(1);
    const note = await done<{ total: string; lines: Line[] }>('GET', `/v1/invoices/${notes[0] ?? ''}`);
    // 1.00 of service, of which half was paid, and its tax
    expect([note.total, ...note.lines.map(({ kind, amount }) => `${kind} ${amount}`)]).toEqual([
      '-0.55',
      'service -0.50',
      'tax -0.05',
    ]);
    await proven(notes[0] ?? '');
    const more = await call('POST', `/v1/invoices/${id}/credit-notes`, {
      reason: 'goodwill',
      lines: [{ line: '0', amount: '15.01' }],
    });
    expect(more).toMatchObject({ status: 409, body: { code: 'line_holds_less', holds: '15.00' } });
  });

  it('what was taken off invoiced time is not taken away without saying so', async () => {
    const body = { account: 'again', plans: [{ plan: 'small', from: day(1) }], starts_at: '2026-02-01T00:00:00Z' };
    expect(await call('PUT', '/v1/vms/again-1', body)).toMatchObject({ status: 409, body: { code: 'restates_invoices' } });
    expect(await call('PUT', '/v1/accounts/whole', { name: 'whole', currency: 'EUR', tax_percent: '10' })).toMatchObject({ status: 409, body: { code: 'restates_invoices' } }); // prettier-ignore
  });

  it('what is no discount is refused: both, neither, twice the same name, nothing, an end before the beginning', async () => {
    const put = (discounts: unknown) => call('PUT', '/v1/vms/refused-1', { account: 'percent', discounts });
    for (const wrong of [
      [{ name: 'both', percent: '1', amount: '1.00', from: day(1) }],
      [{ name: 'neither', from: day(1) }],
      [{ name: 'none', percent: '0', from: day(1) }],
      [{ name: 'more', percent: '101', from: day(1) }],
      [{ name: 'tax', percent: '1', kinds: ['tax'], from: day(1) }],
      [{ name: 'back', percent: '1', from: day(2), until: day(2) }],
      [{ name: 'same', percent: '1', from: day(1) }, { name: 'same', percent: '2', from: day(1) }],
    ])
      expect(await put(wrong)).toMatchObject({ status: 400, body: { code: 'invalid_body' } }); // prettier-ignore
  });
});
