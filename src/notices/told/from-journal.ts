import type { BillingContext } from '../../billing/context.ts';
import { consequenceBody } from '../../books/consequences.ts';
import { dueAtOfHead } from '../../books/document-money.ts';
import { grantBody } from '../../books/grants.ts';
import { invoiceHead } from '../../books/invoices.ts';
import { numberText } from '../../books/number-series.ts';
import { storedVm } from '../../catalog/bodies.ts';
import { incidentBody, type IncidentBody } from '../../catalog/incidents.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { planBody } from '../../domain/plan.ts';
import type { Entry } from '../../journal/entry.ts';
import { entryBefore } from '../../journal/read.ts';
import { draftOf, type NoticeDraft } from '../record/notice.ts';
import { SUBSCRIPTION_KIND, subscriptionBody, targetOf } from '../subscriptions/subscription.ts';
import { refundCheckText } from './refund-check-text.ts';
import { NOTICE_OF_CONSEQUENCE } from '../record/types.ts';

type Reading = (context: BillingContext, entry: Entry) => readonly NoticeDraft[] | Promise<readonly NoticeDraft[]>;

/** What an entry of the journal is told of as, by its kind. It was durable before it came here. */
const READINGS: Readonly<Record<string, Reading>> = {
  invoice: ofDocument,
  consequence: ofConsequence,
  incident: ofIncident,
  refund_check: ofRefundCheck,
  grant: ofGrant,
  plan: ofPlan,
  vm: ofVm,
  [SUBSCRIPTION_KIND]: ofSubscription,
};

/** The kinds of entries that something is told of. */
export const TOLD_KINDS: readonly string[] = Object.keys(READINGS);

/** What is to be told of an entry. */
export async function noticesOfEntry(context: BillingContext, entry: Entry): Promise<readonly NoticeDraft[]> {
  return (await READINGS[entry.kind]?.(context, entry)) ?? [];
}

function ofDocument(_context: BillingContext, entry: Entry): NoticeDraft[] {
  const { head } = JSON.parse(entry.body) as { head: unknown };
  const document = invoiceHead.parse(head);
  const { type, account, currency, final, issued_at: issuedAt, total_nanos: total } = document;
  if (!final || issuedAt === null) return [];
  const common = {
    number: numberText(document) ?? '',
    currency,
    total: formatAmount(BigInt(total), currency),
    issued_at: formatInstant(issuedAt),
  };
  const given = { account, atMs: issuedAt };
  if (type === 'credit_note') {
    const data = { credit_note: entry.id, ...common, invoice: document.corrects?.invoice ?? null };
    return [draftOf('credit_note.final', [entry.id], { ...given, data })];
  }
  const time = {
    from: formatInstant(document.from),
    to: formatInstant(document.to),
    due_at: formatInstant(dueAtOfHead(document)),
  };
  return [draftOf('invoice.final', [entry.id], { ...given, data: { invoice: entry.id, ...common, ...time } })];
}

function ofConsequence(_context: BillingContext, entry: Entry): NoticeDraft[] {
  const body = consequenceBody.parse(JSON.parse(entry.body));
  const { account, kind, vm, at, due_at: dueAt, amount_nanos: amount, currency, clause, level, item } = body;
  const instant = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  const common = {
    ...{ consequence: entry.id, vm, at: formatInstant(at), due_at: formatInstant(dueAt), currency, clause },
    amount: amount === null ? null : formatAmount(BigInt(amount), currency),
  };
  const given = { account, atMs: at };
  const cause = [entry.id];
  const ends = { ends_at: instant(body.ends_at) };
  switch (kind) {
    case 'reminder':
      return [draftOf('account.reminder', cause, { ...given, data: { ...common, level: level ?? 0, item } })];
    case 'ended':
      return [draftOf('vm.ended', cause, { ...given, data: { ...common, ...ends } })];
    case 'deletion_due':
      return [
        draftOf('vm.deletion_due', cause, { ...given, data: { ...common, ...ends, deletes_at: instant(body.deletes_at) } }),
      ];
    default:
      return [draftOf(NOTICE_OF_CONSEQUENCE[kind], cause, { ...given, data: common })];
  }
}

