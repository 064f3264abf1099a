import type { VmBody } from '../catalog/bodies.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { planInForce } from '../domain/dated-plans.ts';
import type { NoticeRule } from '../domain/incidents.ts';
import type { TermsLibrary } from './library.ts';
import type { TermsSheet } from './sheet.ts';

/** What agreed terms are found by. */
export interface TermsContext {
  catalog: Catalog;
  termsLibrary: TermsLibrary;
}

/** The terms named for a VM on a plan: its own, or else the plan's; null where neither names any. */
export function termsNamed({ catalog }: Pick<TermsContext, 'catalog'>, vm: VmBody, plan: string | undefined): string | null {
  return vm.terms ?? (plan === undefined ? null : (catalog.plan(plan)?.body.terms ?? null));
}

/** The sheet of a VM on a plan, in the version in force at an instant. */
export function sheetOnPlan(context: TermsContext, vm: VmBody, plan: string | undefined, atMs: number): TermsSheet | undefined {
  const id = termsNamed(context, vm, plan);
  return id === null ? undefined : context.termsLibrary.inForce(id, atMs)?.sheet;
}

/** The sheet agreed for a VM at an instant: that of the plan it is on then, in the version in force then. */
export function agreedTerms(context: TermsContext, vm: VmBody, atMs: number): TermsSheet | undefined {
  return sheetOnPlan(context, vm, planInForce(vm.plans, atMs)?.plan, atMs);
}

/** How long before its start maintenance of a VM has to be announced, from plan to plan, by the versions in force at an instant. */
export function noticesOf(context: TermsContext, vm: VmBody, atMs: number): NoticeRule[] {
  return vm.plans.map(({ plan, from }) => ({
    fromMs: from,
    noticeMs: sheetOnPlan(context, vm, plan, atMs)?.maintenance_notice ?? null,
  }));
}

/** The sheets agreed for an account's VMs at an instant, by the VM's name. */
export function* agreedTermsOfAccount(context: TermsContext, account: string, atMs: number): Generator<TermsSheet> {
  for (const id of context.catalog.vmsOf(account)) {
    const vm = context.catalog.vm(id)?.body;
    const sheet = vm === undefined ? undefined : agreedTerms(context, vm, atMs);
    if (sheet !== undefined) yield sheet;
  }
}

/** The sheet by which an account is billed: of its VMs' sheets the first, by name, that says how. */
export function billingSheetOf(context: TermsContext, account: string, atMs: number): TermsSheet | undefined {
  for (const sheet of agreedTermsOfAccount(context, account, atMs)) if (sheet.billing !== null) return sheet;
  return undefined;
}
