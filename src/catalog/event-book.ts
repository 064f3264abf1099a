import type { Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';
import { type EventBody, eventBody, type EventRequest } from './events.ts';
import { checkEvent, type ThingsById } from './references.ts';
import { held, type Versioned, versionOf } from './versioned.ts';

/** What only people know of VMs. */
export class EventBook implements Projection {
  readonly reading = { event: 'whole' } as const;
  readonly #journal: Journal;
  readonly #things: ThingsById;
  readonly #events = new Map<string, Versioned<EventBody>>();
  /** Ids of a VM's events, in the order they were first recorded. */
  readonly #byVm = new Map<string, Set<string>>();

  constructor(journal: Journal, things: ThingsById) {
    this.#journal = journal;
    this.#things = things;
  }

  apply(entry: Entry): void {
    const body = eventBody.parse(JSON.parse(entry.body));
    this.#events.set(entry.id, versionOf(entry, body));
    this.#byVm.set(body.vm, (this.#byVm.get(body.vm) ?? new Set()).add(entry.id));
  }

  /** A VM's events that have not been withdrawn, by instant, then in the order they were recorded. */
  of(vm: string): Versioned<EventBody>[] {
    return this.allOf(vm).filter((event) => !event.body.withdrawn);
  }

  /** The same with those that were withdrawn. */
  allOf(vm: string): Versioned<EventBody>[] {
    return Array.from(this.#byVm.get(vm) ?? [], (id) => held(this.#events, id)).sort((a, b) => a.body.at - b.body.at);
  }

  /** Records an event of a VM. Throws `invalid_reference` if its amount does not fit the account's currency. */
  async record(vm: string, request: EventRequest, by: string): Promise<Versioned<EventBody>> {
    const id = this.#journal.newId();
    await this.#journal.write(by, () => {
      checkEvent(this.#things, vm, request);
      const body: EventBody = { vm, ...request, withdrawn: false };
      return [{ kind: 'event', id, body: JSON.stringify(body) }];
    });
    return held(this.#events, id);
  }

  /** Withdraws an event, which stays on record. Throws `event_unknown`. */
  async withdraw(vm: string, id: string, by: string): Promise<void> {
    await this.#journal.write(by, () => {
      const before = this.#events.get(id);
      if (before?.body.vm !== vm) throw new ProblemError('event_unknown', `VM ${vm} has no event ${id}`);
      if (before.body.withdrawn) return [];
      return [{ kind: 'event', id, body: JSON.stringify({ ...before.body, withdrawn: true } satisfies EventBody) }];
    });
  }
}
