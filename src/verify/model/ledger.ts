/** The ledger of an account out of the rows of the journal (SPEC §6b): its entries, what is owed, and what of its money is for what. */
import type { ModelBook, ModelDay, ModelDocument, ModelMove } from './ledger-rows.ts';
import type { ModelClaim, ModelFund } from './ledger-paying.ts';

export type ModelEntryKind = 'charge' | 'payment' | 'credit_note' | 'refund' | 'payout' | 'late_fee' | 'adjustment';

export interface ModelEntry {
  readonly id: string;
  readonly kind: ModelEntryKind;
  readonly atMs: number;
  readonly seq: bigint;
  readonly recordedAtMs: number;
  readonly by: string;
  /** Signed as the customer's credit. */
  readonly nanos: bigint;
  readonly reference: string | null;
  readonly belongsTo: Readonly<Record<string, string | number>>;
}

export interface ModelLedger {
  /** By the instants from which they hold, then as they were recorded. */
  readonly entries: readonly ModelEntry[];
  readonly claims: readonly ModelClaim[];
  readonly funds: readonly ModelFund[];
}

/** What each kind of row is called in the ledger; a kind that is left out is no money by itself. */
const NAMES: Readonly<Record<string, ModelEntryKind>> = {
  top_up: 'payment',
  payment: 'payment',
  settled_payment: 'payment',
  refund: 'adjustment',
  adjustment: 'adjustment',
  transfer: 'adjustment',
  expiry: 'adjustment',
  repayment: 'refund',
  settled_refund: 'refund',
  withdrawal: 'payout',
  payout: 'payout',
};

const positive = (nanos: bigint): bigint => (nanos > 0n ? nanos : 0n);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const total = (nanos: readonly bigint[]): bigint => nanos.reduce((a, b) => a + b, 0n);

type DayMove = ModelMove & { readonly day: ModelDay };
const isDay = (move: ModelMove): move is DayMove => move.day !== null;
const chargesDayOf =
  (invoice: ModelDocument) =>
  ({ day }: DayMove): boolean =>
    day.fromMs >= invoice.fromMs && day.fromMs < invoice.toMs;

interface Amounts {
  readonly principal: bigint;
  readonly fee: bigint;
}

function amountsOf(days: readonly DayMove[]): Amounts {
  const parts = days.flatMap(({ day }) => day.parts);
  const fee = total(parts.filter(({ kind }) => kind === 'late_fee').map(({ nanos }) => nanos));
  return { principal: total(parts.map(({ nanos }) => nanos)) - fee, fee };
}

/** The ledger of what is on record. */
export function modelLedger({ documents, moves, grants }: ModelBook): ModelLedger {
  const days = moves.filter(isDay);
  const invoices = documents.filter(({ isNote }) => !isNote);
  const numbers = new Map(documents.map(({ id, number }) => [id, number]));
  const entries: ModelEntry[] = [];
  const claims: ModelClaim[] = [];
  const funds: ModelFund[] = [];
  for (const invoice of invoices) {
    const own = days.filter(chargesDayOf(invoice));
    const charged = invoice.voided === null ? amountsOf(own) : { principal: 0n, fee: 0n };
    const rest = {
      principal: invoice.principalNanos - charged.principal,
      fee: invoice.totalNanos - invoice.principalNanos - charged.fee,
    };
    entries.push(...invoiceEntries(invoice, rest));
    if (invoice.voided !== null) continue;
    const notes = documents.filter(({ corrects }) => corrects?.invoice === invoice.id);
    const owed = owedOf(invoice, rest, notes);
    funds.push(...owed.funds);
    if (owed.claim !== null) claims.push(owed.claim);
  }
  for (const note of documents) {
    if (note.corrects === null || note.totalNanos === 0n) continue;
    const { invoice, pays, grant, reference } = note.corrects;
    entries.push({
      ...{ id: note.id, kind: 'credit_note', atMs: note.issuedAtMs, ...recorded(note), nanos: -note.totalNanos, reference },
      belongsTo: {
        invoice,
        credit_note: note.id,
        credit_note_number: note.number,
        ...(grant === null ? {} : { refund_check: grant }),
      },
    });
    // What somebody gives back pays; what is put right was never owed.
    if (pays) funds.push({ atMs: note.issuedAtMs, nanos: -note.totalNanos, covers: { claim: invoice } });
  }
  for (const move of days) entries.push(...dayEntries(move, invoices.find((each) => each.voided === null && chargesDayOf(each)(move)))); // prettier-ignore
  const owedDays = daysOwed(days);
  claims.push(...owedDays.claims);
  funds.push(...owedDays.funds);
  for (const move of moves) {
    const kind = NAMES[move.kind];
    if (isDay(move) || kind === undefined || move.nanos === 0n) continue;
    const { id, atMs, nanos, reference, covers } = move;
    entries.push({ id, kind, atMs, ...recorded(move), nanos, reference, belongsTo: belongsTo(move, numbers) });
    funds.push({ atMs, nanos, covers });
  }
  for (const grant of grants) {
    const { id, vm, check, atMs, endsMs, nanos } = grant;
    for (const { fromMs, untilMs, nanos: freed } of grant.freed) {
      funds.push({ atMs, nanos: -freed, covers: { vm, fromMs, untilMs, endsMs } });
      funds.push({ atMs, nanos: freed, covers: null });
    }
    if (grant.isKept || nanos === 0n) continue;
    funds.push({ atMs, nanos: -nanos, covers: null });
    const belongs = { vm, refund_check: check };
    entries.push({ id, kind: 'refund', atMs, ...recorded(grant), nanos: -nanos, reference: null, belongsTo: belongs });
  }
  // Money for what is charged nowhere is free.
  const known = new Set(claims.map(({ id }) => id));
  return {
    entries: entries.sort(asStated),
    claims,
    funds: funds.map((fund) =>
      fund.covers !== null && 'claim' in fund.covers && !known.has(fund.covers.claim) ? { ...fund, covers: null } : fund,
    ),
  };
}

