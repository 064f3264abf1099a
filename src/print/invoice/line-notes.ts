import type { ShownInvoice, ShownLine } from '../invoice-shape.ts';
import type { Moments } from '../moments.ts';
import { bytesText, grouped } from '../numbers.ts';
import { shortFraction } from '../amounts.ts';
import { creditDays } from '../page-rows.ts';
import { causeText } from '../words/causes.ts';
import type { Words } from '../words/words.ts';
import { unitOf } from '../line-words.ts';
import { sayIn } from '../words/words.ts';
import { partPrice, partQuantity, piecesText } from './quantity.ts';

/** Listed under a line at most, of outages, stretches of late days and events each. */
const LISTED_MAX = 8;

/** What is at hand while a document's lines are put into words. */
export interface Telling {
  readonly invoice: ShownInvoice;
  readonly words: Words;
  readonly moments: Moments;
}

/** A plan by its title, where it has one. */
export function planName(id: string, { invoice, words }: Telling): string {
  const title = invoice.titles?.plans[id];
  return title === undefined ? id : words.doc.plan(title, id);
}

/** What stands under a line: what it was computed from, as far as its customer asks. */
export function lineNotes(line: ShownLine, telling: Telling): string[] {
  switch (line.kind) {
    case 'service':
    case 'add_on':
      return partNotes(line, telling);
    case 'minimum':
    case 'maximum':
      return boundNotes(line, telling);
    case 'traffic':
      return trafficNotes(line, telling);
    case 'credit':
      return creditNotes(line, telling);
    case 'late_fee':
      return lateNotes(line, telling);
    case 'fee':
      return eventNotes(line, telling);
    case 'discount':
      return discountNotes(line, telling);
    case 'charge':
      return chargeNotes(line, telling);
    default:
      return [];
  }
}

/** The parts of a line that has several: a plan each, and a month each. */
function partNotes({ explained }: ShownLine, telling: Telling): string[] {
  const { words, moments } = telling;
  const parts = explained?.parts ?? [];
  if (parts.length < 2) return [];
  return parts.map((part) =>
    words.doc.part({
      time: moments.days(part.from, part.to),
      plan: planName(part.plan, telling),
      quantity: `${piecesText(explained?.pieces)}${partQuantity(part, words)}`,
      price: partPrice(part, words),
      amount: grouped(part.amount),
    }),
  );
}

function boundNotes({ explained }: ShownLine, { words }: Telling): string[] {
  const { bound } = explained ?? {};
  return bound === undefined ? [] : [words.doc.bound(grouped(bound.sum), grouped(bound.lines))];
}

function trafficNotes(line: ShownLine, { words }: Telling): string[] {
  const { doc } = words;
  const { rx_bytes: rx, tx_bytes: tx, counted_bytes: counted, included_bytes: included = 0, tiers = [] } = line.detail;
  const { rank, slots, slot_bytes: slot } = line.detail;
  if (rank !== undefined && slots !== undefined && slot !== undefined) {
    const of = (n: number): string => grouped(n.toString());
    return [doc.rank(of(rank), of(slots), of(slot))];
  }
  if (rx === undefined || tx === undefined || counted === undefined) return [];
  const moved = words.labels.traffic(bytesText(rx, words), bytesText(tx, words));
  const bytes = (n: number): string => grouped(Math.round(n).toString());
  const sums = doc.counted(bytes(counted), bytes(included), bytes(line.detail.billable_bytes ?? 0));
  const priced =
    tiers.length < 2
      ? []
      : [
          tiers
            .map(({ units, price }) => doc.atPrice(`${grouped(shortFraction(units))} ${unitOf(line, words)}`, grouped(price)))
            .join(words.partsApart),
        ];
  return [included > 0 ? `${moved} · ${sums}` : moved, ...priced];
}

function creditNotes(line: ShownLine, { words, moments }: Telling): string[] {
  const { doc } = words;
  const { uptime = [], outages = [], outages_more: unlisted = 0 } = line.explained ?? {};
  const months = uptime.map((each) =>
    doc.uptime({
      month: moments.month(each.month, each.time_zone),
      uptime: each.uptime_percent,
      below: each.below_percent,
      credit: each.credit_percent,
      of: grouped(each.of),
      up: grouped((each.minutes - each.unavailable_minutes).toString()),
      all: grouped(each.minutes.toString()),
    }),
  );
  const shown = outages.slice(0, LISTED_MAX);
  const more = outages.length - shown.length + unlisted;
  return [
    ...(months.length > 0 ? months : creditDays(line, words)),
    ...shown.map(({ from, to, cause, note }) =>
      doc.outage({ time: moments.span(from, to), cause: causeText(cause, words), note }),
    ),
    ...(more > 0 ? [doc.moreOutages(more)] : []),
  ];
}

