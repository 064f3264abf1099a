import { openRecords, type Records } from '../../../src/app/records.ts';
import { lapses } from '../../../src/billing/charges/charge-days.ts';
import { write } from '../../../src/billing/charges/post-day.ts';
import { recordState } from '../../../src/billing/charges/suspend.ts';
import { noteByHand } from '../../../src/billing/corrections/by-hand.ts';
import { grantOnce, type NotesOf } from '../../../src/billing/refunds/grant.ts';
import { type GrantNote, notesThere } from '../../../src/billing/refunds/grant-notes.ts';
import type { Grantable } from '../../../src/billing/refunds/grantable.ts';
import { pendingByHand } from '../../../src/books/charged-by-hand.ts';
import { grantNoteIdOf } from '../../../src/books/grants.ts';
import { recordCharge, withdrawCharge } from '../../../src/books/record-charge.ts';
import type { BooksContext } from '../../../src/books/context.ts';
import type { Covers as KeptCovers } from '../../../src/books/balances.ts';
import { finalize, keepCreditNote, keepDraft, readDocument, voidInvoice } from '../../../src/books/ledger.ts';
import { recordPayment, recordRepayment } from '../../../src/books/payments.ts';
import { recordPayout } from '../../../src/books/payouts.ts';
import { post, type Posting } from '../../../src/books/post.ts';
import { accountBody, vmBody } from '../../../src/catalog/bodies.ts';
import { DAY_MS } from '../../../src/domain/zone.ts';
import { planBody } from '../../../src/domain/plan.ts';
import { formatAmount } from '../../../src/domain/money.ts';
import { ProblemError } from '../../../src/problems/problem.ts';
import { loadTerms, shippedTermsFolder } from '../../../src/terms/library.ts';
import { nanosOf } from '../../../src/verify/document.ts';
import { CENT, CURRENCY, documentOf, START, type MadeLine, taxLine } from './documents.ts';
import { CutStore, Died } from './cut-store.ts';
import { Days } from './days.ts';
import { feeLines, feesNow } from './late-fees.ts';
import type { Covers, Step, Story } from './story.ts';

export const ACCOUNT = 'a';
export const OTHER = 'b';
const VMS = ['v0', 'v1'];
const HOUR_MS = 3_600_000;
const TERM_MS = 5 * DAY_MS;
const BY = 'somebody';
const termsLibrary = loadTerms([shippedTermsFolder()]);

/** An account to which a story happens: by the functions of the product that the calls of the API are made of, over a journal that is kept in memory. */
export class World {
  readonly #story: Story;
  readonly store = new CutStore();
  readonly #checks = new Map<string, string>();
  #opened: Records | undefined;
  readonly days: Days;
  now = START;
  /** Steps that were refused, by code. */
  readonly refused: string[] = [];
  deaths = 0;
  #ids = 0;

  private constructor(story: Story) {
    this.#story = story;
    this.days = new Days(ACCOUNT, VMS, story.taxPercent);
  }

  static async of(story: Story): Promise<World> {
    const world = new World(story);
    await world.reopen();
    const { catalog } = world.#records;
    const price = { currency: CURRENCY, time_zone: 'UTC', price: { amount: '10.00', per: 'day' } };
    await catalog.putPlan('p', planBody.parse(price), BY);
    for (const id of [ACCOUNT, OTHER]) await catalog.putAccount(id, accountBody.parse({ name: id, currency: CURRENCY }), BY);
    const paid = { paid_at: START, paid_until: START + 30 * DAY_MS, paid_amount: '60.00' };
    const agreed = { account: ACCOUNT, terms: story.sheet, plans: [{ plan: 'p', from: START }], starts_at: START, ...paid };
    for (const vm of VMS) await catalog.putVm(vm, vmBody.parse(agreed), BY);
    return world;
  }

