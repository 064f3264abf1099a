/** What no row of an account's money may do (SPEC §6b): no time is charged twice, and no money goes back, or out, twice. */
import { modelLedger } from './ledger.ts';
import { modelPaying } from './ledger-paying.ts';
import type { ModelBook, ModelDocument, ModelMove } from './ledger-rows.ts';

/** A row that does it all the same. */
export interface BrokenRule {
  readonly seq: bigint;
  readonly id: string;
  /** What the row is, in words. */
  readonly what: string;
  readonly field: string;
  readonly stored: string;
  readonly expected: string;
}

const total = (nanos: readonly bigint[]): bigint => nanos.reduce((a, b) => a + b, 0n);

/** All that is broken, by row. */
export function brokenRules(book: ModelBook): BrokenRule[] {
  return [
    ...documentRules(book),
    ...referenceRules(book),
    ...dayRules(book),
    ...refundRules(book),
    ...grantRules(book),
    ...handChargeRules(book),
    ...payoutRules(book),
    ...lapseRules(book),
  ].sort((a, b) => (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0));
}

const nameOf = ({ isNote, number }: ModelDocument): string => `${isNote ? 'credit note' : 'invoice'} ${number}`;
const moveName = ({ kind, nanos }: ModelMove): string => `${kind.replace('_', ' ')} of ${decimalOf(nanos)}`;

