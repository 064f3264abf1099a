import type { InvoiceState } from '../../books/invoices.ts';
import type { StoredDocument } from '../../books/stored-document.ts';
import { toJson } from '../../domain/json.ts';
import { contentWords, reasonText } from '../../print/words/content.ts';
import { correctionSay, type ReasonSay } from '../../rating/say.ts';
import { KeptClauses, sheetsOf } from '../explained/clauses.ts';
import type { ExplainedLine } from '../explained/line.ts';
import type { Correction } from './corrections.ts';
import type { Credited } from './correction-plan.ts';
import { notePartsOf } from './note-parts.ts';

export interface NoteReason {
  /** The invoice whose period was rated again: the one credited, or the one that a debit on it corrected. */
  rated: { id: string; number: number | null };
  reasons: readonly ReasonSay[];
}

/** The credit note that takes back parts of an invoice's lines. It is final when it is kept. */
export function creditNoteOf(
  invoice: InvoiceState,
  issued: StoredDocument,
  lines: readonly Credited[],
  { rated, reasons }: NoteReason,
  evidence: string,
): StoredDocument {
  const total = lines.reduce((sum, each) => sum - each.nanos, 0n);
  const { amount, opening, titles, closing, headOf } = notePartsOf(invoice, issued, total);
  const { id, head } = invoice;
  const clauses = new KeptClauses(sheetsOf(evidence));
  const rest = {
    ...opening,
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
          ...taxDetail(correction),
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
    ...closing,
  };
  return {
    head: headOf({
      invoice: id,
      lines: lines.map(({ line, nanos, correction: { key, days } }) => ({
        line,
        nanos: nanos.toString(),
        of: { invoice: rated.id, key, days },
      })),
    }),
    rest: toJson(rest),
    evidence,
    sha256: null,
  };
}

/** Which tax is taken back; its kinds by another name than those of lines that a correction is the sum of. */
function taxDetail({ tax }: Correction): { percent?: string; name?: string; taxed_kinds?: readonly string[] } {
  if (tax === undefined) return {};
  const { percent, name, kinds } = tax;
  return {
    ...(percent === undefined ? {} : { percent }),
    ...(name === undefined ? {} : { name }),
    ...(kinds === undefined ? {} : { taxed_kinds: kinds }),
  };
}

function explainedBy({ clauses = [] }: Correction, kept: KeptClauses): { explained?: ExplainedLine } {
  const keys = clauses.flatMap((shown) => kept.keyOf(shown) ?? []);
  return keys.length === 0 ? {} : { explained: { clauses: keys } };
}
