import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDocument, type DocumentText } from '../../src/verify/document.ts';
import { acme, DocumentScene } from '../support/document-scene.ts';
import { readPdf } from '../support/read-pdf.ts';

/** Documents that explain themselves: what their reader asks stands on them, in the words of their language. */
describe('an invoice of a month', () => {
  const clock = { ms: Date.parse('2026-04-01T02:00:00Z') };
  let scene: DocumentScene;
  let id: string;
  const pdfOf = async (document: string, of = 'invoices') => readPdf(await scene.form(document, 'application/pdf', of));
  const htmlOf = async (document: string, of = 'invoices'): Promise<string> =>
    (await scene.form(document, 'text/html', of)).toString().replace(/<style>.*?<\/style>/s, '').replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' '); // prettier-ignore
  const jsonOf = async (document: string): Promise<Record<string, unknown>> =>
    JSON.parse((await scene.form(document, 'application/json')).toString()) as Record<string, unknown>;

  beforeAll(async () => {
    scene = await DocumentScene.open(clock);
    await acme(scene, 'en');
    id = await scene.final('acme');
  }, 240_000);
  afterAll(() => scene.close());

  it('has the number of its series, the parties with their registers, and the purchase order', async () => {
    const text = await htmlOf(id);
    for (const said of ['Invoice INV-2026-00001', 'Reg. no. TW-27934561', 'Tax ID 12345678', 'Reg. no. CR 1234567', 'Tax ID HK-998877', 'Purchase order PO-4711'])
      expect(text).toContain(said); // prettier-ignore
    expect(await jsonOf(id)).toMatchObject({ number: 1, number_text: 'INV-2026-00001', layout: 2 });
  });

  it('has the agreed price times the quantity, by plan and period, and no average', async () => {
    const text = await htmlOf(id);
    expect(text).toContain('Service, Cloud S, 2 vCPU, 4 GB (cloud-s) 10 Mar 10:00 – 1 Apr 00:00 21 days + 14 h of 31 days 310.00 / month 215.83');
    expect(text).toContain('Service, Cloud S, 2 vCPU, 4 GB (cloud-s) 1–15 March 2026 15 of 31 days 310.00 / month 150.00');
    expect(text).toContain('Service, Cloud M, 4 vCPU, 8 GB (cloud-m) 16–31 March 2026 16 of 31 days 620.00 / month 320.00');
    expect(text).toContain('1 month 310.00 / month 310.00');
    for (const average of [' 10.00 ', '15.161', '0.083954']) expect(text).not.toContain(average);
    expect(text).toContain('1,736,137,295,234 bytes counted − 1,000,000,000,000 included = 736,137,295,234');
    expect(text).toContain('500 GB at 0.10; 236.137 GB at 0.05');
  }); // prettier-ignore

  it('B20: says of a credit which outages, why, what was noted, and by which clause', async () => {
    const text = await htmlOf(id);
    expect(text).toContain('Credit for 1,504 unavailable minutes [1]');
    expect(text).toContain('5 Mar: 1 min, 10 Mar: 2 min, 11 Mar: 1 min, 20 Mar: 720 min, 21 Mar: 780 min');
    expect(text).toContain('20 Mar 12:00 – 21 Mar 13:00, provider: “ticket 7: storage node down”');
    expect(text).not.toContain('6 Mar 10:00');
    expect(text).toMatch(/\[1\] “Unavailability of the company’s own making .* – Internet Service, terms and conditions \(undated\), VIII\.8/);
  }); // prettier-ignore

  it('has the sum before tax, the tax by its name and rate, and gathers what comes to nothing', async () => {
    const text = await htmlOf(id);
    expect(text).toContain('Subtotal 1,357.20 VAT 6 % on 1,357.20 81.43 Total 1,438.63');
    expect(text).toContain('4 lines that come to nothing are not listed.');
    expect(text).not.toContain('received 0 bytes');
  });

  it('has in its CSV the agreed price of each line, and how much of it', async () => {
    const [head = '', ...rows] = (await scene.form(id, 'text/csv')).toString().trim().split('\r\n');
    expect(head).toMatch(/,query,line_from,line_to,days,minutes,of_days,price,per,clauses$/);
    expect(rows.find((row) => row.includes(',acme-db,'))).toMatch(
      /,2026-03-10T02:00:00Z,2026-03-31T16:00:00Z,21,840,31,310\.00,month,$/,
    );
    expect(rows.filter((row) => row.includes(',310.00,month,'))).toHaveLength(4);
    expect(rows.find((row) => row.includes(',credit,'))).toMatch(/,internet-service\/per-minute$/);
  });

  it('tells at the draft what no font has: names, addresses, titles, notes of incidents', async () => {
    await scene.done('PUT', '/v1/accounts/far', { name: 'ᚠᚢᚦ', currency: 'CNY', purchase_order: 'ᚱ1' });
    await scene.done('PUT', '/v1/vms/far-1', { account: 'far', title: 'ᚲᚷ', plans: [{ plan: 'cloud-s', from: '2026-03-01T00:00:00+08:00' }] });
    const day = { from: '2026-03-01T00:00:00+08:00', to: '2026-03-02T00:00:00+08:00' };
    await scene.done('POST', '/v1/incidents', { scope: { account: 'far' }, ...day, cause: 'provider', note: 'ᚹ' });
    const { notes } = await scene.done<{ notes: { code: string; field?: string }[] }>('POST', '/v1/invoices', { account: 'far', ...day });
    const told = notes.filter(({ code }) => code === 'not_printable').map(({ field }) => field);
    expect(told).toEqual(['customer_name', 'customer_purchase_order', 'titles', 'incident_notes']);
  }); // prettier-ignore

  it('fits two pages, and prints no path of the API', async () => {
    const { pages, text } = await pdfOf(id);
    expect(pages).toHaveLength(2);
    expect(text).not.toContain('/v1/');
  });

  it('is checked by itself: the second rater reads its copy', async () => {
    const copy = (await scene.call('GET', `/v1/invoices/${id}?part=copy`)).body as unknown as DocumentText;
    expect(checkDocument(copy).derived).toBeGreaterThan(8);
  });

  it('B20: asks for money while something is due, then says what was paid and when', async () => {
    const open = await htmlOf(id);
    for (const said of ['Amount due CNY 1,438.63', 'How to pay', 'Example Bank']) expect(open).toContain(said);
    clock.ms = Date.parse('2026-04-08T02:00:00Z');
    await scene.done('POST', `/v1/invoices/${id}/payments`, { amount: '1438.63', at: '2026-04-07T02:00:00Z', note: 'wire 0815' });
    const paid = await htmlOf(id);
    expect(paid).toContain('PAID');
    expect(paid).toContain('Paid 7 April 2026: CNY 1,438.63 (wire 0815)');
    for (const asked of ['How to pay', 'Example Bank', ' Due ', 'Payment terms']) expect(paid).not.toContain(asked);
  });

  it('B20: its credit note names number, line, minutes, reason, note and clause', async () => {
    clock.ms = Date.parse('2026-04-20T02:00:00Z');
    await scene.done('POST', '/v1/incidents', {
      ...{ scope: { vms: ['acme-web'] }, from: '2026-03-06T10:00:00+08:00', to: '2026-03-06T12:00:00+08:00' },
      ...{ cause: 'provider', note: 'ticket 9: it was our switch' },
    });
    await scene.done('POST', '/v1/reconcile', { account: 'acme' });
    const { invoices } = await scene.done<{ invoices: { id: string; type: string; number_text: string }[] }>(
      'GET',
      '/v1/invoices',
    );
    const note = invoices.find(({ type }) => type === 'credit_note');
    expect(note?.number_text).toBe('CN-2026-00001');
    const text = await htmlOf(note?.id ?? '');
    expect(text).toContain('Credit note CN-2026-00001');
    expect(text).toContain('Correction of line 9 of invoice INV-2026-00001: Service, Cloud S, 2 vCPU, 4 GB (cloud-s) [1]');
    expect(text).toContain('Was 299.56, is 298.72 6 March 2026: 120 unavailable minutes, was 0');
    expect(text).toContain('Reason: incident of 6 Mar 10:00–12:00, provider: “ticket 9: it was our switch”');
    expect(text).toContain('Subtotal −0.84 VAT 6 % −0.05 Total −0.89');
    expect(await htmlOf(id)).toContain('Credited (Credit note CN-2026-00001) −0.89');
    // Found by its number as it is written, too.
    expect((await scene.done<{ invoices: unknown[] }>('GET', '/v1/invoices?number=CN-2026-00001')).invoices).toHaveLength(1);
  });

  it.each([
    ['zh-CN', 'hans', ['账单 INV-2026-', '不可用 1,504 分钟的抵免 [1]', '3/20 12:00 – 3/21 13:00，供应商', '由公司造成的不可用按分钟抵扣费用', '1 个月 310.00 / 月']],
    ['zh-TW', 'hant', ['帳單 INV-2026-', '不可用 1,504 分鐘之抵免 [1]', '3/20 12:00 – 3/21 13:00，供應商', '由公司造成的不可用按分鐘抵扣費用', '1 個月 310.00 / 月']],
  ])('says it in %s, clauses as well', { timeout: 120_000 }, async (language, account, said) => {
    await acme(scene, language, account);
    const text = await htmlOf(await scene.final(account));
    for (const each of said) expect(text).toContain(each);
  }); // prettier-ignore

  it('a refund decision is a letter: each rule in the words of the terms, measured value, limit, outcome, evidence', async () => {
    for (const [account, language] of [['r-en', 'en'], ['r-hans', 'zh-CN'], ['r-hant', 'zh-TW']] as const) {
      await scene.done('PUT', `/v1/accounts/${account}`, { name: 'Acme', currency: 'CNY', language });
      await scene.done('PUT', `/v1/vms/${account}`, {
        ...{ account, title: 'Web shop', terms: 'cstserver-2022', plans: [{ plan: 'cloud-s', from: '2026-03-01T00:00:00+08:00' }] },
        ...{ starts_at: '2026-03-01T00:00:00+08:00', paid_at: '2026-03-20T00:00:00+08:00', paid_until: '2026-04-01T00:00:00+08:00', paid_amount: '310.00' },
      });
      await scene.metered(account);
      await scene.outage(account, '2026-03-20T12:00:00+08:00', '2026-03-20T13:30:00+08:00');
    }
    const check = async (vm: string): Promise<string> =>
      (await scene.done<{ id: string }>('POST', '/v1/refund-checks', { vm, at: '2026-03-20T20:00:00+08:00' })).id;
    const eligible = await htmlOf(await check('r-en'), 'refund-checks');
    for (const said of ['Refund decision', 'ELIGIBLE', 'Refund CNY 310.00', '20 h since the payment at most 24 h applies', 'Money back guarantee', 'The amount goes to the account balance.', '20 Mar 12:00–13:30, provider: 1 h 30 min', 'Time looked at 20 March 2026 00:00 – 20 March 2026 20:00'])
      expect(eligible).toContain(said);
    await scene.done('POST', '/v1/vms/r-hans/events', { at: '2026-03-20T10:00:00+08:00', kind: 'ip_blocked' });
    const hans = await htmlOf(await check('r-hans'), 'refund-checks');
    for (const said of ['退款决定', '不可退款', '自付款起 20 小时 至多 24 小时 成立', '已记录 1 次（IP 地址被封锁）', '排除退款']) expect(hans).toContain(said);
    const { text } = await pdfOf(await check('r-hant'), 'refund-checks');
    expect(text.replace(/\s+/g, '')).toContain('退款金額');
    expect((await scene.call('GET', `/v1/refund-checks/${await check('r-en')}`, undefined, { accept: 'text/csv' })).status).toBe(406);
  }, 120_000); // prettier-ignore
});
