import { parseInstant } from '../domain/instant.ts';
import { localDay, MINUTE_MS, offsetAt, type Zone, zoneOf } from '../domain/zone.ts';
import type { ShownInvoice } from './invoice-shape.ts';
import { grouped } from './numbers.ts';
import { type PageRow, rowsOf } from './page-rows.ts';
import type { Labels } from './words/labels.ts';
import { languageOf, wordsOf } from './words/language.ts';
import { sayIn, type Words } from './words/words.ts';

/** An invoice or credit note as it is printed, whatever the form: every text in its place and language, nothing escaped yet. */
export interface Page {
  words: Words;
  title: string;
  state: { text: string; tone: 'not_final' | 'void' | 'paid' | 'open' };
  seller: readonly string[];
  customer: readonly string[];
  facts: readonly Fact[];
  /** With its unit: the head of the column of amounts. */
  amountHead: string;
  rows: readonly PageRow[];
  totals: readonly (Fact & { strong: boolean })[];
  /** The amount to pay, or that the document is about, and what it is called. */
  headline: Fact;
  payment: readonly string[];
  notes: readonly string[];
  /** Every formula once, by the letters that rows name. */
  formulas: readonly Fact[];
  sources: readonly Source[];
  digests: readonly Fact[];
  /** Of the file: what it is called and from when it is. */
  author: string | null;
  madeAtMs: number;
}

export interface Fact {
  label: string;
  text: string;
}

export interface Source {
  label: string;
  path: string;
  /** null: it is not known where the server is reached from outside. */
  href: string | null;
}

/** Lays out what an invoice's JSON says. */
export function pageOf(invoice: ShownInvoice): Page {
  const words = wordsOf(languageOf(invoice.customer.language));
  const { labels } = words;
  const zone = zoneOf(invoice.time_zone ?? 'UTC') ?? zoneOf('UTC');
  if (zone === undefined) throw new Error('the runtime has no UTC');
  const isNote = invoice.type === 'credit_note';
  const kind = isNote ? labels.creditNote : labels.invoice;
  const isFinal = invoice.sha256 !== null;
  return {
    words,
    title: invoice.number === null ? kind : `${kind} ${invoice.number}`,
    state: stateOf(invoice, zone, words),
    seller: partyLines(invoice.issuer ?? undefined, labels),
    customer: partyLines(invoice.customer, labels),
    facts: factsOf(invoice, zone, words),
    amountHead: `${labels.amount} (${invoice.currency})`,
    ...rowsOf(invoice.lines, words),
    totals: totalsOf(invoice, labels),
    headline: isNote || invoice.outstanding === undefined || !isFinal || invoice.status === 'void'
      ? { label: labels.total, text: `${invoice.currency} ${grouped(invoice.total)}` }
      : { label: labels.outstanding, text: `${invoice.currency} ${grouped(invoice.outstanding)}` }, // prettier-ignore
    payment:
      !isNote && isFinal && (invoice.status === 'final' || invoice.status === 'paid') ? linesOf(invoice.issuer?.payment) : [],
    notes: [
      ...(invoice.usage_complete === false ? [isFinal ? labels.incompleteFinal : labels.incomplete] : []),
      // What is to be billed by hand is for who makes the invoice, not for who gets it.
      ...(isFinal ? [] : (invoice.notes?.map((note) => sayIn(words.note, note)) ?? invoice.warnings ?? [])),
    ],
    sources: sourcesOf(invoice, labels),
    digests:
      invoice.sha256 === null
        ? []
        : [
            { label: labels.content, text: invoice.sha256.content },
            { label: labels.evidence, text: invoice.sha256.evidence },
          ],
    author: invoice.issuer?.name ?? null,
    madeAtMs: parseInstant(invoice.issued_at ?? invoice.to) ?? 0,
  };
}

function stateOf(invoice: ShownInvoice, zone: Zone, words: Words): Page['state'] {
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
      if (/^-|^0(\.0+)?$/.test(invoice.outstanding ?? invoice.total)) return { text: labels.settled, tone: 'paid' };
      return { text: `${labels.open} – ${labels.dueOn(instantDate(invoice.due_at, zone, words))}`, tone: 'open' };
  }
}

