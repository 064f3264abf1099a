import type { ShownInvoice } from './invoice-shape.ts';

const COLUMNS = ['kind', 'vm', 'description', 'quantity', 'unit', 'unit_price', 'amount', 'formula', 'query'] as const;

/**
 * An invoice as CSV (RFC 4180): a row a line, the invoice's own members repeated in each. UTF-8 without a byte order mark, which
 * programs would take for a part of the first name; `?bom=true` of the API puts one before it, for Excel.
 */
export function invoiceCsv(invoice: ShownInvoice): string {
  const own = [
    invoice.id,
    invoice.number?.toString() ?? '',
    invoice.status,
    invoice.account,
    invoice.from,
    invoice.to,
    invoice.currency,
  ];
  const rows = [
    ['invoice', 'number', 'status', 'account', 'from', 'to', 'currency', ...COLUMNS],
    ...invoice.lines.map((line) => [...own, ...COLUMNS.map((name) => line[name] ?? '')]),
  ];
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What spreadsheets take for the beginning of a formula; the wide forms are those of East Asian keyboards. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/** A cell no spreadsheet takes for a formula: what begins like one and is no number gets an apostrophe. */
function cell(text: string): string {
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  const safe = !isNumber && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
