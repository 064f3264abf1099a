import type { DatedPlan } from '../domain/plan.ts';
import { agreementsOf, type TermsContext } from './agreed.ts';
import type { NoticeRule } from '../domain/incidents.ts';
import { creditableUnder } from './policy.ts';

/** A plan from an instant on, and what the terms then ask of maintenance. */
export type AgreedPlan = DatedPlan & NoticeRule;

/**
 * A VM's plans in order, each with the causes that count under what is agreed, or else the plan's: a dated plan more wherever
 * the terms change. Before service starts none is in force: that time is not charged, so no minute of it is worth a credit.
 */
export function agreedPlans(context: TermsContext, vm: string): AgreedPlan[] {
  const body = context.catalog.vm(vm)?.body;
  if (body === undefined) return [];
  const plans = new Map(context.catalog.datedPlans(vm).map(({ plan }) => [plan.id, plan]));
  return agreementsOf(context, body)
    .map((agreed) => ({ ...agreed, fromMs: Math.max(agreed.fromMs, body.starts_at ?? -Infinity) }))
    .filter(({ fromMs }, i, all) => fromMs < (all[i + 1]?.fromMs ?? Infinity))
    .flatMap(({ fromMs, plan: id, sheet }): AgreedPlan[] => {
      const plan = plans.get(id);
      if (plan === undefined) return [];
      if (sheet === undefined) return [{ fromMs, plan, noticeMs: null }];
      return [{ fromMs, plan: { ...plan, creditable: creditableUnder(sheet, plan) }, noticeMs: sheet.maintenance_notice }];
    });
}
