import { z } from 'zod';
import { type BalanceBody, balanceBody, type BalanceEntry } from './balances.ts';
import { changedDays, type DebitHead, debitHead, type DebitState } from './debits.ts';
import { debtsOf } from './coverage.ts';
import { ledgerEntry } from './balances.ts';
import type { Entry } from '../journal/entry.ts';

const nanos = z.string().regex(/^-?\d+$/);

/**
 * What is kept in memory of an invoice or credit note. The document itself (lines, evidence) stays in the table, in the
 * same entry: number and body are one row, there both or neither.
 */
export const invoiceHead = z.strictObject({
  type: z.enum(['invoice', 'credit_note']),
  account: z.string(),
  currency: z.string(),
  from: z.int(),
  to: z.int(),
  final: z.boolean(),
  /** Gapless by type, given when it becomes final. */
  number: z.int().positive().nullable(),
  issued_at: z.int().nullable(),
  due_at: z.int(),
  total_nanos: nanos,
  /** The total without late fees, which bear no late fee themselves. */
  principal_nanos: nanos,
  /** Of a credit note: the invoice it corrects, and how much (positive) of which of its lines. */
  corrects: z
    .strictObject({
      invoice: z.string(),
      lines: z.array(
        z.strictObject({
          line: z.int(),
          nanos,
          /** Which line of which invoice was rated again, and the days whose minutes changed. */
          of: z.strictObject({ invoice: z.string(), key: z.string(), days: changedDays }).optional(),
        }),
      ),
    })
    .nullable(),
  /** Of what it says and of its evidence, so that rating the same again is known to be the same. */
  digest: z.string().optional(),
  /** Of an invoice that charges what an earlier one lacked: which line of which debit is which of its own lines. */
  debits: z.array(z.strictObject({ id: z.string(), part: z.int(), line: z.int(), nanos })).optional(),
});
export type InvoiceHead = z.infer<typeof invoiceHead>;

/** Days, or months, of a line whose unavailable minutes a correction changed. */
export interface MinutesChange {
  key: string;
  days: readonly { date: string; before: number; after: number }[];
}

/** What happened to an invoice after it was written: added, never edited. */
export const settlementBody = z.strictObject({
  invoice: z.string(),
  action: z.enum(['payment', 'refund', 'void']),
  at: z.int(),
  amount_nanos: nanos,
  note: z.string(),
  by: z.string(),
});
export type Settlement = z.infer<typeof settlementBody>;

export interface InvoiceState {
  id: string;
  /** Of the entry that holds the document. */
  seq: bigint;
  head: InvoiceHead;
  status: 'draft' | 'final' | 'paid' | 'void';
  settlements: readonly (Settlement & { id: string })[];
  /** Payments less refunds. */
  paidNanos: bigint;
  /** By credit notes. */
  creditedNanos: bigint;
  /** What the prepaid balance was charged for its days and its rest, and how much of that the balance has not covered. */
  chargedNanos: bigint;
  uncoveredNanos: bigint;
}

/** All invoices in force, and what they amount to. Only entries that are durable get here. */
export class Books {
  readonly #heads = new Map<string, { head: InvoiceHead; seq: bigint }>();
  readonly #settlements = new Map<string, Map<string, Settlement>>();
  readonly #notesOn = new Map<string, Set<string>>();
  readonly #byAccount = new Map<string, Set<string>>();
  /** The last number given, by type. */
  readonly #last = { invoice: 0, credit_note: 0 };
  readonly #debits = new Map<string, DebitHead>();
  /** Ids of debits by the invoice that they correct, in the order in which they were first recorded. */
  readonly #debitsOn = new Map<string, Set<string>>();
  /** Ids of invoices that list a debit, whatever their status. */
  readonly #listing = new Map<string, Set<string>>();
  readonly #accountSeq = new Map<string, bigint>();
  /** Entries of prepaid balances by account, in the order in which they were recorded. */
  readonly #balances = new Map<string, Map<string, BalanceEntry>>();
  /** What notes and debits said of an invoice's minutes, by the entry that said so. */
  readonly #minutesOn = new Map<string, Map<string, { seq: bigint; changes: MinutesChange[] }>>();

  apply(entry: Entry): void {
    const account = this.#apply(entry);
    if (account !== undefined) this.#accountSeq.set(account, entry.seq);
  }

  /** The last entry of the books that was about an account: whoever decides by what he saw asks whether it is still so. */
  accountSeq(account: string): bigint {
    return this.#accountSeq.get(account) ?? 0n;
  }

