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

  /** The VMs that have any, sorted. */
  vms(): string[] {
    return [...this.#byVm.keys()].sort();
  }

  /** Records an event of a VM. Throws `invalid_reference` if its amount does not fit the account's currency. */
  async record(vm: string, request: EventRequest, by: string): Promise<Versioned<EventBody>> {
    const id = this.#journal.newId();
    await this.#journal.write(by, () => {
      checkEvent(this.#things, vm, request);
      return [{ kind: 'event', id, body: JSON.stringify(bodyOf(vm, request)) }];
    });
    return held(this.#events, id);
  }

  /** The same, unless the VM has an event that counts and says the same: then that one. Throws as `record` does. */
  async recordOnce(vm: string, request: EventRequest, by: string): Promise<{ event: Versioned<EventBody>; isNew: boolean }> {
    let id = this.#journal.newId();
    let isNew = true;
    await this.#journal.write(by, () => {
      checkEvent(this.#things, vm, request);
      const before = this.#sameAs(vm, request);
      isNew = before === undefined;
      id = before?.id ?? id;
      return before === undefined ? [{ kind: 'event', id, body: JSON.stringify(bodyOf(vm, request)) }] : [];
    });
    return { event: held(this.#events, id), isNew };
  }

  /** The event of a VM that counts and says this; throws as `record` does where none may. */
  checkedSameAs(vm: string, request: EventRequest): Versioned<EventBody> | undefined {
    checkEvent(this.#things, vm, request);
    return this.#sameAs(vm, request);
  }

  #sameAs(vm: string, request: EventRequest): Versioned<EventBody> | undefined {
    const wanted = bodyOf(vm, request);
    return this.of(vm).find(({ body }) => body.at === wanted.at && MEMBERS.every((name) => body[name] === wanted[name]));
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

const MEMBERS = Object.keys(eventBody.shape) as readonly (keyof EventBody)[];

function bodyOf(vm: string, request: EventRequest): EventBody {
  return { vm, ...request, withdrawn: false };
}
