import { describe, expect, it } from 'vitest';
import { statementFile, statementPage } from '../../src/print/forms/statement.ts';
import { entryTeller } from '../../src/print/statement/entry-words.ts';
import type { NamedDocument, Statement, StatementEntry } from '../../src/print/statement/statement-shape.ts';
import { readPdf } from '../support/read-pdf.ts';

/** Every kind of entry that an account's ledger can have, in the words of each language. */
const invoice: NamedDocument = { type: 'invoice', id: 'i', number: '7' };
const blank: StatementEntry = {
  ...{ id: 'e', kind: 'charge', at: '2026-03-05T16:00:00Z', amount: '-14.40', balance: '-14.40' },
  ...{ invoice: null, creditNote: null, day: null, vm: null, term: null, account: null, made: null, reference: null, note: '' },
};
const day = { day: '2026-03-05' };
const term = { vm: 'web-1', term: { from: '2026-04-30T16:00:00Z', until: '2026-05-31T16:00:00Z' } };
const SAID: readonly (readonly [Partial<StatementEntry>, en: string, hant: string, hans: string])[] = [
  [{ invoice }, 'Invoice 7', '帳單 7', '账单 7'],
  [day, 'Charge for 5 March 2026', '2026 年 3 月 5 日之費用', '2026年3月5日的费用'],
  [{ ...day, invoice }, 'Charge for 5 March 2026, invoice 7', '2026 年 3 月 5 日之費用，帳單 7', '2026年3月5日的费用，账单 7'],
  [{ ...day, made: 'correction' }, 'Correction of the charge for 5 March 2026', '更正 2026 年 3 月 5 日之費用', '更正 2026年3月5日的费用'],
  [{ ...day, kind: 'late_fee' }, 'Late fee, 5 March 2026', '滯納金，2026 年 3 月 5 日', '滞纳金，2026年3月5日'],
  [{ ...day, invoice, kind: 'late_fee', made: 'correction' }, 'Correction of the late fee, 5 March 2026, invoice 7', '更正滯納金，2026 年 3 月 5 日，帳單 7', '更正滞纳金，2026年3月5日，账单 7'],
  [{ invoice, kind: 'late_fee' }, 'Late fee, invoice 7', '滯納金，帳單 7', '滞纳金，账单 7'],
  [{ kind: 'payment' }, 'Payment', '付款', '付款'],
  [{ ...term, kind: 'payment' }, 'Payment for VM web-1, 1–31 May 2026', '付款，虛擬機 web-1，2026 年 5 月 1 日 – 2026 年 5 月 31 日', '付款，虚拟机 web-1，2026年5月1日 – 2026年5月31日'],
  [{ invoice, kind: 'refund' }, 'Paid back, invoice 7', '退款，帳單 7', '退款，账单 7'],
  [{ invoice, creditNote: { type: 'credit_note', id: 'n', number: '8' }, kind: 'credit_note' }, 'Credit note 8 on invoice 7', '折讓單 8，帳單 7', '贷记单 8，账单 7'],
  [{ kind: 'payout' }, 'Paid out', '提款', '提款'],
  [{ kind: 'adjustment', account: 'b' }, 'Adjustment, account b', '調整，帳戶 b', '调整，账户 b'],
  [{ kind: 'adjustment', made: 'lapse' }, 'Unused credit that expired', '未使用之餘額到期失效', '未使用的余额到期失效'],
  [{ kind: 'adjustment', made: 'void', invoice }, 'Invoice 7 made void', '帳單 7 作廢', '账单 7 作废'],
]; // prettier-ignore

describe.each([
  ['en', 1],
  ['zh-Hant', 2],
  ['zh-Hans', 3],
] as const)('a statement in %s', (language, at) => {
  const statement: Statement = {
    ...{ account: 'acme', currency: 'CNY', language, time_zone: 'Asia/Shanghai' },
    ...{ from: '2026-02-28T16:00:00Z', to: '2026-05-31T16:00:00Z', madeAt: '2026-06-01T02:00:00Z', issuer: undefined },
    ...{ customer: { name: '範例公司' }, opening: '0.00', closing: '-216.00', credits: '0.00', charges: '216.00' },
    entries: SAID.map(([entry], n) => ({ ...blank, ...entry, id: `e${n}` })),
  };

  it('says of every entry what it is', () => {
    const tell = entryTeller(statement);
    expect(statement.entries.map(tell)).toEqual(SAID.map((said) => said[at]));
  });

  it('has those words on its page and in its PDF, and the note of whoever wrote one', async () => {
    const noted = { ...statement, entries: statement.entries.map((entry) => ({ ...entry, note: 'n/5' })) };
    const html = statementPage(noted).html.replace(/<[^>]+>/g, '');
    const { dense } = await readPdf(await statementFile(noted));
    for (const said of SAID) {
      expect(html).toContain(said[at]);
      expect(dense).toContain(said[at].replaceAll(' ', ''));
    }
    expect(html.match(/n\/5/g)).toHaveLength(SAID.length);
  });
});
