import type { VmBody } from '../catalog/bodies.ts';
import type { CreditPolicy } from '../domain/credit-policy.ts';
import { defaultCreditPolicy } from '../domain/credit-policy.ts';
import { applyIncidents, type Incident, type NoticeRule } from '../domain/incidents.ts';
import type { DatedPlan, Plan } from '../domain/plan.ts';
import { formatInstant } from '../domain/instant.ts';
import type { OutageInterval } from '../domain/timeline.ts';
import { localDay, MINUTE_MS, monthEnd, monthStart } from '../domain/zone.ts';
import { VMS_A_STATEMENT } from '../query/context.ts';
import { loadOutages } from '../query/outages.ts';
import { type RatedFrom, type RowsBehind, rowsBehind } from '../query/rows-behind.ts';
import { loadSpans, type Span } from '../query/span.ts';
import type { FeeEvent } from '../rating/fees.ts';
import type { InvoiceFacts, PlanTraffic, VmFacts } from '../rating/order.ts';
import { type Segment, segmentsOf } from '../rating/served.ts';
import type { Bytes } from '../rating/traffic.ts';
import type { ClosedOutage } from '../rating/unavailable.ts';
import { eventFees, exchanged } from '../terms/fees.ts';
import { agreedTerms, agreementsOf, noticesOf } from '../terms/agreed.ts';
import { creditPolicyOf } from '../terms/policy.ts';
import { dayEdges, type UsageDays, usageDays } from './days.ts';
import { besidesOf, discountOf } from './besides.ts';
import { claimsOf } from './claims.ts';
import type { BillingContext } from './context.ts';
import { type NotMeasured, notMeasuredNotes, notMeasuredOf } from './not-measured.ts';
import { lateChargesOf, overdueOf } from './overdue.ts';
import type { NoteSay } from '../rating/note.ts';
import { unprintableOf } from './unprintable.ts';
import { zoneOfPeriod } from './period.ts';
import type { Usage } from './stored-usage.ts';
import { taxesOf } from './taxes.ts';
import { trafficOf } from './traffic.ts';
import { withoutWaived } from './waived.ts';

/** What the lines of a VM rest on: kept with the invoice as its evidence. */
export interface VmEvidence {
  vm: string;
  span: Span | undefined;
  /** As reported, and as incidents restate them. */
  reported: readonly OutageInterval[];
  counted: readonly OutageInterval[];
}

export interface Gathered {
  facts: InvoiceFacts;
  evidence: readonly VmEvidence[];
  days: UsageDays;
  /** What could not be billed, or was not measured. */
  notes: readonly NoteSay[];
  /** Served time of which no sample says anything, by VM, as far as it is worth a word. */
  notMeasured: readonly NotMeasured[];
  /** Whether the period was over when it was rated. */
  isOver: boolean;
  stored: RatedFrom;
}

/** Reads all that an account's invoice for [fromMs, toMs) is computed from. Both are whole minutes. */
export async function gatherFacts(context: BillingContext, account: string, fromMs: number, toMs: number): Promise<Gathered> {
  const usage = context.usageOf?.(context, account, fromMs, toMs) ?? loadUsage(context, [account], fromMs, toMs);
  return factsOf(context, account, await usage);
}

/** The days that an account's period is made of: accounts whose days are the same can be read together. */
export function daysOf(context: BillingContext, account: string, fromMs: number, toMs: number): number[] {
  return dayEdges(zoneOfPeriod(context.catalog, account, fromMs, toMs), fromMs / MINUTE_MS, toMs / MINUTE_MS);
}

