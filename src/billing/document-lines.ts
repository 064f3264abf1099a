import { isBoundary } from '../domain/bucket.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import { MINUTE_MS, zoneOf } from '../domain/zone.ts';
import { contentWords } from '../print/words/content.ts';
import { isDebited, type RatedLine } from '../rating/line.ts';
import type { InvoiceFacts } from '../rating/order.ts';
import { type Explaining, explainLine } from './explained/line.ts';
import { clipSegments } from '../rating/served.ts';

/** A line as documents keep it: its English beside the codes that it is printed from in every language, and what it rests on. */
export function lineJson(line: RatedLine, explaining: Explaining): Record<string, unknown> {
  const { facts } = explaining;
  const words = contentWords(line.say);
  const range = servedRange(line, facts);
  const explained = explainLine(line, range, explaining);
  return {
    kind: line.kind,
    vm: line.vm,
    description: words.description,
    quantity: line.quantity,
    unit: words.unit,
    unit_price: line.unitPrice,
    amount: formatAmount(line.amountNanos, facts.currency),
    formula: words.formula,
    ...linksOf(line, range),
    detail: line.detail,
    say: line.say,
    ...(explained === undefined ? {} : { explained }),
  };
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The part of the period in which a line's VM was served, on the line's plan where it is about one: what else was metered is not in the line. */
function servedRange(line: RatedLine, { vms, fromMs, toMs }: InvoiceFacts): Range {
  const service = vms.find(({ vm }) => vm === line.vm)?.service ?? [];
  const only = 'plan' in line.detail ? line.detail.plan : undefined;
  const served = clipSegments(service, fromMs / MINUTE_MS, toMs / MINUTE_MS).filter(
    ({ plan }) => only === undefined || plan.id === only,
  );
  const [first, last] = [served[0], served.at(-1)];
  if (first === undefined || last === undefined) return { fromMs, toMs };
  return { fromMs: first.fromMinute * MINUTE_MS, toMs: last.toMinute * MINUTE_MS };
}

/** The questions whose answers a line was computed from, and the raw samples behind them. */
function linksOf(line: RatedLine, { fromMs, toMs }: Range): { query: string | null; samples?: string } {
  const { detail } = line;
  // A debit rests on the invoice that it corrects, a late fee on the one that is late.
  if ('debit' in detail || line.vm === null) return { query: 'invoice' in detail ? `/v1/invoices/${detail.invoice}` : null };
  const vm = `/v1/vms/${line.vm}`;
  const range = `from=${formatInstant(fromMs)}&to=${formatInstant(toMs)}`;
  const samples = `${vm}/samples?${range}`;
  switch (line.kind) {
    case 'traffic':
      return { query: `${vm}/traffic?${range}&step=minute&by=nic`, samples };
    case 'credit':
      return { query: `${vm}/uptime?${range}${stepOf(line, fromMs, toMs)}&incidents=applied`, samples };
    case 'fee':
      return { query: `${vm}/events` };
    default:
      return { query: vm };
  }
}

/** By day in the credit's own zone where the period is whole days there, else by minute. */
function stepOf(line: RatedLine, fromMs: number, toMs: number): string {
  const [first] = line.kind === 'credit' && !isDebited(line) ? line.detail.days : [];
  const zone = zoneOf(first?.time_zone ?? '');
  const aligned = zone !== undefined && [fromMs, toMs].every((ms) => isBoundary(zone, 'day', ms / MINUTE_MS));
  return aligned ? `&step=day&tz=${encodeURIComponent(zone.name)}` : '&step=minute';
}
