import { planInForce } from '../../domain/dated-plans.ts';
import type { Books } from '../../books/books.ts';
import { paidOf } from '../../books/paid-terms.ts';
import type { VmBody } from '../../catalog/bodies.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { applyIncidents, type NoticeRule } from '../../domain/incidents.ts';
import { parseAmount } from '../../domain/money.ts';
import type { OutageInterval } from '../../domain/timeline.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { QueryContext } from '../../query/context.ts';
import { sampleRange, trafficTotal } from '../../query/evidence.ts';
import { loadOutages } from '../../query/outages.ts';
import { loadSpans, type Span } from '../../query/span.ts';
import type { RefundEvent, RefundFacts } from '../../terms/measure.ts';
import type { TermsSheet } from '../../terms/sheet.ts';

/** What refund checks are made with: what was metered, and what was paid. */
export type RefundContext = QueryContext & { readonly books: Books };

/** Facts and the range they were measured over. */
export interface Gathered {
  facts: RefundFacts;
  evidence: {
    fromMs: number;
    toMs: number;
    samples: number;
    firstSampleMs: number | null;
    lastSampleMs: number | null;
    /** Causes after incidents, those that overlap the range, whole. */
    outages: OutageInterval[];
  };
}

/** Gathers what a refund check of a VM at an instant needs. Throws `vm_unknown` if the catalog has no such VM. */
export async function gatherFacts(
  context: RefundContext,
  vm: string,
  atMs: number,
  { maintenance_notice: noticeMs }: Pick<TermsSheet, 'maintenance_notice'>,
): Promise<Gathered> {
  const { catalog } = context;
  const body = catalog.vm(vm)?.body;
  const account = body === undefined ? undefined : catalog.account(body.account)?.body;
  if (body === undefined || account === undefined) throw new ProblemError('vm_unknown', `the catalog has no VM ${vm}`, { vm });

  const events = eventsOf(catalog, vm);
  const paid = paymentOf(context.books, vm, body, events, atMs);
  const span = (await loadSpans(context, [vm])).get(vm);
  const fromMs = Math.min(paid.atMs ?? body.starts_at ?? span?.firstMs ?? atMs, atMs);
  const outages = span === undefined ? [] : await restatedOutages(context, vm, span, atMs, [{ fromMs: 0, noticeMs }]);
  const samples = await sampleRange(context, vm, fromMs, atMs);
  return {
    facts: {
      vm,
      currency: account.currency,
      paidAtMs: paid.atMs,
      paidUntilMs: paid.untilMs,
      paidNanos: paid.nanos,
      startsAtMs: body.starts_at,
      promotion: body.promotion,
      plans: catalog.datedPlans(vm),
      handlingFeeNanos: handlingFee(catalog, body, paid.atMs ?? atMs),
      meteredToMs: span === undefined ? null : Math.min(span.horizonMs, span.waitsFromMs ?? Infinity),
      outages,
      judged: catalog.silences.ignoredOf(vm),
      traffic: span === undefined ? null : await trafficTotal(context, vm, fromMs, atMs),
      events,
      accountEvents: catalog.vmsOf(body.account).flatMap((each) => eventsOf(catalog, each)),
    },
    evidence: {
      fromMs,
      toMs: atMs,
      samples: samples.count,
      firstSampleMs: samples.firstMs,
      lastSampleMs: samples.lastMs,
      outages: outages.filter(({ startMs, endMs }) => startMs < atMs && (endMs ?? Infinity) > fromMs),
    },
  };
}

function eventsOf(catalog: Catalog, vm: string): RefundEvent[] {
  return catalog.events.of(vm).map(({ id, body }) => ({
    id,
    vm,
    kind: body.kind,
    atMs: body.at,
    amountNanos: body.amount === null ? null : (parseAmount(body.amount) ?? null),
  }));
}

/** What payments say was paid for the VM, and when; else its entry; where neither says anything, the last payment recorded up to the check. */
function paymentOf(
  books: Books,
  vm: string,
  body: VmBody,
  events: readonly RefundEvent[],
  atMs: number,
): { atMs: number | null; untilMs: number | null; nanos: bigint | null } {
  const paid = paidOf(books, vm, body, atMs);
  const recorded = events.findLast((event) => event.kind === 'payment' && event.atMs <= atMs);
  return { atMs: paid.atMs ?? recorded?.atMs ?? null, untilMs: paid.untilMs, nanos: paid.nanos ?? recorded?.amountNanos ?? null };
}

/** The handling fee of the plan in force when it was paid, or of the first one after. */
function handlingFee(catalog: Catalog, body: VmBody, paidAtMs: number): bigint {
  const dated = planInForce(body.plans, paidAtMs);
  const fee = dated === undefined ? undefined : catalog.plan(dated.plan)?.body.refund_handling_fee;
  return parseAmount(fee ?? '0') ?? 0n;
}

/** The VM's outages as incidents restate them; none past the end of its service, closed there if that lies before the check. */
async function restatedOutages(
  context: QueryContext,
  vm: string,
  span: Span,
  atMs: number,
  notices: readonly NoticeRule[],
): Promise<OutageInterval[]> {
  const endsAtMs = context.catalog.endsAtMs(vm) ?? Infinity;
  const reported = ((await loadOutages(context, [vm], span.firstMs, atMs)).get(vm) ?? [])
    .filter((outage) => outage.startMs < endsAtMs)
    .map(({ startMs, endMs, condition }) => {
      const past = (endMs ?? atMs) >= endsAtMs;
      return { startMs, endMs: past ? endsAtMs : endMs, condition };
    });
  // An outage that has ended is known to its end, also where the last minute is not published yet.
  const horizonMs = Math.max(span.horizonMs, reported.at(-1)?.endMs ?? 0);
  return applyIncidents({ firstMs: span.firstMs, horizonMs, outages: reported }, context.catalog.incidents.of(vm), notices);
}
