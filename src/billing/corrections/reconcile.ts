import type { InvoiceState } from '../../books/invoices.ts';
import type { BillingContext } from '../context.ts';
import { type IncidentBody, incidentsOf } from '../../catalog/incidents.ts';
import { formatInstant } from '../../domain/instant.ts';
import { type KeptContent, readContent } from '../../print/invoice-shape.ts';
import { reasonText } from '../../print/words/content.ts';
import type { ReasonSay } from '../../rating/say.ts';
import { correctTo, type Made } from './correct.ts';
import { type Correction, isDebit, type IssuedLine } from './corrections.ts';
import { rateDocument, type RatedDocument } from '../document.ts';
import { billedByHand } from '../../books/charged-by-hand.ts';
import { readDocument, stateOf } from '../../books/ledger.ts';

/** What reconciling found on one final invoice. */
export interface Reconciled extends Made {
  state: InvoiceState;
  /** Lines that are too high: each is taken back by a credit note, or from a debit that was not charged yet. */
  credits: readonly Correction[];
  /** Lines that are too low, or that the invoice lacks: each goes on the account's next invoice. */
  debits: readonly Correction[];
  reason: string;
}

/** The final invoices that are to be looked at: of one account, or all. */
export function finalInvoices(context: BillingContext, account: string | undefined): InvoiceState[] {
  return context.books
    .statesOf(account)
    .filter(({ head, status }) => head.type === 'invoice' && (status === 'final' || status === 'paid'));
}

/**
 * Rates a final invoice's period again; with `write`, what it charged too much goes on credit notes, and what it charged too
 * little on a debit for the next invoice. The invoice itself is never touched. What was corrected before counts, so the same
 * state reconciled twice, at once or after a crash, is corrected once. Throws `invoice_conflict`.
 */
export async function reconcileInvoice(
  context: BillingContext,
  { id }: InvoiceState,
  write: boolean,
  by: string,
): Promise<Reconciled> {
  const { books } = context;
  const issued = await readDocument(books, id);
  const content = readContent(issued.rest);
  const { lines } = content;
  const now = await ratedAgain(context, stateOf(books, id).head, content);
  const state = stateOf(books, id);
  const reasonsFor = (found: readonly Correction[]): ReasonSay[] => reasonsOf(context, state, found);
  const { found, ...made } = await correctTo(books, {
    id,
    issued: lines,
    rated: now,
    reasonsFor,
    write,
    by,
    nowMs: context.businessNow(),
  });
  const isCredit = (each: Correction): boolean => each.afterNanos < each.beforeNanos;
  return {
    state,
    credits: found.filter(isCredit),
    debits: found.filter((each) => !isCredit(each)),
    reason: reasonText(reasonsFor(found)),
    ...made,
  };
}

/** What the period of a final invoice rates to now, taxed as it was issued. */
export function ratedAgain(
  context: BillingContext,
  head: Pick<InvoiceState['head'], 'account' | 'from' | 'to' | 'charges'>,
  { lines, taxes }: Pick<KeptContent, 'lines' | 'taxes'>,
): Promise<RatedDocument> {
  const { account, from, to } = head;
  return rateDocument(context, account, from, to, {
    taxed: {
      taxPercent: taxPercentOf(lines),
      ...(taxes === undefined
        ? {}
        : { taxes: taxes.map(({ exempt_reason: exemptReason, ...tax }) => ({ ...tax, exemptReason })) }),
    },
    ...{ byHand: billedByHand(context.books, head) },
  });
}

/** The tax rate that an invoice was issued with: a rate that changed since is none of its business. */
function taxPercentOf(lines: readonly IssuedLine[]): string {
  const tax = lines.find((line) => line.kind === 'tax' && !isDebit(line) && line.detail['charges'] === undefined);
  return tax?.detail.percent ?? '0';
}

/**
 * Why a period rates to something else now, in codes: incidents that came or went since and concern a VM whose unavailability is charged
 * differently, or what was claimed of it; where they don't say it all, samples, events or the catalog. They go to the
 * customer, so nobody else's incidents are named.
 */
export function reasonsOf(
  { catalog }: Pick<BillingContext, 'catalog'>,
  { head }: InvoiceState,
  found: readonly Correction[],
): ReasonSay[] {
  const since = head.issued_at ?? 0;
  const touches = (fromMs: number, toMs: number): boolean => fromMs < head.to && toMs > head.from;
  const vms = [...new Set(found.flatMap(({ kind, vm }) => (kind === 'service' && vm !== null ? [vm] : [])))];
  const concerns = (body: IncidentBody): boolean =>
    vms.some((vm) =>
      incidentsOf([{ body: { ...body, withdrawn: null } }], vm, head.account).some((each) => touches(each.fromMs, each.toMs)),
    );
  const incidents = catalog.incidents
    .all()
    .filter(({ body }) => body.recorded.at >= since || (body.withdrawn?.at ?? 0) >= since)
    .filter(({ body }) => concerns(body))
    .map(({ id, body }) => ({
      id,
      cause: body.cause,
      withdrawn: body.withdrawn !== null,
      ...(body.note === '' ? {} : { note: body.note }),
      from: formatInstant(body.from),
      to: formatInstant(body.to),
    }));
  const claims = vms.flatMap((vm) =>
    catalog.events
      .of(vm)
      .filter(({ body }) => body.kind === 'credit_claimed' && touches(body.from ?? 0, body.to ?? 0))
      .filter((event) => event.recordedAtMs >= since)
      .map((event) => ({ event: event.id, vm })),
  );
  const reasons: ReasonSay[] = [];
  if (incidents.length > 0) reasons.push({ code: 'incidents', incidents });
  if (claims.length > 0) reasons.push({ code: 'claims', claims });
  const others = found.some(({ kind }) => kind === 'traffic' || kind === 'fee');
  if (others || reasons.length === 0) reasons.push({ code: 'restated' });
  return reasons;
}
