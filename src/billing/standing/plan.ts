import type { ConsequenceBody } from '../../books/consequences.ts';
import { paidOf } from '../../books/paid-terms.ts';
import type { BillingContext } from '../context.ts';
import { overdueAt, type OwedItem } from './owed.ts';
import { type AfterRule, firstOf, mayEnd, owedRules, type VmRules, vmRules } from './rules.ts';
import { expiryOf, suspensionOf, vmStateOf } from './state.ts';

/** A consequence that is to be carried out now. */
export type Planned = Omit<ConsequenceBody, 'account' | 'at' | 'currency' | 'by'>;

const BLANK = { vm: null, level: null, item: null, amount_nanos: null, ends_at: null, deletes_at: null, wrong: false } as const;

/**
 * What is to follow for an account by now and was not carried out yet: a function of what is owed, what was agreed and what was carried out, so asked again
 * after it was, nothing is. Nothing is dated back: what should have been done while nobody did it is done now, and says since when it was due.
 */
export function consequencesDue(context: BillingContext, account: string, nowMs: number): Planned[] {
  const owed = ofAccount(context, account, nowMs);
  const ended = new Set(owed.flatMap(({ kind, vm }) => (kind === 'ended' && vm !== null ? [vm] : [])));
  const vms = context.catalog.vmsOf(account).filter((vm) => !ended.has(vm));
  return [...owed, ...vms.flatMap((vm) => ofVm(context, account, vm, nowMs))];
}

/** Those of what an account owes: reminders, suspension and its end, the end of what stays unpaid. */
export function ofAccount(context: BillingContext, account: string, nowMs: number): Planned[] {
  const overdue = overdueAt(context, account, nowMs);
  const rules = new Map(overdue.map((item) => [item, owedRules(context, account, item, nowMs)]));
  const amount = overdue.reduce((sum, { unpaidNanos }) => sum + unpaidNanos, 0n).toString();
  const planned: Planned[] = [];
  for (const item of remindedOf(overdue)) {
    const told = new Set(
      context.books.consequences
        .of(account)
        .filter((each) => each.kind === 'reminder' && each.item === item.id)
        .map(({ level }) => level),
    );
    for (const { level, afterMs, clause } of rules.get(item)?.reminders ?? []) {
      const dueAt = item.dueAtMs + afterMs;
      if (dueAt > nowMs || told.has(level)) continue;
      planned.push({
        ...BLANK,
        kind: 'reminder',
        level,
        item: item.id,
        due_at: dueAt,
        amount_nanos: item.unpaidNanos.toString(),
        clause,
      });
    }
  }
  const suspend = firstOf(overdue, (item) => rules.get(item)?.suspend ?? null);
  const isSuspendDue = suspend !== undefined && suspend.atMs <= nowMs;
  const suspended = suspensionOf(context, account);
  if (suspended === undefined && isSuspendDue)
    planned.push({
      ...BLANK,
      kind: 'suspended',
      item: suspend.item.id,
      due_at: suspend.atMs,
      amount_nanos: amount,
      clause: suspend.clause,
    });
  if (suspended !== undefined && !isSuspendDue)
    planned.push({
      ...BLANK,
      kind: 'resumed',
      due_at: nowMs,
      clause: null,
      wrong: wasWrong(context, account, suspended.at, nowMs),
    });
  const end = firstOf(overdue, (item) => rules.get(item)?.end ?? null);
  if (end === undefined || end.atMs > nowMs) return planned;
  for (const vm of context.catalog.vmsOf(account)) {
    if (!isInService(context, vm, nowMs) || !mayEnd(context, vm, nowMs)) continue;
    const { retention } = rulesOf(context, vm, nowMs);
    planned.push({
      ...{ ...BLANK, kind: 'ended', vm, item: end.item.id, due_at: end.atMs, amount_nanos: amount },
      ...{ clause: end.clause, ends_at: nowMs, deletes_at: retention === null ? null : nowMs + retention.afterMs },
    });
  }
  return planned;
}

