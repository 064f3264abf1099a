import { formatAmount } from '../domain/money.ts';
import type { RefundReason } from './measured-say.ts';
import { measure, type Measured, type RefundFacts, type Truth } from './measure.ts';
import { refundNanos, remainingShare, type Share, WHOLE } from './remaining.ts';
import { type Bar, clauseShown, type Ground, type TermsSheet } from './sheet.ts';

/**
 * One rule's verdict as it speaks for or against a refund: a ground passes when it holds, a bar when it does not stand in
 * the way.
 */
export interface RuleOutcome {
  id: string;
  kind: 'ground' | 'bar';
  clause: string;
  outcome: 'pass' | 'fail' | 'unknown';
  measured: string;
  limit: string;
  /** The grounds that a bar is about; left out: all. */
  only?: readonly string[];
  /** What was measured and the limit in codes, a condition each: all of them have to hold. */
  conditions: readonly Measured['say'][];
}

/** How an amount came about. */
export interface RefundCalculation {
  basis: 'full' | 'remaining';
  paidNanos: bigint;
  share: Share;
  feeNanos: bigint;
  refundedBeforeNanos: bigint;
}

export interface RefundDecision {
  decision: 'eligible' | 'not_eligible' | 'needs_review';
  ground: string | null;
  /** Whole minor units; null unless eligible. */
  amountNanos: bigint | null;
  calculation: RefundCalculation | null;
  destination: TermsSheet['refund']['destination'];
  destinationClause: string;
  rules: RuleOutcome[];
  /** One sentence that says what decided, and the same in a code. */
  reason: string;
  reasonSay: RefundReason;
}

interface WeighedGround {
  ground: Ground;
  truth: Truth;
  /** Undefined where what it depends on is not recorded. */
  due: { amountNanos: bigint; calculation: RefundCalculation | null } | undefined;
}

/** Evaluates every ground and every bar of a sheet at an instant, and decides. Pure: the same facts, the same decision. */
export function evaluateRefund(sheet: TermsSheet, facts: RefundFacts, atMs: number): RefundDecision {
  const grounds = sheet.refund.grounds.map((rule) => ({ rule, ...evaluate(sheet, rule, 'ground', facts, atMs) }));
  const bars = sheet.refund.bars.map((rule) => ({ rule, ...evaluate(sheet, rule, 'bar', facts, atMs) }));
  const rules = [...grounds, ...bars].map((each) => each.outcome);
  if (sheet.refund.otherwise !== null) {
    const truth = any(grounds.map((each) => each.truth));
    rules.push({
      id: 'otherwise',
      kind: 'bar',
      clause: clauseShown(sheet, sheet.refund.otherwise),
      outcome: truth === 'yes' ? 'pass' : truth === 'no' ? 'fail' : 'unknown',
      measured: `${grounds.filter((each) => each.truth === 'yes').length} grounds hold`,
      limit: 'at least 1 ground',
      conditions: [
        {
          measured: { code: 'grounds', count: grounds.filter((each) => each.truth === 'yes').length },
          limit: { code: 'grounds', count: 1 },
        },
      ],
    });
  }
  const weighed = grounds.map(({ rule, truth }): WeighedGround => {
    const against = any(bars.filter((bar) => bar.rule.only?.includes(rule.id) ?? true).map((bar) => bar.truth));
    return { ground: rule, truth: both(truth, not(against)), due: amountDue(rule, facts, atMs) };
  });
  return { ...decide(weighed, facts), ...destination(sheet), rules };
}

function destination({ refund, ...sheet }: TermsSheet): Pick<RefundDecision, 'destination' | 'destinationClause'> {
  return { destination: refund.destination, destinationClause: clauseShown(sheet, refund.destination_clause) };
}

function evaluate(
  sheet: TermsSheet,
  rule: Ground | Bar,
  kind: 'ground' | 'bar',
  facts: RefundFacts,
  atMs: number,
): { truth: Truth; outcome: RuleOutcome } {
  const parts = rule.when.map((condition) => measure(condition, facts, atMs));
  const truth = parts.map((part) => part.truth).reduce(both, 'yes');
  const speaksFor = kind === 'ground' ? truth : not(truth);
  const outcome: RuleOutcome = {
    id: rule.id,
    kind,
    clause: clauseShown(sheet, rule.clause),
    outcome: speaksFor === 'yes' ? 'pass' : speaksFor === 'no' ? 'fail' : 'unknown',
    measured: parts.map((part) => part.measured).join('; '),
    limit: parts.map((part) => part.limit).join('; and '),
    ...('only' in rule && rule.only !== undefined ? { only: rule.only } : {}),
    conditions: parts.map((part) => part.say),
  };
  return { truth, outcome };
}

