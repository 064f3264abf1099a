import type { DatedPlan, PlanBody } from '../domain/plan.ts';
import type { Journal } from '../journal/journal.ts';
import type { AccountBody, VmBody } from './bodies.ts';
import { EventBook } from './event-book.ts';
import { Forgettings } from './forgettings.ts';
import { IncidentBook } from './incident-book.ts';
import { SilenceBook } from './silence-book.ts';
import { KeyRegistry } from './key-registry.ts';
import { type BookedOn, type ChargedBy, checkAccount, checkAccountOfVm, checkPlan, checkVm } from './references.ts';
import { changedText, held, type Versioned } from './versioned.ts';
import { View } from './view.ts';

export interface CatalogOptions {
  /** By what a VM's account was charged for it: such a VM stays with its account. */
  readonly chargedBy: ChargedBy;
  /** What an account has on record in its currency: with it, the currency stays. */
  readonly bookedOn: BookedOn;
  /** Of everything but keys only how far it goes is known: for processes that answer no questions. */
  readonly keysOnly?: boolean | undefined;
}

/** Entries that rows follow from: a mark in the log says from where on they do. */
export const PRICING_KINDS = ['plan', 'vm', 'forgetting'] as const;

/** What is to be recorded, or how to tell it from what is in force: decided where no other writer can come between. */
export type Decided<T> = T | ((before: Versioned<T> | undefined) => T);

/** Plans, accounts and VMs, who may call, and what people recorded of VMs and outages. Reads are from memory. */
export class Catalog {
  readonly keys: KeyRegistry;
  readonly events: EventBook;
  readonly incidents: IncidentBook;
  readonly silences: SilenceBook;
  readonly forgettings: Forgettings;
  readonly #journal: Journal;
  readonly #view: View;
  readonly #chargedBy: ChargedBy;
  readonly #bookedOn: BookedOn;

  constructor(journal: Journal, { chargedBy, bookedOn, keysOnly }: CatalogOptions) {
    this.#journal = journal;
    this.#chargedBy = chargedBy;
    this.#bookedOn = bookedOn;
    this.keys = new KeyRegistry(journal);
    this.#view = new View();
    this.events = new EventBook(journal, this.#view);
    this.incidents = new IncidentBook(journal, this.#view);
    this.silences = new SilenceBook(journal, this.incidents);
    this.forgettings = new Forgettings(journal, this);
    const others = keysOnly === true ? [] : [this.#view, this.events, this.incidents, this.silences];
    for (const each of [this.keys, ...others]) journal.project(each);
  }

  /** The number of the last entry of the journal; what was computed under it saw the catalog as it then was. */
  get lastSeq(): bigint {
    return this.#journal.lastSeq;
  }
  /** The number of the last entry that changes what rows follow from: of a plan, a VM, or names that are forgotten. */
  get lastPricingSeq(): bigint {
    return this.#journal.lastSeqOf(...PRICING_KINDS);
  }
  plan(id: string): Versioned<PlanBody> | undefined {
    return this.#view.plans.get(id);
  }
  account(id: string): Versioned<AccountBody> | undefined {
    return this.#view.accounts.get(id);
  }
  vm(id: string): Versioned<VmBody> | undefined {
    return this.#view.vms.get(id);
  }
  /** The account that a VM belongs to now; undefined if the catalog has it not. */
  accountOf(vm: string): string | undefined {
    return this.#view.vms.get(vm)?.body.account;
  }
  /** Ids of a kind in order, those after one, or all. */
  idsAfter(kind: 'plan' | 'account' | 'vm', id?: string): readonly string[] {
    return this.#view.ids[kind].after(id);
  }
  /** Ids of all accounts, sorted. */
  accountIds(): string[] {
    return [...this.#view.accounts.keys()].sort();
  }
  /** Ids of all VMs in the catalog. */
  vmIds(): IterableIterator<string> {
    return this.#view.vms.keys();
  }
  /** Ids of an account's VMs, sorted. */
  vmsOf(account: string): string[] {
    return [...(this.#view.vmsByAccount.get(account) ?? [])].sort();
  }
  /** Ids of the VMs that are or were to be on a plan, sorted: those a change of the plan restates. */
  vmsOn(plan: string): string[] {
    return [...this.#view.vms.values()]
      .filter((vm) => vm.body.plans.some((each) => each.plan === plan))
      .map((vm) => vm.id)
      .sort();
  }
  /** A VM's plans in order, ready to compute with. */
  datedPlans(vm: string): DatedPlan[] {
    return this.#view.datedPlans(vm);
  }
  /** When a VM's service ends, null if it does not or the VM is not in the catalog. */
  endsAtMs(vm: string): number | null {
    return this.#view.vms.get(vm)?.body.ends_at ?? null;
  }

  /** Throws `catalog_conflict` where a plan may not become so. */
  allowPlan(id: string, body: PlanBody): void {
    checkPlan(this.#view, id, body);
  }
  /** Throws `catalog_conflict` or `invalid_reference` where an account may not become so. */
  allowAccount(id: string, body: AccountBody): void {
    checkAccount(this.#view, this.#bookedOn, id, body);
  }
  /** Throws `invalid_reference` naming the fields where a VM may not become so, `catalog_conflict` if it would leave an account that was charged for it. */
  allowVm(id: string, body: VmBody): void {
    checkVm(this.#view, body);
    checkAccountOfVm(this.#view, this.#chargedBy, id, body);
  }

  /** Records a plan; the same content again is no new version. Throws as `allowPlan` does, and whatever deciding throws. */
  putPlan(id: string, body: Decided<PlanBody>, by: string): Promise<Versioned<PlanBody>> {
    return this.#put('plan', this.#view.plans, id, body, by, (decided) => {
      this.allowPlan(id, decided);
    });
  }
  /** Records an account, as `putPlan` does a plan. */
  putAccount(id: string, body: Decided<AccountBody>, by: string): Promise<Versioned<AccountBody>> {
    return this.#put('account', this.#view.accounts, id, body, by, (decided) => {
      this.allowAccount(id, decided);
    });
  }
  /** Records a VM, as `putPlan` does a plan. */
  putVm(id: string, body: Decided<VmBody>, by: string): Promise<Versioned<VmBody>> {
    return this.#put('vm', this.#view.vms, id, body, by, (decided) => {
      this.allowVm(id, decided);
    });
  }

  async #put<T extends object>(
    kind: 'plan' | 'account' | 'vm',
    view: ReadonlyMap<string, Versioned<T>>,
    id: string,
    body: Decided<T>,
    by: string,
    allow: (decided: T) => void,
  ): Promise<Versioned<T>> {
    await this.#journal.write(by, () => {
      const before = view.get(id);
      const decided = typeof body === 'function' ? body(before) : body;
      allow(decided);
      const text = changedText(decided, before);
      return text === undefined ? [] : [{ kind, id, body: text }];
    });
    return held(view, id);
  }
}
