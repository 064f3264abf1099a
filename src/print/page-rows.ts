import { parseInstant } from '../domain/instant.ts';
import { localDay, MINUTE_MS, zoneOf } from '../domain/zone.ts';
import type { ShownLine } from './invoice-shape.ts';
import { descriptionOf, formulaOf, reasonOf, unitOf } from './line-words.ts';
import { bytesText, grouped, shortDateText } from './numbers.ts';
import type { Words } from './words/words.ts';

/** Days listed under a credit line at most. */
const CREDIT_DAYS_MAX = 12;

export interface PageRow {
  /** From 1. */
  line: number;
  /** Empty where it is that of the row before. */
  vm: string;
  description: string;
  /** The letters of its formula. */
  formula: string;
  /** What stands small under the description. */
  more: readonly string[];
  quantity: string;
  unitPrice: string;
  amount: string;
}

/** The table of lines, and every formula once, by the letters that rows name. */
export function rowsOf(
  lines: readonly ShownLine[],
  words: Words,
): { rows: PageRow[]; formulas: { label: string; text: string }[] } {
  const formulas = new Map<string, { label: string; text: string }>();
  const rows = lines.map((line, i) => {
    const formula = formulas.get(line.formula) ?? { label: lettersOf(formulas.size), text: formulaOf(line, words) };
    formulas.set(line.formula, formula);
    return rowOf(line, i, lines[i - 1], formula.label, words);
  });
  return { rows, formulas: [...formulas.values()] };
}

function rowOf(line: ShownLine, index: number, before: ShownLine | undefined, formula: string, words: Words): PageRow {
  // Its quantity is the sum it is taken of, and its price the rate, which the description says.
  const isTax = line.kind === 'tax' && line.unit !== 'correction';
  return {
    line: index + 1,
    vm: line.vm === null || line.vm === before?.vm ? '' : line.vm,
    description: descriptionOf(line, words),
    formula,
    more: usedText(line, words),
    quantity: isTax ? grouped(line.quantity) : `${grouped(line.quantity)} ${unitOf(line, words)}`,
    unitPrice: isTax ? '' : grouped(line.unit_price),
    amount: grouped(line.amount),
  };
}

/** What a line's detail says that a customer asks about: bytes each way, the days of a credit, why a line was corrected. */
function usedText(line: ShownLine, words: Words): string[] {
  const { labels } = words;
  const { rx_bytes: rx, tx_bytes: tx, included_bytes: included = 0 } = line.detail;
  const reason = reasonOf(line, words);
  if (reason !== undefined) return [reason];
  if (line.kind === 'traffic' && rx !== undefined && tx !== undefined) {
    const free = included > 0 ? [labels.included(bytesText(included, words))] : [];
    return [[labels.traffic(bytesText(rx, words), bytesText(tx, words)), ...free].join(' · ')];
  }
  return line.kind === 'credit' ? creditDays(line, words) : [];
}

/** The days, or months, of a credit, with the minutes of each. */
export function creditDays({ detail: { days } }: ShownLine, words: Words): string[] {
  const { labels } = words;
  if (days === undefined) return [];
  const first = days.slice(0, CREDIT_DAYS_MAX).map(({ date, month, time_zone: zone, minutes = 0, capped }) => {
    const when = date === undefined ? localMonth(month, zone, words) : shortDateText(date, words);
    return `${when}: ${labels.minutes(grouped(minutes.toString()))}${capped === true ? ` (${labels.capped})` : ''}`;
  });
  const rest = days.length - first.length;
  return [[...first, ...(rest > 0 ? [labels.moreDays(rest)] : [])].join(words.itemsApart)];
}

/** The month that begins at an instant in a zone, which in UTC may still be the month before. */
function localMonth(month: string | undefined, zoneName: string | undefined, words: Words): string {
  const zone = zoneOf(zoneName ?? 'UTC');
  const beginsMs = parseInstant(month ?? '');
  return zone === undefined || beginsMs === undefined ? '' : words.month(localDay(zone, beginsMs / MINUTE_MS));
}

/** a, b, … z, aa, ab …: 0 is a. */
function lettersOf(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : lettersOf(Math.floor(index / 26) - 1) + last;
}
