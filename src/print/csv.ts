import { csvLine } from '../domain/csv-cell.ts';
import type { ShownInvoice, ShownLine } from './invoice-shape.ts';

/** Of documents of `layout` 2, after the others: the line's time, the agreed price and how much of it, the clauses by their keys. */
const EXPLAINED = ['line_from', 'line_to', 'days', 'minutes', 'of_days', 'price', 'per', 'clauses'] as const;
const COLUMNS = ['kind', 'vm', 'description', 'quantity', 'unit', 'unit_price', 'amount', 'formula', 'query'] as const;

/**
 * An invoice as CSV (RFC 4180): a row a line, the invoice's own members repeated in each. UTF-8 without a byte order mark, which
 * programs would take for a part of the first name; `?bom=true` of the API puts one before it, for Excel.
 */
export function invoiceCsv(invoice: ShownInvoice): string {
  const isExplained = (invoice.layout ?? 1) >= 2;
  const own = [
    invoice.id,
    invoice.number_text ?? invoice.number?.toString() ?? '',
    invoice.status,
    invoice.account,
    invoice.from,
    invoice.to,
    invoice.currency,
  ];
  const rows = [
    ['invoice', 'number', 'status', 'account', 'from', 'to', 'currency', ...COLUMNS, ...(isExplained ? EXPLAINED : [])],
    ...invoice.lines.map((line) => [
      ...own,
      ...COLUMNS.map((name) => line[name] ?? ''),
      ...(isExplained ? explainedCells(line) : []),
    ]),
  ];
  return csvText(rows);
}

/** Rows as CSV (RFC 4180). */
export function csvText(rows: readonly (readonly string[])[]): string {
  return rows.map(csvLine).join('');
}

/** A price that was agreed, where the line is of one; a line of several has them in its JSON. */
function explainedCells({ explained: { from = '', to = '', parts = [], clauses = [] } = {} }: ShownLine): string[] {
  const [part] = parts.length === 1 ? parts : [];
  const priced =
    part === undefined
      ? ['', '', '', '', '']
      : [part.days.toString(), part.minutes.toString(), part.of_days?.toString() ?? '', part.price, part.per];
  return [from, to, ...priced, clauses.join(' ')];
}
