import type { BillingContext } from './context.ts';
import { isRightUntil } from '../query/span.ts';
import { sha256, type StoredDocument } from '../books/stored-document.ts';
import { isBoundary } from '../domain/bucket.ts';
import { conditionOf } from '../domain/condition.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import type { OutageInterval } from '../domain/timeline.ts';
import { MINUTE_MS, zoneOf } from '../domain/zone.ts';
import { toJson } from '../domain/json.ts';
import { unclaimedCredits } from '../rating/credits.ts';
import { roundedToMinor } from '../rating/exact.ts';
import { type RatedLine, totalOf } from '../rating/line.ts';
import { type InvoiceFacts, rateInvoice } from '../rating/order.ts';
import { clipSegments } from '../rating/served.ts';
import { agreedJson } from './agreed.ts';
import { pendingDebits } from '../books/debit-lines.ts';
import { gatherFacts, type Gathered } from './facts.ts';
import { dueAtOf } from './overdue.ts';

/** A document with its lines still at hand. */
export interface RatedDocument extends StoredDocument {
  lines: readonly RatedLine[];
}

/** How a final invoice's period is rated once more: what it was taxed by stays, and debits of others are no part of it. */
export interface RatedAgain {
  /** Left out: the account's rate. */
  taxPercent?: string;
}

/** Rates an account's period from what is stored now, with what earlier invoices lacked. Nothing is recorded. */
export async function rateDocument(
  context: BillingContext,
  account: string,
  fromMs: number,
  toMs: number,
  again?: RatedAgain,
): Promise<RatedDocument> {
  return documentOf(context, account, await gatherFacts(context, account, fromMs, toMs), again);
}

/** The document of an account's facts. */
export function documentOf(context: BillingContext, account: string, gathered: Gathered, again?: RatedAgain): RatedDocument {
  const body = context.catalog.account(account)?.body;
  if (body === undefined) throw new Error(`account ${account} is not in the catalog`);
  const { currency, fromMs, toMs } = gathered.facts;
  const facts = again === undefined ? gathered.facts : { ...gathered.facts, ...again };
  const rated = rateInvoice(facts);
  const debits = again === undefined ? pendingDebits(context.books, account) : [];
  const lines = [...rated, ...debits.map(({ line }) => line)];
  const total = totalOf(lines);
  const dueAtMs = dueAtOf(context, account, toMs);
  const complete = gathered.evidence.every(({ vm, span }) => {
    const endsAtMs = context.catalog.endsAtMs(vm) ?? toMs;
    return span === undefined || isRightUntil(span, Math.min(toMs, endsAtMs));
  });
  const rest = {
    account,
    // As they are now: a later change of address is of later documents.
    issuer: context.issuer ?? null,
    customer: {
      name: body.name,
      language: body.language,
      address: body.address,
      tax_id: body.tax_id,
      email: body.email,
    },
    currency,
    from: formatInstant(fromMs),
    to: formatInstant(toMs),
    time_zone: gathered.days.time_zone,
    due_at: formatInstant(dueAtMs),
    lines: lines.map((line) => lineJson(line, currency, servedRange(line, facts))),
    total: formatAmount(total, currency),
    // Whether every VM has been metered up to the end of the period, or of its service.
    usage_complete: complete,
    warnings: warningsOf(context, gathered),
    ...(gathered.notMeasured.length === 0
      ? {}
      : {
          not_measured: gathered.notMeasured.map(({ vm, servedMs, notMeasuredMs }) => ({
            vm,
            served_ms: servedMs,
            not_measured_ms: notMeasuredMs,
          })),
        }),
    // Rated before it was over, it is no invoice of it: see `finalize`.
    ...(gathered.isOver ? {} : { period_over: false }),
    ...unclaimedJson(gathered),
    // What the picture of its days is drawn from, also when the samples are gone.
    usage_days: gathered.days,
  };
  const agreed = agreedJson(context, account, { ...gathered, facts });
  const evidence = evidenceJson(gathered);
  const texts = {
    rest: toJson(rest),
    evidence: toJson({ ...evidence, agreed: { catalog: gathered.stored.catalogSeq, ...agreed } }),
  };
  return {
    head: {
      type: 'invoice',
      account,
      currency,
      from: fromMs,
      to: toMs,
      final: false,
      number: null,
      issued_at: null,
      due_at: dueAtMs,
      total_nanos: total.toString(),
      principal_nanos: (total - totalOf(lines.filter((line) => line.kind === 'late_fee'))).toString(),
      corrects: null,
      // Without the position in the catalog, which every invoice moves on.
      digest: sha256(`${texts.rest}\n${toJson({ ...evidence, agreed })}`),
      ...(debits.length === 0
        ? {}
        : {
            debits: debits.map(({ id, part, line }, i) => ({
              id,
              part,
              line: rated.length + i,
              nanos: line.amountNanos.toString(),
            })),
          }),
    },
    ...texts,
    sha256: null,
    lines,
  };
}

