/** What a customer has besides its VMs: the plans that they are, were or will be on, and the terms sheets of both. */
import type { Catalog } from '../../catalog/catalog.ts';
import { type CustomerKey, seesVm } from '../../http/customer.ts';

/** The VMs of its account that a customer sees, sorted. */
export function vmsSeenBy(catalog: Catalog, customer: CustomerKey): string[] {
  return catalog.vmsOf(customer.account).filter((vm) => seesVm(customer, catalog, vm));
}

export function plansSeenBy(catalog: Catalog, customer: CustomerKey): Set<string> {
  return new Set(vmsSeenBy(catalog, customer).flatMap((vm) => catalog.vm(vm)?.body.plans.map(({ plan }) => plan) ?? []));
}

export function sheetsSeenBy(catalog: Catalog, customer: CustomerKey): Set<string> {
  const ofVms = vmsSeenBy(catalog, customer).flatMap((vm) => {
    const terms = catalog.vm(vm)?.body.terms ?? null;
    return typeof terms === 'object' ? (terms?.map(({ sheet }) => sheet) ?? []) : [terms];
  });
  const ofPlans = [...plansSeenBy(catalog, customer)].map((plan) => catalog.plan(plan)?.body.terms ?? null);
  return new Set([...ofVms, ...ofPlans].filter((sheet) => sheet !== null));
}
