import { parseInstant } from '../../domain/instant.ts';
import { bytesText, durationText, grouped } from '../numbers.ts';
import { Moments } from '../moments.ts';
import type { Fact, Page } from '../page.ts';
import type { FactsSection, Paper, Row, Section, TableSection } from '../paper/paper.ts';
import { partyLines, textSection } from '../paper/parts.ts';
import { languageOf, wordsOf } from '../words/language.ts';
import type { Shown } from '../words/doc/refund-words.ts';
import { causeText } from '../words/causes.ts';
import { sayIn, type Words } from '../words/words.ts';
import type { ShownDecision, ShownRule } from './decision-shape.ts';

/** Outages and events listed at most: a letter is read, its JSON has them all. */
const LISTED_MAX = 12;

const TONES: Readonly<Record<ShownDecision['decision'], Page['state']['tone']>> = {
  eligible: 'paid',
  not_eligible: 'void',
  needs_review: 'open',
};

/** A refund decision as a letter to the customer: each rule in the words of the terms, what was measured, and what follows. */
export function decisionPaper(decision: ShownDecision): Paper {
  const { document } = decision;
  const words = wordsOf(languageOf(document?.customer?.language ?? 'en'));
  const moments = new Moments(document?.time_zone, words);
  const { labels, refund } = words;
  const title = `${refund.title} ${decision.id.slice(0, 8)}`;
  const account = document?.account ?? null;
  const facts: Fact[] = [
    { label: labels.vm, text: [decision.vm, ...(document?.vm_title == null ? [] : [`(${document.vm_title})`])].join(' ') },
    { label: refund.at, text: `${moments.dateTime(decision.at)} (${moments.zoneName})` },
    { label: refund.decidedOn, text: moments.dateTime(decision.recorded_at) },
    { label: refund.terms, text: refund.version(decision.sheet.title, decision.terms_version) },
    ...(account === null ? [] : [{ label: labels.account, text: account }]),
  ];
  const said = { decision, words, moments, show: shownIn(words) };
  return {
    words,
    currency: decision.currency,
    title,
    state: { text: refund.decision[decision.decision], tone: TONES[decision.decision] },
    stamped: false,
    seller: partyLines(document?.issuer ?? undefined, words),
    customer: partyLines(document?.customer ?? undefined, words),
    facts,
    headline: decision.amount === null ? null : { label: refund.refund, text: `${decision.currency} ${grouped(decision.amount)}` },
    sections: [
      ...textSection(refund.heading, outcomeTexts(decision, words)),
      ...rulesTable('ground', said),
      ...rulesTable('bar', said),
      ...calculationOf(said),
      evidenceOf(said),
    ],
    author: document?.issuer?.name ?? null,
    madeAtMs: parseInstant(decision.recorded_at) ?? 0,
    subject: `${decision.vm}, ${decision.at}`,
    keywords: [decision.id],
  };
} // prettier-ignore

interface Telling {
  readonly decision: ShownDecision;
  readonly words: Words;
  readonly moments: Moments;
  readonly show: Shown;
}

/** Figures in a document's language. */
function shownIn(words: Words): Shown {
  const list = (texts: readonly string[]): string => texts.join(words.itemsApart);
  return {
    time: (ms) => durationText(ms, words),
    bytes: (exact) => {
      const whole = `${grouped(exact)} ${words.bytes}`;
      return exact.length < 4 ? whole : `${bytesText(Number(exact), words)} (${whole})`;
    },
    causes: (causes) => list(causes.map((each) => causeText(each, words))),
    kinds: (kinds) => list(kinds.map((each) => eventText(each, words))),
  };
}

function eventText(kind: string, { events }: Words): string {
  return kind in events ? events[kind as keyof Words['events']] : kind;
}

/** What was decided, in plain words. */
function outcomeTexts(
  { reason_say: said, reason, decision, destination, what_if: whatIf }: ShownDecision,
  words: Words,
): string[] {
  const { refund } = words;
  return [
    said === undefined ? reason : sayIn(refund.reason, said),
    ...(decision === 'eligible' ? [refund.destination[destination], refund.nothingPaid] : []),
    ...(whatIf ? [refund.whatIf] : []),
  ];
}

function rulesTable(kind: ShownRule['kind'], telling: Telling): Section[] {
  const { decision, words } = telling;
  const { refund } = words;
  const rules = decision.clauses.filter((rule) => rule.kind === kind);
  if (rules.length === 0) return kind === 'ground' ? textSection(refund.grounds, [refund.noGrounds]) : [];
  const column = (head: string, width: number): TableSection['columns'][number] => ({ head, width, align: 'left' });
  return [
    {
      kind: 'table',
      heading: kind === 'ground' ? refund.grounds : refund.bars,
      columns: [column(refund.rule, 200), column(refund.measured, 140), column(refund.limit, 95), column(refund.outcome, 75)],
      rows: rules.map((rule) => ruleRow(rule, telling)),
      remark: null,
      sums: [],
    },
  ];
}

