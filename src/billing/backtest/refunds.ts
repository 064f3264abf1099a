import type { Books } from '../../books/books.ts';
import { parseAmount } from '../../domain/money.ts';
import type { QueryContext } from '../../query/context.ts';
import { gatherFacts } from '../refunds/facts.ts';
import { type LoadedSheet, parseSheet, type TermsLibrary } from '../../terms/library.ts';
import { evaluateRefund, type RefundDecision, type RuleOutcome } from '../../terms/refund.ts';
import type { Pair } from './credits.ts';
import type { RecordedCheck } from './recorded-checks.ts';

/** A decision, and the rules that decided it. */
export interface Verdict {
  readonly decision: RefundDecision['decision'];
  readonly ground: string | null;
  readonly amountNanos: bigint;
  readonly deciding: readonly RuleOutcome[];
}

/** A recorded check made again under the sheet it was recorded with and under the one tried, both on what is known now. */
export interface CheckAgain {
  readonly check: RecordedCheck;
  readonly verdict: Pair<Verdict>;
  /** What was recorded is not what its own sheet says now: samples, events or incidents came in since. */
  readonly factsChanged: boolean;
}

/** Makes a check again. Only reads. */
export async function checkAgain(
  context: QueryContext & { books: Books },
  library: TermsLibrary,
  check: RecordedCheck,
  replaced: string,
  tried: LoadedSheet,
): Promise<CheckAgain> {
  const own = (await sheetRecorded(context.books, check.id)) ?? library.inForce(replaced, check.atMs) ?? tried;
  const verdictUnder = async ({ sheet }: LoadedSheet): Promise<Verdict> => {
    const { facts } = await gatherFacts(context, check.vm, check.atMs, sheet);
    return verdictOf(evaluateRefund(sheet, facts, check.atMs));
  };
  const before = await verdictUnder(own);
  const after = await verdictUnder(tried);
  const recordedNanos = check.amount === null ? 0n : (parseAmount(check.amount) ?? 0n);
  const factsChanged =
    before.decision !== check.decision || before.ground !== check.ground || before.amountNanos !== recordedNanos;
  return { check, verdict: { before, after }, factsChanged };
}

/** The sheet as the check was recorded with it; undefined if it is of a form that is no longer read. */
async function sheetRecorded(books: Books, id: string): Promise<LoadedSheet | undefined> {
  const { sheet } = JSON.parse(await books.refundChecks.read(id)) as { sheet?: unknown };
  const parsed = parseSheet(JSON.stringify(sheet ?? null), id);
  return 'sheet' in parsed ? parsed : undefined;
}

function verdictOf(decided: RefundDecision): Verdict {
  const { decision, ground, amountNanos } = decided;
  return { decision, ground, amountNanos: amountNanos ?? 0n, deciding: decidingRules(decided) };
}

/**
 * The rules that an outcome hangs on: the ground that gives a refund; of a review, what is not known; of a refusal, the bars that
 * take away the grounds that hold, or else the grounds, none of which holds.
 */
export function decidingRules({ decision, ground, rules }: RefundDecision): RuleOutcome[] {
  const grounds = rules.filter((rule) => rule.kind === 'ground');
  const bars = rules.filter((rule) => rule.kind === 'bar');
  if (decision === 'eligible') return grounds.filter((rule) => rule.id === ground);
  if (decision === 'needs_review') {
    const unknown = rules.filter((rule) => rule.outcome === 'unknown');
    // Where every rule is known, it is what the ground is worth that is not.
    return unknown.length > 0 ? unknown : grounds.filter((rule) => rule.outcome === 'pass');
  }
  const holding = grounds.filter((rule) => rule.outcome === 'pass');
  if (holding.length === 0) {
    const otherwise = bars.filter((rule) => rule.id === 'otherwise');
    return otherwise.length > 0 ? otherwise : grounds;
  }
  const barring = bars.filter(
    (bar) => bar.outcome === 'fail' && (bar.only === undefined || holding.some((rule) => bar.only?.includes(rule.id))),
  );
  return barring.length > 0 ? barring : holding;
}