  /** Another process: what it knows is what is written. */
  async reopen(): Promise<void> {
    const randomBytes = (size: number): Uint8Array => {
      const bytes = Buffer.alloc(size);
      bytes.writeUIntBE((this.#ids += 1), size - 6, 6);
      return bytes;
    };
    this.#opened = await openRecords({ store: this.store.store, now: () => this.now, randomBytes });
  }

  get #records(): Records {
    if (this.#opened === undefined) throw new Error('nothing is open');
    return this.#opened;
  }

  get books(): Records['books'] {
    return this.#records.books;
  }

  get context(): BooksContext {
    const { catalog, books } = this.#records;
    return { catalog, books, termsLibrary };
  }

  /** Does a step; a step that is refused changes nothing. */
  async step(step: Step): Promise<void> {
    if (step.cut !== undefined) this.store.arm(step.cut);
    try {
      await this.#tried(step);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.deaths += 1;
      await this.reopen();
      await this.#tried(step);
    } finally {
      this.store.arm(undefined);
    }
  }

  async #tried(step: Step): Promise<void> {
    try {
      await this.#do(step);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.refused.push(error.code);
    }
  }

  async #do(step: Step): Promise<void> {
    const { books, context, now: nowMs } = this;
    const atMs = 'hoursAgo' in step ? Math.max(START, nowMs - step.hoursAgo * HOUR_MS) : nowMs;
    const who = { by: BY, nowMs, note: '' };
    switch (step.does) {
      case 'waits':
        this.now += step.hours * HOUR_MS;
        return;
      case 'charges a day':
        this.now = Math.max(nowMs, this.days.nextEndMs(books));
        await this.days.charge(context, step.used);
        return;
      case 'restates a day':
        this.days.restate(step.nth, step.used);
        await this.days.rateAgain(context);
        return;
      case 'rates again':
        if (this.#story.isDaily) await this.days.rateAgain(context);
        else await this.#correctFees();
        return;
      case 'invoices':
        await this.#invoice(step.used, step.days, step.isManual);
        return;
      case 'pays':
        await recordPayment(context, ACCOUNT, { ...who, reference: step.reference, amountNanos: BigInt(step.cents) * CENT, atMs, covers: this.#covers(step.covers) });
        return;
      case 'tops up':
        await this.#post({ kind: 'top_up', amount: amountOf(step.cents), atMs, expiresAtMs: atMs + step.lapsesInHours * HOUR_MS });
        return;
      case 'lets lapse':
        await write(books, () => lapses(books, ACCOUNT, nowMs, BY), BY);
        return;
      case 'pays out':
        await recordPayout(context, ACCOUNT, { ...who, reference: step.reference, amountNanos: BigInt(step.cents) * CENT, atMs });
        return;
      case 'moves away':
        await this.#post({ kind: 'transfer', amount: amountOf(step.cents), to: OTHER });
        return;
      case 'gives back': {
        const found = await this.#line(step.nth, step.line);
        const reference = `goodwill-${step.nth}-${step.line}-${step.cents}`;
        if (found !== undefined)
          await noteByHand(books, found.invoice, { reason: 'goodwill', lines: [{ line: `${found.line}`, amount: amountOf(step.cents) }], reference, by: BY, nowMs });
        return;
      }
      case 'corrects': {
        const found = await this.#line(step.nth, step.line);
        if (found !== undefined) await this.#credit(found, BigInt(step.cents) * CENT);
        return;
      }
      case 'sends back': {
        const invoice = this.#nth(step.nth);
        if (invoice !== undefined) await recordRepayment(context, invoice, { atMs, amountNanos: BigInt(step.cents) * CENT, note: '', by: BY });
        return;
      }
      case 'makes void': {
        const invoice = this.#nth(step.nth);
        if (invoice !== undefined) await voidInvoice(books, invoice, who);
        return;
      }
      case 'refunds':
        await this.#refund(step.check, step.vm, step.cents);
        return;
      case 'grants':
        await this.#grant(step);
        return;
      case 'charges by hand': {
        const vm = VMS[step.vm] ?? null;
        const said = { kind: 'one_off' as const, description: 'work', currency: null, rate: null, taxPercent: null, reason: 'asked for', clause: null };
        await recordCharge(context, ACCOUNT, { ...said, ...who, reference: step.reference, amount: amountOf(step.cents), vm, atMs: START });
        return;
      }
      case 'takes back a charge': {
        const all = books.chargesOf(ACCOUNT);
        const charge = all[step.nth % Math.max(1, all.length)];
        if (charge !== undefined) await withdrawCharge(context, ACCOUNT, charge.id, who);
        return;
      }
      case 'suspends or resumes':
        await recordState(context, ACCOUNT, nowMs, BY);
    }
  } // prettier-ignore

  async #post(posting: Partial<Posting> & Pick<Posting, 'kind' | 'amount'>): Promise<void> {
    const none = { atMs: this.now, reference: null, note: '', to: null, refundCheck: null, expiresAtMs: null, by: BY };
    await post(this.context, ACCOUNT, { ...none, ...posting }, this.now);
  }

  #covers(covers: Covers): KeptCovers | null {
    if (covers === null) return null;
    if ('vm' in covers) {
      const from = START + covers.term * TERM_MS;
      return { vm: VMS[covers.vm] ?? '', from, until: from + covers.terms * TERM_MS };
    }
    const invoice = this.#nth(covers.invoice);
    return invoice === undefined ? null : { invoice };
  }

  /** The final invoices, as they were issued. */
  #invoices() {
    return this.books
      .statesOf(ACCOUNT)
      .filter(({ head, status }) => head.type === 'invoice' && head.final && status !== 'void')
      .sort((a, b) => (a.head.number ?? 0) - (b.head.number ?? 0));
  }

