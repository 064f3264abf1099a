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

type Named = Pick<TermsContext, 'catalog'>;

/** The terms named for a VM on a plan at an instant: its own, or else the plan's; null where neither names any. */
export function termsNamed({ catalog }: Named, vm: VmBody, plan: string | undefined, atMs: number): string | null {
  const own = ownTerms(vm).findLast(({ from }) => from <= atMs)?.sheet ?? null;
  return own ?? (plan === undefined ? null : (catalog.plan(plan)?.body.terms ?? null));
}

/** Every sheet that is agreed for a VM at any time: its own, and those of its plans as far as they count. */
export function termsEverNamed({ catalog }: Named, vm: VmBody): Set<string> {
  const own = ownTerms(vm);
  const always = own.every(({ sheet }) => sheet !== null) && (own[0]?.from ?? Infinity) <= (vm.plans[0]?.from ?? Infinity);
  const ofPlans = own.length > 0 && always ? [] : vm.plans.map(({ plan }) => catalog.plan(plan)?.body.terms ?? null);
  return new Set([...own.map(({ sheet }) => sheet), ...ofPlans].filter((id) => id !== null));
}

/** A VM's own terms, each from its instant on; before the first, and where one is null, those of its plan hold. */
export function ownTerms({ terms }: VmBody): readonly { sheet: string | null; from: number }[] {
  return typeof terms === 'string' ? [{ sheet: terms, from: -Infinity }] : (terms ?? []);
}

/** The sheet of a VM on a plan, in the version in force at an instant. */
export function sheetOnPlan(context: TermsContext, vm: VmBody, plan: string | undefined, atMs: number): TermsSheet | undefined {
  const id = termsNamed(context, vm, plan, atMs);
  return id === null ? undefined : context.termsLibrary.inForce(id, atMs)?.sheet;
}

/** The sheet agreed for a VM at an instant: that of the plan it is on then, in the version in force then. */
export function agreedTerms(context: TermsContext, vm: VmBody, atMs: number): TermsSheet | undefined {
  return sheetOnPlan(context, vm, planInForce(vm.plans, atMs)?.plan, atMs);
}

/** A plan and what is agreed on it from an instant on, until the next of the list begins. */
export interface Agreement {
  readonly fromMs: number;
  readonly plan: string;
  /** The version in force; undefined: no sheet is named, or it has ended. */
  readonly sheet: TermsSheet | undefined;
}

/**
 * What is agreed for a VM from its first plan on, in order: one more wherever a plan, the VM's own terms or a version of the sheet
 * begins or ends (SPEC §6a). Neighbours differ.
 */
export function agreementsOf(context: TermsContext, vm: VmBody): Agreement[] {
  const [first] = vm.plans;
  if (first === undefined) return [];
  const changes = [...termsEverNamed(context, vm)]
    .flatMap((id) => context.termsLibrary.versions(id))
    .flatMap(({ sheet }) => [sheet.effective_from, sheet.effective_until ?? first.from]);
  const instants = [...vm.plans, ...ownTerms(vm)].map(({ from }) => from);
  const agreements: Agreement[] = [];
  for (const fromMs of [...new Set([...instants, ...changes])].filter((atMs) => atMs >= first.from).sort((a, b) => a - b)) {
    const plan = planInForce(vm.plans, fromMs)?.plan ?? first.plan;
    const sheet = sheetOnPlan(context, vm, plan, fromMs);
    const before = agreements.at(-1);
    if (before?.plan !== plan || before.sheet !== sheet) agreements.push({ fromMs, plan, sheet });
  }
  return agreements;
}

/** How long before its start maintenance of a VM has to be announced, by what is agreed from instant to instant. */
export function noticesOf(context: TermsContext, vm: VmBody): NoticeRule[] {
  return agreementsOf(context, vm).map(({ fromMs, sheet }) => ({ fromMs, noticeMs: sheet?.maintenance_notice ?? null }));
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
