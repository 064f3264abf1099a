import { agreedTerms, agreedTermsOfAccount, billingSheetOf, type TermsContext } from '../terms/agreed.ts';
import { clauseShown, type TermsSheet } from '../terms/sheet.ts';

/**
 * The sheets by which something is owed: those of the VMs that it is owed for, in the order of their names, as far as they say how they bill. What is no VM's,
 * or is not known to be one's, is owed by the sheet by which the account is billed.
 */
export function sheetsOwedUnder(
  context: TermsContext,
  account: string,
  vms: readonly string[] | undefined,
  atMs: number,
): TermsSheet[] {
  if (vms === undefined || vms.length === 0) return [billingSheetOf(context, account, atMs)].filter((each) => each !== undefined);
  return vms.flatMap((id) => {
    const vm = context.catalog.vm(id)?.body;
    const sheet = vm === undefined ? undefined : agreedTerms(context, vm, atMs);
    return sheet === undefined || sheet.billing === null ? [] : [sheet];
  });
}

/** The first of the suspensions that sheets ask for where something is not paid; null: they ask for none. */
export function suspensionUnder(sheets: readonly TermsSheet[]): { afterMs: number; clause: string } | null {
  let first: { afterMs: number; clause: string } | null = null;
  for (const sheet of sheets) {
    const rule = sheet.billing?.suspend_overdue ?? null;
    if (rule !== null && (first === null || rule.after < first.afterMs))
      first = { afterMs: rule.after, clause: clauseShown(sheet, rule.clause) };
  }
  return first;
}

/** The clause by which an account's balance may not be paid out, or moved: of its VMs' sheets the first that says so. */
export function bindingClause(
  context: TermsContext,
  account: string,
  move: 'withdrawal' | 'transfer',
  atMs: number,
): string | undefined {
  for (const sheet of agreedTermsOfAccount(context, account, atMs)) {
    const rule = sheet.balance;
    if (rule !== null && !(move === 'withdrawal' ? rule.withdrawable : rule.transferable)) return clauseShown(sheet, rule.clause);
  }
  return undefined;
}