function amountDue(ground: Ground, facts: RefundFacts, atMs: number): WeighedGround['due'] {
  const { paidNanos, paidAtMs, paidUntilMs, currency } = facts;
  if (paidNanos === null || paidAtMs === null) return undefined;
  // Asked about an instant before the payment: there was nothing to give back yet.
  if (atMs < paidAtMs) return { amountNanos: 0n, calculation: null };
  let share: Share | undefined = WHOLE;
  if (ground.amount === 'remaining') {
    if (paidUntilMs === null) return undefined;
    share = remainingShare(facts.plans, paidAtMs, paidUntilMs, atMs);
    if (share === undefined) return undefined;
  }
  const feeNanos = ground.less_handling_fee ? facts.handlingFeeNanos : 0n;
  const refundedBeforeNanos = facts.events
    .filter((event) => event.kind === 'refund' && event.atMs >= paidAtMs && event.atMs <= atMs)
    .reduce((sum, event) => sum + (event.amountNanos ?? 0n), 0n);
  // What was refunded before is a part of that: time that was paid back is not there a second time, and neither is a handling fee.
  const amountNanos = refundNanos(paidNanos, share, feeNanos + refundedBeforeNanos, currency);
  return { amountNanos, calculation: { basis: ground.amount, paidNanos, share, feeNanos, refundedBeforeNanos } };
}

type Verdict = Pick<RefundDecision, 'decision' | 'ground' | 'amountNanos' | 'calculation' | 'reason' | 'reasonSay'>;

/** The best one that stands decides, unless one that is open would give more, or what it is worth is not known. */
function decide(weighed: readonly WeighedGround[], facts: RefundFacts): Verdict {
  const none = { ground: null, amountNanos: null, calculation: null };
  const standing = weighed.filter((one) => one.truth === 'yes');
  const best = standing
    .filter((one) => one.due !== undefined)
    .reduce<WeighedGround | undefined>((a, b) => ((b.due?.amountNanos ?? 0n) > (a?.due?.amountNanos ?? -1n) ? b : a), undefined);
  const bestNanos = best?.due?.amountNanos ?? 0n;
  const mayGiveMore = (one: WeighedGround): boolean => one.due === undefined || one.due.amountNanos > bestNanos;
  const open = weighed.find((one) => one.truth === 'unknown' && mayGiveMore(one));
  if (open !== undefined)
    return {
      ...none,
      decision: 'needs_review',
      reason: `whether ${open.ground.id} applies hangs on what is not known`,
      reasonSay: { code: 'open', ground: open.ground.id },
    };
  const unpriced = standing.find((one) => one.due === undefined);
  if (unpriced !== undefined) {
    const reason = `${unpriced.ground.id} applies, but what it is worth can't be computed: the payment, its amount, the paid time or its plan is missing`;
    return { ...none, decision: 'needs_review', reason, reasonSay: { code: 'unpriced', ground: unpriced.ground.id } };
  }
  if (best?.due === undefined)
    return {
      ...none,
      decision: 'not_eligible',
      reason: 'no ground applies that no bar takes away',
      reasonSay: { code: 'no_ground' },
    };
  const { amountNanos, calculation } = best.due;
  if (amountNanos === 0n)
    return {
      ...none,
      decision: 'not_eligible',
      reason: `${best.ground.id} applies, but nothing ${calculation === null ? 'had been paid by then' : 'is left to refund'}`,
      reasonSay: { code: calculation === null ? 'not_paid' : 'nothing_left', ground: best.ground.id },
    };
  const reason = `${best.ground.id} applies: ${formatAmount(amountNanos, facts.currency)} ${facts.currency}`;
  const reasonSay = { code: 'applies', ground: best.ground.id } as const;
  return { decision: 'eligible', ground: best.ground.id, amountNanos, calculation, reason, reasonSay };
}

function both(a: Truth, b: Truth): Truth {
  if (a === 'no' || b === 'no') return 'no';
  return a === 'yes' && b === 'yes' ? 'yes' : 'unknown';
}
function not(a: Truth): Truth {
  return a === 'unknown' ? a : a === 'yes' ? 'no' : 'yes';
}
function any(list: readonly Truth[]): Truth {
  return not(list.map(not).reduce(both, 'yes'));
}
