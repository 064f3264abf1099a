import { sheetOnPlan } from '../terms/agreed.ts';
import type { BillingContext } from './context.ts';
import { localDay, MINUTE_MS, monthEnd, monthStart } from '../domain/zone.ts';
import { planInForce } from '../domain/dated-plans.ts';
import { defaultCreditPolicy } from '../domain/credit-policy.ts';
import { type CreditClaim, claimByOf } from '../rating/credit-claims.ts';
import { creditPolicyOf } from '../terms/policy.ts';

/** Until when the credit of a month could be claimed, and whether a claim was in time. */
export interface ClaimWindow {
  monthMs: number;
  /** null: the terms give it unasked. */
  claimByMs: number | null;
  inTime: boolean;
  clause: string | null;
}

const MONTHS_MAX = 60;

/** The months that a claim touches, by the plan in force at each one's end; none where the VM has no plan. */
export function claimWindows(context: BillingContext, vm: string, claim: CreditClaim): ClaimWindow[] {
  const body = context.catalog.vm(vm)?.body;
  const plans = context.catalog.datedPlans(vm);
  const windows: ClaimWindow[] = [];
  for (let at = Math.floor(claim.fromMs / MINUTE_MS); at * MINUTE_MS < claim.toMs && windows.length < MONTHS_MAX;) {
    const dated = planInForce(plans, at * MINUTE_MS);
    if (body === undefined || dated === undefined) break;
    const { plan } = dated;
    const day = localDay(plan.zone, at);
    const sheet = sheetOnPlan(context, body, plan.id, at * MINUTE_MS);
    const policy = sheet === undefined ? defaultCreditPolicy(plan) : creditPolicyOf(sheet, plan);
    const claimByMs = claimByOf(policy, plan.zone, at);
    const inTime = claimByMs === null || claim.atMs < claimByMs;
    windows.push({ monthMs: monthStart(plan.zone, day) * MINUTE_MS, claimByMs, inTime, clause: policy.clause });
    at = monthEnd(plan.zone, day);
  }
  return windows;
}

/** What was claimed for a VM, as its events say. */
export function claimsOf({ catalog }: Pick<BillingContext, 'catalog'>, vm: string): CreditClaim[] {
  return catalog.events
    .of(vm)
    .flatMap(({ body: { kind, at, from, to } }) =>
      kind !== 'credit_claimed' || from === undefined || to === undefined ? [] : [{ atMs: at, fromMs: from, toMs: to }],
    );
}
