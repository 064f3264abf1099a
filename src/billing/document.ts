import type { BillingContext } from './context.ts';
import { ProblemError } from '../problems/problem.ts';
import { isRightUntil } from '../query/span.ts';
import { sha256, type StoredDocument } from '../books/stored-document.ts';
import { conditionOf } from '../domain/condition.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import type { OutageInterval } from '../domain/timeline.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { toJson } from '../domain/json.ts';
import { unclaimedCredits } from '../rating/credits.ts';
import { type NeedsReview, reviewOf } from '../rating/review.ts';
import { noteTexts } from '../print/words/content.ts';
import type { NoteSay } from '../rating/note.ts';
import { roundedToMinor } from '../rating/exact.ts';
import type { ByHand } from '../rating/by-hand.ts';
import { isDebited, type RatedLine, totalOf } from '../rating/line.ts';
import { rateInvoice } from '../rating/order.ts';
import { agreedJson } from './agreed.ts';
import { lineJson } from './document-lines.ts';
import { type NumberSeries, numberText } from '../books/number-series.ts';
import { KeptClauses, sheetsIn } from './explained/clauses.ts';
import type { Explaining } from './explained/line.ts';
import { pendingByHand } from '../books/charged-by-hand.ts';
import { pendingDebits } from '../books/debit-lines.ts';
import { gatherFacts, type Gathered } from './facts.ts';
import { dueAt } from '../ledger/due.ts';
import { sharesOf } from '../ledger/shares.ts';
import { dueDaysOf } from './overdue.ts';
import type { TaxRate } from '../rating/tax.ts';
import { taxesJson } from './taxes.ts';
import { gatheredOf } from './some-vms.ts';

/** A document with what it was made from still at hand: its JSON is written once, and read by nobody here. */
export interface RatedDocument extends StoredDocument {
  readonly lines: readonly RatedLine[];
  /** Whether every VM has been metered up to the end of the period, or of its service. */
  readonly complete: boolean;
  /** What whoever makes the invoice has to know before it is final. */
  readonly warnings: readonly string[];
  /** Of these what would be dropped by an invoice: it is refused with them. */
  readonly unbilled: readonly string[];
}

/** Throws `exchange_rate_missing` where a document would drop a fee that is priced in another currency. */
export function refuseUnbilled({ unbilled: [first, ...more] }: Pick<RatedDocument, 'unbilled'>): void {
  if (first === undefined) return;
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new ProblemError('exchange_rate_missing', `${first}${rest}`);
}

/** How a final invoice's period is rated once more: what it was taxed by stays, and debits of others are no part of it. */
export interface RatedAgain {
  /** Left out: as the account is taxed. */
  taxed?: { readonly taxPercent: string; readonly taxes?: readonly TaxRate[] };
  /** The VMs that it is about; left out: all of the account's. */
  vms?: ReadonlySet<string>;
  /** What it charges by hand. */
  byHand?: readonly ByHand[];
}

/** Rates an account's period from what is stored now, with what earlier invoices lacked. Nothing is recorded. */
export async function rateDocument(
  context: BillingContext,
  account: string,
  fromMs: number,
  toMs: number,
  again?: RatedAgain,
): Promise<RatedDocument> {
  return documentOf(context, account, await gatherFacts(context, account, fromMs, toMs), again);
}

