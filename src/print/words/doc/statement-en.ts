import type { EntryAbout, StatementWords } from './statement-words.ts';

const ofInvoice = (invoice: string | null): string => (invoice === null ? '' : `, invoice ${invoice}`);
const of = ({ invoice, day }: EntryAbout): string => `${day === null ? '' : `, ${day}`}${ofInvoice(invoice)}`;
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
    charge: ({ invoice, day, made }) =>
      day !== null
        ? `${made === 'correction' ? 'Correction of the charge' : 'Charge'} for ${day}${ofInvoice(invoice)}`
        : invoice !== null
          ? `Invoice ${invoice}`
          : 'Charge',
    payment: (about) => `Payment${of(about)}${term(about)}`,
    credit_note: ({ creditNote, invoice }) =>
      `Credit note ${creditNote ?? ''}${invoice === null ? '' : ` on invoice ${invoice}`}`,
    refund: (about) => `Paid back${of(about)}${term(about)}`,
    payout: () => 'Paid out',
    late_fee: (about) => `${about.made === 'correction' ? 'Correction of the late fee' : 'Late fee'}${of(about)}`,
    adjustment: (about) =>
      about.made === 'void'
        ? `Invoice ${about.invoice ?? ''} made void`
        : about.made === 'lapse'
          ? 'Unused credit that expired'
          : `Adjustment${of(about)}${term(about)}${other(about)}`,
  },
};
