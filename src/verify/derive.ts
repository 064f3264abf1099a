/** The lines of a document computed a second time, by the model and from the evidence alone. */
import { restatedOutages } from './model/incidents.ts';
import { modelInvoice } from './model/invoice.ts';
import type { ModelLine } from './model/invoice-facts.ts';
import { modelReviews, type ModelReview } from './model/review.ts';
import type { ModelAgreement, ModelDiscount, ModelInvoice, ModelSums, ModelVm, ModelVmTraffic } from './model/invoice-facts.ts';
import type { ModelLateRule, ModelOwed } from './model/late.ts';
import { halfEven, type ModelOutage } from './model/rater.ts';
import { modelDecimal, modelDuration, modelFees, modelLateFeeRule, modelNanos, modelPolicy } from './model/terms.ts';
import { minorDigits } from '../domain/money.ts';
import type { AgreedDiscounts, AgreedVm, DocumentContent, Evidence, EvidenceVm } from './document-shapes.ts';

type Plans = Evidence['agreed']['plans'];
type Sheets = Evidence['agreed']['terms'];

/** What the lines of a period should be. Evidence that contradicts itself gives other lines than the document's. */
export function derivedLines(content: Period, evidence: Evidence): ModelLine[] {
  return modelInvoice(modelFacts(content, evidence));
}

/** What of the credits of a period hangs on time that nobody had judged. */
export function derivedReviews(content: Period, evidence: Evidence): ModelReview[] {
  return modelReviews(modelFacts(content, evidence));
}

type Period = Pick<DocumentContent, 'from' | 'to' | 'currency'>;

function modelFacts({ from, to, currency }: Period, evidence: Evidence): ModelInvoice {
  const { agreed } = evidence;
  return {
    minorNanos: 10n ** BigInt(9 - minorDigits(currency)),
    taxPercentNanos: modelNanos(agreed.account.tax_percent),
    ...(agreed.account.taxes === undefined
      ? {}
      : { taxes: agreed.account.taxes.map(({ name, percent, kinds }) => ({ name, kinds, percentNanos: modelNanos(percent) })) }),
    fromMs: from,
    toMs: to,
    monthsFromMs: agreed.range.from,
    monthsToMs: agreed.range.to,
    fromTheirDay: agreed.from_their_day,
    vms: evidence.vms.flatMap((measured) => {
      const vm = agreed.vms.find((each) => each.vm === measured.vm);
      return vm === undefined ? [] : [vmOf(vm, measured, agreed.plans, agreed.terms, { from, to, currency })];
    }),
    ...(agreed.account.discounts === undefined
      ? {}
      : { discounts: { timeZone: agreed.account.time_zone ?? 'UTC', list: agreed.account.discounts.map(discountOf) } }),
    byHand: agreed.by_hand.map(({ charge, vm, amount_nanos: nanos, tax_percent: percent }) => ({
      ...{ charge, vm, nanos },
      taxPercentNanos: percent === null ? null : modelNanos(percent),
    })),
    overdue: agreed.overdue.flatMap((each) => owedOf(each, agreed)),
    charges: agreed.charges.flatMap((each) => owedOf(each, agreed)),
  };
}

/** What is owed, whose it is, and by which terms: those of each VM, or of all of it one sheet. */
function owedOf(
  { invoice, principal_nanos, due_at, payments, terms, shares }: Evidence['agreed']['overdue'][number],
  { vms, terms: sheets }: Pick<Evidence['agreed'], 'vms' | 'terms'>,
): ModelOwed[] {
  const ruleOf = (named: string | null): ModelLateRule | null => {
    const sheet = named === null ? undefined : sheets[named];
    return sheet === undefined ? null : modelLateFeeRule(sheet);
  };
  const owed = {
    invoice,
    principalNanos: principal_nanos,
    dueAtMs: due_at,
    payments: payments.map((each) => ({ atMs: each.at, amountNanos: each.amount_nanos })),
  };
  if (shares === undefined) {
    const rule = ruleOf(terms);
    return rule === null ? [] : [{ ...owed, sharedNanos: 1n, shares: [{ nanos: 1n, terms: [{ fromMs: -Infinity, rule }] }] }];
  }
  return [
    {
      ...owed,
      sharedNanos: shares.reduce((sum, { nanos }) => sum + nanos, 0n),
      shares: vms.map(({ vm, plans }) => ({
        nanos: shares.find((each) => each.vm === vm)?.nanos ?? 0n,
        terms: plans.map((plan) => ({ fromMs: plan.from, rule: ruleOf(plan.terms) })),
      })),
    },
  ];
}

/** A VM's outages as they count: those reported, restated by the incidents that were in force. */
export function countedOutages(vm: AgreedVm, measured: EvidenceVm, sheets: Sheets): ModelOutage[] {
  if (measured.first === null || measured.horizon === null) return [];
  const reported = measured.outages_reported.map(([startMs, endMs, cause]) => ({ startMs, endMs, cause }));
  const incidents = vm.incidents.map((each) => ({
    fromMs: each.from,
    toMs: each.to,
    cause: each.cause,
    assertsDown: each.asserts_down,
    announcedBeforeMs: each.announced_before_ms,
  }));
  const notices = vm.plans.map(({ from, terms }) => {
    const notice = terms === null ? null : (sheets[terms]?.['maintenance_notice'] ?? null);
    return { fromMs: from, noticeMs: notice === null ? null : modelDuration(notice) };
  });
  return restatedOutages(reported, incidents, measured.first, measured.horizon, notices);
}

