/** Late fees (SPEC §6a): what is owed bears the fee that each VM agreed on for its own share, day by day, by the terms of that day. */
import { type Ratio, sumOf } from './rater.ts';

const DAY = 86_400_000;

export interface ModelLateRule {
  readonly perDay: Ratio;
  readonly graceMs: number;
  /** What the clause says, and where. */
  readonly clause: string;
}

/** The rule from an instant on, until the next; null: no fee is agreed then. */
export interface ModelLateTerm {
  readonly fromMs: number;
  readonly rule: ModelLateRule | null;
}

export interface ModelOwed {
  readonly invoice: string;
  readonly principalNanos: bigint;
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
  readonly dueAtMs: number;
  /** How much of it is whose, in the order of the VMs, and by which terms. */
  readonly shares: readonly { readonly nanos: bigint; readonly terms: readonly ModelLateTerm[] }[];
  /** Of all the shares, those of VMs that are not known included. */
  readonly sharedNanos: bigint;
}

/** The fee of what is owed in a period, by the rule that it follows from; a rule without a late day gives none. */
export function modelLateFees(owed: readonly ModelOwed[], fromMs: number, toMs: number): Ratio[] {
  const rules: ModelLateRule[] = [];
  // VM by VM, whichever invoice has its share.
  const places = Math.max(0, ...owed.map(({ shares }) => shares.length));
  for (let place = 0; place < places; place += 1)
    for (const { shares, dueAtMs } of owed)
      for (const [i, { fromMs: since, rule }] of (shares[place]?.terms ?? []).entries()) {
        const until = shares[place]?.terms[i + 1]?.fromMs ?? Infinity;
        if (rule === null || until <= dueAtMs || since >= toMs || rules.some((each) => isSame(each, rule))) continue;
        rules.push(rule);
      }
  return rules.map((rule) => sumOf(owed.map((each) => feeOf(each, rule, fromMs, toMs)))).filter(({ num }) => num > 0n);
}

function feeOf(owed: ModelOwed, of: ModelLateRule, fromMs: number, toMs: number): Ratio {
  let num = 0n;
  for (const { nanos, terms } of owed.shares) {
    let freeFrom = -Infinity;
    for (const [i, { fromMs: since, rule }] of terms.entries()) {
      if (rule === null) continue;
      const until = Math.min(terms[i + 1]?.fromMs ?? toMs, toMs);
      for (let day = owed.dueAtMs + rule.graceMs; day < until; day += DAY) {
        if (day < since || day < freeFrom) continue;
        freeFrom = day + DAY;
        if (day < fromMs || !isSame(rule, of)) continue;
        const paid = owed.payments.filter(({ atMs }) => atMs <= day).reduce((sum, each) => sum + each.amountNanos, 0n);
        if (paid < owed.principalNanos) num += (owed.principalNanos - paid) * nanos * of.perDay.num;
      }
    }
  }
  return { num, den: of.perDay.den * owed.sharedNanos };
}

function isSame(a: ModelLateRule, b: ModelLateRule): boolean {
  return a.perDay.num * b.perDay.den === b.perDay.num * a.perDay.den && a.graceMs === b.graceMs && a.clause === b.clause;
}
