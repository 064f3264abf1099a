import { type DatedPlan, type Plan, type PlanBody, planBody, planOf } from '../domain/plan.ts';
import type { Entry } from '../journal/entry.ts';
import type { Projection } from '../journal/journal.ts';
import { type AccountBody, accountBody, storedVm, type VmBody } from './bodies.ts';
import type { ThingsById } from './references.ts';
import { SortedIds } from './sorted-ids.ts';
import { type Versioned, versionOf } from './versioned.ts';

/** Plans, accounts and VMs in memory: the entry in force of every id, and what is looked up often. */
export class View implements Projection, ThingsById {
  readonly reading = { plan: 'whole', account: 'whole', vm: 'whole' } as const;
  readonly plans = new Map<string, Versioned<PlanBody>>();
  readonly accounts = new Map<string, Versioned<AccountBody>>();
  readonly vms = new Map<string, Versioned<VmBody>>();
  readonly vmsByAccount = new Map<string, Set<string>>();
  readonly ids = { plan: new SortedIds(this.plans), account: new SortedIds(this.accounts), vm: new SortedIds(this.vms) } as const;
  readonly #rated = new Map<string, Plan>();

  apply(entry: Entry): void {
    const { id, kind } = entry;
    if (kind === 'vm') {
      const body = storedVm(entry.body);
      const before = this.vms.get(id)?.body.account;
      if (before !== undefined) this.vmsByAccount.get(before)?.delete(id);
      const members = this.vmsByAccount.get(body.account) ?? new Set();
      this.vmsByAccount.set(body.account, members.add(id));
      this.vms.set(id, versionOf(entry, body));
    } else if (kind === 'plan') {
      const body = planBody.parse(JSON.parse(entry.body));
      this.plans.set(id, versionOf(entry, body));
      this.#rated.set(id, planOf(id, body));
    } else this.accounts.set(id, versionOf(entry, accountBody.parse(JSON.parse(entry.body))));
  }

  /** The plans of a VM in order, ready to compute with; none if the catalog does not know the VM. */
  datedPlans(vm: string): DatedPlan[] {
    return (this.vms.get(vm)?.body.plans ?? []).flatMap(({ plan, from }) => {
      const rated = this.#rated.get(plan);
      return rated === undefined ? [] : [{ fromMs: from, plan: rated }];
    });
  }
}