function vmOf(
  vm: AgreedVm,
  measured: EvidenceVm,
  plans: Plans,
  sheets: Sheets,
  { from, to, currency }: Pick<DocumentContent, 'from' | 'to' | 'currency'>,
): ModelVm {
  const agreements = vm.plans.flatMap(({ plan: planId, from: fromMs, terms }): ModelAgreement[] => {
    const body = plans[planId];
    if (body === undefined) return [];
    const sheet = terms === null ? null : (sheets[terms] ?? null);
    const policy = modelPolicy(sheet, body.creditable);
    const price = { amountNanos: modelNanos(body.price.amount), per: body.price.per };
    return [{ fromMs, planId, plan: { timeZone: body.time_zone, price, creditable: policy.creditable }, policy }];
  });
  const events = vm.events.map(({ id, kind, at, terms, rate }) => {
    const of = rate === undefined ? null : modelDecimal(rate);
    const named = vm.fee_terms === undefined ? terms : vm.fee_terms;
    return { id, kind, atMs: at, sheet: named === null || named === undefined ? null : (sheets[named] ?? null), rate: of };
  });
  const fees = modelFees(events, vm.starts_at);
  return {
    vm: vm.vm,
    startsAtMs: vm.starts_at,
    endsAtMs: vm.ends_at,
    agreements,
    outages: countedOutages(vm, measured, sheets),
    traffic: measured.traffic.flatMap((each) => trafficOf(each, plans)),
    waived: vm.waived.map((each) => ({ fromMs: each.from, toMs: each.to })),
    judged: vm.judged.map((each) => ({ fromMs: each.from, toMs: each.to })),
    claims: vm.events.flatMap(({ kind, at, from: since, to: until }) =>
      kind !== 'credit_claimed' || since === undefined || until === undefined ? [] : [{ atMs: at, fromMs: since, toMs: until }],
    ),
    sums: new Map(
      [...new Set(agreements.map(({ planId }) => planId))].flatMap((planId) => {
        const body = plans[planId];
        return body === undefined ? [] : [[planId, sumsOf(body)] as const];
      }),
    ),
    addOns: vm.add_ons.map(({ id, price, quantity, from: since, until }) => ({
      ...{ id, quantity, fromMs: since, untilMs: until },
      price: { amountNanos: modelNanos(price.amount), per: price.per },
    })),
    discounts: vm.discounts.map(discountOf),
    // What is priced in another currency is billed at the rate that was recorded; without one it was told as a warning.
    fees: fees
      .filter((fee) => isWithin(vm, fee.atMs) && fee.atMs >= from && fee.atMs < to)
      .flatMap((fee) => {
        if (fee.currency === currency) return [fee];
        return fee.rate === null ? [] : [{ ...fee, nanos: halfEven({ num: fee.nanos * fee.rate.num, den: fee.rate.den }, 1n) }];
      }),
  };
}

function discountOf({ name, percent, amount, per = 'month', kinds, from, until }: AgreedDiscounts[number]): ModelDiscount {
  const percents = percent === undefined ? null : modelDecimal(percent);
  return {
    ...{ name, kinds, fromMs: from, untilMs: until },
    percent: percents === null ? null : { num: percents.num, den: percents.den * 100n },
    amount: amount === undefined ? null : { amountNanos: modelNanos(amount), per },
  };
}

function sumsOf({ minimum, maximum, flat, setup }: Plans[string]): ModelSums {
  const nanos = (amount: string | undefined): bigint | null => (amount === undefined ? null : modelNanos(amount));
  return { minimum: nanos(minimum), maximum: nanos(maximum), flat: nanos(flat), setup: nanos(setup) };
}

function trafficOf({ plan, rx_bytes, tx_bytes, slots, ...of }: EvidenceVm['traffic'][number], plans: Plans): ModelVmTraffic[] {
  const whole = plans[plan]?.traffic ?? null;
  const rules = of.class === undefined ? whole : whole?.classes.find(({ name }) => name === of.class);
  if (rules === undefined || rules === null) return [];
  const bytes = { plan, rx: rx_bytes, tx: tx_bytes, slots };
  if (rules.counting === 'p95') {
    const { counting, direction } = rules;
    return [{ ...bytes, rules: { counting, direction, pricePerMbpsNanos: modelNanos(rules.price_per_mbps) } }];
  }
  return [
    {
      ...bytes,
      rules: {
        counting: rules.counting,
        included: rules.included_bytes,
        unitBytes: rules.unit_bytes,
        roundUp: rules.round_up,
        mode: rules.mode,
        tiers: rules.tiers.map((tier) => ({ upTo: tier.up_to, priceNanos: modelNanos(tier.price) })),
      },
    },
  ];
}

/** Whether an event may be charged: within the service, unless the document is of before that was a rule. */
function isWithin({ fees_within_service: isRule, starts_at: startsAt, ends_at: endsAt, plans }: AgreedVm, atMs: number): boolean {
  if (!isRule) return true;
  const began = [startsAt ?? atMs, ...plans.map((each) => each.from).slice(0, 1)];
  return began.every((fromMs) => fromMs <= atMs) && (endsAt === null || atMs < endsAt);
}
