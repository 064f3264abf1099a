import { digitsOf, isZero, shortDecimal } from '../amounts.ts';
import type { ShownInvoice, ShownLine } from '../invoice-shape.ts';
import { descriptionOf, unitOf } from '../line-words.ts';
import { grouped } from '../numbers.ts';
import type { Column, Row, TableSection } from '../paper/paper.ts';
import { sayIn, type Words } from '../words/words.ts';
import { correctionNotes, lineNotes, planName, type Telling } from './line-notes.ts';
import { partPrice, partQuantity, piecesText } from './quantity.ts';

/** The table of a document's lines. Tax is among the sums; what comes to nothing is counted, not listed. */
export function linesTable(telling: Telling, marks: Marks, sums: TableSection['sums']): TableSection {
  const { invoice, words } = telling;
  const { labels, doc } = words;
  const listed = invoice.lines.flatMap((line, i) => (isListed(line) ? [{ line, number: i + 1 }] : []));
  const left = invoice.lines.filter((line) => !isListed(line) && line.kind !== 'tax').length;
  const rows = listed.map(({ line, number }, i) =>
    rowOf(line, number, line.vm === listed[i - 1]?.line.vm ? null : line.vm, telling, marks),
  );
  const column = (head: string, width: number, align: Column['align'] = 'left'): Column => ({ head, width, align });
  return {
    kind: 'table',
    heading: null,
    columns: [
      column('#', 22),
      column(labels.vm, 84),
      column(labels.item, 172),
      column(labels.quantity, 94, 'right'),
      column(labels.unitPrice, 78, 'right'),
      column(`${labels.amount} (${invoice.currency})`, 62, 'right'),
    ],
    rows,
    remark: left > 0 ? doc.zeroLines(left) : null,
    sums,
  };
}

/** A line of nothing is not listed: traffic within what is included, a service of no price. */
function isListed(line: ShownLine): boolean {
  return line.kind !== 'tax' && !isZero(line.amount);
}

/** Numbers of the clauses that lines name, in the order in which they are named. */
export class Marks {
  readonly #numbers = new Map<string, number>();

  markOf(key: string): string {
    const number = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, number);
    return `[${number}]`;
  }

  /** The keys that were named, by number. */
  named(): [key: string, number: number][] {
    return [...this.#numbers];
  }
}

function rowOf(line: ShownLine, number: number, vm: string | null, telling: Telling, marks: Marks): Row {
  const { invoice, moments } = telling;
  const title = vm === null ? undefined : invoice.titles?.vms[vm];
  const { from, to, clauses = [], events = [] } = line.explained ?? {};
  const keys = [...new Set([...clauses, ...events.flatMap(({ clause }) => clause ?? [])])];
  const named = keys.map((key) => marks.markOf(key)).join(' ');
  const { quantity, unitPrice } = pricedAs(line, telling);
  const isCorrection = line.say?.about.code === 'correction';
  return {
    cells: [
      { text: number.toString(), weak: true },
      { text: vm ?? '', strong: true, ...(title === undefined ? {} : { more: [title] }) },
      {
        text: [itemText(line, telling), named].filter((part) => part !== '').join(' '),
        ...(from === undefined || to === undefined ? {} : { more: [moments.days(from, to)] }),
      },
      { text: quantity },
      { text: unitPrice },
      { text: grouped(line.amount) },
    ],
    notes: isCorrection ? correctionNotes(line, telling) : lineNotes(line, telling),
  };
}

/** What a line is for: plans by their titles, invoices by their numbers. */
function itemText(line: ShownLine, telling: Telling): string {
  const { invoice, words } = telling;
  const about = line.say?.about;
  if (about === undefined) return descriptionOf(line, words);
  const reference = line.detail.invoice === undefined ? undefined : referenceTo(invoice, line.detail.invoice);
  if (about.code === 'correction') {
    const what = saidItem(about.of, telling);
    return words.doc.correction({ invoice: reference ?? about.invoice.toString(), line: about.line, what });
  }
  if (about.code === 'late_fee') return sayIn(words.about, { ...about, invoice: reference ?? about.invoice });
  return saidItem(about, telling);
}