function lateNotes({ explained }: ShownLine, { words, moments }: Telling): string[] {
  const { late } = explained ?? {};
  if (late === undefined) return [];
  const { doc } = words;
  const shown = late.runs.slice(0, LISTED_MAX);
  return [
    ...(late.due_at === null ? [] : [doc.dueAt(moments.dateTime(late.due_at))]),
    ...(late.vms === undefined ? [] : [doc.shareOf(late.vms)]),
    ...shown.map(({ from, to, days, owed, charge }) =>
      doc.owed({ owed: grouped(owed), time: moments.days(from, to), days, charge }),
    ),
    ...(late.runs.length > shown.length ? [doc.moreRuns(late.runs.length - shown.length)] : []),
  ];
}

function eventNotes({ explained }: ShownLine, { words, moments }: Telling): string[] {
  const events = explained?.events ?? [];
  const shown = events.slice(0, LISTED_MAX);
  return [
    ...shown.map(({ at, fee }) =>
      words.doc.event({ when: moments.short(at), fee: /^0(\.0+)?$/.test(fee) ? null : grouped(fee) }),
    ),
    ...(events.length > shown.length ? [words.doc.moreRuns(events.length - shown.length)] : []),
  ];
}

/** Why something is charged by hand, by which clause, and as what it was agreed. */
function chargeNotes({ detail, say }: ShownLine, { words }: Telling): string[] {
  const { why, clause, kind, foreign } = detail;
  const at = (say?.formula ?? []).flatMap((part) => (part.code === 'exchanged' ? [part] : []));
  return [
    ...(why === undefined || kind === 'handling' ? [] : [why]),
    ...(typeof clause !== 'string' ? [] : [words.doc.quoted(clause)]),
    ...(foreign === undefined ? [] : at.map((part) => sayIn(words.formula, part))),
  ];
}

/** Why something is taken off, and what was agreed. */
function discountNotes({ detail: { why, clause } }: ShownLine, { words }: Telling): string[] {
  const said = typeof clause === 'object' && clause !== null ? clause[words.language] : clause;
  return [...(why === undefined ? [] : [why]), ...(said === undefined || said === null ? [] : [words.doc.quoted(said)])];
}

/** Why, and by how much, a line was corrected. */
export function correctionNotes({ say, detail }: ShownLine, { words, moments }: Telling): string[] {
  const { doc } = words;
  const { before, after, days = [] } = detail;
  const changed = days.filter((day) => day.before !== undefined && day.after !== undefined);
  const reasons = (say?.reason ?? []).flatMap((reason) =>
    reason.code === 'incidents'
      ? reason.incidents.map(({ cause, withdrawn, note, from, to }) =>
          doc.incident({
            time: from === undefined || to === undefined ? null : moments.span(from, to),
            cause: causeText(cause, words),
            note: note === undefined || note === '' ? null : note,
            withdrawn,
          }),
        )
      : [sayReason(inZone(reason, moments), words)],
  );
  return [
    ...(before === undefined || after === undefined ? [] : [doc.wasIs(grouped(before), grouped(after))]),
    ...changed
      .slice(0, LISTED_MAX)
      .map(({ date = '', before: was = 0, after: is = 0 }) =>
        doc.minutesWere({ when: dayName(date, moments, words), before: was, after: is }),
      ),
    ...(changed.length > LISTED_MAX ? [words.labels.moreDays(changed.length - LISTED_MAX)] : []),
    ...reasons,
  ];
}

type Reason = NonNullable<NonNullable<ShownLine['say']>['reason']>[number];

/** Instants of a reason as the document's customer reads them. */
function inZone(reason: Reason, moments: Moments): Reason {
  if (reason.code !== 'refund') return reason;
  return { ...reason, from: moments.dateTime(reason.from), until: moments.dateTime(reason.until) };
}

function sayReason(reason: Reason, words: Words): string {
  const saying = words.reason[reason.code] as (reason: Reason) => string;
  return saying(reason);
}

/** A local date, or the instant at which a month begins. */
function dayName(date: string, moments: Moments, words: Words): string {
  if (/^\d{4}-\d\d-\d\d$/.test(date)) {
    const [year = 0, month = 1, dayOfMonth = 1] = date.split('-').map(Number);
    return words.date({ year, month, dayOfMonth });
  }
  return moments.month(date, moments.zoneName);
}