function asStated(a: ModelEntry, b: ModelEntry): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  if (a.seq !== b.seq) return a.seq < b.seq ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function recorded({ seq, recordedAtMs, by }: { seq: bigint; recordedAtMs: number; by: string }) {
  return { seq, recordedAtMs, by };
}

function invoiceEntries(invoice: ModelDocument, { principal, fee }: Amounts): ModelEntry[] {
  const { id, issuedAtMs, number, voided } = invoice;
  const belongs = { invoice: id, number };
  const entry = { atMs: issuedAtMs, ...recorded(invoice), reference: null, belongsTo: belongs };
  const back =
    voided === null
      ? []
      : [
          {
            ...{ id: voided.id, kind: 'adjustment' as const, atMs: voided.atMs, ...recorded(voided), nanos: principal + fee },
            ...{ reference: null, belongsTo: belongs },
          },
        ];
  return [
    { ...entry, id, kind: 'charge' as const, nanos: -principal },
    { ...entry, id: `${id}.late_fee`, kind: 'late_fee' as const, nanos: -fee },
    ...back,
  ].filter(({ nanos }) => nanos !== 0n);
}

/** What an invoice asks for: what its days were not charged, less what credit notes put right. More than that is the account's, free. */
function owedOf(
  invoice: ModelDocument,
  { principal, fee }: Amounts,
  notes: readonly ModelDocument[],
): { claim: ModelClaim | null; funds: ModelFund[] } {
  const funds: ModelFund[] = [];
  const free = (nanos: bigint, atMs: number): void => {
    if (nanos > 0n) funds.push({ atMs, nanos, covers: null });
  };
  let owed = positive(principal + fee);
  let feeOwed = least(positive(fee), owed);
  free(-(principal + fee), invoice.issuedAtMs);
  for (const { corrects, totalNanos, issuedAtMs } of notes) {
    if (corrects === null || corrects.pays) continue;
    const less = -totalNanos;
    free(less - owed, issuedAtMs > invoice.issuedAtMs ? issuedAtMs : invoice.issuedAtMs);
    owed = positive(owed - less);
    const fees = total(corrects.lines.filter(({ isLateFee }) => isLateFee).map(({ nanos }) => nanos));
    feeOwed = least(positive(feeOwed - fees), owed);
  }
  const { id, issuedAtMs: atMs, dueAtMs, fromMs, toMs, shares, isManual, unitNanos } = invoice;
  const claim = {
    id,
    atMs,
    dueAtMs,
    principalNanos: owed - feeOwed,
    feeNanos: feeOwed,
    fromMs,
    toMs,
    shares,
    isManual,
    unitNanos,
  };
  return { claim: owed > 0n ? { ...claim, day: null } : null, funds };
}

function dayEntries(move: DayMove, invoice: ModelDocument | undefined): ModelEntry[] {
  const { principal, fee } = amountsOf([move]);
  const of = invoice === undefined ? {} : { invoice: invoice.id, number: invoice.number };
  const entry = { atMs: move.atMs, ...recorded(move), reference: null, belongsTo: { day: move.day.date, ...of } };
  return [
    { ...entry, id: move.id, kind: 'charge' as const, nanos: -principal },
    { ...entry, id: `${move.id}.late_fee`, kind: 'late_fee' as const, nanos: -fee },
  ].filter(({ nanos }) => nanos !== 0n);
}

