import { parseInstant } from '../../domain/instant.ts';
import { isZero, nanosOf } from '../amounts.ts';
import type { ShownInvoice } from '../invoice-shape.ts';
import { Moments } from '../moments.ts';
import { grouped } from '../numbers.ts';
import type { Fact, Page } from '../page.ts';
import { clausesSection, linesOf, partyLines, textSection } from '../paper/parts.ts';
import type { Paper, Section } from '../paper/paper.ts';
import { languageOf, wordsOf } from '../words/language.ts';
import { sayIn, type Words } from '../words/words.ts';
import { formulaTexts, linesTable, Marks } from './lines.ts';
import { sumsOf } from './sums.ts';

/** An invoice or credit note of `layout` 2: every line explains itself, and what is to be paid is asked for only where something is. */
export function invoicePaper(invoice: ShownInvoice): Paper {
  const words = wordsOf(languageOf(invoice.customer.language));
  const moments = new Moments(invoice.time_zone, words);
  const { labels, doc } = words;
  const isNote = invoice.type === 'credit_note';
  const isFinal = invoice.sha256 !== null;
  const kind = isNote ? labels.creditNote : labels.invoice;
  const number = invoice.number_text ?? invoice.number?.toString() ?? null;
  const marks = new Marks();
  const table = linesTable({ invoice, words, moments }, marks, sumsOf(invoice, words));
  const asked = isAsked(invoice);
  const amount = (text: string): string => `${invoice.currency} ${grouped(text)}`;
  const sections: Section[] = [
    table,
    ...textSection(doc.payments, paymentTexts(invoice, words, moments)),
    ...(asked ? textSection(labels.toPay, [...linesOf(invoice.issuer?.payment_terms), ...linesOf(invoice.issuer?.payment)]) : []),
    ...textSection(labels.notes, [
      ...(invoice.usage_complete === false ? [isFinal ? labels.incompleteFinal : labels.incomplete] : []),
      ...(isFinal ? [] : (invoice.notes?.map((note) => sayIn(words.note, note)) ?? invoice.warnings ?? [])),
    ]),
    ...clausesSection(marks.named(), invoice.clauses ?? [], words),
    ...(invoice.usage_days === undefined ? [] : [{ kind: 'picture', days: invoice.usage_days } as const]),
    ...textSection(doc.how, isNote ? [] : formulaTexts(invoice, words), true),
    checkSection(invoice, words),
  ];
  return {
    words,
    currency: invoice.currency,
    stamped: !isFinal || invoice.status === 'void',
    title: number === null ? kind : `${kind} ${number}`,
    state: stateOf(invoice, words, moments),
    seller: partyLines(invoice.issuer ?? undefined, words),
    customer: partyLines(invoice.customer, words),
    facts: factsOf(invoice, words, moments, asked),
    headline: asked
      ? { label: labels.outstanding, text: amount(invoice.outstanding ?? invoice.total) }
      : { label: labels.total, text: amount(invoice.total) },
    sections,
    author: invoice.issuer?.name ?? null,
    madeAtMs: parseInstant(invoice.issued_at ?? invoice.to) ?? 0,
    subject: `${invoice.customer.name} (${invoice.account}), ${invoice.from} – ${invoice.to}`,
    keywords: [invoice.id, ...(invoice.sha256 === null ? [] : [invoice.sha256.content, invoice.sha256.evidence])],
  };
} // prettier-ignore

/** Whether something is to be paid on it: of a final invoice what is open, of a draft all that it comes to. */
function isAsked({ type, status, outstanding, total }: ShownInvoice): boolean {
  if (type === 'credit_note' || status === 'void' || status === 'paid') return false;
  return nanosOf(outstanding ?? total) > 0n;
}

function stateOf(invoice: ShownInvoice, words: Words, moments: Moments): Page['state'] {
  const { labels } = words;
  switch (invoice.status) {
    case 'preview':
      return { text: labels.preview, tone: 'not_final' };
    case 'draft':
      return { text: labels.draft, tone: 'not_final' };
    case 'void':
      return { text: labels.void, tone: 'void' };
    case 'paid':
      return { text: labels.paid, tone: 'paid' };
    default:
      if (invoice.type === 'credit_note') return { text: labels.issuedNote, tone: 'paid' };
      if (!isAsked(invoice)) return { text: labels.settled, tone: 'paid' };
      return { text: `${labels.open} – ${labels.dueOn(moments.date(invoice.due_at))}`, tone: 'open' };
  }
}

function factsOf(invoice: ShownInvoice, words: Words, moments: Moments, asked: boolean): Fact[] {
  const { labels, doc } = words;
  const { issued_at: issued, due_at: due, corrects, customer } = invoice;
  const number = invoice.number_text ?? invoice.number?.toString();
  // What was due before it was issued is due at once; how that came about is no term of payment.
  const days = issued === null ? 0 : moments.daysBetween(issued, due);
  return [
    { label: labels.number, text: number ?? labels.noNumber },
    ...(issued === null ? [] : [{ label: labels.issued, text: moments.dateTime(issued) }]),
    { label: labels.period, text: `${moments.days(invoice.from, invoice.to)} (${moments.zoneName})` },
    ...(asked ? [{ label: labels.due, text: moments.dateTime(due) }] : []),
    ...(asked && days > 0 ? [{ label: doc.paymentTerms, text: doc.dueWithin(days) }] : []),
    ...(corrects === undefined
      ? []
      : [{ label: labels.corrects, text: `${labels.invoice} ${corrects.number_text ?? corrects.number?.toString() ?? corrects.invoice}` }]),
    ...(customer.purchase_order === undefined ? [] : [{ label: doc.purchaseOrder, text: customer.purchase_order }]),
    { label: labels.account, text: invoice.account },
    { label: labels.currency, text: invoice.currency },
  ];
} // prettier-ignore

/** What was paid, when, and by what. */
function paymentTexts(invoice: ShownInvoice, { doc }: Words, moments: Moments): string[] {
  const { payments = [], balance, currency } = invoice;
  return [
    ...payments
      .filter(({ kind }) => kind === 'payment' || kind === 'refund')
      .map(({ kind, at, amount, note, reference }) =>
        doc.payment({
          when: moments.date(at),
          amount: `${currency} ${grouped(amount)}`,
          note: [reference ?? '', note].filter((text) => text !== '').join(', '),
          refund: kind === 'refund',
        }),
      ),
    ...(balance === undefined || isZero(balance.covered) ? [] : [doc.paidFromBalance(`${currency} ${grouped(balance.covered)}`)]),
  ];
} // prettier-ignore

function checkSection({ id, sha256 }: ShownInvoice, { labels, doc }: Words): Section {
  if (sha256 === null) return { kind: 'facts', heading: doc.check, intro: labels.notFinal, facts: [] };
  return {
    kind: 'facts',
    heading: doc.check,
    intro: `${doc.checkText(id)} ${labels.digestText}`,
    facts: [
      { label: labels.content, text: sha256.content },
      { label: labels.evidence, text: sha256.evidence },
    ],
  };
}