/** Nanos as a decimal. */
export function decimalOf(nanos: bigint): string {
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${fraction}`;
}

function* documentRules({ documents }: ModelBook): Generator<BrokenRule> {
  const invoices = documents.filter(({ isNote, voided }) => !isNote && voided === null);
  for (const [nth, each] of invoices.entries()) {
    const other = invoices.slice(0, nth).find(({ fromMs, toMs }) => fromMs < each.toMs && toMs > each.fromMs);
    if (other !== undefined)
      yield { ...rowOf(each, nameOf(each)), field: 'period', stored: 'a period', expected: `none that ${nameOf(other)} has charged` };
  }
  const credited = new Map<string, bigint>();
  for (const note of documents) {
    if (note.corrects === null) continue;
    const { invoice, lines } = note.corrects;
    const sum = total(lines.map(({ nanos }) => nanos));
    if (sum !== -note.totalNanos)
      yield { ...rowOf(note, nameOf(note)), field: 'total', stored: decimalOf(note.totalNanos), expected: decimalOf(-sum) };
    const all = (credited.get(invoice) ?? 0n) + sum;
    credited.set(invoice, all);
    const of = documents.find(({ id }) => id === invoice);
    if (of !== undefined && all > of.totalNanos)
      yield { ...rowOf(note, nameOf(note)), field: 'credited in all', stored: decimalOf(all), expected: `at most ${decimalOf(of.totalNanos)}` };
  }
} // prettier-ignore

function rowOf(
  { seq, id }: { readonly seq: bigint; readonly id: string },
  what: string,
): Pick<BrokenRule, 'seq' | 'id' | 'what'> {
  return { seq, id, what };
}

/** A reference is one entry's in its account. */
function* referenceRules({ moves, documents, handCharges }: ModelBook): Generator<BrokenRule> {
  const seen = new Map<string, string>();
  const rows = [
    ...moves.flatMap((each) =>
      each.isOwnReference ? [{ ...rowOf(each, moveName(each)), reference: each.reference ?? '' }] : [],
    ),
    ...documents.flatMap((each) => {
      const reference = each.corrects?.reference ?? null;
      return reference === null ? [] : [{ ...rowOf(each, nameOf(each)), reference }];
    }),
    ...handCharges.map((each) => ({ ...rowOf(each, `charge by hand of ${decimalOf(each.nanos)}`), reference: each.reference })),
  ].sort((a, b) => (a.seq < b.seq ? -1 : 1));
  for (const { reference, ...row } of rows) {
    const before = seen.get(reference);
    if (before !== undefined)
      yield { ...row, field: 'reference', stored: reference, expected: `its own: entry ${before} has that one` };
    seen.set(reference, row.id);
  }
}

/** A day is charged once, and is what its parts are. */
function* dayRules({ moves }: ModelBook): Generator<BrokenRule> {
  const charged = new Map<number, string>();
  for (const move of moves) {
    if (move.day === null) continue;
    const row = rowOf(move, `${move.kind} of ${move.day.date}`);
    const sum = -total(move.day.parts.map(({ nanos }) => nanos));
    if (move.nanos !== sum) yield { ...row, field: 'amount', stored: decimalOf(move.nanos), expected: decimalOf(sum) };
    if (move.kind !== 'charge') continue;
    const before = charged.get(move.day.fromMs);
    if (before !== undefined) yield { ...row, field: 'day', stored: move.day.date, expected: `none: entry ${before} has charged it` };
    charged.set(move.day.fromMs, move.id);
  }
} // prettier-ignore

/** What a check found due goes back once, and of an invoice no more than what was paid for it. */
function* refundRules({ moves }: ModelBook): Generator<BrokenRule> {
  const checks = new Map<string, string>();
  const paid = new Map<string, bigint>();
  for (const move of moves) {
    if (move.kind === 'refund' && move.check !== null) {
      const before = checks.get(move.check);
      if (before !== undefined)
        yield { ...rowOf(move, moveName(move)), field: 'refund_check', stored: move.check, expected: `none: entry ${before} has refunded it` };
      checks.set(move.check, move.id);
    }
    const { covers } = move;
    if (covers === null || !('claim' in covers)) continue;
    const sum = (paid.get(covers.claim) ?? 0n) + move.nanos;
    paid.set(covers.claim, sum);
    if (sum < 0n)
      yield { ...rowOf(move, moveName(move)), field: 'amount', stored: decimalOf(-move.nanos), expected: `at most ${decimalOf(sum - move.nanos)}, which was paid on it` };
  }
} // prettier-ignore

/** A grant is of a check that nothing else has refunded, has its credit notes, and frees of a term no more than was paid for it. */
function* grantRules({ moves, grants, documents }: ModelBook): Generator<BrokenRule> {
  const terms = new Map<string, bigint>();
  const add = (vm: string, fromMs: number, untilMs: number, nanos: bigint): bigint => {
    const key = `${vm} ${fromMs} ${untilMs}`;
    const sum = (terms.get(key) ?? 0n) + nanos;
    terms.set(key, sum);
    return sum;
  };
  for (const { covers, nanos } of moves) if (covers !== null && 'vm' in covers) add(covers.vm, covers.fromMs, covers.untilMs, nanos);
  const checks = new Map(moves.flatMap((each) => (each.kind === 'refund' && each.check !== null ? [[each.check, each.id] as const] : [])));
  for (const grant of grants) {
    const row = rowOf(grant, `grant of ${decimalOf(grant.nanos)}`);
    const before = checks.get(grant.check);
    if (before !== undefined) yield { ...row, field: 'refund_check', stored: grant.check, expected: `none: entry ${before} has refunded it` };
    checks.set(grant.check, grant.id);
    for (const { fromMs, untilMs, nanos } of grant.freed) {
      const left = add(grant.vm, fromMs, untilMs, -nanos);
      if (left < 0n) yield { ...row, field: 'freed', stored: decimalOf(nanos), expected: `at most ${decimalOf(left + nanos)}, which was paid for it` };
    }
    const lost = grant.notes.find((note) => !documents.some(({ id, corrects }) => id === note && corrects?.grant === grant.check));
    if (lost !== undefined) yield { ...row, field: 'credit note', stored: lost, expected: 'a credit note of the grant' };
  }
} // prettier-ignore

/** What is charged by hand is on record, and charged by one invoice. */
function* handChargeRules({ documents, handCharges }: ModelBook): Generator<BrokenRule> {
  const on = new Map<string, string>();
  for (const invoice of documents) {
    if (invoice.voided !== null) continue;
    for (const { id } of invoice.handCharges) {
      const row = { ...rowOf(invoice, nameOf(invoice)), field: 'charge by hand', stored: id };
      const charge = handCharges.find((each) => each.id === id);
      const before = on.get(id);
      if (charge === undefined) yield { ...row, expected: 'one that is on record' };
      else if (charge.isWithdrawn) yield { ...row, expected: 'none: it was withdrawn' };
      else if (before !== undefined) yield { ...row, expected: `none: ${before} has charged it` };
      on.set(id, nameOf(invoice));
    }
  }
}

/** No more leaves than was free: at its instant, and when it was recorded. */
function* payoutRules(book: ModelBook): Generator<BrokenRule> {
  for (const move of book.moves) {
    if (move.kind !== 'payout') continue;
    const before = modelLedger(asOf(book, move.seq - 1n));
    const free = [move.atMs, Number.POSITIVE_INFINITY]
      .map((atMs) => modelPaying(before.claims, before.funds, atMs).freeNanos)
      .reduce((a, b) => (a < b ? a : b));
    if (-move.nanos > free)
      yield { ...rowOf(move, moveName(move)), field: 'amount', stored: decimalOf(-move.nanos), expected: `at most ${decimalOf(free)}, which was free` };
  }
} // prettier-ignore

/** Money lapses once, and no more of it than there was. */
function* lapseRules({ moves }: ModelBook): Generator<BrokenRule> {
  const lapsed = new Map<string, string>();
  for (const move of moves) {
    if (move.kind !== 'expiry' || move.lapsed === null) continue;
    const before = lapsed.get(move.lapsed);
    if (before !== undefined)
      yield { ...rowOf(move, moveName(move)), field: 'lapsed', stored: move.lapsed, expected: `none: entry ${before} says that it lapsed` };
    lapsed.set(move.lapsed, move.id);
    const of = moves.find(({ id }) => id === move.lapsed);
    if (of !== undefined && -move.nanos > of.nanos)
      yield { ...rowOf(move, moveName(move)), field: 'amount', stored: decimalOf(-move.nanos), expected: `at most ${decimalOf(of.nanos)}` };
  }
} // prettier-ignore

/** The book as it stood when a row was the last. */
export function asOf({ account, documents, moves, grants, handCharges }: ModelBook, seq: bigint): ModelBook {
  return {
    account,
    documents: documents
      .filter((each) => each.seq <= seq)
      .map((each) => (each.voided !== null && each.voided.seq > seq ? { ...each, voided: null } : each)),
    moves: moves.filter((each) => each.seq <= seq),
    grants: grants.filter((each) => each.seq <= seq),
    handCharges: handCharges.filter((each) => each.seq <= seq),
  };
}
