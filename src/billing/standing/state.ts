import type { Consequence } from '../../books/consequences.ts';
import type { BillingContext } from '../context.ts';

/** What an account or a VM is: served, not served until something is paid, or over. */
export const SERVICE_STATES = ['active', 'suspended', 'ended'] as const;
export type ServiceState = (typeof SERVICE_STATES)[number];

/** The suspension of an account that holds now, as it was carried out or, by versions of before, recorded with its balance. */
export function suspensionOf(
  { books }: Pick<BillingContext, 'books'>,
  account: string,
): Pick<Consequence, 'at' | 'clause'> | undefined {
  const last = books.consequences
    .of(account)
    .findLast(({ vm, kind }) => vm === null && (kind === 'suspended' || kind === 'resumed'));
  if (last !== undefined) return last.kind === 'suspended' ? last : undefined;
  const before = books.balanceOf(account).findLast((entry) => entry.state !== null)?.state;
  return before?.is === 'suspended' ? { at: before.since, clause: before.clause } : undefined;
}

/** The expiry of a VM's term that holds now: nothing was renewed since. */
export function expiryOf({ books }: Pick<BillingContext, 'books'>, account: string, vm: string): Consequence | undefined {
  const last = books.consequences
    .of(account)
    .findLast((each) => each.vm === vm && (each.kind === 'expired' || each.kind === 'resumed'));
  return last?.kind === 'expired' ? last : undefined;
}

/** What a VM is at an instant, and since when. What people recorded (`suspended`, `resumed`) counts as well. */
export function vmStateOf(context: BillingContext, vm: string, atMs: number): { state: ServiceState; sinceMs: number | null } {
  const body = context.catalog.vm(vm)?.body;
  const endsAt = body?.ends_at ?? null;
  if (endsAt !== null && endsAt <= atMs) return { state: 'ended', sinceMs: endsAt };
  const expired = body === undefined ? undefined : expiryOf(context, body.account, vm);
  if (expired !== undefined && expired.at <= atMs) return { state: 'suspended', sinceMs: expired.at };
  const last = context.catalog.events
    .of(vm)
    .filter(({ body: event }) => event.at <= atMs)
    .findLast(({ body: { kind } }) => kind === 'suspended' || kind === 'resumed')?.body;
  if (last === undefined) return { state: 'active', sinceMs: body?.starts_at ?? null };
  return { state: last.kind === 'resumed' ? 'active' : 'suspended', sinceMs: last.at };
}

/** What an account is at an instant: over once all its VMs are, and not served while it is suspended. */
export function accountStateOf(context: BillingContext, account: string, atMs: number): ServiceState {
  const vms = context.catalog.vmsOf(account);
  if (vms.length > 0 && vms.every((vm) => vmStateOf(context, vm, atMs).state === 'ended')) return 'ended';
  return suspensionOf(context, account) === undefined ? 'active' : 'suspended';
}
