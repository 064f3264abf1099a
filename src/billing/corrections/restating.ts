import type { InvoiceState } from '../../books/invoices.ts';
import type { BillingContext } from '../context.ts';
import type { AccountBody, DiscountBody, VmBody } from '../../catalog/bodies.ts';
import { type CatalogChange, changedCatalog } from './changed-catalog.ts';
import type { PlanBody } from '../../domain/plan.ts';
import { ownTerms } from '../../terms/agreed.ts';
import { finalInvoices, type Reconciled, reconcileInvoice } from './reconcile.ts';

/** What a change touches of what was invoiced. */
export interface Touched {
  readonly code: 'plan_in_use' | 'restates_invoices';
  /** What changes, in words. */
  readonly what: string;
  readonly states: readonly InvoiceState[];
}

/** What of a plan a final invoice is rated by: it is succeeded, not edited. */
const PRICED = ['price', 'traffic', 'time_zone', 'currency', 'minimum', 'maximum', 'flat', 'setup'] as const;
/** What of it credits are given by. */
const CREDITED = ['creditable', 'terms'] as const;

/** The final invoices that a change touches, and how; undefined where there are none. Nothing is read for it. */
export function touchedBy(context: BillingContext, change: CatalogChange): Touched | undefined {
  switch (change.kind) {
    case 'plan':
      return touchedByPlan(context, change.id, change.body);
    case 'account':
      return touchedByAccount(context, change.id, change.body);
    case 'vm':
      return touchedByVm(context, change.id, change.body);
  }
}

function touchedByPlan(context: BillingContext, id: string, after: PlanBody): Touched | undefined {
  const before = context.catalog.plan(id)?.body;
  if (before === undefined) return undefined;
  const differs = (field: keyof PlanBody): boolean => JSON.stringify(before[field]) !== JSON.stringify(after[field]);
  const priced = PRICED.filter(differs);
  const fields = [...priced, ...CREDITED.filter(differs)];
  if (fields.length === 0) return undefined;
  const states = invoicesOn(context, id);
  if (states.length === 0) return undefined;
  const code = priced.length > 0 ? 'plan_in_use' : 'restates_invoices';
  return { code, what: `${fields.join(' and ')} of plan ${id} would change for all time that it is in force`, states };
}

/** Taken away is what a body that lacks it takes away: another rate is of later invoices, and none is rarely meant. */
function touchedByAccount(context: BillingContext, id: string, after: AccountBody): Touched | undefined {
  const before = context.catalog.account(id)?.body;
  if (before === undefined) return undefined;
  const discounted = finalInvoices(context, id).filter(({ head }) => isTakenOffOtherwise(before, after, head.from, head.to));
  if (discounted.length > 0) {
    const what = `discounts of account ${id} would change for time that was invoiced`;
    return { code: 'restates_invoices', what, states: discounted };
  }
  if (isUntaxed(before) || !isUntaxed(after)) return undefined;
  const states = finalInvoices(context, id);
  if (states.length === 0) return undefined;
  const named = isZero(before.tax_percent) ? 'taxes' : `tax_percent of account ${id} would go from ${before.tax_percent} to 0`;
  const what = `${named === 'taxes' ? `taxes of account ${id} would be taken away` : named}; final invoices keep the rate that they have`;
  return { code: 'restates_invoices', what, states };
}

/** Whether an account has something else off at any instant of [fromMs, toMs). */
function isTakenOffOtherwise(before: AccountBody, after: AccountBody, fromMs: number, toMs: number): boolean {
  const edges = [before, after].flatMap(({ discounts = [] }) =>
    discounts.flatMap((each) => [each.from, each.until ?? each.from]),
  );
  return [fromMs, ...edges]
    .filter((atMs) => atMs >= fromMs && atMs < toMs)
    .some((atMs) => JSON.stringify(discountsAt(before.discounts, atMs)) !== JSON.stringify(discountsAt(after.discounts, atMs)));
}

function touchedByVm(context: BillingContext, id: string, after: VmBody): Touched | undefined {
  const before = context.catalog.vm(id)?.body;
  // Of another account it is refused anyway once it was charged.
  if (before === undefined || before.account !== after.account) return undefined;
  const states = finalInvoices(context, before.account).filter(({ head }) => agreesOtherwise(before, after, head.from, head.to));
  if (states.length === 0) return undefined;
  return { code: 'restates_invoices', what: `what is agreed for VM ${id} would change for time that was invoiced`, states };
}

