import { agreedTermsOfAccount, billingSheetOf, type TermsContext } from '../terms/agreed.ts';
import { clauseShown, type TermsSheet } from '../terms/sheet.ts';

/** What the terms of an account say of its prepaid balance. */
export interface BalanceTerms {
  suspend: { afterMs: number; clause: string } | null;
  sheet: TermsSheet | undefined;
}

export function balanceTermsOf(context: TermsContext, account: string, atMs: number): BalanceTerms {
  const sheet = billingSheetOf(context, account, atMs);
  const billing = sheet?.billing ?? null;
  const suspend = billing?.suspend_overdue ?? null;
  return {
    suspend:
      suspend === null || sheet === undefined ? null : { afterMs: suspend.after, clause: clauseShown(sheet, suspend.clause) },
    sheet,
  };
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
