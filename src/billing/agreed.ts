import { agreedTerms, type Agreement, agreementsOf, billingSheetOf } from '../terms/agreed.ts';
import type { DiscountBody } from '../catalog/bodies.ts';
import type { BillingContext } from './context.ts';
import { formatInstant } from '../domain/instant.ts';
import { conditionOf } from '../domain/condition.ts';
import type { Interval } from '../domain/intervals.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { ByHand } from '../rating/by-hand.ts';
import type { OverdueInvoice } from '../rating/late-fee.ts';
import type { TermsSheet } from '../terms/sheet.ts';
import type { Gathered } from './facts.ts';
import { taxesJson } from './taxes.ts';
import { waivedOf } from './waived.ts';

/**
 * What was agreed when a document was rated: plans, terms sheets, incidents and events as they then were, whole. With the
 * outages and the traffic it makes the evidence complete: the lines can be computed again from it alone, by any program, also
 * when the catalog has moved on and raw samples have expired.
 */
export function agreedJson(context: BillingContext, account: string, { facts, stored }: Gathered): Record<string, unknown> {
  const { catalog } = context;
  const sheets = new Map<string, unknown>();
  const named = (sheet: TermsSheet | undefined): string | null => {
    if (sheet === undefined) return null;
    const key = `${sheet.id} ${sheet.version}`;
    sheets.set(key, context.termsLibrary.versions(sheet.id).find((each) => each.sheet === sheet)?.json);
    return key;
  };
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  const services = facts.vms.flatMap(({ service }) => service);
  const billing = billingSheetOf(context, account, facts.fromMs);
  const owed = [...facts.overdue.map(({ invoice }) => invoice), ...facts.charges.flatMap(({ list }) => list)];
  const range = {
    fromMs: Math.min(facts.fromMs, ...services.map((each) => each.fromMinute * MINUTE_MS)),
    toMs: Math.max(facts.toMs, ...services.map((each) => each.toMinute * MINUTE_MS)),
  };
  const vms = facts.vms.flatMap(({ vm }) => {
    const body = catalog.vm(vm)?.body;
    if (body === undefined) return [];
    return {
      vm,
      starts_at: shown(body.starts_at),
      ends_at: shown(body.ends_at),
      plans: agreedWithin(agreementsOf(context, body), {
        ...range,
        // A late fee goes by what was agreed since it fell due.
        fromMs: Math.min(range.fromMs, ...owed.map(({ dueAtMs }) => dueAtMs)),
      }).map(({ fromMs, plan, sheet }) => ({
        plan,
        from: formatInstant(fromMs),
        terms: named(sheet),
      })),
      nics: body.nics,
      ...(body.add_ons === undefined
        ? {}
        : { add_ons: body.add_ons.map((each) => ({ ...each, from: formatInstant(each.from), until: shown(each.until) })) }),
      ...discountsJson(body.discounts),
      // Events outside of the service are not charged: documents of before did not say so, and charged them.
      fees_within_service: true,
      incidents: catalog.incidents.of(vm).map(({ fromMs, toMs, condition, assertsDown, announcedBeforeMs }) => ({
        from: formatInstant(fromMs),
        to: formatInstant(toMs),
        cause: conditionOf(condition),
        asserts_down: assertsDown,
        ...(announcedBeforeMs === null ? {} : { announced_before_ms: announcedBeforeMs }),
      })),
      ...judgedJson(catalog.silences.ignoredOf(vm)),
      ...waivedJson(waivedOf(catalog, vm)),
      events: catalog.events.of(vm).map(({ id, body: { kind, at, rate, from, to } }) => ({
        id,
        kind,
        at: formatInstant(at),
        // The sheet that it is charged by.
        terms: named(agreedTerms(context, body, at)),
        ...(rate === undefined ? {} : { rate }),
        ...(from === undefined || to === undefined ? {} : { from: formatInstant(from), to: formatInstant(to) }),
      })),
      rows: stored.rows.get(vm) ?? null,
    };
  });
  const plans = new Set(vms.flatMap((vm) => vm.plans.map(({ plan }) => plan)));
  return {
    // Terms and plans hold from their day: documents of before took those at the period's beginning.
    from_their_day: true,
    range: { from: formatInstant(range.fromMs), to: formatInstant(range.toMs) },
    account: {
      ...{ currency: facts.currency, tax_percent: facts.taxPercent },
      ...taxesJson(facts.taxes),
      ...(facts.discounts === undefined
        ? {}
        : { time_zone: facts.discounts.zone.name, ...discountsJson(catalog.account(account)?.body.discounts) }),
    },
    plans: Object.fromEntries([...plans].sort().map((id) => [id, catalog.plan(id)?.body])),
    vms,
    ...byHandJson(facts.byHand ?? []),
    overdue: onceEach(facts.overdue.map(({ invoice }) => invoice)).map((invoice) => owedJson(invoice, named(billing))),
    // The daily charges of a prepaid balance, as far as late fees are computed from them.
    charges: onceEach(facts.charges.flatMap(({ list }) => list)).map((charge) => owedJson(charge, named(billing))),
    terms: Object.fromEntries(sheets),
  };
}

