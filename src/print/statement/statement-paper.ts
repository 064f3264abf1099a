import { parseInstant } from '../../domain/instant.ts';
import { isZero, nanosOf, negated } from '../amounts.ts';
import { Moments } from '../moments.ts';
import { grouped } from '../numbers.ts';
import { linesOf, partyLines, textSection } from '../paper/parts.ts';
import type { Paper, Row, TableSection } from '../paper/paper.ts';
import { languageOf, wordsOf } from '../words/language.ts';
import { entryTeller } from './entry-words.ts';
import type { Statement, StatementEntry } from './statement-shape.ts';

/** A statement of account: the balance carried forward, every entry with its document, and the balance at the end. */
export function statementPaper(statement: Statement): Paper {
  const words = wordsOf(languageOf(statement.language));
  const moments = new Moments(statement.time_zone, words);
  const { labels, statement: says } = words;
  const { closing, currency, from, to } = statement;
  const isOwed = nanosOf(closing) < 0n;
  const days = moments.days(from, to);
  // Of what is no whole days the year would not be said.
  const period = days === moments.span(from, to) ? `${moments.dateTime(from)} – ${moments.dateTime(to)}` : days;
  return {
    words,
    currency,
    title: says.title,
    state: isZero(closing)
      ? { text: says.settled, tone: 'paid' }
      : isOwed
        ? { text: labels.open, tone: 'open' }
        : { text: says.inCredit, tone: 'paid' },
    stamped: false,
    seller: partyLines(statement.issuer, words),
    customer: partyLines(statement.customer, words),
    facts: [
      { label: labels.account, text: statement.account },
      { label: labels.period, text: `${period} (${moments.zoneName})` },
      { label: says.madeOn, text: moments.dateTime(statement.madeAt) },
      { label: labels.currency, text: currency },
    ],
    headline: {
      label: isOwed ? says.owed : isZero(closing) ? says.closing : says.inCredit,
      text: `${currency} ${grouped(isOwed ? negated(closing) : closing)}`,
    },
    sections: [entriesTable(statement), ...(isOwed ? textSection(labels.toPay, linesOf(statement.issuer?.payment)) : [])],
    author: statement.issuer?.name ?? null,
    madeAtMs: parseInstant(statement.madeAt) ?? 0,
    subject: `${statement.customer.name} (${statement.account}), ${from} – ${to}`,
    keywords: [statement.account],
  };
}

function entriesTable(statement: Statement): TableSection {
  const words = wordsOf(languageOf(statement.language));
  const moments = new Moments(statement.time_zone, words);
  const { statement: says } = words;
  const tell = entryTeller(statement);
  const opening: Row = {
    cells: [
      { text: moments.date(statement.from) },
      { text: says.opening, strong: true },
      { text: '' },
      { text: '' },
      { text: grouped(statement.opening) },
    ],
    notes: [],
  };
  const rowOf = (entry: StatementEntry): Row => {
    const isCharge = nanosOf(entry.amount) < 0n;
    const amount = grouped(isCharge ? negated(entry.amount) : entry.amount);
    const more = [
      ...(entry.reference === null ? [] : [says.reference(entry.reference)]),
      ...(entry.note === '' || entry.note === entry.reference ? [] : [entry.note]),
    ];
    return {
      cells: [
        { text: moments.date(entry.at) },
        { text: tell(entry), more },
        { text: isCharge ? amount : '' },
        { text: isCharge ? '' : amount },
        { text: grouped(entry.balance) },
      ],
      notes: [],
    };
  };
  return {
    kind: 'table',
    heading: null,
    columns: [
      { head: says.date, width: 92, align: 'left' },
      { head: says.entry, width: 188, align: 'left' },
      { head: says.charges, width: 72, align: 'right' },
      { head: says.credits, width: 80, align: 'right' },
      { head: says.balance, width: 73, align: 'right' },
    ],
    rows: [opening, ...statement.entries.map(rowOf)],
    remark: statement.entries.length === 0 ? says.none : says.remark,
    sums: [
      { label: says.charges, text: grouped(statement.charges), strong: false },
      { label: says.credits, text: grouped(statement.credits), strong: false },
      { label: says.closing, text: grouped(statement.closing), strong: true },
    ],
  };
}
