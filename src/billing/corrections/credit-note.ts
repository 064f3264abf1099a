import type { InvoiceState } from '../../books/invoices.ts';
import type { StoredDocument } from '../../books/stored-document.ts';
import { numberText } from '../../books/number-series.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { toJson } from '../../domain/json.ts';
import { readContent } from '../../print/invoice-shape.ts';
import { contentWords, reasonText } from '../../print/words/content.ts';
import { correctionSay, type ReasonSay } from '../../rating/say.ts';
import { KeptClauses, sheetsOf } from '../explained/clauses.ts';
import type { ExplainedLine } from '../explained/line.ts';
import type { Correction } from './corrections.ts';
import type { Credited } from './correction-plan.ts';

export interface NoteReason {
  /** The invoice whose period was rated again: the one credited, or the one that a debit on it corrected. */
  rated: { id: string; number: number | null };
  reasons: readonly ReasonSay[];
}

/** The credit note that takes back parts of an invoice's lines. It is final when it is kept. */
export function creditNoteOf(
  { id, head }: InvoiceState,
  issued: StoredDocument,
  lines: readonly Credited[],
  { rated, reasons }: NoteReason,
  evidence: string,
): StoredDocument {
  const { issuer, customer, time_zone, titles = { plans: {}, vms: {} } } = readContent(issued.rest);
  const numbered = numberText(head);
  const pattern = issuer?.numbers?.credit_note;
  const amount = (nanos: bigint): string => formatAmount(nanos, head.currency);
  const total = lines.reduce((sum, each) => sum - each.nanos, 0n);
  const clauses = new KeptClauses(sheetsOf(evidence));
  const rest = {
    layout: 2,
    account: head.account,
    issuer,
    customer,
    currency: head.currency,
    from: formatInstant(head.from),
    to: formatInstant(head.to),
    time_zone,
    corrects: { invoice: id, number: head.number, ...(numbered === null ? {} : { number_text: numbered }) },
    lines: lines.map(({ line, nanos, correction }) => {
      const say = correctionSay({ invoice: head.number ?? 0, line, of: correction.item, reason: reasons });
      const words = contentWords(say);
      return {
        kind: correction.kind,
        vm: correction.vm,
        description: words.description,
        quantity: '1',
        unit: words.unit,
        unit_price: amount(-nanos),
        amount: amount(-nanos),
        formula: words.formula,
        query: `/v1/invoices/${rated.id}`,
        detail: {
          invoice: id,
          number: head.number,
          // The index of the line, from 0, as in `lines` of the invoice.
          line,
          ...(rated.id === id ? {} : { debit_of: { invoice: rated.id, number: rated.number, line: correction.line } }),
          before: amount(correction.beforeNanos),
          after: amount(correction.afterNanos),
          ...(correction.kinds === undefined ? {} : { kinds: correction.kinds }),
          unavailable_minutes: correction.minutes,
          days: correction.days,
          reason: reasonText(reasons),
        },
        say,
        ...explainedBy(correction, clauses),
      };
    }),
    titles,
    clauses: clauses.kept(),
    total: amount(total),
    warnings: [],
  };
  return {
    head: {
      type: 'credit_note',
      account: head.account,
      currency: head.currency,
      from: head.from,
      to: head.to,
      due_at: head.due_at,
      due_days: 0,
      final: false,
      number: null,
      issued_at: null,
      ...(pattern === undefined ? {} : { series: { pattern, time_zone: time_zone ?? 'UTC' } }),
      total_nanos: total.toString(),
      principal_nanos: total.toString(),
      corrects: {
        invoice: id,
        lines: lines.map(({ line, nanos, correction: { key, days } }) => ({
          line,
          nanos: nanos.toString(),
          of: { invoice: rated.id, key, days },
        })),
      },
    },
    rest: toJson(rest),
    evidence,
    sha256: null,
  };
}

function explainedBy({ clauses = [] }: Correction, kept: KeptClauses): { explained?: ExplainedLine } {
  const keys = clauses.flatMap((shown) => kept.keyOf(shown) ?? []);
  return keys.length === 0 ? {} : { explained: { clauses: keys } };
}