/** What is in force in some of a time, and all changes of plan: with the first of all the service may begin, and a plan is set up once. */
function agreedWithin(agreements: readonly Agreement[], { fromMs, toMs }: { fromMs: number; toMs: number }): Agreement[] {
  return agreements.filter(
    (each, i) =>
      agreements[i - 1]?.plan !== each.plan || (each.fromMs < toMs && (agreements[i + 1]?.fromMs ?? Infinity) > fromMs),
  );
}

/** What is taken off, as it was agreed; nothing where nothing is. */
function discountsJson(discounts: readonly DiscountBody[] | undefined): { discounts?: unknown[] } {
  if (discounts === undefined) return {};
  return {
    discounts: discounts.map(({ name, kinds = null, from, until, ...off }) => ({
      name,
      ...('percent' in off ? { percent: off.percent } : { amount: off.amount, per: off.per }),
      ...{ kinds, from: formatInstant(from), until: until === null ? null : formatInstant(until) },
    })),
  };
}

/** Time whose silence is on record as nobody's outage; nothing where there is none. */
function judgedJson(judged: readonly Interval[]): { judged?: unknown[] } {
  if (judged.length === 0) return {};
  return { judged: judged.map(({ fromMs, toMs }) => ({ from: formatInstant(fromMs), to: formatInstant(toMs) })) };
}

/** Time of which all that was paid went back: it is not charged. */
function waivedJson(waived: readonly Interval[]): { waived?: unknown[] } {
  if (waived.length === 0) return {};
  return { waived: waived.map(({ fromMs, toMs }) => ({ from: formatInstant(fromMs), to: formatInstant(toMs) })) };
}

/** What is charged by hand, as somebody decided on it. */
function byHandJson(charges: readonly ByHand[]): { by_hand?: unknown[] } {
  if (charges.length === 0) return {};
  return {
    by_hand: charges.map(({ id, vm, nanos, taxPercent }) => ({ charge: id, vm, amount_nanos: nanos, tax_percent: taxPercent })),
  };
}

/** What is owed, whichever rules it is under, once. */
function onceEach(list: readonly OverdueInvoice[]): OverdueInvoice[] {
  return [...new Map(list.map((each) => [each.id, each])).values()];
}

/** With whose it is, where that is known: then each VM's share goes by what the VM agreed on, else all by one sheet. */
function owedJson({ id, number, principalNanos, dueAtMs, payments, shares }: OverdueInvoice, terms: string | null): object {
  const isShared = shares !== undefined && shares.size > 0;
  return {
    invoice: id,
    number,
    principal_nanos: principalNanos,
    due_at: formatInstant(dueAtMs),
    payments: payments.map(({ atMs, amountNanos }) => ({ at: formatInstant(atMs), amount_nanos: amountNanos })),
    ...(isShared ? { terms: null, shares: Array.from(shares, ([vm, nanos]) => ({ vm, nanos })) } : { terms }),
  };
}