  /** Returns the account that the entry is about. */
  #apply(entry: Entry): string | undefined {
    const stored: unknown = JSON.parse(entry.body);
    if (entry.kind === 'settlement') {
      const body = settlementBody.parse(stored);
      const list = this.#settlements.get(body.invoice) ?? new Map<string, Settlement>();
      this.#settlements.set(body.invoice, list.set(entry.id, body));
      return this.#heads.get(body.invoice)?.head.account;
    }
    if (entry.kind === 'balance') {
      return this.#applyBalance(entry, balanceBody.parse(stored));
    }
    if (entry.kind === 'debit') {
      const head = debitHead.parse((stored as { head?: unknown }).head ?? stored);
      this.#debits.set(entry.id, head);
      this.#said(entry, head.invoice, head.parts);
      this.#debitsOn.set(head.invoice, (this.#debitsOn.get(head.invoice) ?? new Set()).add(entry.id));
      return head.account;
    }
    // The reader hands over the head alone; a writer applies what it has just written, whole.
    const head = invoiceHead.parse((stored as { head?: unknown }).head ?? stored);
    this.#heads.set(entry.id, { head, seq: entry.seq });
    this.#byAccount.set(head.account, (this.#byAccount.get(head.account) ?? new Set()).add(entry.id));
    if (head.number !== null) this.#last[head.type] = Math.max(this.#last[head.type], head.number);
    for (const { id } of head.debits ?? []) this.#listing.set(id, (this.#listing.get(id) ?? new Set()).add(entry.id));
    if (head.corrects === null) return head.account;
    const { invoice, lines } = head.corrects;
    const changes = lines.flatMap(({ of }) => of ?? []);
    for (const rated of new Set(changes.map((each) => each.invoice)))
      this.#said(entry, rated, changes.filter((each) => each.invoice === rated)); // prettier-ignore
    this.#notesOn.set(invoice, (this.#notesOn.get(invoice) ?? new Set()).add(entry.id));
    return head.account;
  }

  /** The next number of a type: one more than the last, so there is no gap as long as nobody else gives numbers. */
  nextNumber(type: InvoiceHead['type']): number {
    return this.#last[type] + 1;
  }

  ids(): string[] {
    return [...this.#heads.keys()];
  }

  state(id: string): InvoiceState | undefined {
    const held = this.#heads.get(id);
    if (held === undefined) return undefined;
    const { head, seq } = held;
    const settlements = Array.from(this.#settlements.get(id) ?? [], ([key, body]) => ({ id: key, ...body }));
    let paidNanos = 0n;
    for (const { action, amount_nanos } of settlements) {
      if (action === 'payment') paidNanos += BigInt(amount_nanos);
      if (action === 'refund') paidNanos -= BigInt(amount_nanos);
    }
    const creditedNanos = this.notesOn(id).reduce((sum, note) => sum - BigInt(note.head.total_nanos), 0n);
    const { chargedNanos, uncoveredNanos } = this.#balanceShare(id, head);
    const covered = paidNanos + chargedNanos - uncoveredNanos;
    const settled = head.type === 'invoice' && covered >= BigInt(head.total_nanos) - creditedNanos;
    const status = this.#isVoid(id) ? 'void' : !head.final ? 'draft' : settled ? 'paid' : 'final';
    return { id, seq, head, status, settlements, paidNanos, creditedNanos, chargedNanos, uncoveredNanos };
  }

  /** The final credit notes on an invoice. */
  notesOn(id: string): { id: string; head: InvoiceHead }[] {
    return [...(this.#notesOn.get(id) ?? [])].flatMap((note) => {
      const head = this.#heads.get(note)?.head;
      return head?.final === true ? [{ id: note, head }] : [];
    });
  }

  /** How much of each line of an invoice its credit notes have taken back, by the line's index. */
  creditedByLine(id: string): Map<number, bigint> {
    const credited = new Map<number, bigint>();
    for (const { head } of this.notesOn(id)) {
      for (const { line, nanos: amount } of head.corrects?.lines ?? [])
        credited.set(line, (credited.get(line) ?? 0n) + BigInt(amount));
    }
    return credited;
  }

  /** A debit as it stands; undefined if there is none of this id. */
  debit(id: string): DebitState | undefined {
    const head = this.#debits.get(id);
    if (head === undefined) return undefined;
    for (const invoice of this.#listing.get(id) ?? []) {
      const listing = this.#heads.get(invoice)?.head;
      if (listing?.final !== true || this.#isVoid(invoice)) continue;
      return { id, head, status: 'charged', on: { invoice, number: listing.number, lines: listing.debits ?? [] } };
    }
    return { id, head, status: this.#isVoid(head.invoice) ? 'void' : 'pending', on: null };
  }

  /** The debits on an invoice, oldest first. */
  debitsOn(id: string): DebitState[] {
    return [...(this.#debitsOn.get(id) ?? [])].flatMap((debit) => this.debit(debit) ?? []);
  }

  /** All debits of an account, or everybody's, in the order in which they were recorded. */
  debitsOf(account: string | undefined): DebitState[] {
    return [...this.#debits.keys()]
      .flatMap((id) => this.debit(id) ?? [])
      .filter(({ head }) => account === undefined || head.account === account);
  }

  #applyBalance(entry: Entry, body: BalanceBody): string {
    const add = (of: BalanceBody): void => {
      const list = this.#balances.get(of.account) ?? new Map<string, BalanceEntry>();
      this.#balances.set(
        of.account,
        list.set(entry.id, { ...of, id: entry.id, seq: entry.seq, recordedAtMs: entry.recordedAtMs }),
      );
    };
    add(body);
    // A transfer is one entry with two ends: it is never half done.
    if (body.kind === 'transfer' && body.other !== null)
      add({ ...body, account: body.other, other: body.account, amount_nanos: (-BigInt(body.amount_nanos)).toString() });
    if (body.kind === 'transfer' && body.other !== null) this.#accountSeq.set(body.other, entry.seq);
    return body.account;
  }

  /** The entries of an account's prepaid balance, in the order in which they were recorded. */
  balanceOf(account: string): BalanceEntry[] {
    return [...(this.#balances.get(account)?.values() ?? [])];
  }

  /** Entries of the balance that an invoice's days were charged by, and those that settled its rest. */
  balanceEntriesOf({ id, head }: { id: string; head: InvoiceHead }): BalanceEntry[] {
    if (head.type !== 'invoice') return [];
    return this.balanceOf(head.account).filter(
      ({ invoice, day }) => invoice === id || (day !== null && day.from >= head.from && day.from < head.to),
    );
  }

  #balanceShare(id: string, head: InvoiceHead): Pick<InvoiceState, 'chargedNanos' | 'uncoveredNanos'> {
    const own = this.balanceEntriesOf({ id, head });
    if (own.length === 0) return { chargedNanos: 0n, uncoveredNanos: 0n };
    const ids = new Set(own.map((entry) => entry.id));
    const debts = debtsOf(this.balanceOf(head.account).map(ledgerEntry)).filter((debt) => ids.has(debt.id));
    const chargedNanos = own.reduce((sum, entry) => sum - BigInt(entry.amount_nanos), 0n);
    const unpaid = debts.reduce((sum, debt) => sum + debt.unpaidNanos, 0n);
    return { chargedNanos, uncoveredNanos: unpaid > chargedNanos ? chargedNanos : unpaid };
  }

  #said({ id, seq }: Entry, invoice: string, changes: readonly MinutesChange[]): void {
    const said = this.#minutesOn.get(invoice) ?? new Map<string, { seq: bigint; changes: MinutesChange[] }>();
    this.#minutesOn.set(invoice, said.set(id, { seq, changes: changes.map(({ key, days }) => ({ key, days })) }));
  }

  /** How unavailable minutes of an invoice's lines were corrected, in the order in which that was recorded. */
  minutesCorrected(invoice: string): MinutesChange[] {
    return [...(this.#minutesOn.get(invoice)?.values() ?? [])]
      .sort((a, b) => (a.seq < b.seq ? -1 : 1))
      .flatMap(({ changes }) => changes);
  }

  #isVoid(id: string): boolean {
    return [...(this.#settlements.get(id)?.values() ?? [])].some((each) => each.action === 'void');
  }

  /** An account's invoices and credit notes by period, or everybody's. */
  statesOf(account: string | undefined): InvoiceState[] {
    const ids = account === undefined ? this.ids() : [...(this.#byAccount.get(account) ?? [])];
    return ids.flatMap((id) => this.state(id) ?? []).sort((a, b) => comparePositions(positionOf(a), positionOf(b)));
  }
}

/** Where a document stands in a list: by period, credit notes after invoices, by number, drafts last. */
export interface BooksPosition {
  from: number;
  note: number;
  number: number;
  id: string;
}

export function positionOf({ id, head }: Pick<InvoiceState, 'id' | 'head'>): BooksPosition {
  return { from: head.from, note: head.corrects === null ? 0 : 1, number: head.number ?? Number.MAX_SAFE_INTEGER, id };
}

/** Below 0 if a stands before b. */
export function comparePositions(a: BooksPosition, b: BooksPosition): number {
  return a.from - b.from || a.note - b.note || a.number - b.number || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