  #nth(nth: number): string | undefined {
    const all = this.#invoices();
    return all.length === 0 ? undefined : all[nth % all.length]?.id;
  }

  async #line(nth: number, line: number): Promise<{ invoice: string; line: number; lines: MadeLine[] } | undefined> {
    const invoice = this.#nth(nth);
    if (invoice === undefined) return undefined;
    const lines = await this.#linesOf(invoice);
    return { invoice, line: line % lines.length, lines };
  }

  async #linesOf(invoice: string): Promise<MadeLine[]> {
    const { rest } = await readDocument(this.books, invoice);
    const { lines } = JSON.parse(rest) as { lines: { kind: MadeLine['kind']; vm: string | null; amount: string; detail: object }[] };
    return lines.map(({ kind, vm, amount, detail }) => ({ kind, vm, nanos: nanosOf(amount), detail: { ...detail } }));
  } // prettier-ignore

  async #invoice(used: readonly number[], dueDays: number, isManual: boolean): Promise<void> {
    const { context, books } = this;
    const fromMs = Math.max(START, ...this.#invoices().map(({ head }) => head.to));
    const toMs = this.#story.isDaily ? this.days.chargedToMs(books) : fromMs + 7 * DAY_MS;
    if (toMs <= fromMs) return;
    this.now = Math.max(this.now, toMs);
    const net = this.#story.isDaily
      ? this.days.linesOf(books, fromMs, toMs)
      : this.days.usedLines(used).concat(feeLines(context, ACCOUNT, fromMs, toMs));
    const pending = pendingByHand(books, ACCOUNT);
    const charged = pending.map(({ vm, nanos }): MadeLine => ({ kind: 'charge', vm, nanos }));
    // Days were charged with their tax.
    const taxed = this.#story.isDaily ? charged : [...net, ...charged];
    const lines = [...net, ...charged, ...taxLine(taxed, this.#story.taxPercent)];
    const charges = pending.map(({ id }, nth) => ({ id, line: net.length + nth }));
    const more = {
      due_days: dueDays,
      ...(isManual ? { settlement: 'manual' as const } : {}),
      ...(charges.length === 0 ? {} : { charges }),
    };
    const id = await keepDraft(books, documentOf(ACCOUNT, fromMs, toMs, lines, more), BY);
    await finalize(books, id, BY, { allowIncomplete: true, withoutIssuer: true, nowMs: this.now });
  }

  /** A credit note that puts right what a line came to: never more than is left of it. */
  async #credit({ invoice, line, lines }: { invoice: string; line: number; lines: MadeLine[] }, most: bigint): Promise<void> {
    const { books } = this;
    const of = lines[line];
    if (of === undefined || of.kind === 'tax') return;
    const left = of.nanos - (books.creditedByLine(invoice).get(line) ?? 0n);
    const nanos = most < left ? most : left;
    if (nanos <= 0n) return;
    const { head } = await readDocument(books, invoice);
    const key = of.kind === 'late_fee' ? `late_fee ${String(of.detail?.['invoice'])}` : `${of.kind} ${of.vm ?? ''}`;
    const corrects = { invoice, lines: [{ line, nanos: `${nanos}`, of: { invoice, key, days: [] } }] };
    const note = documentOf(ACCOUNT, head.from, head.to, [{ kind: of.kind, vm: of.vm, nanos: -nanos }], {
      ...{ type: 'credit_note' as const, corrects, due_days: 0 },
    });
    const check = (): void => {
      if (books.state(invoice)?.status === 'void') throw new ProblemError('invoice_conflict', 'it is void');
    };
    await keepCreditNote(books, { ...note, head: { ...note.head, shares: undefined } }, check, { by: BY, nowMs: this.now });
  }

  /** Late fees of final invoices that come to less by what is known now, as a reconciliation finds them. */
  async #correctFees(): Promise<void> {
    for (const { id, head } of this.#invoices()) {
      const lines = await this.#linesOf(id);
      for (const [line, { kind, nanos, detail }] of lines.entries()) {
        if (kind !== 'late_fee') continue;
        const due = feesNow(this.context, ACCOUNT, head.from, head.to).get(String(detail?.['invoice'])) ?? 0n;
        const left = nanos - (this.books.creditedByLine(id).get(line) ?? 0n);
        if (due < left) await this.#credit({ invoice: id, line, lines }, left - due);
      }
    }
  }

  /** What a refund check found due goes to the balance. */
  async #refund(check: string, vm: number, cents: number): Promise<void> {
    const { id, amount } = await this.#checked(check, { vm, cents, isFull: false, leaves: false, handling: 0 });
    await this.#post({ kind: 'refund', amount, refundCheck: id });
  }

  async #grant({ check, ...found }: Extract<Step, { does: 'grants' }>): Promise<void> {
    const { id } = await this.#checked(check, found);
    const notesOf: NotesOf = (of) => this.#grantNotes(of);
    await grantOnce(this.context, id, { by: BY, nowMs: this.now }, notesOf);
  }

  /** A refund check as it was kept when it was first asked. */
  async #checked(
    check: string,
    { vm, cents, isFull, leaves, handling }: Omit<Extract<Step, { does: 'grants' }>, 'does' | 'check' | 'cut'>,
  ): Promise<{ id: string; amount: string }> {
    const at = new Date(this.now).toISOString();
    const found = { vm: VMS[vm] ?? '', at, what_if: false, decision: 'eligible', amount: amountOf(cents), currency: CURRENCY };
    const calculation = { basis: isFull ? 'full' : 'remaining', handling_fee: amountOf(handling), refunded_before: '0.00', paid_amount: '60.00' };
    // Of a term that was paid and is not over, or of the five days in which the check is made.
    const term = this.books.ledgerOf(ACCOUNT).allocation.terms.find((each) => each.vm === found.vm && each.untilMs > this.now && each.nanos > 0n);
    const from = START + Math.floor((this.now - START) / TERM_MS) * TERM_MS;
    const { fromMs, untilMs } = term ?? { fromMs: from, untilMs: from + TERM_MS };
    const facts = { paid_at: new Date(Math.min(fromMs, this.now)).toISOString(), paid_until: new Date(untilMs).toISOString() };
    const more = { destination: leaves ? 'original_payment' : 'balance', calculation, facts };
    const text = this.#checks.get(check) ?? (await this.books.refundChecks.record((id) => JSON.stringify({ id, ...found, ...more }), BY));
    this.#checks.set(check, text);
    return JSON.parse(text) as { id: string; amount: string };
  } // prettier-ignore

  /** What invoices charged of a VM's time from an instant on goes back, in proportion, with its tax: what rating them again would find. */
  async #grantNotes(of: Grantable): Promise<GrantNote[]> {
    const { books } = this;
    const notes = notesThere(books, of);
    for (const { id, head } of this.#invoices()) {
      const noteId = grantNoteIdOf(of.check, `${id} ${id}`);
      if (head.to <= of.fromMs || notes.has(noteId)) continue;
      const issued = await this.#linesOf(id);
      const part = BigInt(head.to - Math.max(head.from, of.fromMs));
      const given: (MadeLine & { line: number })[] = issued.flatMap(({ kind, vm, nanos }, line) => {
        const left = nanos - (books.creditedByLine(id).get(line) ?? 0n);
        const wanted = ((nanos * part) / BigInt(head.to - head.from) / CENT) * CENT;
        const isOwn = vm === of.vm && (kind === 'service' || kind === 'traffic');
        return isOwn && wanted > 0n && left > 0n ? [{ line, kind, vm, nanos: wanted < left ? wanted : left }] : [];
      });
      const [tax] = issued.flatMap(({ kind, nanos }, line) => (kind === 'tax' ? [{ line, left: nanos - (books.creditedByLine(id).get(line) ?? 0n) }] : []));
      const [owed] = taxLine(given, this.#story.taxPercent);
      if (tax !== undefined && owed !== undefined && owed.nanos > 0n && tax.left > 0n)
        given.push({ line: tax.line, kind: 'tax', vm: null, nanos: owed.nanos < tax.left ? owed.nanos : tax.left });
      const nanos = given.reduce((sum, each) => sum + each.nanos, 0n);
      if (nanos === 0n) continue;
      const lines = given.map((each) => ({ line: each.line, nanos: `${each.nanos}`, of: { invoice: id, key: `${each.kind} ${each.vm ?? ''}`, days: [] } }));
      const draft = documentOf(ACCOUNT, head.from, head.to, given.map((each) => ({ ...each, nanos: -each.nanos })), {
        ...{ type: 'credit_note' as const, corrects: { invoice: id, grant: of.check, lines }, due_days: 0 },
      });
      notes.set(noteId, { id: noteId, invoice: id, nanos, draft: { ...draft, head: { ...draft.head, shares: undefined } } });
    }
    return [...notes.values()];
  } // prettier-ignore
}

function amountOf(cents: number): string {
  return formatAmount(BigInt(cents) * CENT, CURRENCY);
}
