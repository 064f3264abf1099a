import type { InvoiceHead } from '../../../src/books/invoices.ts';
import type { StoredDocument } from '../../../src/books/stored-document.ts';
import { formatInstant } from '../../../src/domain/instant.ts';
import { formatAmount } from '../../../src/domain/money.ts';
import { sharesOf } from '../../../src/ledger/shares.ts';
import type { LineKind } from '../../../src/rating/line.ts';

/** A line of a document that nobody rated: in nanos. */
export interface MadeLine {
  readonly kind: LineKind;
  readonly vm: string | null;
  readonly nanos: bigint;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export const CENT = 10_000_000n;
export const CURRENCY = 'CNY';
/** When every story begins. */
export const START = Date.parse('2026-03-01T00:00:00Z');

/** Tax in percent of what lines come to, to the cent. */
export function taxLine(lines: readonly MadeLine[], percent: number): MadeLine[] {
  if (percent === 0) return [];
  const net = lines.reduce((sum, { nanos }) => sum + nanos, 0n);
  const cents = (net * BigInt(percent) + 50n * CENT) / (100n * CENT);
  return [{ kind: 'tax', vm: null, nanos: cents * CENT, detail: { percent: `${percent}` } }];
}

/** A document of lines, not final yet. */
export function documentOf(
  account: string,
  fromMs: number,
  toMs: number,
  lines: readonly MadeLine[],
  more: Partial<InvoiceHead>,
): StoredDocument {
  const total = lines.reduce((sum, { nanos }) => sum + nanos, 0n);
  const fees = lines.reduce((sum, { kind, nanos }) => (kind === 'late_fee' ? sum + nanos : sum), 0n);
  const amount = (nanos: bigint): string => formatAmount(nanos, CURRENCY);
  const shown = lines.map(({ kind, vm, nanos, detail = {} }) => ({
    ...{ kind, vm, description: kind, quantity: '1', unit: 'unit', unit_price: amount(nanos), amount: amount(nanos) },
    ...{ formula: '', query: null, detail },
  }));
  const rest = {
    account,
    customer: { name: account, language: 'en' },
    currency: CURRENCY,
    from: formatInstant(fromMs),
    to: formatInstant(toMs),
    lines: shown,
    total: amount(total),
  };
  const head: InvoiceHead = {
    ...{ type: 'invoice', account, currency: CURRENCY, from: fromMs, to: toMs, final: false, number: null, issued_at: null },
    ...{ due_at: toMs, total_nanos: `${total}`, principal_nanos: `${total - fees}`, corrects: null },
    shares: [...sharesOf(lines)].map(([vm, nanos]) => ({ vm, nanos: `${nanos}` })),
    ...more,
  };
  return { head, rest: JSON.stringify(rest), evidence: '{}', sha256: null };
}
