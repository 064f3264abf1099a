import { fitsCurrency } from '../domain/money.ts';
import { boundOf, type Predicate } from './predicate.ts';
import { compareFractions, showDuration } from './quantity.ts';
import type { TermsSheet } from './sheet.ts';

export interface Contradiction {
  path: (string | number)[];
  message: string;
}

/** What a sheet's shape cannot refuse: rules that contradict each other, name what is not there, or can never apply. */
export function findContradictions(sheet: TermsSheet): Contradiction[] {
  return [
    ...inClauses(sheet),
    ...inCauses(sheet),
    ...inCredit(sheet),
    ...inRefund(sheet),
    ...inFees(sheet),
    ...inConsequences(sheet),
    ...(sheet.effective_until !== null && sheet.effective_until <= sheet.effective_from
      ? [{ path: ['effective_until'], message: 'must be after effective_from' }]
      : []),
    ...(sheet.billing?.late_fee?.percent_per_day.num === 0n
      ? [{ path: ['billing', 'late_fee', 'percent_per_day'], message: 'must be above 0; leave late_fee out if there is none' }]
      : []),
  ];
}

/** Every place of a sheet that names a clause. */
export function clauseUses(sheet: TermsSheet): { path: (string | number)[]; clause: string }[] {
  const uses: { path: (string | number)[]; clause: string }[] = [];
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (value === null || typeof value !== 'object') return;
    for (const [key, member] of Object.entries(value)) {
      const here = [...path, Array.isArray(value) ? Number(key) : key];
      const names = key === 'clause' || key === 'destination_clause' || key === 'otherwise' || path.at(-1) === 'stated';
      if (names && typeof member === 'string') uses.push({ path: here, clause: member });
      else walk(member, here);
    }
  };
  for (const part of ['excluded', 'credit', 'refund', 'fees', 'balance', 'billing', 'expiry', 'retention', 'stated'] as const)
    walk(sheet[part], [part]);
  return uses;
}

function inClauses(sheet: TermsSheet): Contradiction[] {
  const uses = clauseUses(sheet);
  const used = new Set(uses.map((use) => use.clause));
  return [
    ...uses
      .filter(({ clause }) => !Object.hasOwn(sheet.clauses, clause))
      .map(({ path, clause }) => ({ path, message: `there is no clause ${clause}` })),
    ...Object.keys(sheet.clauses)
      .filter((id) => !used.has(id))
      .map((id) => ({ path: ['clauses', id], message: 'is named by no rule; put it under stated if it needs none' })),
  ];
}

function inCauses(sheet: TermsSheet): Contradiction[] {
  const found: Contradiction[] = [];
  const excluded = new Map<string, number>();
  for (const [i, rule] of sheet.excluded.entries()) {
    for (const cause of rule.causes) {
      const before = excluded.get(cause);
      if (before !== undefined)
        found.push({ path: ['excluded', i], message: `${cause} is excluded by excluded.${before} already` });
      excluded.set(cause, i);
    }
  }
  const refuse = (path: (string | number)[], causes: readonly string[] | undefined): void => {
    for (const cause of causes ?? []) {
      if (excluded.has(cause)) found.push({ path, message: `${cause} counts here, and excluded says that it earns nothing` });
    }
  };
  if (sheet.credit.kind !== 'none') {
    refuse(['credit', 'creditable'], sheet.credit.creditable);
    refuse(['credit', 'unsure'], sheet.credit.unsure);
    for (const cause of sheet.credit.creditable ?? [])
      if (sheet.credit.unsure?.includes(cause) === true)
        found.push({ path: ['credit', 'unsure'], message: `${cause} both counts and is unsure` });
  }
  for (const [i, ground] of sheet.refund.grounds.entries()) {
    for (const [k, rule] of ground.when.entries()) {
      if (rule.measure !== 'longest_outage') continue;
      const path = ['refund', 'grounds', i, 'when', k];
      refuse(path, rule.causes);
      refuse(path, rule.unsure);
      for (const cause of rule.causes) {
        if (rule.unsure?.includes(cause) === true) found.push({ path, message: `${cause} both counts and is unsure` });
      }
    }
  }
  return found;
}

function inCredit({ credit }: TermsSheet): Contradiction[] {
  const one = { num: 1n, den: 1n };
  const zero = { num: 0n, den: 1n };
  const found: Contradiction[] = [];
  const share = (path: (string | number)[], value: { num: bigint; den: bigint }): void => {
    if (compareFractions(value, zero) <= 0 || compareFractions(value, one) > 0)
      found.push({ path, message: 'must be above 0 and at most 100: credit never exceeds what was charged' });
  };
  if (credit.kind === 'time') share(['credit', 'day_cap_percent'], credit.day_cap_percent);
  if (credit.kind === 'percent_per_minute') {
    share(['credit', 'percent_per_minute'], credit.percent_per_minute);
    share(['credit', 'cap_percent'], credit.cap_percent);
    if (compareFractions(credit.percent_per_minute, credit.cap_percent) > 0)
      found.push({ path: ['credit', 'cap_percent'], message: 'is below the credit of a single minute' });
  }
  if (credit.kind !== 'monthly_tiers') return found;
  for (const [i, tier] of credit.tiers.entries()) {
    const path = ['credit', 'tiers', i];
    share([...path, 'below_percent'], tier.below_percent);
    share([...path, 'credit_percent'], tier.credit_percent);
    const before = credit.tiers[i - 1];
    if (before === undefined) continue;
    const order = compareFractions(tier.below_percent, before.below_percent);
    if (order === 0) found.push({ path, message: 'overlaps the tier before: the same below_percent' });
    if (order > 0) found.push({ path, message: 'below_percent must descend from tier to tier' });
    if (compareFractions(tier.credit_percent, before.credit_percent) <= 0)
      found.push({ path, message: 'credit_percent must rise from tier to tier: less uptime can not earn less' });
  }
  return found;
}

