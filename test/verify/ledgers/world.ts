import { openRecords, type Records } from '../../../src/app/records.ts';
import { lapses } from '../../../src/billing/charges/charge-days.ts';
import { write } from '../../../src/billing/charges/post-day.ts';
import { recordState } from '../../../src/billing/charges/suspend.ts';
import { noteByHand } from '../../../src/billing/corrections/by-hand.ts';
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
    const lines = [...net, ...(this.#story.isDaily ? [] : taxLine(net, this.#story.taxPercent))];
    const more = { due_days: dueDays, ...(isManual ? { settlement: 'manual' as const } : {}) };
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
    const amount = amountOf(cents);
    const known = this.#checks.get(check);
    const found = { vm: VMS[vm] ?? '', what_if: false, decision: 'eligible', amount, destination: 'balance' };
    const facts = { calculation: { paid_amount: '60.00' }, facts: { paid_at: new Date(START).toISOString() } };
    const text = known ?? (await this.books.refundChecks.record((id) => JSON.stringify({ id, ...found, ...facts }), BY));
    this.#checks.set(check, text);
    const { id, amount: due } = JSON.parse(text) as { id: string; amount: string };
    await this.#post({ kind: 'refund', amount: due, refundCheck: id });
  }
}

function amountOf(cents: number): string {
  return formatAmount(BigInt(cents) * CENT, CURRENCY);
}
