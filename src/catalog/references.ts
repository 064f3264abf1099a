import { fitsCurrency } from '../domain/money.ts';
import { ProblemError } from '../problems/problem.ts';
import { type FieldError, fieldProblem, sameFault } from '../problems/field-problems.ts';
import type { PlanBody } from '../domain/plan.ts';
import type { AccountBody, VmBody } from './bodies.ts';
import type { EventRequest } from './events.ts';
import type { IncidentRequest } from './incidents.ts';
import type { Versioned } from './versioned.ts';

/** Plans, accounts and VMs as they stand, by id. */
export interface ThingsById {
  readonly plans: ReadonlyMap<string, Versioned<PlanBody>>;
  readonly accounts: ReadonlyMap<string, Versioned<AccountBody>>;
  readonly vms: ReadonlyMap<string, Versioned<VmBody>>;
  /** Ids of an account's VMs. */
  readonly vmsByAccount: ReadonlyMap<string, ReadonlySet<string>>;
}

/** By what a VM's account was charged for its service, in words; undefined if by nothing. */
export type ChargedBy = (vm: string, body: VmBody) => string | undefined;

/** What an account has on record in its currency, in words; undefined if nothing. */
export type BookedOn = (account: string) => string | undefined;

/** Throws `invalid_reference` unless a VM's account and plans exist and agree on the currency. */
export function checkVm(things: ThingsById, body: VmBody): void {
  const faults: FieldError[] = [];
  const account = things.accounts.get(body.account)?.body;
  if (account === undefined) faults.push({ field: 'account', message: `there is no account ${body.account}` });
  for (const [i, { plan }] of body.plans.entries()) {
    const found = things.plans.get(plan)?.body;
    if (found === undefined) faults.push({ field: `plans.${i}.plan`, message: `there is no plan ${plan}` });
    else if (account !== undefined && found.currency !== account.currency) {
      faults.push({
        field: `plans.${i}.plan`,
        message: `plan ${plan} is in ${found.currency}, account ${body.account} in ${account.currency}`,
      });
    }
  }
  if (account !== undefined && body.paid_amount !== null && !fitsCurrency(body.paid_amount, account.currency)) {
    faults.push({ field: 'paid_amount', message: `has more digits than ${account.currency} has` });
  }
  if (faults.length > 0) throw fieldProblem('invalid_reference', faults);
}

/**
 * Throws `catalog_conflict` if a VM that its account was charged for would belong to another. Plans are dated and accounts are not (SPEC §7): the
 * next reconcile would credit all of it, and the other account's invoices lack it. Before anything is charged, another account is a correction.
 */
export function checkAccountOfVm(things: ThingsById, chargedBy: ChargedBy, id: string, body: VmBody): void {
  const before = things.vms.get(id)?.body;
  if (before === undefined || before.account === body.account) return;
  const charged = chargedBy(id, before);
  if (charged === undefined) return;
  throw conflict(
    'account',
    `${before.account} was charged for ${id} by ${charged}, and a VM belongs to one account for all of its service: end ${id} (ends_at) at the ` +
      `instant of the change and start another VM of ${body.account} there; or take the charge back first, if ${id} was never of ${before.account}`,
  );
}

/** Throws `invalid_reference` unless an event's amount is one of the currency of the VM's account. */
export function checkEvent(things: ThingsById, vm: string, event: EventRequest): void {
  if (event.amount === null) return;
  const account = things.vms.get(vm)?.body.account;
  const code = account === undefined ? undefined : things.accounts.get(account)?.body.currency;
  if (code !== undefined && fitsCurrency(event.amount, code)) return;
  const message = code === undefined ? `VM ${vm} has no account, so no currency` : `has more digits than ${code} has`;
  throw fieldProblem('invalid_reference', [{ field: 'amount', message }]);
}

/** Throws `catalog_conflict` if a plan's new currency would differ from that of an account whose VM is on it. */
export function checkPlan(things: ThingsById, id: string, body: PlanBody): void {
  if (things.plans.get(id)?.body.currency === body.currency) return;
  for (const vm of things.vms.values()) {
    if (vm.body.plans.some((each) => each.plan === id))
      throw conflict('currency', `VM ${vm.id} is on plan ${id}: its currency cannot change`);
  }
}

/** Throws `invalid_reference` for an amount with more digits than its currency has, `catalog_conflict` if an account that has VMs, or money on record, would change its currency. */
export function checkAccount(things: ThingsById, bookedOn: BookedOn, id: string, body: AccountBody): void {
  if (body.low_balance !== undefined && !fitsCurrency(body.low_balance, body.currency))
    throw fieldProblem('invalid_reference', [{ field: 'low_balance', message: `has more digits than ${body.currency} has` }]);
  const before = things.accounts.get(id)?.body.currency;
  if (before === undefined || before === body.currency) return;
  const [vm] = things.vmsByAccount.get(id) ?? [];
  if (vm !== undefined) throw conflict('currency', `VM ${vm} belongs to account ${id}: its currency cannot change`);
  const booked = bookedOn(id);
  if (booked !== undefined) throw conflict('currency', `account ${id} has ${booked} in ${before}: its currency cannot change`);
}

/** Throws `invalid_reference` if an incident is about an account that does not exist; VMs may be known by their samples alone. */
export function checkIncidentScope(isAccount: (id: string) => boolean, { scope }: Pick<IncidentRequest, 'scope'>): void {
  if (!('account' in scope) || isAccount(scope.account)) return;
  throw fieldProblem('invalid_reference', [{ field: 'scope.account', message: `there is no account ${scope.account}` }]);
}

function conflict(field: string, message: string): ProblemError {
  return new ProblemError('catalog_conflict', message, sameFault(message, field));
}
