import { sha256 } from '../../books/stored-document.ts';
import { type Corrected, correctedOf } from '../../books/debit-lines.ts';
import type { Books } from '../../books/books.ts';
import type { DebitHead } from '../../books/debits.ts';
import { formatAmount, signedNanos } from '../../domain/money.ts';
import { ProblemError } from '../../problems/problem.ts';
import { readContent } from '../../print/invoice-shape.ts';
import { reasonText } from '../../print/words/content.ts';
import type { RatedLine } from '../../rating/line.ts';
import type { ReasonSay } from '../../rating/say.ts';
import { type Credited, planSteps, type Step } from './correction-plan.ts';
import { type Correction, correctionsOf, type IssuedLine } from './corrections.ts';
import { creditNoteOf } from './credit-note.ts';
import { keepCreditNote, keepDebit, readDebit, readDocument, stateOf } from '../../books/ledger.ts';

/** What was written to bring an invoice to what its period rates to. */
export interface Made {
  /** The credit notes made, on this invoice and on those that charged debits of it. */
  creditNotes: readonly string[];
  /** The debit recorded for the next invoice; null when nothing was lacking, or nothing was to be written. */
  debit: string | null;
  /** Debits lowered before they were charged. */
  lowered: readonly string[];
}

export interface Target {
  id: string;
  issued: readonly IssuedLine[];
  /** What the period rates to now, and the evidence of it as JSON text. */
  rated: { lines: readonly RatedLine[]; evidence: string };
  /** Why, of what differs. */
  reasonsFor: (found: readonly Correction[]) => ReasonSay[];
  write: boolean;
  by: string;
  /** When what is written is issued. */
  nowMs: number;
}

/** Attempts until what was found still holds when it is written. */
const ATTEMPTS_MAX = 20;

/**
 * Brings what a final invoice comes to, with its credit notes and debits, to what its period rates to: never by an edit, each
 * step one entry. What was corrected before counts, so to be asked twice, at once or after a crash, corrects once. `found` is
 * what differed at first. Throws `invoice_conflict`.
 */
export async function correctTo(
  books: Books,
  { id, issued, rated, reasonsFor, write, by, nowMs }: Target,
): Promise<Made & { found: readonly Correction[] }> {
  const evidence = { text: rated.evidence, sha256: sha256(rated.evidence) };
  const find = (): Correction[] => correctionsOf(issued, correctedOf(books, id), rated.lines);
  const found = find();
  const reasons = reasonsFor(found);
  const made: Mutable = { creditNotes: [], debit: null, lowered: [] };
  for (let attempt = 0; write; attempt += 1) {
    // What another reconcile has written meanwhile counts already.
    const corrected = correctedOf(books, id);
    const [step] = planSteps(books, id, find(), stateOf(books, id).head.currency);
    if (step === undefined) break;
    if (attempt === ATTEMPTS_MAX)
      throw new ProblemError('invoice_conflict', `invoice ${id} was changed again and again while it was reconciled`);
    try {
      await carryOut(books, { id, reasons, evidence, corrected, by, nowMs }, step, made);
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
    }
  }
  return { found, ...made };
}

interface Mutable {
  creditNotes: string[];
  debit: string | null;
  lowered: string[];
}

/** The books are no longer as they were when the step was planned. */
class Moved extends Error {}

interface Work {
  id: string;
  reasons: readonly ReasonSay[];
  evidence: { text: string; sha256: string };
  corrected: Corrected;
  by: string;
  nowMs: number;
}

async function carryOut(
  books: Books,
  { id, reasons, evidence, corrected, by, nowMs }: Work,
  step: Step,
  made: Mutable,
): Promise<void> {
  const unmoved = (): void => {
    if (stateOf(books, id).status === 'void') throw new ProblemError('invoice_conflict', `invoice ${id} has become void`);
    if (textOf(correctedOf(books, id)) !== textOf(corrected)) throw new Moved();
  };
  const { head } = stateOf(books, id);
  switch (step.kind) {
    case 'lower': {
      const kept = await readDebit(books, step.debit);
      const parts = kept.head.parts.map((part, i) => {
        const lower = step.parts.get(i);
        if (lower === undefined) return part;
        const { afterNanos, minutes, days } = lower.correction;
        const after = formatAmount(afterNanos, head.currency);
        return { ...part, nanos: lower.nanos.toString(), after, minutes: { ...part.minutes, after: minutes.after }, days };
      });
      const check = (): void => {
        unmoved();
        // An invoice that charges it has become final: then a credit note takes it back.
        if (books.debit(step.debit)?.status !== 'pending') throw new Moved();
      };
      await keepDebit(books, { ...kept, head: { ...kept.head, parts } }, check, by, step.debit);
      made.lowered.push(step.debit);
      return;
    }
    case 'credit': {
      const state = stateOf(books, step.invoice);
      const issued = await readDocument(books, step.invoice);
      const note = creditNoteOf(state, issued, step.lines, { rated: { id, number: head.number }, reasons }, evidence.text);
      const check = (): void => {
        unmoved();
        if (stateOf(books, step.invoice).status === 'void') throw new Moved();
        refuseTooMuch(books.creditedByLine(step.invoice), step.lines, readContent(issued.rest).lines);
      };
      made.creditNotes.push(await keepCreditNote(books, note, check, { by, nowMs }));
      return;
    }
    case 'debit': {
      const debit: DebitHead = {
        account: head.account,
        currency: head.currency,
        invoice: id,
        number: head.number ?? 0,
        reason: reasonText(reasons),
        reasons: [...reasons],
        parts: [...step.parts],
        evidence_sha256: evidence.sha256,
      };
      made.debit = await keepDebit(books, { head: debit, evidence: evidence.text }, unmoved, by);
    }
  }
}

/** Σ credited ≤ line, where no other writer can come between. */
function refuseTooMuch(before: ReadonlyMap<number, bigint>, credited: readonly Credited[], lines: readonly IssuedLine[]): void {
  for (const { line, nanos } of credited) {
    if ((before.get(line) ?? 0n) + nanos > signedNanos(lines[line]?.amount ?? '0'))
      throw new ProblemError('invoice_conflict', `more would be credited than line ${line} of the invoice charged`);
  }
}

function textOf({ credited, given, debited }: Corrected): string {
  const text = (value: bigint): string => value.toString();
  return JSON.stringify([
    Array.from(credited, ([line, nanos]) => [line, text(nanos)]),
    Array.from(given, ([line, nanos]) => [line, text(nanos)]),
    Array.from(debited, ([key, { nanos, givenNanos }]) => [key, text(nanos), text(givenNanos)]),
  ]);
}