/**
 * Whether a VM's plan, terms or interfaces differ at any instant of [fromMs, toMs). An end of service that is earlier is no such
 * difference: it says what happened, and the credit note for it is what is wanted.
 */
function agreesOtherwise(before: VmBody, after: VmBody, fromMs: number, toMs: number): boolean {
  const edges = [before, after].flatMap((vm) => [
    ...[...vm.plans, ...ownTerms(vm)].map((each) => each.from),
    ...[...(vm.add_ons ?? []), ...(vm.discounts ?? [])].flatMap((each) => [each.from, each.until ?? each.from]),
    vm.starts_at ?? fromMs,
    vm.ends_at ?? fromMs,
  ]);
  return [fromMs, ...edges]
    .filter((atMs) => atMs >= fromMs && atMs < toMs)
    .some((atMs) => {
      if (after.ends_at !== null && atMs >= after.ends_at) return false;
      return agreedAt(before, atMs) !== agreedAt(after, atMs);
    });
}

/** What a VM is rated by at an instant; null outside of its service. */
function agreedAt(vm: VmBody, atMs: number): string | null {
  const { plans, starts_at: startsAt, ends_at: endsAt, nics } = vm;
  if ((startsAt !== null && atMs < startsAt) || (endsAt !== null && atMs >= endsAt)) return null;
  const plan = plans.findLast((each) => each.from <= atMs)?.plan;
  const terms = ownTerms(vm).findLast((each) => each.from <= atMs)?.sheet ?? null;
  const addOns = (vm.add_ons ?? [])
    .filter((each) => each.from <= atMs && (each.until ?? Infinity) > atMs)
    .map(({ id, name, price, quantity }) => [id, name, price, quantity]);
  return plan === undefined ? null : JSON.stringify([plan, terms, nics, addOns, discountsAt(vm.discounts, atMs)]);
}

/** What is taken off at an instant. */
function discountsAt(discounts: readonly DiscountBody[] = [], atMs: number): unknown[] {
  return discounts
    .filter((each) => each.from <= atMs && (each.until ?? Infinity) > atMs)
    .map((each) => ({ ...each, from: 0, until: null }));
}

/** The final invoices of time in which a VM of their account was on a plan. */
function invoicesOn(context: BillingContext, plan: string): InvoiceState[] {
  const byAccount = new Map<string, { fromMs: number; toMs: number }[]>();
  for (const id of context.catalog.vmsOn(plan)) {
    const vm = context.catalog.vm(id)?.body;
    if (vm === undefined) continue;
    const spans = byAccount.get(vm.account) ?? [];
    byAccount.set(vm.account, spans);
    for (const [i, each] of vm.plans.entries()) {
      if (each.plan !== plan) continue;
      const fromMs = Math.max(each.from, vm.starts_at ?? each.from);
      const toMs = Math.min(vm.plans[i + 1]?.from ?? Infinity, vm.ends_at ?? Infinity);
      if (fromMs < toMs) spans.push({ fromMs, toMs });
    }
  }
  return [...byAccount].flatMap(([account, spans]) =>
    finalInvoices(context, account).filter(({ head }) => spans.some(({ fromMs, toMs }) => fromMs < head.to && toMs > head.from)),
  );
}

/** Whether nothing is said of taxes, or that there is none. */
function isUntaxed({ tax_percent: percent, taxes }: AccountBody): boolean {
  return isZero(percent) && taxes === undefined;
}

function isZero(percent: string): boolean {
  return /^0(\.0*)?$/.test(percent);
}

/** What a reconcile would make of some final invoices, were the change made. */
export interface WouldCorrect {
  readonly corrected: readonly Reconciled[];
  /** How many were rated again, of those given; those after them were not looked at. */
  readonly checked: number;
}

/** Rates final invoices under a change, in their order, as long as there is time; one at least. Nothing is written. */
export async function wouldCorrect(
  context: BillingContext,
  change: CatalogChange,
  states: readonly InvoiceState[],
  inTime: () => boolean,
): Promise<WouldCorrect> {
  const then = { ...context, catalog: changedCatalog(context.catalog, change) };
  const corrected: Reconciled[] = [];
  let checked = 0;
  for (const state of states) {
    if (checked > 0 && !inTime()) break;
    const found = await reconcileInvoice(then, state, false, 'dry run');
    checked += 1;
    if (found.credits.length > 0 || found.debits.length > 0) corrected.push(found);
  }
  return { corrected, checked };
}
