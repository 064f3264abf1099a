import { formatInstant } from '../../domain/instant.ts';
import { conditionOf, SILENT } from '../../domain/condition.ts';
import { formatAmount, roundToMinor } from '../../domain/money.ts';
import { ProblemError } from '../../problems/problem.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import type { QueryContext } from '../../query/context.ts';
import { loadOutages } from '../../query/outages.ts';
import { silenceGroupsOf } from '../../query/silences.ts';
import type { LoadedSheet, TermsLibrary } from '../../terms/library.ts';
import type { RefundEvent, RefundFacts } from '../../terms/measure.ts';
import { evaluateRefund, type RefundDecision } from '../../terms/refund.ts';
import { planInForce } from '../../domain/dated-plans.ts';
import { termsNamed } from '../../terms/agreed.ts';
import type { TermsSheet } from '../../terms/sheet.ts';
import { type Gathered, gatherFacts, type RefundContext } from './facts.ts';

export interface RefundRequest {
  vm: string;
  atMs: number;
  /** What if: another sheet of the library, or one given whole. */
  terms?: string | LoadedSheet | undefined;
}

/** Outages listed in an answer; the rest is counted. */
const OUTAGES_SHOWN_MAX = 1000;

/** Events of the account's other VMs listed in an answer. */
const ACCOUNT_EVENTS_SHOWN_MAX = 100;

/**
 * Checks whether a VM may be refunded at an instant, and says by which clauses and which evidence. The answer's JSON, with
 * bigints for exact integers. Throws `vm_unknown`, `terms_unknown` or, where the VM has no terms, `invalid_reference`.
 */
export async function checkRefund(
  context: RefundContext,
  library: TermsLibrary,
  request: RefundRequest,
): Promise<Record<string, unknown>> {
  const { vm, atMs } = request;
  if (context.catalog.vm(vm) === undefined) throw new ProblemError('vm_unknown', `the catalog has no VM ${vm}`, { vm });
  const own = termsOf(context, vm, atMs);
  const loaded = typeof request.terms === 'object' ? request.terms : sheetInForce(library, request.terms ?? own, vm, atMs);
  const gathered = await gatherFacts(context, vm, atMs, loaded.sheet);
  const decision = evaluateRefund(loaded.sheet, gathered.facts, atMs);
  return {
    vm,
    at: formatInstant(atMs),
    terms: loaded.sheet.id,
    terms_version: loaded.sheet.version,
    what_if: request.terms !== undefined && request.terms !== own,
    decision: decision.decision,
    ground: decision.ground,
    amount: decision.amountNanos === null ? null : formatAmount(decision.amountNanos, gathered.facts.currency),
    currency: gathered.facts.currency,
    destination: decision.destination,
    destination_clause: decision.destinationClause,
    reason: decision.reason,
    reason_say: decision.reasonSay,
    calculation: calculationJson(decision, gathered.facts.currency),
    clauses: decision.rules,
    evidence: evidenceJson(gathered),
    // The silences that somebody has to decide on before this can be.
    silences: decision.decision === 'needs_review' ? await undecidedSilences(context, vm, gathered, atMs) : [],
    facts: factsJson(gathered.facts, loaded.sheet, atMs),
    sheet: loaded.json,
  };
}

/** Silences named in an answer at most. */
const SILENCES_MAX = 20;

/** Ids of the silences of which something is left to decide. */
async function undecidedSilences(context: QueryContext, vm: string, { evidence }: Gathered, atMs: number): Promise<string[]> {
  const silent = evidence.outages.filter(({ condition }) => condition === SILENT).slice(0, SILENCES_MAX);
  const reported = await loadOutages(context, [vm], silent[0]?.startMs ?? atMs, silent.at(-1)?.endMs ?? atMs);
  const raw = (reported.get(vm) ?? []).filter(({ condition }) => condition === SILENT);
  const groups = await silenceGroupsOf(context, raw.map(({ startMs, endMs }) => ({ vm, startMs, endMs }))); // prettier-ignore
  return groups.filter(({ silences }) => silences.some((each) => each.vm === vm && each.open.length > 0)).map(({ id }) => id);
}

