import type { Consequence } from '../../books/consequences.ts';
import { paidOf } from '../../books/paid-terms.ts';
import type { BillingContext } from '../context.ts';
import { overdueAt, type OwedItem } from './owed.ts';
import { type AfterRule, firstOf, owedRules, vmRules } from './rules.ts';
import { type ServiceState, suspensionOf, vmStateOf } from './state.ts';

/** What is to come, from when, if nothing is paid or renewed. */
export interface Ahead {
  readonly kind: Consequence['kind'];
  readonly vm: string | null;
  readonly atMs: number;
  readonly clause: string;
}

export interface StandingView {
  readonly state: ServiceState;
  readonly sinceMs: number | null;
  readonly clause: string | null;
  readonly overdue: readonly (OwedItem & { readonly remindedLevel: number | null })[];
  readonly vms: readonly {
    readonly vm: string;
    readonly state: ServiceState;
    readonly sinceMs: number | null;
    readonly paidUntilMs: number | null;
    readonly endsAtMs: number | null;
    readonly deletesAtMs: number | null;
  }[];
  readonly ahead: readonly Ahead[];
  /** What was carried out, the latest first. */
  readonly history: readonly Consequence[];
}

/** How an account stands: what it is, by which clause, what is overdue, what was carried out and what is to come. */
export function standingView(context: BillingContext, account: string, nowMs: number): StandingView {
  const { books, catalog } = context;
  const history = books.consequences.of(account).toReversed();
  const overdue = overdueAt(context, account, nowMs).map((item) => ({
    ...item,
    remindedLevel: history.find((each) => each.kind === 'reminder' && each.item === item.id)?.level ?? null,
  }));
  const vms = catalog.vmsOf(account).map((vm) => {
    const body = catalog.vm(vm)?.body;
    const endsAtMs = body?.ends_at ?? null;
    const retention = body === undefined || endsAtMs === null ? null : vmRules(context, body, endsAtMs - 1).retention;
    return {
      ...{
        vm,
        ...vmStateOf(context, vm, nowMs),
        paidUntilMs: body === undefined ? null : paidOf(context.books, vm, body, nowMs).untilMs,
        endsAtMs,
      },
      deletesAtMs: endsAtMs === null || retention === null ? null : endsAtMs + retention.afterMs,
    };
  });
  const suspension = suspensionOf(context, account);
  const isEnded = vms.length > 0 && vms.every(({ state }) => state === 'ended');
  const ended = Math.max(...vms.map(({ sinceMs }) => sinceMs ?? 0));
  const resumed = history.find(({ vm, kind }) => vm === null && kind === 'resumed');
  return {
    state: isEnded ? 'ended' : suspension === undefined ? 'active' : 'suspended',
    sinceMs: isEnded ? ended : (suspension?.at ?? resumed?.at ?? null),
    clause: isEnded ? null : (suspension?.clause ?? null),
    ...{ overdue, vms, history },
    ahead: aheadOf(context, account, nowMs, { overdue, isSuspended: suspension !== undefined }),
  };
}

function aheadOf(
  context: BillingContext,
  account: string,
  nowMs: number,
  { overdue, isSuspended }: Pick<StandingView, 'overdue'> & { isSuspended: boolean },
): Ahead[] {
  const rules = new Map(overdue.map((item) => [item, owedRules(context, account, item, nowMs)]));
  const ahead: Ahead[] = [];
  const add = (kind: Ahead['kind'], ruleOf: (item: (typeof overdue)[number]) => AfterRule | null | undefined): void => {
    const first = firstOf(overdue, (item) => ruleOf(item) ?? null);
    if (first !== undefined) ahead.push({ kind, vm: null, atMs: first.atMs, clause: first.clause });
  };
  const [first] = overdue;
  add('reminder', (item) =>
    item === first ? rules.get(item)?.reminders.find(({ level }) => level > (item.remindedLevel ?? 0)) : null,
  );
  if (!isSuspended) add('suspended', (item) => rules.get(item)?.suspend);
  add('ended', (item) => rules.get(item)?.end);
  for (const vm of context.catalog.vmsOf(account)) {
    const body = context.catalog.vm(vm)?.body;
    if (body === undefined || (body.ends_at !== null && body.ends_at <= nowMs)) continue;
    const { untilMs } = paidOf(context.books, vm, body, nowMs);
    if (untilMs === null) continue;
    const { expire, endExpired } = vmRules(context, body, nowMs);
    if (expire !== null && untilMs + expire.afterMs > nowMs)
      ahead.push({ kind: 'expired', vm, atMs: untilMs + expire.afterMs, clause: expire.clause });
    if (endExpired !== null) ahead.push({ kind: 'ended', vm, atMs: untilMs + endExpired.afterMs, clause: endExpired.clause });
  }
  return ahead.sort((a, b) => a.atMs - b.atMs);
}