function inRefund({ refund, balance }: TermsSheet): Contradiction[] {
  const found: Contradiction[] = [];
  const seen = new Set<string>();
  for (const [list, rules] of [
    ['grounds', refund.grounds],
    ['bars', refund.bars],
  ] as const) {
    for (const [i, rule] of rules.entries()) {
      if (seen.has(rule.id)) found.push({ path: ['refund', list, i, 'id'], message: `there are two rules ${rule.id}` });
      seen.add(rule.id);
      found.push(...impossible(rule.when).map((message) => ({ path: ['refund', list, i, 'when'], message })));
    }
  }
  const grounds = new Set(refund.grounds.map((each) => each.id));
  for (const [i, { only, when }] of refund.bars.entries()) {
    for (const id of only ?? []) {
      if (!grounds.has(id)) found.push({ path: ['refund', 'bars', i, 'only'], message: `there is no ground ${id}` });
    }
    for (const ground of refund.grounds) {
      if (only !== undefined && !only.includes(ground.id)) continue;
      const overlap = when.length === 1 ? overlapOf(ground.when, when[0]) : undefined;
      if (overlap !== undefined)
        found.push({ path: ['refund', 'bars', i], message: `takes back a part of ground ${ground.id}: ${overlap}` });
    }
  }
  if (refund.destination === 'original_payment' && balance?.withdrawable === false)
    found.push({ path: ['refund', 'destination'], message: 'pays money out, and balance says that it cannot be withdrawn' });
  return found;
}

/** Conditions of one rule that can never hold together. */
function impossible(when: readonly Predicate[]): string[] {
  return when.flatMap((rule) => {
    const bound = boundOf(rule);
    if (bound?.name === 'less_than' && bound.limit === 0n) return ['nothing is less than 0'];
    if (bound?.name === 'at_least' && bound.limit === 0n) return ['at least 0 is always so'];
    return [];
  });
}

/** A ground that lasts up to a time after payment, and a bar on the same time that begins earlier. */
function overlapOf(ground: readonly Predicate[], bar: Predicate | undefined): string | undefined {
  if (bar?.measure !== 'time_since_payment') return undefined;
  const from = bar.more_than ?? bar.at_least;
  for (const rule of ground) {
    if (rule.measure !== 'time_since_payment' || from === undefined) continue;
    const until = rule.at_most ?? rule.less_than;
    if (until !== undefined && from < until)
      return `the ground lasts ${showDuration(until)} from payment, the bar begins after ${showDuration(from)}`;
  }
  return undefined;
}

function inFees({ fees }: TermsSheet): Contradiction[] {
  const found: Contradiction[] = [];
  const ids = new Set<string>();
  const charged = new Set<string>();
  for (const [i, fee] of fees.entries()) {
    if (ids.has(fee.id)) found.push({ path: ['fees', i, 'id'], message: `there are two fees ${fee.id}` });
    ids.add(fee.id);
    if (charged.has(fee.event))
      found.push({ path: ['fees', i, 'event'], message: `${fee.event} is charged by another fee already` });
    charged.add(fee.event);
    if (!fitsCurrency(fee.amount, fee.currency))
      found.push({ path: ['fees', i, 'amount'], message: `has more digits than ${fee.currency} has` });
  }
  return found;
}

function inConsequences({ billing, expiry }: TermsSheet): Contradiction[] {
  const found: Contradiction[] = [];
  for (const [i, reminder] of (billing?.reminders ?? []).entries()) {
    const before = billing?.reminders[i - 1];
    if (before === undefined) continue;
    const path = ['billing', 'reminders', i];
    if (reminder.level <= before.level) found.push({ path: [...path, 'level'], message: 'must rise from reminder to reminder' });
    if (reminder.after <= before.after)
      found.push({ path: [...path, 'after'], message: 'must rise from level to level: one would be told before the one below' });
  }
  const suspend = billing?.suspend_overdue ?? null;
  const end = billing?.end_overdue ?? null;
  if (suspend !== null && end !== null && end.after < suspend.after)
    found.push({
      path: ['billing', 'end_overdue', 'after'],
      message: 'is before the suspension: what has ended cannot be suspended',
    });
  if (expiry?.end != null && expiry.end.after < expiry.after)
    found.push({ path: ['expiry', 'end', 'after'], message: 'is before the term counts as expired' });
  return found;
}