/** Whether an account was suspended though, by what is known now, nothing asked for it then. */
function wasWrong(context: BillingContext, account: string, atMs: number, nowMs: number): boolean {
  const asks = (vms: readonly string[] | undefined): AfterRule | null => owedRules(context, account, { vms }, nowMs).suspend;
  if (asks(undefined) === null && context.catalog.vmsOf(account).every((vm) => asks([vm]) === null)) return false;
  return !overdueAt(context, account, atMs - 1, atMs).some(({ dueAtMs, vms }) => {
    const rule = asks(vms);
    return rule !== null && dueAtMs + rule.afterMs <= atMs;
  });
}

/** Each invoice has reminders of its own; of days only the one that has been open longest, else each day would bring one. */
function remindedOf(overdue: readonly OwedItem[]): OwedItem[] {
  const day = overdue.find(({ isDay }) => isDay);
  return overdue.filter((item) => !item.isDay || item === day);
}

/** Those of a VM's term and of its end. */
function ofVm(context: BillingContext, account: string, vm: string, nowMs: number): Planned[] {
  const body = context.catalog.vm(vm)?.body;
  if (body === undefined) return [];
  const { expire, endExpired, retention } = rulesOf(context, vm, nowMs);
  const past = context.books.consequences.of(account).filter((each) => each.vm === vm);
  const { ends_at: endsAt } = body;
  const { untilMs: paidUntil } = paidOf(context.books, vm, body, nowMs);
  const expired = expiryOf(context, account, vm);
  if (expired !== undefined && paidUntil !== null && paidUntil > nowMs && expired.item !== String(paidUntil)) {
    // A service that was ended by this expiry, and by nothing since, goes on; time between is no service unless it was paid.
    const isOurs = past.some(({ kind, ends_at }) => kind === 'ended' && ends_at === endsAt);
    if (endsAt === null || endsAt > nowMs || isOurs)
      return [
        { ...BLANK, kind: 'resumed', vm, item: String(paidUntil), due_at: nowMs, clause: null, ends_at: isOurs ? null : endsAt },
      ];
  }
  if (endsAt !== null && endsAt <= nowMs) {
    const deletesAt = retention === null ? Infinity : endsAt + retention.afterMs;
    const isTold = past.some(({ kind, ends_at }) => kind === 'deletion_due' && ends_at === endsAt);
    if (retention === null || isTold || deletesAt > nowMs) return [];
    return [
      { ...BLANK, kind: 'deletion_due', vm, due_at: deletesAt, clause: retention.clause, ends_at: endsAt, deletes_at: deletesAt },
    ];
  }
  if (paidUntil === null || expire === null || paidUntil + expire.afterMs > nowMs) return [];
  const item = String(paidUntil);
  const planned: Planned[] = [];
  if (expired?.item !== item)
    planned.push({ ...BLANK, kind: 'expired', vm, item, due_at: paidUntil + expire.afterMs, clause: expire.clause });
  if (endExpired !== null && paidUntil + endExpired.afterMs <= nowMs) {
    const deletesAt = retention === null ? null : paidUntil + retention.afterMs;
    // What was not renewed was not served after it: the service ends where the term did.
    planned.push({
      ...{ ...BLANK, kind: 'ended', vm, item, due_at: paidUntil + endExpired.afterMs },
      ...{ clause: endExpired.clause, ends_at: paidUntil, deletes_at: deletesAt },
    });
  }
  return planned;
}

function isInService(context: BillingContext, vm: string, nowMs: number): boolean {
  const body = context.catalog.vm(vm)?.body;
  return body !== undefined && (body.starts_at ?? 0) <= nowMs && vmStateOf(context, vm, nowMs).state !== 'ended';
}

function rulesOf(context: BillingContext, vm: string, nowMs: number): VmRules {
  const body = context.catalog.vm(vm)?.body;
  if (body === undefined) return { expire: null, endExpired: null, retention: null };
  // After its end a VM's terms are those that held then.
  return vmRules(context, body, body.ends_at === null ? nowMs : Math.min(nowMs, body.ends_at - 1));
}