/** Reads what the invoices of `accounts` for [fromMs, toMs) are computed from; their days are the same. */
export async function loadUsage(
  context: BillingContext,
  accounts: readonly string[],
  fromMs: number,
  toMs: number,
): Promise<Usage> {
  const { catalog } = context;
  const vms = accounts.flatMap((account) => catalog.vmsOf(account).flatMap((id) => catalog.vm(id) ?? []));
  const services = servicesOf(context, accounts, fromMs, toMs);
  let widest = { fromMs, toMs };
  for (const segments of services.values())
    for (const segment of segments)
      widest = {
        fromMs: Math.min(widest.fromMs, segment.fromMinute * MINUTE_MS),
        toMs: Math.max(widest.toMs, segment.toMinute * MINUTE_MS),
      };
  const catalogSeq = catalog.lastSeq;
  const rows = new Map<string, RowsBehind>();
  const spans = new Map<string, Span>();
  const outages = new Map<string, OutageInterval[]>();
  const traffic = new Map<string, PlanTraffic[]>();
  const trafficByDay = new Map<string, Bytes[]>();
  const edges = daysOf(context, accounts[0] ?? '', fromMs, toMs);
  for (let i = 0; i < vms.length; i += VMS_A_STATEMENT) {
    const some = vms.slice(i, i + VMS_A_STATEMENT);
    const ids = some.map((vm) => vm.id);
    // Before the facts: a row stored meanwhile is newer than this says.
    for (const [vm, behind] of await rowsBehind(context, ids, fromMs, toMs)) rows.set(vm, behind);
    for (const [vm, span] of await loadSpans(context, ids)) spans.set(vm, span);
    for (const [vm, found] of await loadOutages(context, ids, widest.fromMs, widest.toMs)) outages.set(vm, found);
    const { byPlan, byDay } = await trafficOf(context, some, services, edges);
    for (const [vm, found] of byPlan) traffic.set(vm, found);
    for (const [vm, found] of byDay) trafficByDay.set(vm, found);
  }
  const unprintable = new Map<string, readonly NoteSay[]>();
  for (const account of accounts) unprintable.set(account, await unprintableOf(context, account));
  return { unprintable, fromMs, toMs, edges, services, spans, outages, traffic, trafficByDay, stored: { catalogSeq, rows } };
}

/** By VM of the accounts: its service around [fromMs, toMs), with the credit policy of its terms sheet. Nothing is read for it. */
export function servicesOf(
  context: BillingContext,
  accounts: readonly string[],
  fromMs: number,
  toMs: number,
): Map<string, Segment[]> {
  const { catalog } = context;
  const vms = accounts.flatMap((account) => catalog.vmsOf(account).flatMap((id) => catalog.vm(id) ?? []));
  return new Map(vms.map(({ id, body }) => [id, serviceOf(context, id, body, fromMs / MINUTE_MS, toMs / MINUTE_MS)]));
}

/** The facts of one account's invoice, out of what was read. */
export function factsOf(context: BillingContext, account: string, usage: Usage): Gathered {
  const { catalog } = context;
  const { fromMs, toMs, services, spans, traffic } = usage;
  const body = catalog.account(account)?.body;
  if (body === undefined) throw new Error(`account ${account} is not in the catalog`);
  const notes: NoteSay[] = [];
  const vms = catalog.vmsOf(account).flatMap((id) => catalog.vm(id) ?? []);
  const evidence = vms.map((vm) => evidenceOf(vm.id, usage, catalog.incidents.of(vm.id), noticesOf(context, vm.body)));

  const facts: VmFacts[] = vms.map((vm, i) => {
    const span = spans.get(vm.id);
    const counted = evidence[i]?.counted ?? [];
    const fees: FeeEvent[] = [];
    const events = catalog.events.of(vm.id).map((event) => ({ id: event.id, kind: event.body.kind, atMs: event.body.at }));
    const rates = new Map(catalog.events.of(vm.id).flatMap(({ id, body: { rate } }) => (rate === undefined ? [] : [[id, rate]])));
    for (const fee of eventFees((atMs) => agreedTerms(context, vm.body, atMs), events, vm.body.starts_at)) {
      if (fee.atMs < fromMs || fee.atMs >= toMs) continue;
      if (!isServedAt(vm.body, fee.atMs)) {
        if (fee.feeNanos > 0n)
          notes.push({ code: 'event_outside_service', vm: vm.id, event: fee.id, kind: fee.kind, at: formatInstant(fee.atMs) });
        continue;
      }
      const rate = rates.get(fee.id);
      if (fee.currency === body.currency || fee.feeNanos === 0n) fees.push(fee);
      else if (rate !== undefined) fees.push(exchanged(fee, rate));
      else
        notes.push({
          code: 'event_other_currency',
          vm: vm.id,
          event: fee.id,
          fee: fee.amount,
          fee_currency: fee.currency,
          currency: body.currency,
        });
    }
    return {
      vm: vm.id,
      service: services.get(vm.id) ?? [],
      outages: closed(counted, span),
      traffic: traffic.get(vm.id) ?? [],
      fees,
      ...besidesOf(catalog, vm.id, vm.body, fromMs, toMs),
      claims: claimsOf(context, vm.id),
      judged: catalog.silences.ignoredOf(vm.id),
    };
  });
  const nowMs = context.businessNow();
  const notMeasured = notMeasuredOf(facts, spans, fromMs, Math.min(toMs, nowMs));
  return {
    facts: {
      currency: body.currency,
      taxPercent: body.tax_percent,
      ...(body.taxes === undefined ? {} : { taxes: taxesOf(body) ?? [] }),
      fromMs,
      toMs,
      vms: facts,
      ...(body.discounts === undefined
        ? {}
        : { discounts: { zone: zoneOfPeriod(catalog, account, fromMs, toMs), list: body.discounts.map(discountOf) } }),
      overdue: overdueOf(context, account, fromMs, toMs),
      charges: lateChargesOf(context, account, fromMs, toMs),
    },
    evidence,
    days: usageDays(
      zoneOfPeriod(catalog, account, fromMs, toMs),
      usage.edges,
      facts.map((each, i) => ({ ...each, span: evidence[i]?.span })),
      usage.trafficByDay,
    ),
    notes: [...notes, ...notMeasuredNotes(notMeasured), ...(usage.unprintable.get(account) ?? [])],
    notMeasured,
    isOver: nowMs >= toMs,
    stored: usage.stored,
  };
}

