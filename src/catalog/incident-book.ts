import type { Incident } from '../domain/incidents.ts';
import type { Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';
import { incidentBody, type IncidentBody, incidentsOf, type IncidentRequest } from './incidents.ts';
import { checkIncidentScope, type ThingsById } from './references.ts';
import { held, type Versioned, versionOf } from './versioned.ts';

/** What people have found to be the cause of outages, or of silence. */
export class IncidentBook implements Projection {
  readonly reading = { incident: 'whole' } as const;
  readonly #journal: Journal;
  readonly #things: ThingsById;
  readonly #incidents = new Map<string, Versioned<IncidentBody>>();

  constructor(journal: Journal, things: ThingsById) {
    this.#journal = journal;
    this.#things = things;
  }

  apply(entry: Entry): void {
    this.#incidents.set(entry.id, versionOf(entry, incidentBody.parse(JSON.parse(entry.body))));
  }

  /** All incidents in the order they were recorded, withdrawn ones among them. */
  all(): Versioned<IncidentBody>[] {
    return [...this.#incidents.values()].sort((a, b) => a.body.recorded.at - b.body.recorded.at);
  }

  /** What the incidents in force say of a VM, in the order they were recorded. */
  of(vm: string): Incident[] {
    return incidentsOf(this.#incidents.values(), vm, this.#things.vms.get(vm)?.body.account);
  }

  /** Whether any, also one that was withdrawn, is about this VM by name. */
  names(vm: string): boolean {
    for (const { body } of this.#incidents.values()) if ('vms' in body.scope && body.scope.vms.includes(vm)) return true;
    return false;
  }

  /** Records an incident; `reported` is what the scope of an agent comes down to. Throws `invalid_reference`. */
  async record(request: IncidentRequest, reported: IncidentBody['reported'], by: string): Promise<Versioned<IncidentBody>> {
    const id = this.#journal.newId();
    await this.#journal.write(by, (nowMs) => {
      checkIncidentScope((account) => this.#things.accounts.has(account), request);
      const body: IncidentBody = { ...request, reported, silence: null, recorded: { at: nowMs, by }, withdrawn: null };
      return [{ kind: 'incident', id, body: JSON.stringify(body) }];
    });
    return held(this.#incidents, id);
  }

  /** Withdraws an incident, which stays on record; once more changes nothing. Throws `incident_unknown`. */
  withdraw(id: string, by: string): Promise<unknown> {
    return this.#journal.write(by, (nowMs) => {
      const before = this.#incidents.get(id);
      if (before === undefined) throw new ProblemError('incident_unknown', `there is no incident ${id}`);
      if (before.body.withdrawn !== null) return [];
      const body: IncidentBody = { ...before.body, withdrawn: { at: nowMs, by } };
      return [{ kind: 'incident', id, body: JSON.stringify(body) }];
    });
  }
}