/**
 * Days, each with all that was charged and put right of it. Once a whole run of days was put right on its last one: what that comes to below zero lowers
 * the days of the run, from the first one on; what even they were not charged is free.
 */
function daysOwed(moves: readonly DayMove[]): { claims: ModelClaim[]; funds: ModelFund[] } {
  const byDay = new Map<number, DayMove[]>();
  for (const move of moves) byDay.set(move.day.fromMs, [...(byDay.get(move.day.fromMs) ?? []), move]);
  const days = [...byDay.values()]
    .map((rows) => ({ rows, fromMs: rows[0]?.day.fromMs ?? 0, owed: { ...amountsOf(rows) } }))
    .sort((a, b) => a.fromMs - b.fromMs); // prettier-ignore
  const funds: ModelFund[] = [];
  days.forEach(({ rows, owed }, nth) => {
    const runFromMs = rows.map(({ day }) => day.runFromMs).reduce((a, b) => (a < b ? a : b));
    let over = 0n;
    for (const part of ['principal', 'fee'] as const) {
      let less = positive(-owed[part]);
      owed[part] = positive(owed[part]);
      for (const earlier of days.slice(0, nth)) {
        if (earlier.fromMs < runFromMs) continue;
        const taken = least(less, positive(earlier.owed[part]));
        earlier.owed[part] -= taken;
        less -= taken;
      }
      over += less;
    }
    const atMs = rows.map((row) => row.atMs).reduce((a, b) => (a < b ? a : b));
    if (over > 0n) funds.push({ atMs, nanos: over, covers: null });
  });
  const claims = days.flatMap(({ rows: [first, ...more], owed: { principal, fee } }): ModelClaim[] => {
    if (first === undefined || principal + fee <= 0n) return [];
    const { fromMs, toMs, date } = first.day;
    const dues = [first, ...more].flatMap(({ dueAtMs }) => (dueAtMs === null ? [] : [dueAtMs]));
    const dueAtMs = dues.length === 0 ? toMs : dues.reduce((a, b) => (a < b ? a : b));
    const shares = sharesOf([first, ...more]);
    const claim = { id: first.id, atMs: toMs, dueAtMs, principalNanos: principal, feeNanos: fee };
    return [{ ...claim, fromMs, toMs, shares, isManual: false, unitNanos: first.unitNanos, day: date }];
  });
  return { claims, funds };
}

/** Whose a day is: what each VM was charged, with its share of the tax rounded down. */
function sharesOf(moves: readonly DayMove[]): Map<string, bigint> {
  const parts = moves.flatMap(({ day }) => day.parts).filter(({ kind }) => kind !== 'late_fee');
  const sumOf = (wanted: (part: (typeof parts)[number]) => boolean): bigint => total(parts.filter(wanted).map(({ nanos }) => nanos)); // prettier-ignore
  const tax = sumOf(({ kind }) => kind === 'tax');
  const net = sumOf(({ kind }) => kind !== 'tax');
  const shares = new Map<string, bigint>();
  for (const name of new Set(parts.map(({ vm }) => vm))) {
    const own = sumOf(({ vm, kind }) => vm === name && kind !== 'tax');
    if (name !== null && own > 0n) shares.set(name, own + (net > 0n ? (tax * own) / net : 0n));
  }
  return shares;
}

function belongsTo(
  { kind, covers, vm, check, other, invoice }: ModelMove,
  numbers: ReadonlyMap<string, number>,
): ModelEntry['belongsTo'] {
  const named = covers !== null && 'claim' in covers ? covers.claim : kind.startsWith('settled') ? null : invoice;
  const number = named === null ? undefined : numbers.get(named);
  return {
    ...(named === null ? {} : { invoice: named }),
    ...(number === undefined ? {} : { number }),
    ...(vm === null ? {} : { vm }),
    ...(covers !== null && 'vm' in covers ? { vm: covers.vm, from: covers.fromMs, until: covers.untilMs } : {}),
    ...(check === null ? {} : { refund_check: check }),
    ...(other === null ? {} : { account: other }),
  };
}

/** The sum of the entries that hold at an instant. */
export function modelBalance(entries: readonly ModelEntry[], atMs = Number.POSITIVE_INFINITY): bigint {
  return total(entries.filter((entry) => entry.atMs <= atMs).map(({ nanos }) => nanos));
}
