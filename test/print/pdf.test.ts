import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { invoicePdf } from '../../src/print/pdf/pdf.ts';
import { readPdf } from '../support/read-pdf.ts';
import { shownInvoice, shownLine } from '../support/shown-invoice.ts';

describe('an invoice as PDF', { timeout: 60_000 }, () => {
  it('says who, what, how much, and how to check it; its text can be read', async () => {
    const { dense, info, links } = await readPdf(
      await invoicePdf(
        shownInvoice({
          issuer: {
            name: 'Cloud Co',
            tax_id: '24567890',
            payment: 'Bank 004, account 123',
            api_url: 'https://meter.example',
          },
        }),
      ),
    );
    for (const text of ['Invoice 12', 'OPEN – due 2 April 2026', 'Acme Ltd', 'Cloud Co', 'Tax ID 24567890', '1–31 March 2026 (Asia/Taipei)', 'CNY 300.00', 'Service, plan small', '31 days', '9.677419355', 'Bank 004, account 123', 'c'.repeat(64), 'e'.repeat(64), '/v1/vms/vm-0', 'Page 1 of'])
      expect(dense).toContain(text.replaceAll(' ', '')); // prettier-ignore
    expect(info).toMatchObject({ Title: 'Invoice 12 – Cloud Co', Author: 'Cloud Co', CreationDate: 'D:20260401020000Z' });
    expect(links).toContain('https://meter.example/v1/vms/vm-0');
  });

  it('is the same bytes for the same invoice, also when others are made between and at once', async () => {
    const invoice = shownInvoice({ customer: { name: '範例資訊有限公司', language: 'zh-TW' } }, 3);
    const [first, , second] = await Promise.all([invoicePdf(invoice), invoicePdf(shownInvoice()), invoicePdf(invoice)]);
    expect(first.equals(second)).toBe(true);
  });

  it.each([
    ['zh-TW', '範例資訊有限公司', '帳單12'],
    ['zh-CN', '示例网络科技有限公司', '账单12'],
    ['en', '株式会社サンプル・クラウド', 'Invoice12'],
    ['en', '주식회사 예시', 'Invoice12'],
    ['en', 'บริษัทคลาวด์จำกัด', 'Invoice12'],
    ['en', 'Żółć Ğüneş Ελλάδα Приклад Nguyễn', 'Invoice12'],
  ])('%s: the name %s can be selected', async (language, name, title) => {
    const { dense } = await readPdf(await invoicePdf(shownInvoice({ customer: { name, language } })));
    expect(dense.normalize('NFKC')).toContain(name.replaceAll(' ', '').normalize('NFKC'));
    expect(dense.normalize('NFKC')).toContain(title);
  });

  it.each([
    ['Arabic, joined, with a number', 'شركة الخدمات 123', ['ﺷﺮﻛﺔ', '123']],
    ['Hebrew with brackets and Latin', 'חברת ענן (ישראל) Cloud', ['ישראל', 'Cloud']],
    ['Hindi, whose signs change places', 'हिन्दी कंपनी', ['कंपनी']],
    ['Persian with its digits', 'شرکت ابری ۱۲۳', ['۱۲۳']],
  ])('%s: a name is printed without boxes', async (_, name, parts) => {
    const { dense } = await readPdf(await invoicePdf(shownInvoice({ customer: { name, language: 'en' } })));
    expect(dense).not.toContain('□');
    for (const part of parts) expect(dense.normalize('NFKC')).toContain(part.normalize('NFKC'));
  });

  it('prints a box for what no font has and for what would turn the writing, and says so', async () => {
    const { dense } = await readPdf(
      await invoicePdf(shownInvoice({ customer: { name: 'A 🎉 \u202eevil\u0000', language: 'en' } })),
    );
    expect(dense).toContain('A□□evil□');
    expect(dense).toContain('Charactersthatcouldnotbeprinted');
  });

  it('a name without spaces that fills lines stays within the page', async () => {
    const { dense } = await readPdf(await invoicePdf(shownInvoice({ customer: { name: 'W'.repeat(200), language: 'en' } })));
    expect(dense.split('W').length - 1).toBeGreaterThanOrEqual(200);
  });

  it('many VMs run over many pages: the head of the table on each, every line once, numbered pages', async () => {
    const vms = 200;
    const { pages, dense } = await readPdf(await invoicePdf(shownInvoice({}, vms)));
    expect(pages.length).toBeGreaterThan(8);
    for (const [i, page] of pages.entries()) expect(page.replace(/\s+/g, '')).toContain(`Page${i + 1}of${pages.length}`);
    const tables = pages.filter((page) => page.includes('Service, plan small'));
    expect(tables.length).toBeGreaterThan(4);
    for (const page of tables) expect(page).toContain('Unit price');
    expect(dense.split('Service,plansmall').length - 1).toBe(vms);
    expect(dense).toContain(`60of${vms}VMs`);
  });

  it('of 1,000 VMs leaves the process to its other work: another server in it answers again and again meanwhile', async () => {
    const server = createServer((_, response) => response.end('ready'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`;
    const state = { answered: 0, made: false };
    const making = invoicePdf(shownInvoice({}, 1000)).finally(() => {
      state.made = true;
    });
    while (!state.made) {
      expect(await (await fetch(url)).text()).toBe('ready');
      state.answered += 1;
    }
    server.close();
    expect((await readPdf(await making)).pages.length).toBeGreaterThan(50);
    // one after another: about 340, and 17 were its parts not made in pieces
    expect(state.answered).toBeGreaterThan(100);
  });

  it.each([
    ['preview', 'PREVIEW – not an invoice'],
    ['draft', 'DRAFT – not an invoice'],
    ['void', 'VOID – nothing is owed'],
    ['paid', 'PAID'],
  ] as const)('%s is marked on every page: %s', async (status, mark) => {
    const final = status === 'void' || status === 'paid';
    const change = final ? {} : { number: null, issued_at: null, sha256: null };
    const { pages } = await readPdf(await invoicePdf(shownInvoice({ status, ...change }, 30)));
    for (const page of pages) expect(page.replace(/\s+/g, '')).toContain(mark.replaceAll(' ', ''));
  });

  it('a credit note names what it corrects', async () => {
    const { dense } = await readPdf(
      await invoicePdf(
        shownInvoice({
          type: 'credit_note',
          number: 3,
          total: '-0.80',
          corrects: { invoice: 'abc', number: 12 },
          lines: [shownLine({ description: 'Correction of line 1 of invoice 12: Service, plan small', amount: '-0.80' })],
        }),
      ),
    );
    for (const text of ['Creditnote3', 'CorrectsInvoice12', '−0.80']) expect(dense).toContain(text);
  });
});
