import {
  Invoice,
  InvoicePage,
  type InvoiceSummary,
  type Reconciled,
  ReconcilePart,
  type RunOutcome,
  RunPart,
} from '../shapes/billing.ts';
import { type Caller, type Instant, instantText, segment } from './caller.ts';

const FORMS = { html: 'text/html', csv: 'text/csv', pdf: 'application/pdf', json: 'application/json' } as const;

/** Invoices and credit notes. */
export class Invoices {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Bills a calendar period (`2026-03`, or `2026-03-14`) of all accounts, or of those named, and gives what became of each. Cut off
   * anywhere it can be run again from the start: nothing is made twice.
   */
  async *run(request: {
    readonly period: string;
    readonly accounts?: readonly string[];
    /** Invoices get their numbers; otherwise they stay drafts. */
    readonly finalize?: boolean;
    readonly dryRun?: boolean;
    readonly allowIncomplete?: boolean;
    readonly withoutIssuer?: boolean;
  }): AsyncGenerator<RunOutcome> {
    const { period, accounts, finalize, dryRun, allowIncomplete, withoutIssuer } = request;
    const body = {
      period,
      accounts,
      finalize,
      dry_run: dryRun,
      allow_incomplete: allowIncomplete,
      without_issuer: withoutIssuer,
    };
    yield* this.#caller.pages<RunOutcome>(async (after) => {
      const options = { body: { ...body, after }, repeatable: true };
      const { outcomes, next } = await this.#caller.json(RunPart, 'POST', '/v1/invoice-runs', options);
      return { rows: outcomes, next };
    });
  }

  /** All that fit, by period. */
  list(
    filter: {
      readonly account?: string;
      readonly from?: Instant;
      readonly to?: Instant;
      readonly status?: 'draft' | 'final' | 'paid' | 'void';
      readonly type?: 'invoice' | 'credit_note';
      readonly number?: number;
    } = {},
  ): AsyncGenerator<InvoiceSummary> {
    const { from, to, ...rest } = filter;
    const query = {
      ...rest,
      from: from === undefined ? undefined : instantText(from),
      to: to === undefined ? undefined : instantText(to),
    };
    return this.#caller.pages(async (cursor) => {
      const options = { query: cursor === undefined ? query : { cursor } };
      const { invoices, next } = await this.#caller.json(InvoicePage, 'GET', '/v1/invoices', options);
      return { rows: invoices, next };
    });
  }

  async get(id: string): Promise<Invoice> {
    return await this.#caller.json(Invoice, 'GET', `/v1/invoices/${segment(id)}`);
  }

  /** The document as people read it. */
  async document(id: string, form: keyof typeof FORMS): Promise<Uint8Array> {
    return (await this.#caller.download(`/v1/invoices/${segment(id)}`, FORMS[form])).bytes;
  }

  /** Rates one account's period: `preview` keeps nothing, `draft` keeps a draft or rates the one there anew. */
  async rate(request: {
    readonly account: string;
    readonly from: Instant;
    readonly to: Instant;
    readonly mode: 'preview' | 'draft';
  }): Promise<Invoice> {
    const body = { ...request, from: instantText(request.from), to: instantText(request.to) };
    return await this.#caller.json(Invoice, 'POST', '/v1/invoices', { body, repeatable: true });
  }

  /** Gives a draft its number; once more is harmless. */
  async finalize(
    id: string,
    options: { readonly allowIncomplete?: boolean; readonly withoutIssuer?: boolean } = {},
  ): Promise<Invoice> {
    const query = { allow_incomplete: options.allowIncomplete, without_issuer: options.withoutIssuer };
    return await this.#caller.json(Invoice, 'POST', `/v1/invoices/${segment(id)}/finalize`, { query, repeatable: true });
  }

  /** Makes an invoice void; its number stays used. Not made again by itself when its answer is lost. */
  async void(id: string): Promise<Invoice> {
    return await this.#caller.json(Invoice, 'POST', `/v1/invoices/${segment(id)}/void`);
  }

  /**
   * Records a payment, or a refund of one: `amount` is a decimal string. It is not made again by itself when its answer is lost: look at the
   * invoice's `outstanding` first.
   */
  async pay(
    id: string,
    payment: { readonly amount: string; readonly at?: Instant; readonly kind?: 'payment' | 'refund'; readonly note?: string },
  ): Promise<Invoice> {
    const { at, ...rest } = payment;
    const body = at === undefined ? rest : { ...rest, at: instantText(at) };
    return await this.#caller.json(Invoice, 'POST', `/v1/invoices/${segment(id)}/payments`, { body });
  }

  /** Rates final invoices again, and gives those that differ, with the credit notes and debits that correct them (unless `dryRun`). */
  reconcile(request: { readonly account?: string; readonly dryRun?: boolean } = {}): AsyncGenerator<Reconciled> {
    const { account, dryRun } = request;
    return this.#caller.pages(async (after) => {
      const options = { body: { account, dry_run: dryRun, after }, repeatable: true };
      const { invoices, next } = await this.#caller.json(ReconcilePart, 'POST', '/v1/reconcile', options);
      return { rows: invoices, next };
    });
  }
}
