import type { Fraction } from '../domain/credit-policy.ts';
import { DAY_MS } from '../domain/zone.ts';
import type { HeldShare, LateFeeRule, OverdueInvoice } from '../rating/late-fee.ts';
import { agreementsOf, billingSheetOf } from '../terms/agreed.ts';
import { lateFeeRuleOf } from '../terms/fees.ts';
import type { BillingContext } from './context.ts';

/** What is owed under one rule. */
export interface OwedUnder {
  readonly rule: LateFeeRule;
  readonly list: readonly OverdueInvoice[];
}

export interface DatedRule {
  readonly rule: LateFeeRule;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The late fees agreed in an account. */
export interface LateRules {
  /** Of each VM from time to time, in the order of their names; neighbours in time are different, or apart. */
  readonly vms: ReadonlyMap<string, readonly DatedRule[]>;
  /** Of what is no VM's: by the sheet by which the account is billed as the period begins. */
  readonly rest: LateFeeRule | undefined;
}

export function lateRulesOf(context: BillingContext, account: string, fromMs: number): LateRules {
  const sheet = billingSheetOf(context, account, fromMs);
  return {
    vms: new Map(context.catalog.vmsOf(account).map((vm) => [vm, rulesOf(context, vm)])),
    rest: sheet === undefined ? undefined : lateFeeRuleOf(sheet),
  };
}

function rulesOf(context: BillingContext, vm: string): DatedRule[] {
  const body = context.catalog.vm(vm)?.body;
  const agreements = body === undefined ? [] : agreementsOf(context, body);
  const rules: DatedRule[] = [];
  for (const [i, { fromMs, sheet }] of agreements.entries()) {
    const rule = sheet === undefined ? undefined : lateFeeRuleOf(sheet);
    if (rule === undefined) continue;
    const untilMs = agreements[i + 1]?.fromMs ?? Infinity;
    const before = rules.at(-1);
    if (before?.untilMs === fromMs && isSame(before.rule, rule)) rules[rules.length - 1] = { ...before, untilMs };
    else rules.push({ rule, fromMs, untilMs });
  }
  return rules;
}

/**
 * What an account owes, by the rules under which it bears a late fee: each VM's share by the VM's own sheet, a day of lateness by the version in force at
 * its beginning (SPEC §6a). Rules are in the order of the VMs' names, of one VM in the order of time: of those that hold between
 * the instant at which something fell due and the end of the period.
 */
export function owedUnderRules(owed: readonly OverdueInvoice[], { vms, rest }: LateRules, toMs: number): OwedUnder[] {
  const found: { rule: LateFeeRule; list: Map<OverdueInvoice, HeldShare[] | undefined> }[] = [];
  const under = (rule: LateFeeRule): Map<OverdueInvoice, HeldShare[] | undefined> => {
    const known = found.find((each) => isSame(each.rule, rule));
    if (known !== undefined) return known.list;
    const list = new Map<OverdueInvoice, HeldShare[] | undefined>();
    found.push({ rule, list });
    return list;
  };
  for (const [vm, dated] of vms) {
    for (const invoice of owed) {
      const nanos = invoice.shares?.get(vm);
      if (nanos === undefined) continue;
      for (const [i, { rule, ...time }] of begunUnder(dated, invoice.dueAtMs).entries()) {
        if (time.untilMs <= invoice.dueAtMs || (dated[i]?.fromMs ?? 0) >= toMs) continue;
        const list = under(rule);
        list.set(invoice, [...(list.get(invoice) ?? []), { vm, nanos, ...time }]);
      }
    }
  }
  if (rest !== undefined) for (const invoice of owed) if ((invoice.shares?.size ?? 0) === 0) under(rest).set(invoice, undefined);
  return found.map(({ rule, list }) => ({
    rule,
    // In the order in which it fell due, whichever VM's share came first.
    list: owed.flatMap((invoice) => (list.has(invoice) ? [heldOf(invoice, rule, list.get(invoice))] : [])),
  }));
}

function heldOf(invoice: OverdueInvoice, { graceMs }: LateFeeRule, held: readonly HeldShare[] | undefined): OverdueInvoice {
  const lateFromMs = invoice.dueAtMs + graceMs;
  const whole = (held ?? []).filter(({ fromMs, untilMs }) => fromMs <= lateFromMs && untilMs === Infinity);
  return held === undefined || whole.length === invoice.shares?.size ? invoice : { ...invoice, held };
}

function isSame(a: LateFeeRule, b: LateFeeRule): boolean {
  return isEqual(a.perDay, b.perDay) && a.graceMs === b.graceMs && a.clause === b.clause;
}

function isEqual(a: Fraction, b: Fraction): boolean {
  return a.num * b.den === b.num * a.den;
}

/**
 * Rules of a VM for what fell due at an instant. A day of lateness that was begun under one rule lasts 24 hours: where the next has another grace, its first
 * day begins no sooner.
 */
function begunUnder(rules: readonly DatedRule[], dueAtMs: number): DatedRule[] {
  let busyUntilMs = -Infinity;
  return rules.map(({ rule, fromMs: sinceMs, untilMs }) => {
    const fromMs = Math.max(sinceMs, busyUntilMs);
    const firstMs = dueAtMs + rule.graceMs;
    const lastMs = firstMs + (Math.ceil((untilMs - firstMs) / DAY_MS) - 1) * DAY_MS;
    if (lastMs >= firstMs && lastMs >= fromMs) busyUntilMs = lastMs + DAY_MS;
    return { rule, fromMs, untilMs };
  });
}
