import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { invoiceCsv } from '../../src/print/csv.ts';
import { invoiceHtml } from '../../src/print/html.ts';
import type { ShownInvoice } from '../../src/print/invoice-shape.ts';
import { invoicePdf } from '../../src/print/pdf/pdf.ts';
import { readPdf } from '../support/read-pdf.ts';

/**
 * Documents that version 0.1.0 kept and answered, before lines had codes beside their English: what was sent to a customer is
 * printed the same for ever. The files in `before/` were written by that version.
 */
const FOLDER = join(import.meta.dirname, 'before');
const DOCUMENTS = ['invoice', 'with-corrections', 'credit-note', 'preview'] as const;

function documentIn(name: string, language: string): ShownInvoice {
  const document = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as ShownInvoice;
  return { ...document, customer: { ...document.customer, language } };
}

describe.each(DOCUMENTS)('%s of before', (name) => {
  it.each(['en', 'zh-Hant', 'zh-Hans'])('is the same HTML in %s', async (language) => {
    await expect(invoiceHtml(documentIn(name, language))).toMatchFileSnapshot(join(FOLDER, `${name}.${language}.html`));
  });

  it.each(['en', 'zh-Hant', 'zh-Hans'])('has the same text in its PDF in %s', { timeout: 60_000 }, async (language) => {
    const { lines } = await readPdf(await invoicePdf(documentIn(name, language)));
    await expect(lines).toMatchFileSnapshot(join(FOLDER, `${name}.${language}.txt`));
  });

  it('is the same CSV', async () => {
    await expect(invoiceCsv(documentIn(name, 'zh-Hant'))).toMatchFileSnapshot(join(FOLDER, `${name}.csv`));
  });
});