/** What whoever makes the invoice has to know before it is final. */
function warningsOf({ issuer }: BillingContext, { warnings, isOver, facts }: Gathered): string[] {
  return [
    ...(isOver ? [] : [`the period ends at ${formatInstant(facts.toMs)} and was not over when this was rated`]),
    ...(issuer === undefined ? ['the server has no issuer.json: this names no seller, tax id or bank'] : []),
    ...warnings,
  ];
}

/** Credits that the terms give to whoever asks in time, and that were not asked for, or too late; nothing where there are none. */
function unclaimedJson({ facts: { vms, fromMs, toMs, currency } }: Gathered): { unclaimed_credits?: unknown[] } {
  const found = vms.flatMap(({ vm, service, outages, claims = [] }) =>
    unclaimedCredits(vm, service, outages, fromMs / MINUTE_MS, toMs / MINUTE_MS, claims),
  );
  if (found.length === 0) return {};
  return {
    unclaimed_credits: found.map(({ vm, detail, creditNanos, claimByMs, claimedAtMs, clause }) => ({
      vm,
      ...detail,
      amount: formatAmount(roundedToMinor(creditNanos, currency), currency),
      claim_by: formatInstant(claimByMs),
      claimed_at: claimedAtMs === null ? null : formatInstant(claimedAtMs),
      outcome: claimedAtMs === null ? 'to_be_claimed' : 'barred',
      clause,
    })),
  };
}

function lineJson(line: RatedLine, currency: string, range: Range): Record<string, unknown> {
  return {
    kind: line.kind,
    vm: line.vm,
    description: line.description,
    quantity: line.quantity,
    unit: line.unit,
    unit_price: line.unitPrice,
    amount: formatAmount(line.amountNanos, currency),
    formula: line.formula,
    ...linksOf(line, range),
    detail: line.detail,
  };
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The part of the period in which a line's VM was served, on the line's plan where it is about one: what else was metered is not in the line. */
function servedRange(line: RatedLine, { vms, fromMs, toMs }: InvoiceFacts): Range {
  const service = vms.find(({ vm }) => vm === line.vm)?.service ?? [];
  const { plan: only } = line.detail;
  const served = clipSegments(service, fromMs / MINUTE_MS, toMs / MINUTE_MS).filter(
    ({ plan }) => only === undefined || plan.id === only,
  );
  const [first, last] = [served[0], served.at(-1)];
  if (first === undefined || last === undefined) return { fromMs, toMs };
  return { fromMs: first.fromMinute * MINUTE_MS, toMs: last.toMinute * MINUTE_MS };
}

/** The questions whose answers a line was computed from, and the raw samples behind them. */
function linksOf(line: RatedLine, { fromMs, toMs }: Range): { query: string | null; samples?: string } {
  // A debit rests on the invoice that it corrects.
  if (typeof line.detail['debit'] === 'string') return { query: `/v1/invoices/${String(line.detail['invoice'])}` };
  if (line.vm === null)
    return { query: typeof line.detail['invoice'] === 'string' ? `/v1/invoices/${line.detail['invoice']}` : null };
  const vm = `/v1/vms/${line.vm}`;
  const range = `from=${formatInstant(fromMs)}&to=${formatInstant(toMs)}`;
  const samples = `${vm}/samples?${range}`;
  switch (line.kind) {
    case 'traffic':
      return { query: `${vm}/traffic?${range}&step=minute&by=nic`, samples };
    case 'credit':
      return { query: `${vm}/uptime?${range}${stepOf(line, fromMs, toMs)}&incidents=applied`, samples };
    case 'fee':
      return { query: `${vm}/events` };
    default:
      return { query: vm };
  }
}

/** By day in the line's own zone where the period is whole days there, else by minute. */
function stepOf(line: RatedLine, fromMs: number, toMs: number): string {
  const [first] = (line.detail['days'] ?? []) as readonly { time_zone?: string }[];
  const zone = zoneOf(first?.time_zone ?? '');
  const aligned = zone !== undefined && [fromMs, toMs].every((ms) => isBoundary(zone, 'day', ms / MINUTE_MS));
  return aligned ? `&step=day&tz=${encodeURIComponent(zone.name)}` : '&step=minute';
}

/** What was measured: the published span and outages of each VM, before and after incidents, and traffic by plan. */
function evidenceJson({ facts, evidence }: Gathered): Record<string, unknown> {
  return {
    vms: evidence.map(({ vm, span, reported, counted }, i) => ({
      vm,
      first: span === undefined ? null : formatInstant(span.firstMs),
      horizon: span === undefined ? null : formatInstant(span.horizonMs),
      outages_reported: reported.map(outageText),
      outages_counted: counted.map(outageText),
      traffic: (facts.vms[i]?.traffic ?? []).map(({ plan, bytes, slots }) => ({
        plan,
        rx_bytes: bytes.rxBytes,
        tx_bytes: bytes.txBytes,
        slots: slots.map((slot) => [slot.rxBytes, slot.txBytes]),
      })),
      events: (facts.vms[i]?.fees ?? []).map((fee) => fee.id),
    })),
  };
}

function outageText({ startMs, endMs, condition }: OutageInterval): unknown[] {
  return [formatInstant(startMs), endMs === null ? null : formatInstant(endMs), conditionOf(condition)];
}
