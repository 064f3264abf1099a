import { ProblemError } from '../errors.ts';
import type { PlanBody } from '../domain/plan.ts';
import { type AccountBody, fitsCurrency, type VmBody } from './bodies.ts';
import type { EventRequest } from './events.ts';
import type { IncidentRequest } from './incidents.ts';
import type { View } from './view.ts';

/** A fault in a body, named by the field's path. */
export interface Fault {
  field: string;
  message: string;
}

/** Throws `invalid_reference` unless a VM's account and plans exist and agree on the currency. */
export function checkVm(view: View, body: VmBody): void {
  const faults: Fault[] = [];
  const account = view.accounts.get(body.account)?.body;
  if (account === undefined) faults.push({ field: 'account', message: `there is no account ${body.account}` });
  for (const [i, { plan }] of body.plans.entries()) {
    const found = view.plans.get(plan)?.body;
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
  if (faults.length > 0)
    throw new ProblemError('invalid_reference', faults.map((fault) => `${fault.field}: ${fault.message}`).join('; '), {
      errors: faults,
    });
}

/** Throws `invalid_reference` unless an event's amount is one of the currency of the VM's account. */
export function checkEvent(view: View, vm: string, event: EventRequest): void {
  if (event.amount === null) return;
  const account = view.vms.get(vm)?.body.account;
  const code = account === undefined ? undefined : view.accounts.get(account)?.body.currency;
  if (code !== undefined && fitsCurrency(event.amount, code)) return;
  const message = code === undefined ? `VM ${vm} has no account, so no currency` : `has more digits than ${code} has`;
  throw new ProblemError('invalid_reference', `amount: ${message}`, { errors: [{ field: 'amount', message }] });
}

/** Throws `catalog_conflict` if a plan's new currency would differ from that of an account whose VM is on it. */
export function checkPlan(view: View, id: string, body: PlanBody): void {
  if (view.plans.get(id)?.body.currency === body.currency) return;
  for (const vm of view.vms.values()) {
    if (vm.body.plans.some((each) => each.plan === id))
      throw currencyFixed(`VM ${vm.id} is on plan ${id}: its currency cannot change`);
  }
}

/** Throws `catalog_conflict` if an account that has VMs would change its currency. */
export function checkAccount(view: View, id: string, body: AccountBody): void {
  const before = view.accounts.get(id)?.body.currency;
  if (before === undefined || before === body.currency) return;
  const [vm] = view.vmsByAccount.get(id) ?? [];
  if (vm !== undefined) throw currencyFixed(`VM ${vm} belongs to account ${id}: its currency cannot change`);
}

/** Throws `invalid_reference` if an incident is about an account that does not exist; VMs may be known by their samples alone. */
export function checkIncidentScope(catalog: { account(id: string): unknown }, { scope }: Pick<IncidentRequest, 'scope'>): void {
  if (!('account' in scope) || catalog.account(scope.account) !== undefined) return;
  const fault: Fault = { field: 'scope.account', message: `there is no account ${scope.account}` };
  throw new ProblemError('invalid_reference', `${fault.field}: ${fault.message}`, { errors: [fault] });
}

function currencyFixed(message: string): ProblemError {
  return new ProblemError('catalog_conflict', message, { errors: [{ field: 'currency', message }] satisfies Fault[] });
}
