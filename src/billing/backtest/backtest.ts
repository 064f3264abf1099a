import type { BillingContext } from '../context.ts';
import { ProblemError } from '../../problems/problem.ts';
import { StoreError } from '../../store/store.ts';
import { termsEverNamed } from '../../terms/agreed.ts';
import { type LoadedSheet, replacing } from '../../terms/library.ts';
import { type LineDifference, type Pair, partKey, type Rated, ratePart } from './credits.ts';
import { type BacktestPeriod, monthsOf, partsOf } from './period.ts';
import { type RecordedCheck, recordedChecks } from './recorded-checks.ts';
import { type CheckAgain, checkAgain } from './refunds.ts';

/** A terms sheet tried on what has been: it stands in for `replaces`, wherever that is agreed, for the whole period. */
export interface BacktestRequest {
  readonly sheet: LoadedSheet;
  readonly replaces: string;
  readonly period: BacktestPeriod;
}

export interface AccountResult {
  readonly account: string;
  readonly currency: string;
  /** Its VMs under the sheet that is replaced. */
  readonly vms: number;
  readonly complete: boolean;
  readonly creditNanos: Pair;
  readonly unclaimedNanos: Pair;
  readonly totalNanos: Pair;
  readonly lines: readonly LineDifference[];
  /** What the last check of each VM gives. */
  readonly refundNanos: Pair;
  readonly checks: readonly CheckAgain[];
  /** Checks beyond those made again. */
  readonly checksLeftOut: number;
  /** Why there is no result, then: an account that can't be rated stops no other. */
  readonly failure: { readonly code: string; readonly reason: string } | null;
}

/** Refund checks of one account made again at most. */
export const CHECKS_MAX = 200;

/** VMs of an account whose sheet is, was or will be `terms`: its own, or that of a plan it is or was on. */
export function vmsUnder({ catalog }: Pick<BillingContext, 'catalog'>, account: string, terms: string): string[] {
  return catalog.vmsOf(account).filter((vm) => {
    const body = catalog.vm(vm)?.body;
    return body !== undefined && termsEverNamed({ catalog }, body).has(terms);
  });
}

/** The accounts, sorted, that the sheet `terms` concerns. */
export function accountsUnder(context: BillingContext, terms: string): string[] {
  return context.catalog.accountIds().filter((account) => vmsUnder(context, account, terms).length > 0);
}

/**
 * What some accounts would have been credited and refunded under another sheet. Nothing is recorded. The checks end the page early:
 * results are of the first accounts, at least of one.
 */
export async function backtest(
  context: BillingContext,
  accounts: readonly string[],
  request: BacktestRequest,
): Promise<AccountResult[]> {
  const after: BillingContext = {
    ...context,
    termsLibrary: replacing(context.termsLibrary, request.replaces, request.sheet),
  };
  const failures = new Map<string, { code: string; reason: string }>();
  const parts = new Map<string, { fromMs: number; toMs: number }[]>();
  for (const account of accounts) {
    try {
      parts.set(account, partsOf(context.catalog, account, request.period));
    } catch (error) {
      failures.set(account, failureOf(error));
    }
  }
  const checks = await checksOf(context, parts, request);
  const page: string[] = [];
  let made = 0;
  for (const account of accounts) {
    made += Math.min(checks.get(account)?.length ?? 0, CHECKS_MAX);
    if (page.length > 0 && made > CHECKS_MAX) break;
    page.push(account);
  }
  const rated = new Map<string, Rated[]>();
  for (const i of monthsOf(request.period).keys()) {
    const groups = new Map<string, string[]>();
    for (const account of page) {
      const part = parts.get(account)?.[i];
      if (part === undefined) continue;
      const key = partKey(context, account, part);
      groups.set(key, [...(groups.get(key) ?? []), account]);
    }
    for (const group of groups.values()) {
      const part = parts.get(group[0] ?? '')?.[i];
      if (part === undefined) continue;
      for (const [account, found] of await ratePart(context, after, group, part))
        rated.set(account, [...(rated.get(account) ?? []), found]);
    }
  }
  const results: AccountResult[] = [];
  for (const account of page) {
    const recorded = checks.get(account) ?? [];
    const again: CheckAgain[] = [];
    for (const check of recorded.slice(0, CHECKS_MAX))
      again.push(await checkAgain(context, context.termsLibrary, check, request.replaces, request.sheet));
    results.push(resultOf(context, account, request.replaces, rated.get(account) ?? [], again, recorded.length, failures));
  }
  return results;
}

/** The recorded checks of accounts' VMs, each within its account's period. */
async function checksOf(
  context: BillingContext,
  parts: ReadonlyMap<string, readonly { fromMs: number; toMs: number }[]>,
  { replaces }: BacktestRequest,
): Promise<Map<string, RecordedCheck[]>> {
  const periods = new Map<string, { account: string; fromMs: number; toMs: number }>();
  for (const [account, list] of parts)
    for (const vm of vmsUnder(context, account, replaces))
      periods.set(vm, { account, fromMs: list[0]?.fromMs ?? 0, toMs: list.at(-1)?.toMs ?? 0 });
  const all = [...periods.values()];
  const fromMs = all.reduce((least, each) => Math.min(least, each.fromMs), Infinity);
  const toMs = all.reduce((most, each) => Math.max(most, each.toMs), 0);
  const found = new Map<string, RecordedCheck[]>();
  const vms = [...periods.keys()];
  for (let i = 0; i < vms.length; i += 1000) {
    const some = vms.slice(i, i + 1000);
    for (const check of await recordedChecks(context.store, some, replaces, fromMs, toMs)) {
      const period = periods.get(check.vm);
      if (period === undefined || check.recordedAtMs < period.fromMs || check.recordedAtMs >= period.toMs) continue;
      found.set(period.account, [...(found.get(period.account) ?? []), check]);
    }
  }
  return found;
}

function resultOf(
  context: BillingContext,
  account: string,
  terms: string,
  rated: readonly Rated[],
  checks: readonly CheckAgain[],
  recorded: number,
  failures: ReadonlyMap<string, { code: string; reason: string }>,
): AccountResult {
  const lastOfVm = new Map(checks.map((each) => [each.check.vm, each]));
  return {
    account,
    currency: context.catalog.account(account)?.body.currency ?? '',
    vms: vmsUnder(context, account, terms).length,
    complete: rated.every((part) => part.complete),
    creditNanos: summed(rated.map((part) => part.creditNanos)),
    unclaimedNanos: summed(rated.map((part) => part.unclaimedNanos)),
    totalNanos: summed(rated.map((part) => part.totalNanos)),
    lines: rated.flatMap((part) => part.lines),
    refundNanos: summed(
      Array.from(lastOfVm.values(), ({ verdict: { before, after } }) => ({
        before: before.amountNanos,
        after: after.amountNanos,
      })),
    ),
    checks,
    checksLeftOut: recorded - checks.length,
    failure: failures.get(account) ?? null,
  };
}

function summed(pairs: readonly Pair[]): Pair {
  return pairs.reduce((a, b) => ({ before: a.before + b.before, after: a.after + b.after }), { before: 0n, after: 0n });
}

function failureOf(error: unknown): { code: string; reason: string } {
  if (error instanceof StoreError || !(error instanceof ProblemError)) throw error;
  return { code: error.code, reason: error.detail };
}