function factsOf(invoice: ShownInvoice, zone: Zone, words: Words): Fact[] {
  const { labels } = words;
  const first = localDay(zone, (parseInstant(invoice.from) ?? 0) / MINUTE_MS);
  const last = localDay(zone, (parseInstant(invoice.to) ?? 0) / MINUTE_MS - 1);
  const isNote = invoice.type === 'credit_note';
  return [
    { label: labels.number, text: invoice.number?.toString() ?? labels.noNumber },
    ...(invoice.issued_at === null ? [] : [{ label: labels.issued, text: instantText(invoice.issued_at, zone, words) }]),
    { label: labels.period, text: `${words.range(first, last)} (${zone.name})` },
    ...(isNote ? [] : [{ label: labels.due, text: instantText(invoice.due_at, zone, words) }]),
    ...(invoice.corrects === undefined
      ? []
      : [{ label: labels.corrects, text: `${labels.invoice} ${invoice.corrects.number ?? invoice.corrects.invoice}` }]),
    { label: labels.account, text: invoice.account },
    { label: labels.currency, text: invoice.currency },
  ];
}

type Party = ShownInvoice['customer'] | NonNullable<ShownInvoice['issuer']>;

/** Who a party is, a line each: the name first. */
function partyLines(party: Party | undefined, labels: Labels): string[] {
  if (party === undefined) return [];
  const { name, address, tax_id: taxId, email, website } = party;
  return [
    name,
    ...linesOf(address),
    ...(taxId === undefined ? [] : [`${labels.taxId} ${taxId}`]),
    ...(email === undefined ? [] : [email]),
    ...(website === undefined ? [] : [website]),
  ];
}

function linesOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split('\n').filter((line) => line.trim() !== '');
}

function totalsOf(invoice: ShownInvoice, labels: Labels): Page['totals'] {
  const weak = (label: string, text: string) => ({ label, text: grouped(text), strong: false });
  const isZero = (amount: string | undefined): boolean => amount === undefined || /^0(\.0+)?$/.test(amount);
  const { credited, paid, outstanding } = invoice;
  const settled = !isZero(credited) || !isZero(paid);
  return [
    { label: labels.total, text: grouped(invoice.total), strong: true },
    ...(isZero(credited) || credited === undefined ? [] : [weak(creditedLabel(invoice, labels), `-${credited}`)]),
    ...(isZero(paid) || paid === undefined ? [] : [weak(labels.paidAmount, `-${paid}`)]),
    ...(settled && outstanding !== undefined && invoice.type === 'invoice'
      ? [{ label: labels.outstanding, text: grouped(outstanding), strong: true }]
      : []),
  ];
}

function creditedLabel({ credit_notes: notes = [] }: ShownInvoice, labels: Labels): string {
  const numbers = notes.flatMap(({ number }) => (number === null ? [] : [number.toString()]));
  return numbers.length === 0 || numbers.length > 5
    ? labels.credited
    : `${labels.credited} (${labels.creditNote} ${numbers.join(', ')})`;
}

/** The query of each line, then the raw samples of each VM once, after the last of its lines. */
function sourcesOf(invoice: ShownInvoice, labels: Labels): Source[] {
  const base = invoice.issuer?.api_url;
  const source = (label: string, path: string): Source => ({ label, path, href: base === undefined ? null : base + path });
  const samplesOf = new Map<string | null, string>();
  for (const { vm, samples } of invoice.lines) if (samples !== undefined && !samplesOf.has(vm)) samplesOf.set(vm, samples);
  return invoice.lines.flatMap((line, i) => {
    const next = invoice.lines[i + 1];
    const samples = line.vm !== null && next?.vm !== line.vm ? samplesOf.get(line.vm) : undefined;
    return [
      ...(line.query === null ? [] : [source(`${labels.line} ${i + 1}`, line.query)]),
      ...(samples === undefined ? [] : [source(labels.samples, samples)]),
    ];
  });
}

function instantDate(text: string, zone: Zone, words: Words): string {
  return words.date(localDay(zone, Math.floor((parseInstant(text) ?? 0) / MINUTE_MS)));
}

function instantText(text: string, zone: Zone, words: Words): string {
  const minute = Math.floor((parseInstant(text) ?? 0) / MINUTE_MS);
  const clock = (((minute + offsetAt(zone, minute)) % 1440) + 1440) % 1440;
  const two = (n: number): string => n.toString().padStart(2, '0');
  return `${words.date(localDay(zone, minute))} ${two(Math.floor(clock / 60))}:${two(clock % 60)}`;
}