/** The document of an account's facts. */
export function documentOf(context: BillingContext, account: string, all: Gathered, again?: RatedAgain): RatedDocument {
  const gathered = again?.vms === undefined ? all : gatheredOf(all, again.vms);
  const body = context.catalog.account(account)?.body;
  if (body === undefined) throw new Error(`account ${account} is not in the catalog`);
  const { currency, fromMs, toMs } = gathered.facts;
  const byHand = again === undefined ? pendingByHand(context.books, account) : (again.byHand ?? []);
  const { taxPercent, taxes, ...untaxed } = gathered.facts;
  const taxed = again?.taxed ?? { taxPercent, ...(taxes === undefined ? {} : { taxes }) };
  const facts = { ...untaxed, ...taxed, byHand };
  const rated = rateInvoice(facts);
  const debits = again === undefined ? pendingDebits(context.books, account) : [];
  const lines = [...rated, ...debits.map(({ line }) => line)];
  const total = totalOf(lines);
  const dueDays = dueDaysOf(context, account, toMs);
  const complete = gathered.evidence.every(({ vm, span }) => {
    const endsAtMs = context.catalog.endsAtMs(vm) ?? toMs;
    return span === undefined || isRightUntil(span, Math.min(toMs, endsAtMs));
  });
  const reviews = reviewsOf(gathered);
  const notes = [...notesOf(context, gathered), ...reviewNotes(reviews, currency)];
  const warnings = noteTexts(notes);
  const explaining = {
    account,
    facts,
    clauses: new KeptClauses(sheetsIn(context.termsLibrary)),
    incidents: lines.some(({ kind }) => kind === 'credit')
      ? context.catalog.incidents.all().filter(({ body: { withdrawn } }) => withdrawn === null)
      : [],
  };
  const rest = {
    // How it is laid out when it is printed: documents without it are printed as they always were.
    layout: 2,
    account,
    // As they are now: a later change of address is of later documents.
    issuer: context.issuer ?? null,
    customer: {
      name: body.name,
      language: body.language,
      address: body.address,
      tax_id: body.tax_id,
      registration: body.registration,
      purchase_order: body.purchase_order,
      email: body.email,
    },
    currency,
    from: formatInstant(fromMs),
    to: formatInstant(toMs),
    time_zone: gathered.days.time_zone,
    // By what it is taxed, also what it has no line of yet: rated again, it is taxed by these.
    ...taxesJson(facts.taxes),
    lines: lines.map((line) => lineJson(line, explaining)),
    ...aboutLines(context, lines, explaining),
    total: formatAmount(total, currency),
    usage_complete: complete,
    warnings,
    // The warnings in codes.
    ...(notes.length === 0 ? {} : { notes }),
    ...(gathered.notMeasured.length === 0
      ? {}
      : {
          not_measured: gathered.notMeasured.map(({ vm, servedMs, notMeasuredMs }) => ({
            vm,
            served_ms: servedMs,
            not_measured_ms: notMeasuredMs,
          })),
        }),
    // Rated before it was over, it is no invoice of it: see `finalize`.
    ...(gathered.isOver ? {} : { period_over: false }),
    ...unclaimedJson(gathered),
    ...reviewsJson(reviews, currency),
    // What the picture of its days is drawn from, also when the samples are gone.
    usage_days: gathered.days,
  };
  const agreed = agreedJson(context, account, { ...gathered, facts });
  const evidence = evidenceJson(gathered);
  const texts = {
    rest: toJson(rest),
    evidence: toJson({ ...evidence, agreed: { catalog: gathered.stored.catalogSeq, ...agreed } }),
  };
  return {
    head: {
      type: 'invoice',
      account,
      currency,
      from: fromMs,
      to: toMs,
      final: false,
      number: null,
      issued_at: null,
      ...seriesOf(context.issuer?.numbers?.invoice, gathered.days.time_zone),
      // Were it issued now, but for a period that is not over.
      due_at: dueAt(Math.max(toMs, context.businessNow()), dueDays),
      due_days: dueDays,
      ...(body.settlement === 'manual' ? { settlement: 'manual' as const } : {}),
      shares: Array.from(
        sharesOf(
          lines.map(({ vm, kind, amountNanos: nanos }) => ({ vm, kind, nanos })).filter(({ kind }) => kind !== 'late_fee'),
        ),
        ([vm, nanos]) => ({ vm, nanos: nanos.toString() }),
      ),
      total_nanos: total.toString(),
      principal_nanos: (total - totalOf(lines.filter((line) => line.kind === 'late_fee'))).toString(),
      corrects: null,
      // Without the position in the catalog, which every invoice moves on.
      digest: sha256(`${texts.rest}\n${toJson({ ...evidence, agreed })}`),
      ...billedCharges(rated),
      ...(debits.length === 0
        ? {}
        : {
            debits: debits.map(({ id, part, line }, i) => ({
              id,
              part,
              line: rated.length + i,
              nanos: line.amountNanos.toString(),
            })),
          }),
    },
    ...texts,
    sha256: null,
    lines,
    complete,
    warnings,
    unbilled: noteTexts(notes.filter(({ code }) => code === 'event_other_currency')),
  };
}

/** Which charges by hand are which lines. */
function billedCharges(lines: readonly RatedLine[]): { charges?: { id: string; line: number }[] } {
  const charges = lines.flatMap((line, i) =>
    line.kind === 'charge' && !isDebited(line) ? [{ id: line.detail.charge, line: i }] : [],
  );
  return charges.length === 0 ? {} : { charges };
}

