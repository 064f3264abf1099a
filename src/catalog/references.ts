import { fitsCurrency } from '../domain/money.ts';
import { ProblemError } from '../problems/problem.ts';
import { type FieldError, fieldProblem, sameFault } from '../problems/field-problems.ts';
import type { PlanBody } from '../domain/plan.ts';
import type { AccountBody, VmBody } from './bodies.ts';
import type { EventRequest } from './events.ts';
import type { IncidentRequest } from './incidents.ts';
import type { View } from './view.ts';

/** Throws `invalid_reference` unless a VM's account and plans exist and agree on the currency. */
export function checkVm(view: View, body: VmBody): void {
  const faults: FieldError[] = [];
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
  if (faults.length > 0) throw fieldProblem('invalid_reference', faults);
}

/**
 * Throws `catalog_conflict` if a VM that its account was charged for would belong to another. Plans are dated and accounts are not (SPEC §7): the
 * next reconcile would credit all of it, and the other account's invoices lack it. Before anything is charged, another account is a correction.
 */
export function checkAccountOfVm(view: View, id: string, body: VmBody): void {
  const before = view.vms.get(id)?.body;
  if (before === undefined || before.account === body.account) return;
  const charged = chargedBy(view.books, id, before);
  if (charged === undefined) return;
  throw conflict(
    'account',
    `${before.account} was charged for ${id} by ${charged}, and a VM belongs to one account for all of its service: end ${id} (ends_at) at the ` +
      `instant of the change and start another VM of ${body.account} there; or take the charge back first, if ${id} was never of ${before.account}`,
  );
}

/** By what a VM's account was charged for its service, in words. */
function chargedBy(
  books: View['books'],
  id: string,
  { account, plans, starts_at: startsAt, ends_at: endsAt }: VmBody,
): string | undefined {
  const from = Math.max(startsAt ?? 0, plans[0]?.from ?? Infinity);
  const invoice = books
    .statesOf(account)
    .find(
      ({ head, status }) =>
        head.type === 'invoice' && head.final && status !== 'void' && head.to > from && head.from < (endsAt ?? Infinity),
    );
  if (invoice !== undefined) return `invoice ${invoice.head.number ?? 0}`;
  const parts = books.balanceOf(account).flatMap(({ day }) => (day === null ? [] : day.parts.filter((part) => part.vm === id)));
  return parts.reduce((sum, part) => sum + BigInt(part.nanos), 0n) === 0n ? undefined : 'the days of its balance';
}

/** Throws `invalid_reference` unless an event's amount is one of the currency of the VM's account. */
export function checkEvent(view: View, vm: string, event: EventRequest): void {
  if (event.amount === null) return;
  const account = view.vms.get(vm)?.body.account;
  const code = account === undefined ? undefined : view.accounts.get(account)?.body.currency;
  if (code !== undefined && fitsCurrency(event.amount, code)) return;
  const message = code === undefined ? `VM ${vm} has no account, so no currency` : `has more digits than ${code} has`;
  throw fieldProblem('invalid_reference', [{ field: 'amount', message }]);
}

/** Throws `catalog_conflict` if a plan's new currency would differ from that of an account whose VM is on it. */
export function checkPlan(view: View, id: string, body: PlanBody): void {
  if (view.plans.get(id)?.body.currency === body.currency) return;
  for (const vm of view.vms.values()) {
    if (vm.body.plans.some((each) => each.plan === id))
      throw conflict('currency', `VM ${vm.id} is on plan ${id}: its currency cannot change`);
  }
}

/** Throws `catalog_conflict` if an account that has VMs would change its currency. */
export function checkAccount(view: View, id: string, body: AccountBody): void {
  const before = view.accounts.get(id)?.body.currency;
  if (before === undefined || before === body.currency) return;
  const [vm] = view.vmsByAccount.get(id) ?? [];
  if (vm !== undefined) throw conflict('currency', `VM ${vm} belongs to account ${id}: its currency cannot change`);
}

/** Throws `invalid_reference` if an incident is about an account that does not exist; VMs may be known by their samples alone. */
export function checkIncidentScope(catalog: { account(id: string): unknown }, { scope }: Pick<IncidentRequest, 'scope'>): void {
  if (!('account' in scope) || catalog.account(scope.account) !== undefined) return;
  throw fieldProblem('invalid_reference', [{ field: 'scope.account', message: `there is no account ${scope.account}` }]);
}

function conflict(field: string, message: string): ProblemError {
  return new ProblemError('catalog_conflict', message, sameFault(message, field));
}
