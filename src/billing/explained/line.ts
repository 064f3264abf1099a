import { formatInstant } from '../../domain/instant.ts';
import { isDebited, type RatedLine } from '../../rating/line.ts';
import type { InvoiceFacts } from '../../rating/order.ts';
import type { KeptClauses } from './clauses.ts';
import { type LateExplained, lateOf } from './late.ts';
import { type CreditedOutage, creditedOutages, type RecordedIncident } from './outages.ts';
import { addOnParts, fineText, type ServicePart, serviceParts } from './parts.ts';
import { type MonthUptime, uptimesOf } from './uptime.ts';

/**
 * What a line rests on, as a person asks for it: its time, the agreed price, the outages with their causes, the clause. Kept with
 * the line; documents print it in every language.
 */
export interface ExplainedLine {
  /** The time that the line is about; left out where that is the document's period. */
  from?: string;
  to?: string;
  parts?: ServicePart[];
  /** Of an add-on: how many of it. */
  pieces?: number;
  /** Of what a plan's lines are brought up or down to: the sum agreed, and what the lines came to. */
  bound?: { sum: string; lines: string };
  uptime?: MonthUptime[];
  outages?: CreditedOutage[];
  /** How many shorter outages are not listed. */
  outages_more?: number;
  late?: LateExplained;
  events?: { at: string; fee: string; clause?: string }[];
  /** Keys of the document's `clauses`. */
  clauses?: string[];
}

/** What is at hand while a document is made. */
export interface Explaining {
  account: string;
  facts: InvoiceFacts;
  clauses: KeptClauses;
  incidents: readonly RecordedIncident[];
}

/** Explains a line; undefined where its words say it all. */
export function explainLine(
  line: RatedLine,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { account, facts, clauses, incidents }: Explaining,
): ExplainedLine | undefined {
  if (isDebited(line) || line.kind === 'tax') return undefined;
  const keys = (shown: readonly string[]): Pick<ExplainedLine, 'clauses'> => {
    const found = [...new Set(shown)].flatMap((each) => clauses.keyOf(each) ?? []);
    return found.length === 0 ? {} : { clauses: found };
  };
  const time = line.vm === null ? {} : { from: formatInstant(fromMs), to: formatInstant(toMs) };
  const vm = facts.vms.find((each) => each.vm === line.vm);
  switch (line.kind) {
    case 'service':
      return { ...time, parts: serviceParts(vm?.service ?? [], line.detail, facts.currency) };
    case 'add_on': {
      const { from, to, quantity: pieces } = line.detail;
      return { from, to, pieces, parts: addOnParts(vm?.service ?? [], line.detail, facts.currency) };
    }
    case 'discount':
      return { from: line.detail.from, to: line.detail.to };
    case 'minimum':
    case 'maximum':
      return { ...time, bound: { sum: line.detail.sum, lines: fineText(line.detail.lines_nanos, facts.currency) } };
    case 'credit': {
      const { days, clauses: shown = [] } = line.detail;
      const service = vm?.service ?? [];
      const uptime = uptimesOf(days, service, facts.currency);
      const who = { vm: line.vm ?? '', account };
      const { outages, more } = creditedOutages(who, days, service, vm?.outages ?? [], incidents);
      return {
        ...time,
        ...(uptime.length === 0 ? {} : { uptime }),
        outages,
        ...(more === 0 ? {} : { outages_more: more }),
        ...keys(shown),
      };
    }
    case 'late_fee':
      return { late: lateOf(line.detail, facts.currency), ...keys([line.detail.clause]) };
    case 'fee': {
      const priced = new Map(vm?.fees.map((fee) => [fee.id, fee.clause]));
      const events = line.detail.events.map(({ id, at, fee }) => {
        const clause = clauses.keyOf(priced.get(id) ?? '');
        return { at, fee, ...(clause === undefined ? {} : { clause }) };
      });
      return { ...time, events, ...keys([line.detail.clause]) };
    }
    default:
      return time;
  }
}