/** What lines name: plans and VMs by their titles, other invoices by their numbers, clauses by what they say. */
function aboutLines(
  { catalog, books }: BillingContext,
  lines: readonly RatedLine[],
  { facts, clauses }: Explaining,
): Record<string, unknown> {
  const titled = (ids: Iterable<string>, titleOf: (id: string) => string | undefined): Record<string, string> =>
    Object.fromEntries([...new Set(ids)].sort().flatMap((id) => (titleOf(id) === undefined ? [] : [[id, titleOf(id) ?? '']])));
  const plans = facts.vms.flatMap(({ service }) => service.map(({ plan }) => plan.id));
  const invoices = lines.flatMap(({ detail }) => ('invoice' in detail ? [detail.invoice] : []));
  return {
    titles: {
      plans: titled(plans, (id) => catalog.plan(id)?.body.title),
      vms: titled(facts.vms.map(({ vm }) => vm), (id) => catalog.vm(id)?.body.title), // prettier-ignore
    },
    references: titled(invoices, (id) => {
      const head = books.state(id)?.head;
      return head === undefined ? undefined : (numberText(head) ?? undefined);
    }),
    clauses: clauses.kept(),
  };
}

function seriesOf(pattern: string | undefined, timeZone: string): { series?: NumberSeries } {
  return pattern === undefined ? {} : { series: { pattern, time_zone: timeZone } };
}

function notesOf({ issuer }: BillingContext, { notes, isOver, facts }: Gathered): NoteSay[] {
  return [
    ...(isOver ? [] : [{ code: 'period_not_over', ends_at: formatInstant(facts.toMs) } as const]),
    ...(issuer === undefined ? [{ code: 'no_issuer' } as const] : []),
    ...notes,
  ];
}

/** VMs whose credit hangs on silence that nobody has judged. */
function reviewsOf({ facts: { vms, fromMs, toMs, currency } }: Gathered): NeedsReview[] {
  const period = { fromMinute: fromMs / MINUTE_MS, toMinute: toMs / MINUTE_MS, currency };
  return vms.flatMap((vm) => reviewOf({ ...vm, ...period }) ?? []);
}

function reviewNotes(reviews: readonly NeedsReview[], currency: string): NoteSay[] {
  if (reviews.length === 0) return [];
  const amount = formatAmount(
    reviews.reduce((sum, each) => sum + each.atStakeNanos, 0n),
    currency,
  );
  return [{ code: 'needs_review', count: reviews.length, amount, currency }];
}

function reviewsJson(reviews: readonly NeedsReview[], currency: string): { needs_review?: unknown[] } {
  if (reviews.length === 0) return {};
  return {
    needs_review: reviews.map(({ vm, times, atStakeNanos }) => ({
      vm,
      from: formatInstant(times[0]?.fromMs ?? 0),
      to: formatInstant(times.at(-1)?.toMs ?? 0),
      at_stake: formatAmount(atStakeNanos, currency),
      times: times.map(({ fromMs, toMs }) => ({ from: formatInstant(fromMs), to: formatInstant(toMs) })),
    })),
  };
}

/** Credits that the terms give to whoever asks in time, and that were not asked for, or too late; nothing where there are none. */
function unclaimedJson({ facts: { vms, fromMs, toMs, currency } }: Gathered): { unclaimed_credits?: unknown[] } {
  const period = { fromMinute: fromMs / MINUTE_MS, toMinute: toMs / MINUTE_MS };
  const found = vms.flatMap((vm) => unclaimedCredits({ ...vm, ...period }));
  if (found.length === 0) return {};
  return {
    unclaimed_credits: found.map(({ vm, detail, creditNanos, claimByMs, claimedAtMs, clause }) => ({
      vm,
      ...detail,
      amount: formatAmount(roundedToMinor(creditNanos, currency), currency),
      claim_by: formatInstant(claimByMs),
      claimed_at: claimedAtMs === null ? null : formatInstant(claimedAtMs),
      outcome: claimedAtMs === null ? 'to_be_claimed' : 'barred',
      clause,
    })),
  };
}

/** What was measured: the published span and outages of each VM, before and after incidents, and traffic by plan. */
function evidenceJson({ facts, evidence }: Gathered): Record<string, unknown> {
  return {
    vms: evidence.map(({ vm, span, reported, counted }, i) => ({
      vm,
      first: span === undefined ? null : formatInstant(span.firstMs),
      horizon: span === undefined ? null : formatInstant(span.horizonMs),
      outages_reported: reported.map(outageText),
      outages_counted: counted.map(outageText),
      traffic: (facts.vms[i]?.traffic ?? []).map(({ plan, bytes, slots, ...of }) => ({
        plan,
        ...(of.class === undefined ? {} : { class: of.class }),
        rx_bytes: bytes.rxBytes,
        tx_bytes: bytes.txBytes,
        slots: slots.map((slot) => [slot.rxBytes, slot.txBytes]),
      })),
      events: (facts.vms[i]?.fees ?? []).map((fee) => fee.id),
    })),
  };
}

function outageText({ startMs, endMs, condition }: OutageInterval): unknown[] {
  return [formatInstant(startMs), endMs === null ? null : formatInstant(endMs), conditionOf(condition)];
}
