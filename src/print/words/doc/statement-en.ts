import type { EntryAbout, StatementWords } from './statement-words.ts';

const of = ({ invoice, day }: EntryAbout): string => (invoice !== null ? `, invoice ${invoice}` : day !== null ? `, ${day}` : '');
const term = ({ vm, term: time }: EntryAbout): string => (vm === null ? '' : ` for VM ${vm}${time === null ? '' : `, ${time}`}`);
const other = ({ account }: EntryAbout): string => (account === null ? '' : `, account ${account}`);

/** What a statement says in English. */
export const STATEMENT_EN: StatementWords = {
  title: 'Statement of account',
  madeOn: 'Made on',
  owed: 'Amount due',
  inCredit: 'In your favour',
  settled: 'SETTLED',
  opening: 'Balance carried forward',
  closing: 'Balance at the end',
  date: 'Date',
  entry: 'Entry',
  charges: 'Charges',
  credits: 'Payments and credits',
  balance: 'Balance',
  none: 'Nothing was booked in this time.',
  reference: (reference) => `Reference ${reference}`,
  remark: 'A balance below zero is owed, one above zero is in your favour.',
  what: {
    charge: (about) =>
      about.invoice !== null ? `Invoice ${about.invoice}` : about.day !== null ? `Charge for ${about.day}` : 'Charge',
    payment: (about) => `Payment${of(about)}${term(about)}`,
    credit_note: ({ creditNote, invoice }) =>
      `Credit note ${creditNote ?? ''}${invoice === null ? '' : ` on invoice ${invoice}`}`,
    refund: (about) => `Paid back${of(about)}${term(about)}`,
    payout: () => 'Paid out',
    late_fee: (about) => `Late fee${of(about)}`,
    adjustment: (about) =>
      about.isVoid ? `Invoice ${about.invoice ?? ''} made void` : `Adjustment${of(about)}${term(about)}${other(about)}`,
  },
};
