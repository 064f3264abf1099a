import type { EntryAbout, StatementWords } from './statement-words.ts';

const ofInvoice = (invoice: string | null): string => (invoice === null ? '' : `，帳單 ${invoice}`);
const of = ({ invoice, day }: EntryAbout): string => `${day === null ? '' : `，${day}`}${ofInvoice(invoice)}`;
const term = ({ vm, term: time }: EntryAbout): string => (vm === null ? '' : `，虛擬機 ${vm}${time === null ? '' : `，${time}`}`);
const other = ({ account }: EntryAbout): string => (account === null ? '' : `，帳戶 ${account}`);

/** What a statement says in traditional Chinese. */
export const STATEMENT_ZH_HANT: StatementWords = {
  title: '對帳單',
  madeOn: '製表時間',
  owed: '應付金額',
  inCredit: '貴方結餘',
  settled: '已結清',
  opening: '上期結轉餘額',
  closing: '期末餘額',
  date: '日期',
  entry: '摘要',
  charges: '費用',
  credits: '付款與抵免',
  balance: '餘額',
  none: '此期間沒有紀錄。',
  reference: (reference) => `參考號 ${reference}`,
  remark: '餘額為負表示應付，為正表示貴方結餘。',
  what: {
    charge: ({ invoice, day, made }) =>
      day !== null
        ? `${made === 'correction' ? '更正 ' : ''}${day}之費用${ofInvoice(invoice)}`
        : invoice !== null
          ? `帳單 ${invoice}`
          : '費用',
    payment: (about) => `付款${of(about)}${term(about)}`,
    credit_note: ({ creditNote, invoice }) => `折讓單 ${creditNote ?? ''}${invoice === null ? '' : `，帳單 ${invoice}`}`,
    refund: (about) => `退款${of(about)}${term(about)}`,
    payout: () => '提款',
    late_fee: (about) => `${about.made === 'correction' ? '更正' : ''}滯納金${of(about)}`,
    adjustment: (about) =>
      about.made === 'void'
        ? `帳單 ${about.invoice ?? ''} 作廢`
        : about.made === 'lapse'
          ? '未使用之餘額到期失效'
          : `調整${of(about)}${term(about)}${other(about)}`,
  },
};
