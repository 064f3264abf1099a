import { isZero, nanosOf, negated, sumText } from '../amounts.ts';
import type { ShownInvoice, ShownLine } from '../invoice-shape.ts';
import { grouped } from '../numbers.ts';
import type { TableSection } from '../paper/paper.ts';
import type { Words } from '../words/words.ts';
import { referenceTo } from './lines.ts';

type Sum = TableSection['sums'][number];

/** What stands under the lines: the sum without tax, tax by name and rate, the total, and what has happened to it since. */
export function sumsOf(invoice: ShownInvoice, words: Words): Sum[] {
  const { labels, doc } = words;
  const { currency, lines, credited, paid, outstanding, balance } = invoice;
  const weak = (label: string, amount: string): Sum => ({ label, text: grouped(amount), strong: false });
  const strong = (label: string, amount: string): Sum => ({ ...weak(label, amount), strong: true });
  const taxes = lines.filter(({ kind }) => kind === 'tax');
  const net = lines.filter(({ kind }) => kind !== 'tax').map(({ amount }) => amount);
  const since: Sum[] = [
    ...(isZero(credited) || credited === undefined ? [] : [weak(creditedLabel(invoice, words), negated(credited))]),
    ...(isZero(paid) || paid === undefined ? [] : [weak(labels.paidAmount, negated(paid))]),
    ...(balance === undefined || isZero(balance.charged) ? [] : [weak(doc.fromBalance, negated(balance.charged))]),
  ];
  return [
    ...(taxes.length === 0 ? [] : [weak(labels.subtotal, sumText(net, currency)), ...taxes.map((line) => taxSum(line, invoice, words))]),
    strong(labels.total, invoice.total),
    ...since,
    ...(since.length > 0 && outstanding !== undefined && invoice.type === 'invoice'
      ? [nanosOf(outstanding) < 0n ? strong(doc.inFavour, negated(outstanding)) : strong(labels.outstanding, outstanding)]
      : []),
    ...(balance === undefined || isZero(balance.uncovered) ? [] : [weak(doc.uncovered, balance.uncovered)]),
  ];
} // prettier-ignore

/** A tax by its name and rate, with what it is taken of. */
function taxSum(line: ShownLine, invoice: ShownInvoice, { doc }: Words): Sum {
  const { say, detail, quantity, amount } = line;
  const name = detail.name ?? invoice.issuer?.tax_name ?? null;
  const sum = (label: string): Sum => ({ label, text: grouped(amount), strong: false });
  const base = line.unit === 'correction' || say?.about.code === 'correction' ? null : grouped(quantity);
  if (detail.exempt_reason !== undefined) return sum(doc.exempt({ name, base, reason: detail.exempt_reason }));
  const about = say?.about;
  if (about?.code === 'correction') {
    const percent = about.of.code === 'tax' ? about.of.percent : '';
    const number = (detail.invoice === undefined ? undefined : referenceTo(invoice, detail.invoice)) ?? about.invoice.toString();
    // A credit note is about one invoice, which it names above.
    return sum(invoice.type === 'credit_note' ? doc.tax({ name, percent, base: null }) : doc.taxCorrection({ name, percent, invoice: number }));
  }
  const percent = about?.code === 'tax' ? about.percent : (detail.percent ?? '');
  return sum(doc.tax({ name, percent, base: grouped(quantity) }));
} // prettier-ignore

function creditedLabel({ credit_notes: notes = [] }: ShownInvoice, { labels }: Words): string {
  const numbers = notes.flatMap(({ number, number_text: text }) => text ?? number?.toString() ?? []);
  return numbers.length === 0 || numbers.length > 5
    ? labels.credited
    : `${labels.credited} (${labels.creditNote} ${numbers.join(', ')})`;
}
