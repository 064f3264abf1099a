import { type DatedPlan, type Plan, type PlanBody, planBody, planOf } from '../domain/plan.ts';
import { Books } from '../books/books.ts';
import { type AccountBody, accountBody, storedVm, type VmBody } from './bodies.ts';
import type { Entry } from '../journal/entry.ts';
import { type EventBody, eventBody } from './events.ts';
import { type IncidentBody, incidentBody } from './incidents.ts';
import type { Versioned } from './versioned.ts';
import { type KeyBody, keyBody, KeyRing } from './keys.ts';

/** What stored rows follow from. */
const IN_ROWS: ReadonlySet<string> = new Set(['plan', 'vm', 'forgetting']);

/**
 * The catalog in memory: the entry in force of every id, and what is looked up often. Only `apply` changes it, and only
 * with entries that are durable.
 */
export class View {
  readonly plans = new Map<string, Versioned<PlanBody>>();
  readonly accounts = new Map<string, Versioned<AccountBody>>();
  readonly vms = new Map<string, Versioned<VmBody>>();
  readonly keys = new Map<string, Versioned<KeyBody>>();
  readonly keyRing = new KeyRing();
  readonly events = new Map<string, Versioned<EventBody>>();
  /** Ids of a VM's events, in the order they were first recorded. */
  readonly eventsByVm = new Map<string, Set<string>>();
  /** In the order they were recorded. */
  readonly incidents = new Map<string, Versioned<IncidentBody>>();
  readonly books = new Books();
  readonly vmsByAccount = new Map<string, Set<string>>();
  lastSeq = 0n;
  lastPricingSeq = 0n;
  lastForgettingSeq = 0n;
  readonly #rated = new Map<string, Plan>();

  /** An entry without id only tells how far its kind goes. */
  apply(entry: Entry): void {
    if (entry.id !== '') this.#take(entry);
    if (entry.seq > this.lastSeq) this.lastSeq = entry.seq;
    if (IN_ROWS.has(entry.kind)) this.lastPricingSeq = this.lastSeq;
    if (entry.kind === 'forgetting') this.lastForgettingSeq = entry.seq;
  }

  #take(entry: Entry): void {
    const versioned = <T>(body: T): Versioned<T> => ({
      id: entry.id,
      seq: entry.seq,
      recordedAtMs: entry.recordedAtMs,
      recordedBy: entry.recordedBy,
      body,
    });
    const stored: unknown = entry.kind === 'vm' || entry.body === '' ? undefined : JSON.parse(entry.body);
    switch (entry.kind) {
      case 'plan': {
        const body = planBody.parse(stored);
        this.plans.set(entry.id, versioned(body));
        this.#rated.set(entry.id, planOf(entry.id, body));
        break;
      }
      case 'account':
        this.accounts.set(entry.id, versioned(accountBody.parse(stored)));
        break;
      case 'vm': {
        const body = storedVm(entry.body);
        const before = this.vms.get(entry.id)?.body.account;
        if (before !== undefined) this.vmsByAccount.get(before)?.delete(entry.id);
        const members = this.vmsByAccount.get(body.account) ?? new Set();
        this.vmsByAccount.set(body.account, members.add(entry.id));
        this.vms.set(entry.id, versioned(body));
        break;
      }
      case 'key': {
        const body = keyBody.parse(stored);
        this.keys.set(entry.id, versioned(body));
        this.keyRing.set(entry.id, body);
        break;
      }
      case 'event': {
        const body = eventBody.parse(stored);
        this.events.set(entry.id, versioned(body));
        this.eventsByVm.set(body.vm, (this.eventsByVm.get(body.vm) ?? new Set()).add(entry.id));
        break;
      }
      case 'incident':
        this.incidents.set(entry.id, versioned(incidentBody.parse(stored)));
        break;
      case 'invoice':
      case 'settlement':
      case 'debit':
      case 'balance':
        this.books.apply(entry);
        break;
      case 'refund_check':
      case 'forgetting':
        // Kept in the table only: nothing here is computed from them.
        break;
    }
  }

  /** The plans of a VM in order, ready to compute with; none if the catalog does not know the VM. */
  datedPlans(vm: string): DatedPlan[] {
    return (this.vms.get(vm)?.body.plans ?? []).flatMap(({ plan, from }) => {
      const rated = this.#rated.get(plan);
      return rated === undefined ? [] : [{ fromMs: from, plan: rated }];
    });
  }
}