function ruleRow(rule: ShownRule, { decision, words, show }: Telling): Row {
  const { refund, doc, language, partsApart } = words;
  const id = rule.clause.slice(0, Math.max(0, rule.clause.indexOf(':')));
  const clause = Object.hasOwn(decision.sheet.clauses, id) ? decision.sheet.clauses[id] : undefined;
  const says = clause === undefined ? rule.clause : typeof clause.says === 'string' ? clause.says : clause.says[language];
  const conditions = rule.conditions ?? [];
  const isSaid = conditions.length > 0;
  return {
    cells: [
      {
        text: doc.quoted(says),
        more: [
          [rule.id, ...(clause === undefined ? [] : [clause.place])].join(' · '),
          ...(rule.only === undefined ? [] : [refund.only(rule.only.join(words.itemsApart))]),
        ],
      },
      { text: isSaid ? conditions.map(({ measured }) => refund.value(measured, show)).join(partsApart) : rule.measured },
      { text: isSaid ? conditions.map(({ limit }) => refund.bound(limit, show)).join(partsApart) : rule.limit },
      { text: (rule.kind === 'ground' ? refund.ground : refund.bar)[rule.outcome], strong: true },
    ],
    notes: [],
  };
}

function calculationOf({ decision, words: { refund }, moments }: Telling): FactsSection[] {
  const { calculation, currency, facts, amount } = decision;
  if (calculation === null) return [];
  const money = (text: string): string => `${currency} ${grouped(text)}`;
  const isZero = (text: string): boolean => /^0(\.0+)?$/.test(text);
  const { paid_at: from, paid_until: until } = facts ?? {};
  return [
    {
      kind: 'facts',
      heading: refund.calculation,
      intro: refund.basis[calculation.basis],
      facts: [
        { label: refund.paidAmount, text: money(calculation.paid_amount) },
        ...(from == null || until == null
          ? []
          : [{ label: refund.paidFor, text: `${moments.dateTime(from)} – ${moments.dateTime(until)}` }]),
        ...(calculation.basis === 'full' ? [] : [{ label: refund.share, text: shareText(calculation.share_of, calculation.share_by) }]),
        ...(isZero(calculation.handling_fee) ? [] : [{ label: refund.handlingFee, text: money(calculation.handling_fee) }]),
        ...(isZero(calculation.refunded_before) ? [] : [{ label: refund.refundedBefore, text: money(calculation.refunded_before) }]),
        ...(amount === null ? [] : [{ label: refund.refund, text: money(amount) }]),
      ],
    },
  ];
} // prettier-ignore

/** A share for reading; the exact one is in the JSON. */
function shareText(of: number, by: number): string {
  return by === 0 ? '0 %' : `${Number(((of / by) * 100).toFixed(4))} %`;
}

/** What the decision rests on: the range that was looked at, its samples, its outages, what people recorded. */
function evidenceOf({ decision, words, moments, show }: Telling): FactsSection {
  const { refund } = words;
  const { evidence, facts } = decision;
  const { first_sample: first, last_sample: last } = evidence;
  const events = facts?.events ?? [];
  const outages = evidence.outages.slice(0, LISTED_MAX).map(({ start, end, cause, duration_ms: ms }) => {
    const by = causeText(cause, words);
    if (end === null || ms === null) return refund.openOutage(moments.dateTime(start), by);
    return refund.outage(moments.span(start, end), by, durationText(ms, words));
  });
  const unlisted = evidence.outages_total - outages.length;
  return {
    kind: 'facts',
    heading: refund.evidence,
    intro: refund.check(decision.id),
    facts: [
      { label: refund.range, text: `${moments.dateTime(evidence.from)} – ${moments.dateTime(evidence.to)}` },
      {
        label: refund.samples,
        text:
          first === null || last === null
            ? refund.noSamples
            : refund.samplesBetween(grouped(evidence.samples.toString()), moments.dateTime(first), moments.dateTime(last)),
      },
      ...(evidence.metered_to === null ? [] : [{ label: refund.meteredTo, text: moments.dateTime(evidence.metered_to) }]),
      ...(evidence.traffic_bytes === null
        ? []
        : [{ label: refund.traffic, text: show.bytes(Math.round(evidence.traffic_bytes).toString()) }]),
      ...(outages.length === 0 ? [{ label: refund.outages, text: refund.noOutages }] : outages.map((text, i) => ({ label: i === 0 ? refund.outages : '', text }))),
      ...(unlisted > 0 ? [{ label: '', text: words.doc.moreOutages(unlisted) }] : []),
      ...events.slice(-LISTED_MAX).map(({ kind, at }, i) => ({
        label: i === 0 ? refund.events : '',
        text: `${moments.dateTime(at)}: ${eventText(kind, words)}`,
      })),
    ],
  };
} // prettier-ignore
