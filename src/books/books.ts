import type { Draft, Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { type Faults, NO_FAULTS } from '../process/faults.ts';
import { ConsequenceBook } from './consequences.ts';
import { type AccountBook, accountBook, type AccountRows } from './account-book.ts';
import { type BalanceBody, balanceBody, type BalanceEntry } from './balances.ts';
import { type DayRow, isDay, withinInvoice } from './days-of-account.ts';
import { GrantBook } from './grants.ts';
import { type HandCharge, HandChargeBook } from './hand-charges.ts';
import { dueAtOfHead, type KeptDocument } from './document-money.ts';
import { type DebitHead, debitHead, type DebitState } from './debits.ts';
import {
  comparePositions,
  type InvoiceHead,
  invoiceHead,
  type InvoiceState,
  type MinutesChange,
  type Payment,
  positionOf,
  settlementBody,
} from './invoices.ts';
import type { SettlementRow } from './row-money.ts';
import { RefundChecks } from './refund-checks.ts';

/** An entry of the books; events of VMs, and their ends, are recorded with it where one step says both. */
export type BooksEntry = Draft & {
  kind: 'invoice' | 'settlement' | 'debit' | 'balance' | 'consequence' | 'event' | 'vm' | 'grant' | 'charge';
};

/** Decides what is to be written by the books as no other writer can change them any more. */
export type Decide<T> = (nowMs: number, newId: () => string) => T;

/** All invoices in force, what they amount to, and every change of that. Only entries that are durable are seen. */
export class Books implements Projection {
  readonly reading = {
    // Of documents their heads: lines and evidence stay in the table.
    invoice: { member: 'head' },
    debit: { member: 'head' },
    settlement: 'whole',
    balance: 'whole',
    grant: 'whole',
    charge: 'whole',
  } as const;
  readonly #journal: Journal;
  readonly #faults: Faults;
  readonly refundChecks: RefundChecks;
  /** A projection of its own. */
  readonly consequences = new ConsequenceBook();
  readonly grants = new GrantBook();
  readonly #charges = new HandChargeBook();
  readonly #heads = new Map<string, { head: InvoiceHead; seq: bigint; recordedAtMs: number; by: string }>();
  readonly #settlements = new Map<string, Map<string, SettlementRow>>();
  readonly #notesOn = new Map<string, Set<string>>();
  readonly #byAccount = new Map<string, Set<string>>();
  /** The last number given, by type. */
  readonly #last = { invoice: 0, credit_note: 0 };
  readonly #debits = new Map<string, DebitHead>();
  /** Ids of debits by the invoice that they correct, in the order in which they were first recorded. */
  readonly #debitsOn = new Map<string, Set<string>>();
  /** Ids of invoices that list a debit, whatever their status. */
  readonly #listing = new Map<string, Set<string>>();
  /** The same of charges by hand. */
  readonly #billing = new Map<string, Set<string>>();
  readonly #accountSeq = new Map<string, bigint>();
  /** Rows of money by account, in the order in which they were recorded. */
  readonly #balances = new Map<string, Map<string, BalanceEntry>>();
  /** Ledgers that were worked out, each by the rows up to a number. */
  readonly #ledgers = new Map<string, { seq: bigint; ledger: AccountBook }>();
  /** What notes and debits said of an invoice's minutes, by the entry that said so. */
  readonly #minutesOn = new Map<string, Map<string, { seq: bigint; changes: MinutesChange[] }>>();

  constructor(journal: Journal, faults: Faults = NO_FAULTS) {
    this.#journal = journal;
    this.#faults = faults;
    this.refundChecks = new RefundChecks(journal);
  }

  /**
   * Adds one entry: a document, or what happened to one. A number that `decide` gives is given once, since nobody else can write meanwhile; the
   * entry is one row, so number and body are there both or neither. Undefined: nothing is to be written. What it throws is passed on.
   */
  async write(decide: Decide<BooksEntry | undefined>, by: string): Promise<string | undefined> {
    const written = await this.writeAll((...given) => {
      const made = decide(...given);
      return made === undefined ? [] : [made];
    }, by);
    return written[0];
  }

  /**
   * The same for several entries, in one insert and in their order: where it is cut off, what is there are the first of them, so
   * numbers that ascend leave no gap. The ids of the entries.
   */
  async writeAll(decide: Decide<BooksEntry[]>, by: string): Promise<string[]> {
    const written = await this.#journal.write(by, (nowMs) => {
      this.#faults.at('before-number');
      const made = decide(nowMs, () => this.#journal.newId());
      if (made.length > 0) this.#faults.at('after-number');
      return made;
    });
    if (written.length > 0) this.#faults.at('before-books-answer');
    return written.map(({ id }) => id);
  }

  /** The latest version of a document, as it was written. */
  document(id: string, kind: 'invoice' | 'debit' = 'invoice'): Promise<Pick<Entry, 'seq' | 'body'> | undefined> {
    return this.#journal.read(kind, id);
  }

  /** Takes in what other processes have written. */
  refresh(): Promise<void> {
    return this.#journal.refresh();
  }

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
      const list = this.#settlements.get(body.invoice) ?? new Map<string, SettlementRow>();
      const { id, seq, recordedAtMs } = entry;
      this.#settlements.set(body.invoice, list.set(id, { ...body, id, seq, recordedAtMs }));
      return this.#heads.get(body.invoice)?.head.account;
    }
    if (entry.kind === 'balance') {
      return this.#applyBalance(entry, balanceBody.parse(stored));
    }
    if (entry.kind === 'grant') return this.grants.apply(entry);
    if (entry.kind === 'charge') return this.#charges.apply(entry);
    if (entry.kind === 'debit') {
      const head = debitHead.parse((stored as { head?: unknown }).head ?? stored);
      this.#debits.set(entry.id, head);
      this.#said(entry, head.invoice, head.parts);
      this.#debitsOn.set(head.invoice, (this.#debitsOn.get(head.invoice) ?? new Set()).add(entry.id));
      return head.account;
    }
    // The reader hands over the head alone; a writer applies what it has just written, whole.
    const head = invoiceHead.parse((stored as { head?: unknown }).head ?? stored);
    this.#heads.set(entry.id, { head, seq: entry.seq, recordedAtMs: entry.recordedAtMs, by: entry.recordedBy });
    this.#byAccount.set(head.account, (this.#byAccount.get(head.account) ?? new Set()).add(entry.id));
    if (head.number !== null) this.#last[head.type] = Math.max(this.#last[head.type], head.number);
    for (const { id } of head.debits ?? []) this.#listing.set(id, (this.#listing.get(id) ?? new Set()).add(entry.id));
    for (const { id } of head.charges ?? []) this.#billing.set(id, (this.#billing.get(id) ?? new Set()).add(entry.id));
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
    const totalNanos = BigInt(head.total_nanos);
    const principalNanos = BigInt(head.principal_nanos);
    const creditedNanos = this.notesOn(id).reduce((sum, note) => sum - BigInt(note.head.total_nanos), 0n);
    const { allocation, daysOn } = this.ledgerOf(head.account);
    const days = daysOn.get(id) ?? [];
    const isVoid = this.#isVoid(id);
    const isOwed = head.type === 'invoice' && head.final && !isVoid;
    const chargedNanos = days.reduce((sum, row) => sum - BigInt(row.amount_nanos), 0n);
    const uncoveredNanos = days.reduce((sum, row) => sum + (allocation.byId.get(row.id)?.unpaidNanos ?? 0n), 0n);
    const open = allocation.byId.get(id);
    const outstandingNanos = isOwed ? (open?.unpaidNanos ?? 0n) : totalNanos - creditedNanos - chargedNanos;
    const paid = isOwed ? totalNanos - creditedNanos - chargedNanos - outstandingNanos : 0n;
    const settled = isOwed && outstandingNanos === 0n && uncoveredNanos === 0n;
    const status = isVoid ? 'void' : !head.final ? 'draft' : settled ? 'paid' : 'final';
    return {
      ...{ id, seq, head: { ...head, due_at: dueAtOfHead(head) }, status, settlements: this.#paymentsOn(id, head.account) },
      ...{ totalNanos, principalNanos, creditedNanos, outstandingNanos, chargedNanos, uncoveredNanos },
      paidNanos: paid < 0n ? 0n : paid,
      dueAtMs: isOwed && outstandingNanos > 0n ? dueAtOfHead(head) : null,
    };
  }

  /** Payments on an invoice and their refunds, also those that versions of before recorded as settlements. */
  #paymentsOn(id: string, account: string): Payment[] {
    const before = [...(this.#settlements.get(id)?.values() ?? [])].map(({ action, at, amount_nanos, note, by, ...row }) => ({
      ...{ id: row.id, seq: row.seq, action, atMs: at, amountNanos: BigInt(amount_nanos), reference: null, note, by },
    }));
    const rows = this.balanceOf(account).flatMap((row) => {
      const { covers, kind } = row;
      if (covers === null || covers === undefined || !('invoice' in covers) || covers.invoice !== id) return [];
      const action = kind === 'repayment' ? ('refund' as const) : ('payment' as const);
      const nanos = BigInt(row.amount_nanos);
      const { seq, at: atMs, reference = null, source: note, by } = row;
      return [{ id: row.id, seq, action, atMs, amountNanos: nanos < 0n ? -nanos : nanos, reference, note, by }];
    });
    return [...before, ...rows].sort((a, b) => (a.seq < b.seq ? -1 : 1));
  }

  /** The ledger of an account, as all that is recorded makes it. */
  ledgerOf(account: string): AccountBook {
    const seq = this.accountSeq(account);
    const kept = this.#ledgers.get(account);
    if (kept?.seq === seq) return kept.ledger;
    const ledger = accountBook(this.rowsOf(account));
    this.#ledgers.set(account, { seq, ledger });
    return ledger;
  }

  /** What is on record of an account's money. */
  rowsOf(account: string): AccountRows {
    const documents = [...(this.#byAccount.get(account) ?? [])].flatMap((id) => this.#keptDocument(id) ?? []);
    const settlements = documents.flatMap(({ id }) => [...(this.#settlements.get(id)?.values() ?? [])]);
    return { documents, settlements, balances: this.balanceOf(account), grants: this.grants.of(account) };
  }

  /** The ledger without some documents: what it would be had they not been issued. */
  ledgerWithout(account: string, ids: ReadonlySet<string>): AccountBook {
    const { documents, ...rows } = this.rowsOf(account);
    return accountBook({ ...rows, documents: documents.filter(({ id }) => !ids.has(id)) });
  }

  /** A final document; undefined for a draft. */
  #keptDocument(id: string): KeptDocument | undefined {
    const held = this.#heads.get(id);
    if (held?.head.final !== true) return undefined;
    const voided = [...(this.#settlements.get(id)?.values() ?? [])].find((each) => each.action === 'void');
    return { id, ...held, voidAtMs: voided?.at ?? null, voidedBy: voided ?? null };
  }

  /** The credit note by hand of an account that has a reference. */
  noteUnder(account: string, reference: string): string | undefined {
    return [...(this.#byAccount.get(account) ?? [])].find((id) => this.#heads.get(id)?.head.corrects?.reference === reference);
  }

  /** The final credit notes on an invoice. */
  notesOn(id: string): { id: string; head: InvoiceHead }[] {
    return [...(this.#notesOn.get(id) ?? [])].flatMap((note) => {
      const head = this.#heads.get(note)?.head;
      return head?.final === true ? [{ id: note, head }] : [];
    });
  }

  /** How much of each line of an invoice its credit notes have taken back, by the line's index; all of them, or those by hand, which put nothing right. */
  creditedByLine(id: string, which: 'all' | 'by_hand' = 'all'): Map<number, bigint> {
    const credited = new Map<number, bigint>();
    for (const { head } of this.notesOn(id)) {
      if (which === 'by_hand' && head.corrects?.by_hand !== true) continue;
      for (const { line, nanos: amount } of head.corrects?.lines ?? [])
        credited.set(line, (credited.get(line) ?? 0n) + BigInt(amount));
    }
    return credited;
  }

  /** A debit as it stands; undefined if there is none of this id. */
  debit(id: string): DebitState | undefined {
    const head = this.#debits.get(id);
    if (head === undefined) return undefined;
    const on = this.#inForce(this.#listing.get(id));
    if (on !== undefined)
      return { id, head, status: 'charged', on: { invoice: on.id, number: on.head.number, lines: on.head.debits ?? [] } };
    return { id, head, status: this.#isVoid(head.invoice) ? 'void' : 'pending', on: null };
  }

  /** The final invoice among some that is not void. */
  #inForce(ids: ReadonlySet<string> = new Set()): { id: string; head: InvoiceHead } | undefined {
    for (const id of ids) {
      const head = this.#heads.get(id)?.head;
      if (head?.final === true && !this.#isVoid(id)) return { id, head };
    }
    return undefined;
  }

  /** The charges by hand of an account, in the order in which they were recorded, and the invoice that has each. */
  chargesOf(account: string): (HandCharge & { on: { invoice: string; number: number | null; line: number } | null })[] {
    return this.#charges.of(account).map((charge) => {
      const on = this.#inForce(this.#billing.get(charge.id));
      const line = on?.head.charges?.find(({ id }) => id === charge.id)?.line ?? 0;
      return { ...charge, on: on === undefined ? null : { invoice: on.id, number: on.head.number, line } };
    });
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

  /** Rows of an account's money that are no documents, in the order in which they were recorded. */
  balanceOf(account: string): BalanceEntry[] {
    return [...(this.#balances.get(account)?.values() ?? [])];
  }

  /** The days of an invoice that were charged by themselves: also of a draft, which has charged none of them. */
  daysOf({ head }: { head: Pick<InvoiceHead, 'type' | 'account' | 'from' | 'to'> }): DayRow[] {
    if (head.type !== 'invoice') return [];
    return this.balanceOf(head.account).filter(isDay).filter(withinInvoice(head));
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
