import { ProblemError } from '../errors.ts';
import type { PlanBody } from '../domain/plan.ts';
import { type AccountBody, fitsCurrency, type VmBody } from './bodies.ts';
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

/** Throws `catalog_conflict` if a plan's new currency would differ from that of an account whose VM is on it. */
export function checkPlan(view: View, id: string, body: PlanBody): void {
  if (view.plans.get(id)?.body.currency === body.currency) return;
  for (const vm of view.vms.values()) {
    if (vm.body.plans.some((each) => each.plan === id))
      throw new ProblemError('catalog_conflict', `VM ${vm.id} is on plan ${id}: its currency cannot change`);
  }
}

/** Throws `catalog_conflict` if an account that has VMs would change its currency. */
export function checkAccount(view: View, id: string, body: AccountBody): void {
  const before = view.accounts.get(id)?.body.currency;
  if (before === undefined || before === body.currency) return;
  const [vm] = view.vmsByAccount.get(id) ?? [];
  if (vm !== undefined)
    throw new ProblemError('catalog_conflict', `VM ${vm} belongs to account ${id}: its currency cannot change`);
}
