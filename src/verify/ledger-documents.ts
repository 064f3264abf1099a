/** What the books say of a document beside its content, and what a document says of the ledger: both have to be so. */
import { z } from 'zod';
import { formatInstant } from '../domain/instant.ts';
import { Disagreed } from './disagreement.ts';
import { type Checked, decimal, nanosOf } from './document.ts';
import type { DocumentContent } from './document-shapes.ts';
import { instant } from './fields.ts';
import { modelLedger } from './model/ledger.ts';
import { type ModelPaid, modelPaying } from './model/ledger-paying.ts';
import type { ModelBook, ModelDocument } from './model/ledger-rows.ts';
import { asOf } from './model/ledger-rules.ts';

const dated = z.looseObject({ issued_at: instant.optional() });

function about(
  account: string,
  { isNote, number }: ModelDocument,
  field: string,
  stored: string | null,
  recomputed: string | null,
) {
  const document = `${isNote ? 'credit note' : 'invoice'} ${number} of ${account}`;
  return new Disagreed({ table: 'ledger', document, vm: null, nic: null, minute: null, field, stored, recomputed });
}

/** The head by which money is counted is what the content, which has the digest, says. Throws `Disagreed`. */
export function checkHead(account: string, document: ModelDocument, content: DocumentContent): void {
  const fees = content.lines.reduce((sum, { kind, amount }) => (kind === 'late_fee' ? sum + nanosOf(amount) : sum), 0n);
  const total = nanosOf(content.total);
  const { issued_at: issuedAt } = dated.parse(content);
  const principal = document.isNote ? document.principalNanos : total - fees;
  for (const [field, stored, said] of [
    ['account in the books', account, content.account],
    ['total in the books', decimal(document.totalNanos), decimal(total)],
    ['total without late fees in the books', decimal(document.principalNanos), decimal(principal)],
    ['period in the books', `${formatInstant(document.fromMs)} ${formatInstant(document.toMs)}`, `${formatInstant(content.from)} ${formatInstant(content.to)}`],
    ['issue in the books', formatInstant(document.issuedAtMs), formatInstant(issuedAt ?? document.issuedAtMs)],
    ['lines in the books', correctedText(document), document.corrects === null ? '' : correctedIn(content)],
  ] as const)
    if (stored !== said) throw about(account, document, field, stored, said);
} // prettier-ignore

/** What an invoice charges by hand is what was recorded. Throws `Disagreed`. */
export function checkByHand(
  account: string,
  { handCharges }: ModelBook,
  document: ModelDocument,
  { lines }: DocumentContent,
): void {
  for (const { id, line } of document.handCharges) {
    const { amount } = lines[line] ?? {};
    const stored = amount === undefined ? null : decimal(nanosOf(amount));
    const recorded = handCharges.find((each) => each.id === id);
    const expected = recorded === undefined ? null : decimal(recorded.nanos);
    if (stored !== expected) throw about(account, document, `charge by hand ${id}`, stored, expected);
  }
}

function correctedText({ corrects }: ModelDocument): string {
  if (corrects === null) return '';
  return [corrects.invoice, ...corrects.lines.map(({ line, nanos }) => `${line}: ${decimal(nanos)}`)].join(', ');
}

function correctedIn({ corrects, lines }: DocumentContent): string {
  return [
    corrects?.invoice ?? '',
    ...lines.map(({ amount, detail }) => `${String(detail['line'])}: ${decimal(-nanosOf(amount))}`),
  ].join(', ');
}

/**
 * What an invoice's late fees rest on is what was owed and paid by what was on record when it was rated: a payment that was changed since, or taken
 * away, shows here. Documents of before there was a ledger do not say when they fall due by their issue, and counted otherwise.
 */
export function checkLateness(account: string, book: ModelBook, document: ModelDocument, { evidence }: Checked): void {
  if (document.isNote || evidence === null || document.isOfBefore) return;
  const { catalog, overdue, charges } = evidence.agreed;
  const told = [...overdue, ...charges];
  if (told.length === 0) return;
  // It was rated at this row, or while the next ones were recorded.
  const seqs = [...book.moves, ...book.documents].map(({ seq }) => seq).filter((seq) => seq > catalog && seq < document.seq);
  let first: Disagreed | undefined;
  for (const seq of [catalog, ...seqs.sort((a, b) => (a < b ? -1 : 1))]) {
    const { claims, funds } = modelLedger(asOf(book, seq));
    const paid = modelPaying(claims, funds).claims;
    const wrong = told.find((each) => owedText(each) !== claimText(paid.find(({ claim }) => claim.id === each.invoice)));
    if (wrong === undefined) return;
    const derived = claimText(paid.find(({ claim }) => claim.id === wrong.invoice));
    first ??= about(account, document, `what its late fee on ${wrong.number} rests on`, owedText(wrong), derived);
  }
  throw first ?? new Error('nothing was looked at');
}

interface Told {
  readonly principal_nanos: bigint;
  readonly due_at: number;
  readonly payments: readonly { readonly at: number; readonly amount_nanos: bigint }[];
}

function owedText({ principal_nanos: principal, due_at: dueAt, payments }: Told): string {
  const paid = payments.map(({ at, amount_nanos: nanos }) => `, ${decimal(nanos)} paid at ${formatInstant(at)}`);
  return `${decimal(principal)} due at ${formatInstant(dueAt)}${paid.join('')}`;
}

function claimText(paid: ModelPaid | undefined): string | null {
  if (paid === undefined) return null;
  const payments = paid.payments.map(({ atMs, amountNanos }) => ({ at: atMs, amount_nanos: amountNanos }));
  return owedText({ principal_nanos: paid.claim.principalNanos, due_at: paid.claim.dueAtMs, payments });
}
