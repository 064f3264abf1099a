import type { VmBody } from '../../catalog/bodies.ts';
import { agreedTerms, billingSheetOf } from '../../terms/agreed.ts';
import { clauseShown, type TermsSheet } from '../../terms/sheet.ts';
import type { BillingContext } from '../context.ts';

/** So long after something, by a clause. */
export interface AfterRule {
  readonly afterMs: number;
  readonly clause: string;
}

/** What follows when an account does not pay; null: never. */
export interface AccountRules {
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

/** The rules by which an account is billed at an instant. */
export function accountRules(context: BillingContext, account: string, atMs: number): AccountRules {
  const sheet = billingSheetOf(context, account, atMs);
  const billing = sheet?.billing ?? null;
  if (sheet === undefined || billing === null) return { reminders: [], suspend: null, end: null };
  return {
    reminders: billing.reminders.map(({ level, after, clause }) => ({
      level,
      afterMs: after,
      clause: clauseShown(sheet, clause),
    })),
    suspend: ruleOf(sheet, billing.suspend_overdue),
    end: ruleOf(sheet, billing.end_overdue),
  };
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
