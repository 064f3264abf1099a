import type { InvoiceHead, MinutesChange } from './invoices.ts';
import type { Books } from './books.ts';
import type { DebitPart, DebitState } from './debits.ts';
import { ProblemError } from '../problems/problem.ts';
import { exact, priceText } from '../rating/exact.ts';
import type { DebitedLine } from '../rating/line.ts';
import { correctionSay } from '../rating/say.ts';

/** A line that charges a part of a debit. */
export interface DebitLine {
  id: string;
  part: number;
  line: DebitedLine;
}

/**
 * The lines of what earlier invoices of an account lacked and no final invoice has charged yet. They stand after the tax of
 * the invoice they are on: each keeps the kind of the line it corrects, and the tax that was lacking is a line of its own.
 */
export function pendingDebits(books: Books, account: string): DebitLine[] {
  return books.debitsOf(account).flatMap((debit) =>
    debit.status !== 'pending'
      ? []
      : debit.head.parts.flatMap((part, i) => {
          const nanos = BigInt(part.nanos);
          return nanos === 0n ? [] : [{ id: debit.id, part: i, line: debitLine(debit, part, nanos) }];
        }),
  );
}

function debitLine({ id, head }: DebitState, part: DebitPart, nanos: bigint): DebitedLine {
  const { invoice, number, reason, reasons } = head;
  return {
    kind: part.kind,
    vm: part.vm,
    say: correctionSay({
      invoice: number,
      line: part.line,
      of: part.say ?? { code: 'as_written', text: part.description },
      reason: reasons,
    }),
    quantity: '1',
    unitPrice: priceText(exact(nanos), head.currency),
    exactNanos: exact(nanos),
    amountNanos: nanos,
    detail: {
      debit: id,
      invoice,
      number,
      // The index of the line, from 0, as in `lines` of that invoice.
      line: part.line,
      before: part.before,
      after: part.after,
      unavailable_minutes: part.minutes,
      days: part.days,
      reason,
      evidence_sha256: head.evidence_sha256,
      ...part.tax,
    },
  };
}

/** Throws `invoice_conflict` unless every debit that a draft charges is still to be charged, to the same amount. */
export function checkDebits(books: Books, { debits = [] }: Pick<InvoiceHead, 'debits'>): void {
  for (const { id, part, nanos } of debits) {
    const debit = books.debit(id);
    if (debit?.status === 'pending' && debit.head.parts[part]?.nanos === nanos) continue;
    throw new ProblemError('invoice_conflict', 'what earlier invoices lacked has changed since the draft: make the draft again', {
      debit: id,
    });
  }
}

/** How much of a part of a debit still counts: nothing of it was taken back, or a credit note on its line took back the rest. */
export function standingNanos(books: Books, { id, head, on }: DebitState, part: number): bigint {
  const nanos = BigInt(head.parts[part]?.nanos ?? 0n);
  const charged = on?.lines.find((each) => each.id === id && each.part === part);
  if (on === null || charged === undefined) return nanos;
  return nanos - (books.creditedByLine(on.invoice).get(charged.line) ?? 0n);
}

/** How much of what a part of a debit was charged was given back by hand. */
function givenNanos(books: Books, { id, on }: DebitState, part: number): bigint {
  const charged = on?.lines.find((each) => each.id === id && each.part === part);
  return on === null || charged === undefined ? 0n : (books.creditedByLine(on.invoice, 'by_hand').get(charged.line) ?? 0n);
}

/**
 * What credit notes put right of an invoice, by the index of the line, and what debits added, by the line's key. What was given back by hand leaves
 * what was charged as right as it was: it is told by itself, for no more can be taken back than is there.
 */
export interface Corrected {
  credited: ReadonlyMap<number, bigint>;
  given: ReadonlyMap<number, bigint>;
  debited: ReadonlyMap<string, { nanos: bigint; givenNanos: bigint; part: DebitPart }>;
  /** How unavailable minutes were corrected, oldest first. */
  minutes: readonly MinutesChange[];
}

/** What has been corrected of an invoice so far. */
export function correctedOf(books: Books, invoice: string): Corrected {
  const debited = new Map<string, { nanos: bigint; givenNanos: bigint; part: DebitPart }>();
  for (const debit of books.debitsOn(invoice)) {
    for (const [i, part] of debit.head.parts.entries()) {
      const before = debited.get(part.key) ?? { nanos: 0n, givenNanos: 0n };
      const given = givenNanos(books, debit, i);
      const nanos = before.nanos + standingNanos(books, debit, i) + given;
      debited.set(part.key, { nanos, givenNanos: before.givenNanos + given, part });
    }
  }
  const given = books.creditedByLine(invoice, 'by_hand');
  const credited = new Map(Array.from(books.creditedByLine(invoice), ([line, nanos]) => [line, nanos - (given.get(line) ?? 0n)]));
  return { credited, given, debited, minutes: books.minutesCorrected(invoice) };
}
