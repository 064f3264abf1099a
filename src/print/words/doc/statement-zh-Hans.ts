import type { EntryAbout, StatementWords } from './statement-words.ts';

const ofInvoice = (invoice: string | null): string => (invoice === null ? '' : `，账单 ${invoice}`);
const of = ({ invoice, day }: EntryAbout): string => `${day === null ? '' : `，${day}`}${ofInvoice(invoice)}`;
const term = ({ vm, term: time }: EntryAbout): string => (vm === null ? '' : `，虚拟机 ${vm}${time === null ? '' : `，${time}`}`);
const other = ({ account }: EntryAbout): string => (account === null ? '' : `，账户 ${account}`);

/** What a statement says in simplified Chinese. */
export const STATEMENT_ZH_HANS: StatementWords = {
  title: '对账单',
  madeOn: '制表时间',
  owed: '应付金额',
  inCredit: '贵方结余',
  settled: '已结清',
  opening: '上期结转余额',
  closing: '期末余额',
  date: '日期',
  entry: '摘要',
  charges: '费用',
  credits: '付款与抵免',
  balance: '余额',
  none: '此期间没有记录。',
  reference: (reference) => `参考号 ${reference}`,
  remark: '余额为负表示应付，为正表示贵方结余。',
  what: {
    charge: ({ invoice, day, made }) =>
      day !== null
        ? `${made === 'correction' ? '更正 ' : ''}${day}的费用${ofInvoice(invoice)}`
        : invoice !== null
          ? `账单 ${invoice}`
          : '费用',
    payment: (about) => `付款${of(about)}${term(about)}`,
    credit_note: ({ creditNote, invoice }) => `贷记单 ${creditNote ?? ''}${invoice === null ? '' : `，账单 ${invoice}`}`,
    refund: (about) => `退款${of(about)}${term(about)}`,
    payout: () => '提款',
    late_fee: (about) => `${about.made === 'correction' ? '更正' : ''}滞纳金${of(about)}`,
    adjustment: (about) =>
      about.made === 'void'
        ? `账单 ${about.invoice ?? ''} 作废`
        : about.made === 'lapse'
          ? '未使用的余额到期失效'
          : `调整${of(about)}${term(about)}${other(about)}`,
  },
};
