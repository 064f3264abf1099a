import type { Claim, Fund } from '../ledger/allocation.ts';
import { minorDigits } from '../domain/money.ts';
import { dueAt } from '../ledger/due.ts';
import type { BelongsTo, LedgerEntry } from '../ledger/entry.ts';
import { dayAmounts, type DayRow } from './days-of-account.ts';
import type { InvoiceHead } from './invoices.ts';

/** A final document as the ledger knows it. */
export interface KeptDocument {
  readonly id: string;
  readonly head: InvoiceHead;
  readonly seq: bigint;
  readonly recordedAtMs: number;
  readonly by: string;
  /** When, and by what, it was made void. */
  readonly voidAtMs: number | null;
  readonly voidedBy: { readonly id: string; readonly seq: bigint; readonly recordedAtMs: number; readonly by: string } | null;
}

export interface DocumentMoney {
  readonly entries: readonly LedgerEntry[];
  readonly claim?: Claim | undefined;
  readonly funds: readonly Fund[];
}

/**
 * What a document comes to. The row that holds it is the entry's source, so that neither is there without the other. An invoice charges what its days
 * have not been charged by themselves. A credit note that puts something right takes from what was ever owed; one by hand, or of a refund that was
 * granted, pays from its issue on.
 */
export function documentMoney(document: KeptDocument, notes: readonly KeptDocument[], days: readonly DayRow[]): DocumentMoney {
  return document.head.type === 'invoice' ? invoiceMoney(document, notes, days) : noteMoney(document);
}

const issuedAt = ({ head, recordedAtMs }: KeptDocument): number => head.issued_at ?? recordedAtMs;

function entryOf({ seq, recordedAtMs, by, ...document }: KeptDocument, belongsTo: BelongsTo) {
  return { seq, recordedAtMs, by, atMs: document.head.issued_at ?? recordedAtMs, belongsTo, reference: null, note: '' };
}

function noteMoney(document: KeptDocument): DocumentMoney {
  const { id, head } = document;
  const invoice = head.corrects?.invoice;
  const belongsTo = {
    ...(invoice === undefined ? {} : { invoice }),
    ...{ credit_note: id, credit_note_number: head.number ?? 0 },
    ...(head.corrects?.grant === undefined ? {} : { refund_check: head.corrects.grant }),
  };
  const amountNanos = -BigInt(head.total_nanos);
  return {
    entries:
      amountNanos === 0n
        ? []
        : [
            {
              ...entryOf(document, belongsTo),
              ...{ id, kind: 'credit_note', amountNanos, reference: head.corrects?.reference ?? null },
            },
          ],
    funds: invoice !== undefined && pays(head) ? [{ atMs: issuedAt(document), amountNanos, covers: { claim: invoice } }] : [],
  };
}

/** Whether what a credit note takes back was owed until its issue. */
function pays({ corrects }: InvoiceHead): boolean {
  return corrects?.by_hand === true || corrects?.grant !== undefined;
}

function invoiceMoney(document: KeptDocument, notes: readonly KeptDocument[], days: readonly DayRow[]): DocumentMoney {
  const { id, head, voidedBy, voidAtMs } = document;
  const belongsTo: BelongsTo = { invoice: id, ...(head.number === null ? {} : { number: head.number }) };
  let principal = BigInt(head.principal_nanos);
  let fee = BigInt(head.total_nanos) - principal;
  for (const day of days) {
    const { principalNanos, feeNanos } = dayAmounts(day);
    principal -= principalNanos;
    fee -= feeNanos;
  }
  const entry = entryOf(document, belongsTo);
  const entries: LedgerEntry[] = [];
  if (principal !== 0n) entries.push({ ...entry, id, kind: 'charge', amountNanos: -principal });
  if (fee !== 0n) entries.push({ ...entry, id: `${id}.late_fee`, kind: 'late_fee', amountNanos: -fee });
  if (voidedBy !== null && voidAtMs !== null) {
    const { id: voidId, ...who } = voidedBy;
    const amountNanos = principal + fee;
    if (amountNanos !== 0n)
      entries.push({
        ...who,
        atMs: voidAtMs,
        id: voidId,
        kind: 'adjustment',
        amountNanos,
        belongsTo,
        reference: null,
        note: 'void',
      });
    return { entries, funds: [] };
  }
  const funds: Fund[] = [];
  const atMs = issuedAt(document);
  const giveBack = (nanos: bigint, fromMs: number): void => {
    if (nanos > 0n) funds.push({ atMs: fromMs, amountNanos: nanos, covers: null });
  };
  giveBack(-(principal + fee), atMs);
  let owed = notBelow0(principal + fee);
  let feeOwed = least(notBelow0(fee), owed);
  for (const note of notes) {
    const { corrects } = note.head;
    if (corrects?.invoice !== id || pays(note.head)) continue;
    const taken = -BigInt(note.head.total_nanos);
    const fees = corrects.lines.reduce((sum, line) => (isLateFee(line.of?.key) ? sum + BigInt(line.nanos) : sum), 0n);
    giveBack(taken - owed, Math.max(atMs, issuedAt(note)));
    owed = notBelow0(owed - taken);
    feeOwed = least(notBelow0(feeOwed - fees), owed);
  }
  if (owed === 0n) return { entries, funds };
  return {
    entries,
    funds,
    claim: {
      id,
      atMs,
      dueAtMs: dueAtOfHead(head),
      principalNanos: owed - feeOwed,
      feeNanos: feeOwed,
      fromMs: head.from,
      toMs: head.to,
      shares: head.shares === undefined ? undefined : new Map(head.shares.map(({ vm, nanos }) => [vm, BigInt(nanos)])),
      unitNanos: unitOf(head.currency),
      isAutomatic: head.settlement !== 'manual',
      isDay: false,
    },
  };
}

/** When a document falls due: as it says, or so many days after its issue. */
export function dueAtOfHead({
  due_at: dueAtMs,
  due_days: days,
  issued_at: issuedAtMs,
}: Pick<InvoiceHead, 'due_at' | 'due_days' | 'issued_at'>): number {
  return days === undefined || issuedAtMs === null ? dueAtMs : dueAt(issuedAtMs, days);
}

/** Keys of lines begin with their kind: see `lineKey` of the corrections. */
function isLateFee(key: string | undefined): boolean {
  return key?.startsWith('late_fee ') === true;
}

/** A currency's minor unit, in nanos. */
export function unitOf(currency: string): bigint {
  return 10n ** BigInt(9 - minorDigits(currency));
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const notBelow0 = (value: bigint): bigint => (value < 0n ? 0n : value);