/** The terms agreed for a VM: its own, else those of its plan in force. */
function termsOf({ catalog }: QueryContext, vm: string, atMs: number): string | undefined {
  const body = catalog.vm(vm)?.body;
  if (body === undefined) return undefined;
  return termsNamed({ catalog }, body, planInForce(body.plans, atMs)?.plan, atMs) ?? undefined;
}

function sheetInForce(library: TermsLibrary, id: string | undefined, vm: string, atMs: number): LoadedSheet {
  if (id === undefined)
    throw oneFieldProblem(
      'invalid_reference',
      'terms',
      `neither VM ${vm} nor its plan names terms: record them, or name some here`,
    );
  const loaded = library.inForce(id, atMs);
  if (loaded === undefined) {
    const ended = library.versions(id).length > 0 ? ' in force at that instant' : '';
    throw new ProblemError('terms_unknown', `there is no terms sheet ${id}${ended}; loaded are ${library.ids().join(', ')}`);
  }
  return loaded;
}

function calculationJson({ calculation }: RefundDecision, currency: string): Record<string, unknown> | null {
  if (calculation === null) return null;
  const { basis, paidNanos, share, feeNanos, refundedBeforeNanos } = calculation;
  const money = (nanos: bigint): string => formatAmount(roundToMinor(nanos, currency), currency);
  return {
    basis,
    paid_amount: money(paidNanos),
    // Σ unit(k) of the time left by that of the time paid for; 1 by 1 for the full amount.
    share_of: share.num,
    share_by: share.den,
    handling_fee: money(feeNanos),
    refunded_before: money(refundedBeforeNanos),
  };
}

function evidenceJson({ facts, evidence }: Gathered): Record<string, unknown> {
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  return {
    from: formatInstant(evidence.fromMs),
    to: formatInstant(evidence.toMs),
    samples: evidence.samples,
    first_sample: shown(evidence.firstSampleMs),
    last_sample: shown(evidence.lastSampleMs),
    metered_to: shown(facts.meteredToMs),
    outages: evidence.outages.slice(0, OUTAGES_SHOWN_MAX).map(({ startMs, endMs, condition }) => ({
      start: formatInstant(startMs),
      end: shown(endMs),
      cause: conditionOf(condition),
      duration_ms: endMs === null ? null : endMs - startMs,
    })),
    outages_total: evidence.outages.length,
    traffic_bytes: facts.traffic === null ? null : facts.traffic.rxBytes + facts.traffic.txBytes,
    rx_bytes: facts.traffic?.rxBytes ?? null,
    tx_bytes: facts.traffic?.txBytes ?? null,
  };
}

/** What was known besides the metered data, as it then was: catalog entries can change afterwards. */
function factsJson(facts: RefundFacts, { refund }: TermsSheet, atMs: number): Record<string, unknown> {
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  const conditions = [...refund.grounds, ...refund.bars].flatMap((rule) => rule.when);
  const ofAccount = new Set<string>(
    conditions.flatMap((each) => (each.measure === 'events' && each.scope === 'account' ? each.kinds : [])),
  );
  const known = ({ atMs: at }: RefundEvent): boolean => at <= atMs;
  return {
    paid_at: shown(facts.paidAtMs),
    paid_until: shown(facts.paidUntilMs),
    paid_nanos: facts.paidNanos,
    starts_at: shown(facts.startsAtMs),
    promotion: facts.promotion,
    plans: facts.plans.map(({ fromMs, plan }) => ({ plan: plan.id, from: formatInstant(fromMs) })),
    events: facts.events.filter(known).map(eventJson),
    // Those of its other VMs that the sheet counts, latest first.
    account_events: facts.accountEvents
      .filter((event) => known(event) && event.vm !== facts.vm && ofAccount.has(event.kind))
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, ACCOUNT_EVENTS_SHOWN_MAX)
      .map((event) => ({ vm: event.vm, ...eventJson(event) })),
  };
}

function eventJson({ id, kind, atMs, amountNanos }: RefundEvent): Record<string, unknown> {
  return { id, kind, at: formatInstant(atMs), amount_nanos: amountNanos };
}