/** An incident is told to each account that has a VM in it. */
function ofIncident(context: BillingContext, entry: Entry): NoticeDraft[] {
  const body = incidentBody.parse(JSON.parse(entry.body));
  const { cause, from, to, announced_at: announcedAt, note, recorded, withdrawn } = body;
  const isAhead = cause === 'maintenance' && from > recorded.at;
  const type = withdrawn !== null ? 'incident.withdrawn' : isAhead ? 'maintenance.announced' : 'incident.recorded';
  const said = {
    ...{ incident: entry.id, cause, note, from: formatInstant(from), to: formatInstant(to) },
    announced_at: announcedAt === null ? null : formatInstant(announcedAt),
  };
  const atMs = withdrawn?.at ?? recorded.at;
  return Array.from(accountsIn(context, body), ([account, vms]) =>
    draftOf(type, [entry.id], { account, atMs, data: { ...said, vms } }),
  );
}

function accountsIn({ catalog }: BillingContext, { scope, reported }: IncidentBody): Map<string, number> {
  const found = new Map<string, number>();
  const vms =
    reported !== null
      ? Object.keys(reported)
      : 'vms' in scope
        ? scope.vms
        : 'account' in scope
          ? catalog.vmsOf(scope.account)
          : catalog.vmIds();
  for (const vm of vms) {
    const account = catalog.vm(vm)?.body.account;
    if (account !== undefined) found.set(account, (found.get(account) ?? 0) + 1);
  }
  if ('account' in scope && !found.has(scope.account)) found.set(scope.account, 0);
  return found;
}

function ofRefundCheck({ catalog }: BillingContext, entry: Entry): NoticeDraft[] {
  const check = refundCheckText.parse(JSON.parse(entry.body));
  const account = catalog.vm(check.vm)?.body.account;
  if (check.what_if || account === undefined) return [];
  const { vm, decision, currency, amount, terms, terms_version } = check;
  const data = { refund_check: entry.id, vm, decision, currency, amount, terms, terms_version };
  return [draftOf('refund.decided', [entry.id], { account, atMs: entry.recordedAtMs, data })];
}

function ofGrant(_context: BillingContext, entry: Entry): NoticeDraft[] {
  const { account, refund_check, vm, currency, amount_nanos: nanos, destination, at } = grantBody.parse(JSON.parse(entry.body));
  const data = { refund_check, vm, currency, amount: formatAmount(BigInt(nanos), currency), destination };
  return [draftOf('refund.granted', [entry.id], { account, atMs: at, data })];
}

/** Of a plan that says other prices than before, each account with VMs on it is told. */
async function ofPlan({ catalog, store }: BillingContext, entry: Entry): Promise<NoticeDraft[]> {
  const before = await entryBefore(store, entry);
  if (before === undefined || pricesOf(before.body) === pricesOf(entry.body)) return [];
  const accounts = new Map<string, number>();
  for (const vm of catalog.vmsOn(entry.id)) {
    const account = catalog.vm(vm)?.body.account;
    if (account !== undefined) accounts.set(account, (accounts.get(account) ?? 0) + 1);
  }
  const atMs = entry.recordedAtMs;
  return Array.from(accounts, ([account, vms]) =>
    draftOf('price.announced', [entry.id, entry.seq.toString()], {
      account,
      atMs,
      data: { plan: entry.id, vms, from: formatInstant(atMs) },
    }),
  );
}

function pricesOf(text: string): string {
  const { currency, price, traffic } = planBody.parse(JSON.parse(text));
  return JSON.stringify([currency, price, traffic]);
}

/** A VM that goes to another plan at an instant to come. */
async function ofVm({ store }: BillingContext, entry: Entry): Promise<NoticeDraft[]> {
  const { account, plans, starts_at: startsAt } = storedVm(entry.body);
  const ahead = plans.filter(({ from }, i) => i > 0 && from > entry.recordedAtMs && from > (startsAt ?? -Infinity));
  if (ahead.length === 0) return [];
  const before = await entryBefore(store, entry);
  const known = before === undefined ? [] : storedVm(before.body).plans;
  return ahead
    .filter(({ plan, from }) => !known.some((each) => each.plan === plan && each.from === from))
    .map(({ plan, from }) => {
      const data = { plan, vms: 1, from: formatInstant(from) };
      return draftOf('price.announced', [entry.id, entry.seq.toString(), plan, from], {
        account,
        atMs: entry.recordedAtMs,
        data,
      });
    });
}

function ofSubscription(_context: BillingContext, entry: Entry): NoticeDraft[] {
  const body = subscriptionBody.parse(JSON.parse(entry.body));
  const { disabled, deleted } = body;
  if (disabled === null || deleted) return [];
  const data = { subscription: entry.id, target: targetOf(body), why: disabled.why };
  return [draftOf('subscription.disabled', [entry.id, disabled.at], { account: null, atMs: disabled.at, data })];
}
