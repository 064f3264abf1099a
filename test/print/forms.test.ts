import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import { invoiceCsv } from '../../src/print/csv.ts';
import { invoiceHtml } from '../../src/print/html.ts';
import { grouped } from '../../src/print/numbers.ts';
import { languageOf } from '../../src/print/words/language.ts';
import { describe as describeLine, formulaText } from '../../src/print/words/legacy.ts';
import { DATES, shownDays, shownInvoice, shownLine } from '../support/shown-invoice.ts';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** The page as a browser's parser reads it: its elements, its text, and what it found wrong. */
function parsed(html: string) {
  const errors: string[] = [];
  const elements: Element[] = [];
  let text = '';
  const walk = (node: Node): void => {
    if ('tagName' in node) elements.push(node);
    if (node.nodeName === '#text' && 'value' in node) text += node.value;
    if ('childNodes' in node) node.childNodes.forEach(walk);
  };
  walk(parse(html, { onParseError: ({ code }) => errors.push(code) }));
  const named = (name: string): Element[] => elements.filter((element) => element.tagName === name);
  return { errors, elements, text, named };
}

const HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\' & {{x}} \u0000';

describe('an invoice as HTML', () => {
  it('is well-formed, loads and runs nothing, whatever the names are', () => {
    const { errors, elements, named, text } = parsed(
      invoiceHtml(
        shownInvoice({
          customer: { name: HOSTILE, language: 'en', address: HOSTILE },
          issuer: { name: HOSTILE, payment: HOSTILE, api_url: 'https://meter.example' },
          account: HOSTILE,
          lines: [shownLine({ vm: HOSTILE, description: HOSTILE, unit: HOSTILE, query: HOSTILE, formula: HOSTILE })],
          usage_days: { time_zone: 'UTC', dates: DATES, vms: [shownDays(HOSTILE)] },
        }),
      ),
    );
    expect(errors).toEqual([]);
    const names = new Set(elements.map((element) => element.tagName));
    for (const name of ['script', 'img', 'link', 'iframe', 'object', 'form', 'base']) expect(names).not.toContain(name);
    for (const { attrs } of elements)
      for (const { name, value } of attrs) {
        expect(name).not.toMatch(/^on|^style$|^src$/);
        if (name === 'href') expect(value).toMatch(/^(#|https:\/\/meter\.example)/);
      }
    expect(text).toContain('<script>alert(1)</script>');
    expect(named('meta').flatMap(({ attrs }) => attrs.map(({ value }) => value)).join(' ')).toContain("default-src 'none'"); // prettier-ignore
  });

  it('draws the days of every VM with a title and a description, and names the worst when there are too many', () => {
    const days = (vm: string, i: number) =>
      shownDays(vm, i === 150 ? { up_ms: DATES.map(() => 0), not_up_ms: { provider: DATES.map(() => 86_400_000) } } : {});
    const vms = Array.from({ length: 200 }, (_, i) => days(`vm-${i}`, i));
    const { named, text, errors } = parsed(
      invoiceHtml(shownInvoice({ usage_days: { time_zone: 'UTC', dates: DATES, vms } }, 200)),
    );
    expect(errors).toEqual([]);
    const pictures = named('svg').filter(({ attrs }) => attrs.some(({ name, value }) => name === 'role' && value === 'img'));
    expect(pictures.length).toBe(61);
    for (const { childNodes } of pictures)
      expect(childNodes.slice(0, 2).map(({ nodeName }) => nodeName)).toEqual(['title', 'desc']);
    expect(text).toContain('not up 744 h (provider 744 h)');
    expect(text).toContain('the 60 of 200 VMs');
    const ids = named('title').concat(named('desc')).flatMap(({ attrs }) => attrs.map(({ value }) => value)); // prettier-ignore
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('an outage of one minute is still drawn', () => {
    const short = shownDays('v', { not_up_ms: { provider: DATES.map((_, i) => (i === 4 ? 60_000 : 0)) } });
    const { named } = parsed(invoiceHtml(shownInvoice({ usage_days: { time_zone: 'UTC', dates: DATES, vms: [short] } })));
    expect(named('path').filter(({ attrs }) => attrs.some(({ value }) => value === '#8e1b1b')).length).toBe(2);
  });

  it('says in the language of the account what it is; unknown languages are English', () => {
    const page = (language: string) => parsed(invoiceHtml(shownInvoice({ customer: { name: 'n', language } }))).text;
    expect(page('zh-TW')).toContain('帳單 12');
    expect(page('zh')).toContain('账单 12');
    expect(page('tlh')).toContain('Invoice 12');
  });
});

describe('words of documents', () => {
  it.each([
    ['en', 'en'],
    ['en-GB', 'en'],
    ['ja', 'en'],
    ['zh', 'zh-Hans'],
    ['zh-CN', 'zh-Hans'],
    ['zh-SG', 'zh-Hans'],
    ['zh-TW', 'zh-Hant'],
    ['zh-HK', 'zh-Hant'],
    ['zh-Hant', 'zh-Hant'],
    ['zh-Hans-TW', 'zh-Hans'],
  ])('%s is printed in %s', (tag, language) => {
    expect(languageOf(tag)).toBe(language);
  });

  it.each([
    ['Service, plan a, plan b', '服務費，方案 a, b'],
    ['Traffic (received + sent), plan a', '流量（接收 + 傳送），方案 a'],
    ['Credit for 12 unavailable minutes', '不可用 12 分鐘之抵免'],
    ['Late fee on invoice 7', '帳單 7 之滯納金'],
    ['Correction of line 2 of invoice 7: Tax 6 %', '更正帳單 7 第 2 行：稅 6 %'],
    ['What nobody has words for', 'What nobody has words for'],
  ])('%s is %s', (english, chinese) => {
    expect(describeLine(english, 'zh-Hant')).toBe(chinese);
  });

  it('formulas are said phrase by phrase', () => {
    expect(formulaText('simple: no fee on a fee; unit_price is the average', 'zh-Hant')).toBe(
      '單利：不對滯納金再計費；單價為平均值',
    );
  });

  it.each([['1234567.50', '1,234,567.50'], ['-1234', '−1,234'], ['0.10', '0.10'], ['999', '999'], ['n/a', 'n/a']])('%s is shown as %s', (text, shown) => {
    expect(grouped(text)).toBe(shown);
  }); // prettier-ignore
});

describe('an invoice as CSV', () => {
  /** RFC 4180, read by its grammar. */
  const cells = (csv: string): string[][] => {
    const rows: string[][] = [];
    const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
    let row: string[] = [];
    let end = 0;
    for (const match of csv.matchAll(pattern)) {
      row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
      if (match[3] === '\r\n') {
        rows.push(row);
        row = [];
      }
      end = match.index + match[0].length;
    }
    expect(end).toBe(csv.length);
    return rows;
  };
  const description = (text: string) => cells(invoiceCsv(shownInvoice({ lines: [shownLine({ description: text })] })))[1]?.[9];

  it.each(['=1+1', '+1', '-1+1', '@SUM(A1)', '\tx', '\rx', '\nx', '＝1', "-1.20'", '=HYPERLINK("http://x","y")'])('%j is no formula', (text) => {
    expect(description(text)).toBe(`'${text}`);
  }); // prettier-ignore

  it.each(['a,b', 'say "no"', 'two\r\nlines', '範例', "it's", ' =1'])('%j comes back as it was', (text) => {
    expect(description(text)).toBe(text);
  });

  it('amounts stay numbers, the negative ones too; there is no byte order mark', () => {
    const csv = invoiceCsv(shownInvoice({ lines: [shownLine({ amount: '-1.20', unit_price: '-0.5' })] }));
    const [head, row] = cells(csv);
    expect(head?.[0]).toBe('invoice');
    expect(row?.[head?.indexOf('amount') ?? -1]).toBe('-1.20');
    expect(row?.[head?.indexOf('unit_price') ?? -1]).toBe('-0.5');
  });
});