type About = NonNullable<ShownLine['say']>['about'];

function saidItem(about: About, telling: Telling): string {
  const { words } = telling;
  switch (about.code) {
    case 'service':
      return words.doc.service(about.plans.map((plan) => planName(plan, telling)));
    case 'credit':
      return words.doc.credit(grouped(about.minutes.toString()), about.minutes);
    case 'flat':
    case 'setup':
    case 'minimum':
    case 'maximum':
    case 'traffic':
    case 'percentile':
      return sayIn(words.about, { ...about, plan: planName(about.plan, telling) });
    default:
      return sayIn(words.about, about);
  }
}

/** An invoice's number as it is written, where the document knows it. */
export function referenceTo({ references, corrects }: ShownInvoice, id: string): string | undefined {
  return references?.[id] ?? (corrects?.invoice === id ? (corrects.number_text ?? corrects.number?.toString()) : undefined);
}

/** How much at which agreed price: an average, which nobody agreed to, is left out. */
function pricedAs(line: ShownLine, { invoice, words }: Telling): { quantity: string; unitPrice: string } {
  const { doc } = words;
  const { parts = [], pieces, bound, uptime = [], late, events = [] } = line.explained ?? {};
  const [part] = parts;
  if (part !== undefined && parts.length === 1)
    return { quantity: `${piecesText(pieces)}${partQuantity(part, words)}`, unitPrice: partPrice(part, words) };
  const about = line.say?.about;
  if (about?.code === 'discount')
    return about.percent === undefined || line.detail.base === undefined
      ? { quantity: '', unitPrice: discountPrice(line, words) }
      : { quantity: doc.percentOf(about.percent), unitPrice: grouped(line.detail.base) };
  if (bound !== undefined) return { quantity: '', unitPrice: '' };
  if (part !== undefined) return { quantity: '', unitPrice: '' };
  const [month] = uptime;
  if (month !== undefined && uptime.length === 1)
    return { quantity: doc.percentOf(month.credit_percent), unitPrice: grouped(month.of) };
  if (line.say?.unit.code === 'correction') return { quantity: '', unitPrice: '' };
  const counted = `${grouped(shortDecimal(line.quantity, 3))} ${unitOf(line, words)}`;
  if (late !== undefined) return { quantity: counted, unitPrice: doc.perDay(late.percent_per_day) };
  const fees = new Set(events.map(({ fee }) => fee).filter((fee) => !isZero(fee)));
  const [fee] = fees;
  if (line.kind === 'fee' && fee !== undefined) return { quantity: counted, unitPrice: fees.size === 1 ? grouped(fee) : '' };
  const isAverage = line.say?.formula.some(({ code }) => code === 'average') ?? false;
  return { quantity: counted, unitPrice: isAverage ? '' : grouped(priceOf(line.unit_price, invoice.currency)) };
}

/** A sum of money that is off by the time: `5.00 / month`. */
function discountPrice({ detail: { sum, per } }: ShownLine, { doc }: Words): string {
  return sum === undefined || per === undefined ? '' : doc.per[per](grouped(sum));
}

/** A price with the digits of its currency at least. */
function priceOf(price: string, currency: string): string {
  const digits = digitsOf(currency);
  const [whole = '', fraction = ''] = price.split('.');
  return digits === 0 && fraction === '' ? whole : `${whole}.${fraction.padEnd(digits, '0')}`;
}

/** Every formula that the listed lines name, in plain words, each once. */
export function formulaTexts({ lines }: ShownInvoice, { doc }: Words): string[] {
  const said = lines.filter((line) => isListed(line) || line.kind === 'tax').flatMap((line) => line.say?.formula ?? []);
  return [...new Set(said.map((each) => sayIn(doc.formula, each)))].filter((text) => text !== '');
}
