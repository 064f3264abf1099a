import type { InvoiceState } from '../catalog/books.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import { ProblemError } from '../errors.ts';
import { toJson } from '../domain/json.ts';
import { type Correction, correctionsOf, type IssuedLine, nanosOf } from './corrections.ts';
import { rateDocument, type StoredDocument } from './document.ts';
import type { BillingContext } from './facts.ts';
import { keepCreditNote, readDocument, stateOf } from './ledger.ts';

/** What reconciling found on one final invoice. */
export interface Reconciled {
  state: InvoiceState;
  /** Lines that are too high: each goes on the credit note. */
  credits: readonly Correction[];
  /** Lines that are too low, or that the invoice lacks. They are named and not charged: a final invoice is not added to. */
  debits: readonly Correction[];
  reason: string;
  /** The credit note; null when there is nothing to credit, or nothing was to be written. */
  creditNote: string | null;
}

/** The final invoices that are to be looked at: of one account, or all. */
export function finalInvoices(context: BillingContext, account: string | undefined): InvoiceState[] {
  return context.catalog.books
    .statesOf(account)
    .filter(({ head, status }) => head.type === 'invoice' && (status === 'final' || status === 'paid'));
}

/** Rates a final invoice's period again; with `write`, what it charged too much goes on a credit note. The invoice itself is never touched. */
export async function reconcileInvoice(
  context: BillingContext,
  { id }: InvoiceState,
  write: boolean,
  by: string,
): Promise<Reconciled> {
  const { catalog } = context;
  const state = stateOf(catalog.books, id);
  const { head } = state;
  const issued = await readDocument(catalog, id);
  const { lines } = JSON.parse(issued.rest) as { lines: readonly IssuedLine[] };
  const credited = catalog.books.creditedByLine(id);
  const now = await rateDocument(context, head.account, head.from, head.to);
  const found = correctionsOf(lines, credited, now.lines);
  const reason = reasonOf(context, state);
  const credits = found.filter((each) => each.line !== null && each.afterNanos < each.beforeNanos);
  const debits = found.filter((each) => !credits.includes(each));
  if (!write || credits.length === 0) return { state, credits, debits, reason, creditNote: null };

  const check = (books: typeof catalog.books): void => {
    const current = stateOf(books, id);
    if (current.status === 'void' || current.creditedNanos !== state.creditedNanos)
      throw new ProblemError('invoice_conflict', `invoice ${id} was changed while it was reconciled`);
    const before = books.creditedByLine(id);
    for (const { line, beforeNanos, afterNanos } of credits) {
      const sum = (before.get(line ?? -1) ?? 0n) + beforeNanos - afterNanos;
      if (sum > nanosOf(lines[line ?? -1]?.amount ?? '0'))
        throw new ProblemError('invoice_conflict', `more would be credited than line ${line ?? -1} of invoice ${id} charged`);
    }
  };
  const note = creditNoteOf(state, issued, credits, reason, now.evidence);
  return { state, credits, debits, reason, creditNote: await keepCreditNote(catalog, note, check, by) };
}

function creditNoteOf(
  { id, head }: InvoiceState,
  issued: StoredDocument,
  credits: readonly Correction[],
  reason: string,
  evidence: string,
): StoredDocument {
  const { issuer, customer, time_zone } = JSON.parse(issued.rest) as Record<'issuer' | 'customer' | 'time_zone', unknown>;
  const amount = (nanos: bigint): string => formatAmount(nanos, head.currency);
  const total = credits.reduce((sum, each) => sum + each.afterNanos - each.beforeNanos, 0n);
  const rest = {
    account: head.account,
    issuer,
    customer,
    currency: head.currency,
    from: formatInstant(head.from),
    to: formatInstant(head.to),
    time_zone,
    due_at: formatInstant(head.due_at),
    corrects: { invoice: id, number: head.number },
    lines: credits.map((each) => ({
      kind: each.kind,
      vm: each.vm,
      description: `Correction of line ${(each.line ?? 0) + 1} of invoice ${head.number ?? 0}: ${each.description}`,
      quantity: '1',
      unit: 'correction',
      unit_price: amount(each.afterNanos - each.beforeNanos),
      amount: amount(each.afterNanos - each.beforeNanos),
      formula: 'what the line rates to now - (the line - what was credited on it before)',
      query: `/v1/invoices/${id}`,
      detail: {
        invoice: id,
        number: head.number,
        // The index of the line, from 0, as in `lines` of the invoice.
        line: each.line,
        before: amount(each.beforeNanos),
        after: amount(each.afterNanos),
        unavailable_minutes: each.minutes,
        reason,
      },
    })),
    total: amount(total),
    warnings: [],
  };
  return {
    head: {
      ...head,
      type: 'credit_note',
      final: false,
      number: null,
      issued_at: null,
      total_nanos: total.toString(),
      principal_nanos: total.toString(),
      corrects: {
        invoice: id,
        lines: credits.map((each) => ({ line: each.line ?? 0, nanos: (each.beforeNanos - each.afterNanos).toString() })),
      },
    },
    rest: toJson(rest),
    evidence,
    sha256: null,
  };
}

/** Why a period may rate to something else now: incidents that came or went since, or else samples, events or the catalog. */
function reasonOf({ catalog }: BillingContext, { head }: InvoiceState): string {
  const since = head.issued_at ?? 0;
  const incidents = catalog
    .incidents()
    .filter(({ body }) => body.from < head.to && body.to > head.from)
    .filter(({ body }) => body.recorded.at >= since || (body.withdrawn?.at ?? 0) >= since)
    .map(({ id, body }) => `${id} (${body.cause}${body.withdrawn === null ? '' : ', withdrawn'})`);
  return incidents.length > 0
    ? `incidents since it was issued: ${incidents.join(', ')}`
    : 'samples, events or the catalog were restated since it was issued';
}
