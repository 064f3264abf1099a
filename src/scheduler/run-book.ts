import type { Entry } from '../journal/entry.ts';
import type { Projection } from '../journal/journal.ts';
import { type JobName, RUN_KIND, type RunBody, runBody } from './run.ts';

/** What of runs the next one is decided by; the runs themselves stay in the table. */
export class RunBook implements Projection {
  readonly reading = { [RUN_KIND]: 'whole' } as const;
  /** Of each job and zone the turn that was begun last. */
  readonly #last = new Map<JobName, Map<string, RunBody>>();
  /** Runs that are to be tried again, or went on when their process died. */
  readonly #open = new Map<string, RunBody>();
  readonly #doneAtMs = new Map<JobName, number>();

  apply(entry: Entry): void {
    const run = runBody.parse(JSON.parse(entry.body));
    if (run.outcome === 'done' && run.ended_at !== null) this.#doneAtMs.set(run.job, run.ended_at);
    if (run.trigger === 'hand') return;
    const zones = this.#last.get(run.job) ?? new Map<string, RunBody>();
    this.#last.set(run.job, zones);
    if ((zones.get(run.zone)?.to ?? 0) <= run.to) zones.set(run.zone, run);
    if (run.outcome === 'running' || run.next_try_at !== null) this.#open.set(entry.id, run);
    else this.#open.delete(entry.id);
  }

  /** Whether a job was ever begun or passed over, in any zone. */
  knows(job: JobName): boolean {
    return this.#last.has(job);
  }

  lastOf(job: JobName, zone: string): RunBody | undefined {
    return this.#last.get(job)?.get(zone);
  }

  /** The run of a key, while it is not over. */
  openRun(key: string): RunBody | undefined {
    return this.#open.get(key);
  }

  /** Runs that are not over, by when they were due. */
  open(): [string, RunBody][] {
    return [...this.#open].sort(([, a], [, b]) => a.due_at - b.due_at);
  }

  /** When a job was last done without anything left. */
  doneAtMs(job: JobName): number | null {
    return this.#doneAtMs.get(job) ?? null;
  }
}
