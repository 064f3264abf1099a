import { signedNanos } from '../../domain/money.ts';
import type { InvoiceState } from '../../books/invoices.ts';
import type { StoredDocument } from '../../books/stored-document.ts';
import { toJson } from '../../domain/json.ts';
import { shownItem } from '../../print/invoice-shape.ts';
import { contentWords, reasonText } from '../../print/words/content.ts';
import { correctionSay, type LineSay } from '../../rating/say.ts';
import { type IssuedLine } from './corrections.ts';
import type { Given } from './held.ts';
import { notePartsOf } from './note-parts.ts';

/** A credit note that somebody decided on: what it takes back was charged rightly. It is final when it is kept. */
export function handNoteOf(
  invoice: InvoiceState,
  issued: StoredDocument,
  lines: readonly IssuedLine[],
  given: readonly Given[],
  { reason: text, reference, asked }: { reason: string; reference: string | null; asked: string },
): StoredDocument {
  const total = given.reduce((sum, { nanos }) => sum - nanos, 0n);
  const { amount, opening, titles, closing, headOf } = notePartsOf(invoice, issued, total);
  const { id, head } = invoice;
  const rest = {
    ...opening,
    lines: given.flatMap(({ line, nanos }) => {
      const from = lines[line];
      return from === undefined ? [] : [{ ...noteLine(from, line, nanos), query: `/v1/invoices/${id}` }];
    }),
    titles,
    ...closing,
  };

  function noteLine(from: IssuedLine, line: number, nanos: bigint): Record<string, unknown> {
    const reason = [{ code: 'by_hand', text } as const];
    const corrected = correctionSay({ invoice: head.number ?? 0, line, of: shownItem(from), reason });
    const say: LineSay = { ...corrected, formula: [{ code: 'by_hand' }] };
    const words = contentWords(say);
    return {
      ...{ kind: from.kind, vm: from.vm, description: words.description, quantity: '1', unit: words.unit },
      unit_price: amount(-nanos),
      amount: amount(-nanos),
      formula: words.formula,
      detail: {
        ...{ invoice: id, number: head.number, line },
        charged: amount(signedNanos(from.amount)),
        ...(from.detail.percent === undefined ? {} : { percent: from.detail.percent }),
        ...(from.detail.name === undefined ? {} : { name: from.detail.name }),
        reason: reasonText(reason),
      },
      say,
    };
  }

  return {
    head: headOf({
      invoice: id,
      by_hand: true,
      ...(reference === null ? {} : { reference, asked }),
      lines: given.map(({ line, nanos }) => ({ line, nanos: nanos.toString() })),
    }),
    rest: toJson(rest),
    // Nothing was measured for it: what it rests on is what somebody said.
    evidence: toJson({ by_hand: { reason: text, reference } }),
    sha256: null,
  };
}
