import type { BooksEntry } from '../../books/books.ts';
import type { ConsequenceBody } from '../../books/consequences.ts';
import { stableId } from '../../books/stable-id.ts';
import type { EventBody } from '../../catalog/events.ts';
import type { BillingContext } from '../context.ts';
import { overdueAt } from './owed.ts';
import { consequencesDue, ofAccount, type Planned } from './plan.ts';
import { vmStateOf } from './state.ts';

/** Whose consequences are carried out: all of an account's, or those of what it owes. */
type Which = typeof consequencesDue | typeof ofAccount;

/**
 * Carries out what is to follow for an account by now, in one insert, decided where no other writer can come between: whoever else does the same, or was
 * cut off in it, each is there once. A consequence is an entry of its own, an event of each VM that it is about, and the VM's end where it ends one.
 */
export async function carryOut(
  context: BillingContext,
  account: string,
  nowMs: number,
  by: string,
  which: Which = consequencesDue,
): Promise<Planned[]> {
  let done: Planned[] = [];
  await context.books.writeAll(() => {
    done = which(context, account, nowMs);
    return done.flatMap((planned) => entriesOf(context, account, planned, nowMs, by));
  }, by);
  return done;
}

/** Those of what an account owes alone. */
export function carryOutOwed(context: BillingContext, account: string, nowMs: number, by: string): Promise<Planned[]> {
  return carryOut(context, account, nowMs, by, ofAccount);
}

function entriesOf(context: BillingContext, account: string, planned: Planned, nowMs: number, by: string): BooksEntry[] {
  const { catalog } = context;
  const { kind, vm, level, item } = planned;
  const currency = catalog.account(account)?.body.currency ?? '';
  const body: ConsequenceBody = { ...planned, account, currency, at: nowMs, by };
  const id = stableId('consequence', account, vm ?? '', kind, level ?? '', item ?? '', nowMs);
  const entries: BooksEntry[] = vmsOf(context, account, planned, nowMs).map((each) => {
    const event: EventBody = { vm: each, at: nowMs, kind, note: noteOf(planned), amount: null, withdrawn: false };
    return { kind: 'event', id: stableId(id, each), body: JSON.stringify(event) };
  });
  const ended = vm === null ? undefined : catalog.vm(vm)?.body;
  const moves = kind === 'ended' || kind === 'resumed';
  if (vm !== null && ended !== undefined && moves && ended.ends_at !== planned.ends_at)
    entries.push({ kind: 'vm', id: vm, body: JSON.stringify({ ...ended, ends_at: planned.ends_at }) });
  return [...entries, { kind: 'consequence', id, body: JSON.stringify(body) }];
}

/** The VMs whose event a consequence is: of a reminder one in service that what it is about is owed for, by whose terms it may cost a fee. */
function vmsOf(context: BillingContext, account: string, { vm, kind, item }: Planned, nowMs: number): string[] {
  if (vm !== null) return [vm];
  const inService = context.catalog.vmsOf(account).filter((each) => vmStateOf(context, each, nowMs).state !== 'ended');
  if (kind !== 'reminder') return inService;
  const owedFor = overdueAt(context, account, nowMs).find(({ id }) => id === item)?.vms ?? [];
  return [inService.find((each) => owedFor.includes(each)) ?? inService[0]].filter((each) => each !== undefined);
}

function noteOf({ kind, level, clause, wrong }: Planned): string {
  if (kind === 'resumed')
    return wrong ? 'what has been booked since shows that nothing was overdue then' : 'what was due is paid';
  return [level === null ? '' : `level ${level}`, clause ?? ''].filter((each) => each !== '').join(': ');
}
