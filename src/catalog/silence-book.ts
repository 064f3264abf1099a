import { z } from 'zod';
import { type Interval, uncovered } from '../domain/intervals.ts';
import type { Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentBody, IncidentRequest } from './incidents.ts';
import { held, type Versioned, versionOf } from './versioned.ts';

/** Silent time by VM, as somebody judged it. */
export type SilentTimes = Readonly<Record<string, readonly (readonly [fromMs: number, toMs: number])[]>>;

/** That a silence was nobody's outage, as it is kept: the monitoring had a gap, the VM was up or its time is nobody's to answer for. */
export const ignoredBody = z.strictObject({
  /** The candidate that it was decided on. */
  silence: z.string(),
  times: z.record(z.string(), z.array(z.tuple([z.int(), z.int()]))),
  note: z.string(),
  recorded: z.strictObject({ at: z.int(), by: z.string() }),
  withdrawn: z.strictObject({ at: z.int(), by: z.string() }).nullable(),
});
export type IgnoredBody = z.infer<typeof ignoredBody>;

/** What is decided on a silence. */
export interface SilenceDecision {
  readonly silence: string;
  readonly times: SilentTimes;
  /** Undefined: it is ignored. */
  readonly incident: IncidentRequest | undefined;
  readonly note: string;
}

/** What people decided on silences: an incident that says what one was, or that it was nobody's outage. A decision is about the time that it names and no other. */
export class SilenceBook implements Projection {
  readonly reading = { silence_ignored: 'whole' } as const;
  readonly #journal: Journal;
  readonly #incidents: IncidentBook;
  readonly #ignored = new Map<string, Versioned<IgnoredBody>>();

  constructor(journal: Journal, incidents: IncidentBook) {
    this.#journal = journal;
    this.#incidents = incidents;
  }

  apply(entry: Entry): void {
    this.#ignored.set(entry.id, versionOf(entry, ignoredBody.parse(JSON.parse(entry.body))));
  }

  /** Time of a VM whose silence is on record as nobody's outage. */
  ignoredOf(vm: string): Interval[] {
    return [...this.#ignored.values()].flatMap(({ body }) => (body.withdrawn === null ? intervalsOf(body.times, vm) : []));
  }

  /** Time of a VM of which somebody said what it was, or that it was nothing. */
  decidedOf(vm: string): Interval[] {
    return [...this.#incidents.of(vm), ...this.ignoredOf(vm)];
  }

  /** What was decided on a candidate, in order; what was withdrawn among it. */
  decisionsOn(silence: string): (Versioned<IgnoredBody> | Versioned<IncidentBody>)[] {
    const incidents = this.#incidents.all().filter(({ body }) => body.silence === silence);
    const ignored = [...this.#ignored.values()].filter(({ body }) => body.silence === silence);
    return [...incidents, ...ignored].sort((a, b) => a.body.recorded.at - b.body.recorded.at || (a.seq < b.seq ? -1 : 1));
  }

  /** Whether any decision, also one that was withdrawn, names a VM. */
  names(vm: string): boolean {
    for (const { body } of this.#ignored.values()) if (Object.hasOwn(body.times, vm)) return true;
    return false;
  }

  /** Records a decision; its id is that of the incident, or its own. Throws `silence_decided` where somebody was faster. */
  async decide({ silence, times, incident, note }: SilenceDecision, by: string): Promise<string> {
    const id = this.#journal.newId();
    await this.#journal.write(by, (nowMs) => {
      const isOpen = Object.keys(times).every((vm) =>
        intervalsOf(times, vm).every((each) => {
          const [only] = uncovered(each, this.decidedOf(vm));
          return only?.fromMs === each.fromMs && only.toMs === each.toMs;
        }),
      );
      if (!isOpen)
        throw new ProblemError('silence_decided', `something of silence ${silence} has been decided meanwhile: look again`);
      const record = { recorded: { at: nowMs, by }, withdrawn: null };
      if (incident === undefined) {
        const body: IgnoredBody = { silence, times: copyOf(times), note, ...record };
        return [{ kind: 'silence_ignored', id, body: JSON.stringify(body) }];
      }
      const body: IncidentBody = { ...incidentAbout(incident, silence, times), ...record };
      return [{ kind: 'incident', id, body: JSON.stringify(body) }];
    });
    return id;
  }

  /** Withdraws a decision on a candidate, which stays on record; once more changes nothing. Throws `silence_unknown`. */
  async withdraw(silence: string, id: string, by: string): Promise<void> {
    const decision = this.decisionsOn(silence).find((each) => each.id === id);
    if (decision === undefined) throw new ProblemError('silence_unknown', `silence ${silence} has no decision ${id}`);
    if (!this.#ignored.has(id)) {
      await this.#incidents.withdraw(id, by);
      return;
    }
    await this.#journal.write(by, (nowMs) => {
      const { body } = held(this.#ignored, id);
      if (body.withdrawn !== null) return [];
      const after: IgnoredBody = { ...body, withdrawn: { at: nowMs, by } };
      return [{ kind: 'silence_ignored', id, body: JSON.stringify(after) }];
    });
  }

  /** What of silent time of a VM nobody has decided on yet. */
  undecided(vm: string, silent: Interval): Interval[] {
    return uncovered(silent, this.decidedOf(vm));
  }
}

/** An incident about the silent times of a candidate, and no other time of its VMs. */
export function incidentAbout(
  request: IncidentRequest,
  silence: string,
  times: SilentTimes,
): Omit<IncidentBody, 'recorded' | 'withdrawn'> {
  return { ...request, silence, reported: copyOf(times) };
}

function copyOf(times: SilentTimes): IgnoredBody['times'] {
  return Object.fromEntries(Object.entries(times).map(([vm, runs]) => [vm, runs.map(([fromMs, toMs]) => [fromMs, toMs])]));
}

function intervalsOf(times: SilentTimes, vm: string): Interval[] {
  return Object.hasOwn(times, vm) ? (times[vm] ?? []).map(([fromMs, toMs]) => ({ fromMs, toMs })) : [];
}
