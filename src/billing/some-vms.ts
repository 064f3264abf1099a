import type { OverdueInvoice } from '../rating/late-fee.ts';
import type { Gathered } from './facts.ts';

/** What was gathered of some VMs, as if the account had no others. */
export function gatheredOf(gathered: Gathered, vms: ReadonlySet<string>): Gathered {
  const { facts, evidence, notMeasured } = gathered;
  return {
    ...gathered,
    facts: {
      ...facts,
      vms: facts.vms.filter(({ vm }) => vms.has(vm)),
      overdue: facts.overdue.flatMap((each) => heldBy(each.invoice, vms).map((invoice) => ({ ...each, invoice }))),
      charges: facts.charges.map(({ list, rule }) => ({ rule, list: list.flatMap((each) => heldBy(each, vms)) })),
    },
    evidence: evidence.filter(({ vm }) => vms.has(vm)),
    notMeasured: notMeasured.filter(({ vm }) => vms.has(vm)),
  };
}

/** An overdue invoice as far as it is owed for some VMs; none where it is owed for others alone. */
function heldBy(invoice: OverdueInvoice, vms: ReadonlySet<string>): OverdueInvoice[] {
  const { shares, held } = invoice;
  if (shares === undefined || [...shares.keys()].every((vm) => vms.has(vm))) return [invoice];
  const all = Array.from(shares, ([vm, nanos]) => ({ vm, nanos, fromMs: -Infinity, untilMs: Infinity }));
  const own = (held ?? all).filter(({ vm }) => vms.has(vm));
  return own.length === 0 ? [] : [{ ...invoice, held: own }];
}
