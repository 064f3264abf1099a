import type { FastifyInstance } from 'fastify';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A void invoice in every form: it says so, nothing is owed, and what it had charged stays to be read. */
const NOW = Date.parse('2026-05-01T00:00:00Z');
const PERIOD = { account: 'a', from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };

describe.each([
  { was: 'a final invoice', final: true, language: 'en', word: 'VOID – nothing is owed' },
  { was: 'a draft', final: false, language: 'en', word: 'VOID – nothing is owed' },
  { was: 'a final invoice in Chinese', final: true, language: 'zh-TW', word: '已作廢 – 無須付款' },
])('void, $was', ({ final, language, word }) => {
  let test: TestStore;
  let app: FastifyInstance;
  let path = '';
  const done = doneOf(() => app);
  const as = (accept: string) => app.inject({ method: 'GET', url: path, headers: { authorization: `Bearer ${ADMIN}`, accept } });

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => NOW), { now: () => NOW });
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '310.00', per: 'month' } });
    await done('PUT', '/v1/accounts/a', { name: 'A', currency: 'CNY', tax_percent: '6', language });
    for (const vm of ['v1', 'v2']) await done('PUT', `/v1/vms/${vm}`, { account: 'a', plans: [{ plan: 'p', from: PERIOD.from }] });
    path = `/v1/invoices/${String((await done('POST', '/v1/invoices', { ...PERIOD, mode: 'draft' }))['id'])}`;
    if (final) await done('POST', `${path}/finalize`);
    await done('POST', `${path}/void`);
  }); // prettier-ignore
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('as JSON: its status, nothing outstanding, when and by whom; its lines and number stay', async () => {
    expect((await as('application/json')).json()).toMatchObject({
      status: 'void',
      number: final ? 1 : null,
      total: '657.20',
      outstanding: '0.00',
      lines: [{ kind: 'service', amount: '310.00' }, { kind: 'service' }, { kind: 'tax', amount: '37.20' }],
      payments: [{ kind: 'void', at: '2026-05-01T00:00:00Z', amount: '0.00', by: 'admin#bootstrap' }],
    });
    const { invoices } = (await callOf(app)('GET', '/v1/invoices?status=void')).body as { invoices: object[] };
    expect(invoices).toMatchObject([{ status: 'void', total: '657.20' }]);
  });

  it('as CSV: in every row', async () => {
    const [head = '', ...rows] = (await as('text/csv')).body.trimEnd().split('\r\n');
    const at = head.split(',').indexOf('status');
    expect(rows.map((row) => row.split(',')[at])).toEqual(['void', 'void', 'void']);
  });

  it('as HTML: in place of what is open or paid', async () => {
    const html = (await as('text/html')).body;
    expect(html).toMatch(new RegExp(`class="[^"]*void[^"]*"[^>]*>${word}<`));
    expect(html).toContain('657.20');
    expect(html).not.toMatch(/OPEN|PAID|DRAFT|Outstanding|草稿/);
  });

  it('as PDF: on every page', async () => {
    const task = getDocument({ data: new Uint8Array((await as('application/pdf')).rawPayload), verbosity: 0 });
    const document = await task.promise;
    for (let i = 1; i <= document.numPages; i += 1) {
      const { items } = await (await document.getPage(i)).getTextContent();
      const text = items.flatMap((item) => ('str' in item ? [item.str] : [])).join('');
      expect(text.replace(/\s+/g, '').normalize('NFKC')).toContain(word.replace(/\s+/g, '').normalize('NFKC'));
    }
    await task.destroy();
  });
});
