/** The rows of the journal about money as they are written, read a second time: what the model needs of them, and nothing shared. */
import { minorDigits } from '../../domain/money.ts';

type Json = Readonly<Record<string, unknown>>;

/** A row of the journal: of a document its head, else all that it says. */
export interface ModelRow {
  readonly kind: string;
  readonly id: string;
  readonly seq: bigint;
  readonly recordedAtMs: number;
  readonly by: string;
  readonly body: Json;
}

interface Recorded {
  readonly id: string;
  readonly seq: bigint;
  readonly recordedAtMs: number;
  readonly by: string;
}

/** A final invoice or credit note. */
export interface ModelDocument extends Recorded {
  readonly isNote: boolean;
  readonly number: number;
  readonly issuedAtMs: number;
  readonly dueAtMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly totalNanos: bigint;
  /** The total without late fees. */
  readonly principalNanos: bigint;
  /** How much of it is for which VM; null: nobody said. */
  readonly shares: ReadonlyMap<string, bigint> | null;
  /** Only money that covers it pays it. */
  readonly isManual: boolean;
  /** The currency's minor unit. */
  readonly unitNanos: bigint;
  /** Made by a version that had no ledger. */
  readonly isOfBefore: boolean;
  /** What it charges by hand, and by which of its lines. */
  readonly handCharges: readonly { readonly id: string; readonly line: number }[];
  /** Of a credit note. */
  readonly corrects: {
    readonly invoice: string;
    /** By hand, or of a refund that was granted: what it takes back was owed until its issue. Else it puts right what never was. */
    readonly pays: boolean;
    /** The refund check of which it is the grant's. */
    readonly grant: string | null;
    readonly reference: string | null;
    readonly lines: readonly { readonly line: number; readonly nanos: bigint; readonly isLateFee: boolean }[];
  } | null;
  /** That it was made void, and when. */
  readonly voided: (Recorded & { readonly atMs: number }) | null;
}

export interface ModelPart {
  readonly vm: string | null;
  readonly kind: string;
  /** Above 0: charged. */
  readonly nanos: bigint;
}

export interface ModelDay {
  readonly fromMs: number;
  readonly toMs: number;
  readonly date: string;
  readonly runFromMs: number;
  readonly parts: readonly ModelPart[];
}

export type ModelCovers = { readonly claim: string } | { readonly vm: string; readonly fromMs: number; readonly untilMs: number };

/** Money that is no document: what came, what left, a day that was charged. */
export interface ModelMove extends Recorded {
  readonly kind: string;
  readonly atMs: number;
  /** Above 0: the account's. */
  readonly nanos: bigint;
  readonly dueAtMs: number | null;
  readonly day: ModelDay | null;
  readonly covers: ModelCovers | null;
  readonly invoice: string | null;
  readonly vm: string | null;
  readonly check: string | null;
  readonly other: string | null;
  readonly lapsed: string | null;
  /** What it says itself; of top-ups of before what they said of their source. */
  readonly reference: string | null;
  /** Whether no other entry of the account may have it. */
  readonly isOwnReference: boolean;
  readonly unitNanos: bigint;
}

/** A refund that was granted. */
export interface ModelGrant extends Recorded {
  readonly vm: string;
  readonly check: string;
  readonly atMs: number;
  /** When the service ended. */
  readonly endsMs: number;
  readonly nanos: bigint;
  /** Whether it stays in the account. */
  readonly isKept: boolean;
  readonly notes: readonly string[];
  /** What of terms paid in advance is kept for them no longer. */
  readonly freed: readonly { readonly fromMs: number; readonly untilMs: number; readonly nanos: bigint }[];
}

/** What an account is charged by hand: no money by itself, but a line of the invoice that names it. */
export interface ModelHandCharge extends Recorded {
  readonly nanos: bigint;
  readonly reference: string;
  readonly isWithdrawn: boolean;
}

