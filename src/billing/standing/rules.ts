import type { VmBody } from '../../catalog/bodies.ts';
import { sheetsOwedUnder, suspensionUnder } from '../../books/prepaid-terms.ts';
import { agreedTerms } from '../../terms/agreed.ts';
import { clauseShown, type TermsSheet } from '../../terms/sheet.ts';
import type { BillingContext } from '../context.ts';
import type { OwedItem } from './owed.ts';

/** So long after something, by a clause. */
export interface AfterRule {
  readonly afterMs: number;
  readonly clause: string;
}

/** What follows when something is not paid; null: never. */
export interface OwedRules {
  readonly reminders: readonly (AfterRule & { readonly level: number })[];
  readonly suspend: AfterRule | null;
  readonly end: AfterRule | null;
}

/** What follows when a VM's term is over, or its service has ended; null: never. */
export interface VmRules {
  readonly expire: AfterRule | null;
  readonly endExpired: AfterRule | null;
  readonly retention: AfterRule | null;
}

type SheetRule = { readonly after: number; readonly clause: string } | null;

function ruleOf(sheet: TermsSheet, rule: SheetRule): AfterRule | null {
  return rule === null ? null : { afterMs: rule.after, clause: clauseShown(sheet, rule.clause) };
}

/**
 * The rules by which something is owed: of the sheets of the VMs that it is owed for, the reminders of the first that has any, and what comes soonest of
 * suspension and end.
 */
export function owedRules(context: BillingContext, account: string, { vms }: Pick<OwedItem, 'vms'>, atMs: number): OwedRules {
  const sheets = sheetsOwedUnder(context, account, vms, atMs);
  const reminding = sheets.find(({ billing }) => (billing?.reminders.length ?? 0) > 0);
  const ends = sheets.flatMap((sheet) => ruleOf(sheet, sheet.billing?.end_overdue ?? null) ?? []);
  return {
    reminders: (reminding?.billing?.reminders ?? []).map(({ level, after, clause }) => ({
      level,
      afterMs: after,
      clause: reminding === undefined ? '' : clauseShown(reminding, clause),
    })),
    suspend: suspensionUnder(sheets),
    end: ends.reduce<AfterRule | null>((first, each) => (first === null || each.afterMs < first.afterMs ? each : first), null),
  };
}

/** Of what is overdue the first that asks for something, and when; undefined: none does. */
export function firstOf<T extends OwedItem>(
  items: readonly T[],
  ruleOfItem: (item: T) => AfterRule | null,
): { readonly item: T; readonly atMs: number; readonly clause: string } | undefined {
  let first: { item: T; atMs: number; clause: string } | undefined;
  for (const item of items) {
    const rule = ruleOfItem(item);
    const atMs = rule === null ? Infinity : item.dueAtMs + rule.afterMs;
    if (rule !== null && (first === undefined || atMs < first.atMs)) first = { item, atMs, clause: rule.clause };
  }
  return first;
}

/** Whether the service of a VM may be ended, by its own sheet, while something stays unpaid. */
export function mayEnd(context: BillingContext, vm: string, atMs: number): boolean {
  const body = context.catalog.vm(vm)?.body;
  const sheet = body === undefined ? undefined : agreedTerms(context, body, atMs);
  return (sheet?.billing?.end_overdue ?? null) !== null;
}

/** The rules agreed for a VM at an instant. */
export function vmRules(context: BillingContext, vm: VmBody, atMs: number): VmRules {
  const sheet = agreedTerms(context, vm, atMs);
  if (sheet === undefined) return { expire: null, endExpired: null, retention: null };
  return {
    expire: ruleOf(sheet, sheet.expiry),
    endExpired: ruleOf(sheet, sheet.expiry?.end ?? null),
    retention: ruleOf(sheet, sheet.retention),
  };
}