/** Whether a VM is served at an instant, on one plan or another: what happens to it before or after is nothing that its plans charge. */
function isServedAt({ starts_at: startsAt, ends_at: endsAt, plans }: VmBody, atMs: number): boolean {
  const from = Math.max(startsAt ?? -Infinity, plans[0]?.from ?? -Infinity);
  return atMs >= from && atMs < (endsAt ?? Infinity);
}

/** What of a VM's outages counts for a period, under given incidents: all that reach into the months its service is priced by. */
export function evidenceOf(
  vm: string,
  { fromMs, toMs, services, spans, outages }: Pick<Usage, 'fromMs' | 'toMs' | 'services' | 'spans' | 'outages'>,
  incidents: readonly Incident[],
  notices: readonly NoticeRule[],
): VmEvidence {
  const span = spans.get(vm);
  const served = services.get(vm) ?? [];
  const window = {
    fromMs: Math.min(fromMs, ...served.map((segment) => segment.fromMinute * MINUTE_MS)),
    toMs: Math.max(toMs, ...served.map((segment) => segment.toMinute * MINUTE_MS)),
  };
  // Other accounts of the usage may reach further: an invoice says the same whoever it was rated together with.
  const reported = (outages.get(vm) ?? []).filter(
    ({ startMs, endMs }) => startMs < window.toMs && (endMs ?? Infinity) > window.fromMs,
  );
  if (span === undefined) return { vm, span, reported, counted: [] };
  const counted = applyIncidents({ ...span, outages: reported }, incidents, notices);
  // What is published beyond all that is billed says nothing here, and would make the evidence another one every minute.
  return { vm, span: { ...span, horizonMs: Math.min(span.horizonMs, window.toMs) }, reported, counted };
}

/** A VM's service over the calendar months (of its plans' zones) around the period: shares of a month need all of it. */
function serviceOf(context: BillingContext, id: string, vm: VmBody, fromMinute: number, toMinute: number): Segment[] {
  const plans = context.catalog.datedPlans(id);
  const zones = plans.map(({ plan }) => plan.zone);
  const from = Math.min(fromMinute, ...zones.map((zone) => monthStart(zone, localDay(zone, fromMinute))));
  const to = Math.max(toMinute, ...zones.map((zone) => monthEnd(zone, localDay(zone, toMinute - 1))));
  const rated = new Map(plans.map(({ plan }) => [plan.id, plan]));
  const agreements = agreementsOf(context, vm);
  const dated = agreements.flatMap(({ fromMs, plan }): DatedPlan[] => {
    const found = rated.get(plan);
    return found === undefined ? [] : [{ fromMs, plan: found }];
  });
  const policyOf = (plan: Plan, fromMs: number): CreditPolicy => {
    const sheet = agreements.find((each) => each.fromMs === fromMs)?.sheet;
    return sheet === undefined ? defaultCreditPolicy(plan) : creditPolicyOf(sheet, plan);
  };
  const served = segmentsOf({ startsAtMs: vm.starts_at, endsAtMs: vm.ends_at, plans: dated, policyOf }, from, to);
  return withoutWaived(context.catalog, id, served);
}

/** Outages with an end: what is still open has lasted as far as is published. */
export function closed(outages: readonly OutageInterval[], span: Span | undefined): ClosedOutage[] {
  if (span === undefined) return [];
  return outages.flatMap(({ startMs, endMs, condition }) => {
    const end = Math.min(endMs ?? span.horizonMs, span.horizonMs);
    return startMs < end ? [{ startMs, endMs: end, condition }] : [];
  });
}