/** What is on record of an account's money, each list in the order in which it was recorded. */
export interface ModelBook {
  readonly account: string;
  readonly documents: ModelDocument[];
  readonly moves: ModelMove[];
  readonly grants: ModelGrant[];
  readonly handCharges: ModelHandCharge[];
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const instant = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const money = (value: unknown): bigint => BigInt(String(value));
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

/** The book of an account of which nothing is on record. */
export function emptyBook(account: string): ModelBook {
  return { account, documents: [], moves: [], grants: [], handCharges: [] };
}

/** The books of all accounts out of the rows of the journal, given in their order. Of an id the last row counts. */
export function modelBooks(rows: Iterable<ModelRow>): Map<string, ModelBook> {
  const books = new Map<string, ModelBook>();
  const bookOf = (account: string): ModelBook => {
    const book = books.get(account) ?? emptyBook(account);
    books.set(account, book);
    return book;
  };
  const latest = new Map<string, ModelRow>();
  const voids = new Map<string, Recorded & { atMs: number }>();
  for (const row of rows) {
    const key = `${row.kind} ${row.id}`;
    latest.set(key, row);
    if (row.kind === 'settlement' && row.body['action'] === 'void')
      voids.set(String(row.body['invoice']), { ...recorded(row), atMs: instant(row.body['at']) ?? 0 });
  }
  const accounts = new Map<string, string>();
  for (const row of latest.values()) {
    const { body } = row;
    const account = text(body['account']) ?? '';
    if (row.kind === 'invoice' && body['final'] === true) {
      bookOf(account).documents.push(documentOf(row, voids.get(row.id) ?? null));
      accounts.set(row.id, account);
    } else if (row.kind === 'grant') {
      bookOf(account).grants.push(grantOf(row));
    } else if (row.kind === 'charge') {
      bookOf(account).handCharges.push(handChargeOf(row));
    } else if (row.kind === 'balance') {
      const move = moveOf(row);
      bookOf(account).moves.push(move);
      // Of a transfer both ends are told by the one row.
      if (move.kind === 'transfer' && move.other !== null)
        bookOf(move.other).moves.push({ ...move, nanos: -move.nanos, other: account });
    }
  }
  for (const row of latest.values()) {
    const { body } = row;
    const account = accounts.get(text(body['invoice']) ?? '');
    if (row.kind === 'settlement' && account !== undefined && body['action'] !== 'void')
      bookOf(account).moves.push(settlementOf(row));
  }
  for (const { documents, moves, grants, handCharges } of books.values())
    for (const list of [documents, moves, grants, handCharges]) list.sort(bySeq);
  return books;
}

function unitIn(body: Json): bigint {
  return 10n ** BigInt(9 - minorDigits(text(body['currency']) ?? ''));
}

function bySeq(a: Recorded, b: Recorded): number {
  return a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0;
}

function recorded({ id, seq, recordedAtMs, by }: ModelRow): Recorded {
  return { id, seq, recordedAtMs, by };
}

const DAY_MS = 86_400_000;

function documentOf(row: ModelRow, voided: ModelDocument['voided']): ModelDocument {
  const { body } = row;
  const issuedAtMs = instant(body['issued_at']) ?? row.recordedAtMs;
  const days = instant(body['due_days']);
  const corrects = (body['corrects'] ?? null) as Json | null;
  return {
    ...recorded(row),
    isNote: body['type'] === 'credit_note',
    number: instant(body['number']) ?? 0,
    issuedAtMs,
    dueAtMs: days === null ? (instant(body['due_at']) ?? 0) : issuedAtMs + days * DAY_MS,
    fromMs: instant(body['from']) ?? 0,
    toMs: instant(body['to']) ?? 0,
    totalNanos: money(body['total_nanos']),
    principalNanos: money(body['principal_nanos']),
    shares: Array.isArray(body['shares'])
      ? new Map(listOf(body['shares']).map((each) => [String(each['vm']), money(each['nanos'])]))
      : null,
    isManual: body['settlement'] === 'manual',
    unitNanos: unitIn(body),
    isOfBefore: days === null,
    handCharges: listOf(body['charges']).map(({ id, line }) => ({ id: String(id), line: Number(line) })),
    corrects:
      corrects === null
        ? null
        : {
            invoice: String(corrects['invoice']),
            pays: corrects['by_hand'] === true || text(corrects['grant']) !== null,
            grant: text(corrects['grant']),
            reference: text(corrects['reference']),
            lines: listOf(corrects['lines']).map((each) => ({
              line: Number(each['line']),
              nanos: money(each['nanos']),
              isLateFee: text((each['of'] as Json | undefined)?.['key'])?.startsWith('late_fee ') === true,
            })),
          },
    voided,
  };
}

function moveOf(row: ModelRow): ModelMove {
  const { body } = row;
  const kind = String(body['kind']);
  const day = (body['day'] ?? null) as Json | null;
  const covers = (body['covers'] ?? null) as Json | null;
  const source = text(body['source']) ?? '';
  const isOld = body['reference'] === undefined;
  return {
    ...recorded(row),
    kind,
    atMs: instant(body['at']) ?? 0,
    nanos: money(body['amount_nanos']),
    dueAtMs: instant(body['due_at']),
    day:
      day === null
        ? null
        : {
            fromMs: Number(day['from']),
            toMs: Number(day['to']),
            date: String(day['date']),
            runFromMs: Number(day['run_from']),
            parts: listOf(day['parts']).map(({ vm, kind: part, nanos }) => ({
              ...{ vm: text(vm), kind: String(part), nanos: money(nanos) },
            })),
          },
    covers: covers === null ? null : coversOf(covers),
    invoice: text(body['invoice']),
    vm: text(body['vm']),
    check: text(body['refund_check']),
    other: text(body['other']),
    lapsed: text(body['lapsed']),
    reference: text(body['reference']) ?? (kind === 'top_up' && source !== '' ? source : null),
    isOwnReference: !isOld && text(body['reference']) !== null,
    unitNanos: unitIn(body),
  };
}

function grantOf(row: ModelRow): ModelGrant {
  const { body } = row;
  return {
    ...recorded(row),
    vm: String(body['vm']),
    check: String(body['refund_check']),
    atMs: Number(body['at']),
    endsMs: Number(body['ends_at']),
    nanos: money(body['amount_nanos']),
    isKept: body['destination'] === 'balance',
    notes: Array.isArray(body['notes']) ? body['notes'].map(String) : [],
    freed: listOf(body['freed']).map(({ from, until, nanos }) => ({
      ...{ fromMs: Number(from), untilMs: Number(until), nanos: money(nanos) },
    })),
  };
}

function handChargeOf(row: ModelRow): ModelHandCharge {
  const { body } = row;
  return {
    ...recorded(row),
    nanos: money(body['amount_nanos']),
    reference: String(body['reference']),
    isWithdrawn: (body['withdrawn'] ?? null) !== null,
  };
}

function coversOf(covers: Json): ModelCovers {
  const claim = text(covers['invoice']);
  return claim === null
    ? { vm: String(covers['vm']), fromMs: Number(covers['from']), untilMs: Number(covers['until']) }
    : { claim };
}

/** Payments on invoices, and what went back of them, as they were recorded once. */
function settlementOf(row: ModelRow): ModelMove {
  const { body } = row;
  const isBack = body['action'] === 'refund';
  const nanos = money(body['amount_nanos']);
  const invoice = String(body['invoice']);
  return {
    ...recorded(row),
    kind: isBack ? 'settled_refund' : 'settled_payment',
    atMs: instant(body['at']) ?? 0,
    nanos: isBack ? -nanos : nanos,
    ...{ dueAtMs: null, day: null, covers: { claim: invoice }, invoice, vm: null, check: null, other: null, lapsed: null },
    ...{ reference: null, isOwnReference: false, unitNanos: 1n },
  };
}
