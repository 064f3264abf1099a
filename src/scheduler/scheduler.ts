import { DAY_MS } from '../domain/zone.ts';
import type { Draft, Entry } from '../journal/entry.ts';
import type { Lease } from '../journal/lease.ts';
import { StoreError } from '../store/store.ts';
import type { Job, JobContext } from './job.ts';
import { begun, CutOffError, failedWhole, perform, type Performance } from './perform.ts';
import { RUN_KIND, type RunBody } from './run.ts';
import type { RunBook } from './run-book.ts';
import { accountsOf, type DueTurn, turnsDue } from './turns.ts';

export interface SchedulerOptions {
  readonly context: JobContext;
  readonly book: RunBook;
  /** Who holds it does what is due. */
  readonly lease: Lease;
  /** Takes in what other processes have stored and recorded. */
  readonly freshen: () => Promise<void>;
  readonly jobs: readonly Job[];
}

/** Who what it does is recorded by. */
export const SCHEDULER = 'scheduler';

/** Before this no clock of a server is: an event clock that has not begun. */
const FIRST_MS = 366 * DAY_MS;

/**
 * Does what is due, turn after turn in the order in which they fell due, each recorded as it begins and as it ends, in the lease's term. A turn that was cut
 * off is begun again by whoever holds the lease then. That nothing is done twice for that is the journal's doing: the run has a key, and what a job records
 * is decided by what is there.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #jobs: readonly Job[];
  #closing = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#jobs = options.jobs;
  }

  /** Nothing more is begun; what goes on ends after the account that it is at. */
  close(): void {
    this.#closing = true;
  }

  /** Does everything that is due by now; how many turns that were. Throws StoreError, LeaseLostError. */
  async tick(): Promise<number> {
    const { context, book, lease, freshen } = this.#options;
    let done = 0;
    for (;;) {
      await freshen();
      const nowMs = context.billing.businessNow();
      if (nowMs < FIRST_MS) return done;
      const due = turnsDue(context.billing.catalog, book, this.#jobs, nowMs);
      for (const turn of due) {
        if (this.#closing || !lease.isHeld) return done;
        if (turn.skip) await this.#record(turn, { ...begun(this.#performanceOf(turn)), outcome: 'skipped', ended_at: nowMs });
        else if (!(await this.#do(turn))) return done;
        done += 1;
      }
      if (due.length === 0) return done;
    }
  }

  #performanceOf({ job, zone, slot, before }: DueTurn): Performance {
    const { context } = this.#options;
    const all = accountsOf(context.billing.catalog, job, zone.name);
    const left = before?.left ?? null;
    return {
      ...{ job, context, zone: zone.name, slot, before, trigger: 'schedule', account: null, dryRun: false, by: SCHEDULER },
      accounts: left === null ? all : all.filter((account) => left.includes(account)),
    };
  }

  /** False: it was cut off. */
  async #do(turn: DueTurn): Promise<boolean> {
    const performance = this.#performanceOf(turn);
    const run = begun(performance);
    if (!(await this.#record(turn, run))) return true;
    const { lease, context } = this.#options;
    try {
      const { run: ended } = await perform(performance, run, () => !this.#closing && lease.isHeld);
      await this.#record({ ...turn, before: run }, ended);
      return true;
    } catch (error) {
      if (error instanceof CutOffError) return false;
      await this.#record({ ...turn, before: run }, failedWhole(run, context.billing.businessNow(), error));
      // What is wrong with the store is wrong with all turns.
      if (error instanceof StoreError) throw error;
      return true;
    }
  }

  /** Records a run, unless it is not as it was left any more: then somebody else has begun it. */
  async #record({ key, before, job, zone, slot }: DueTurn, run: RunBody): Promise<boolean> {
    const { book, lease } = this.#options;
    const isAsLeft = (): boolean => {
      if (before === undefined) return (book.lastOf(job.name, zone.name)?.to ?? 0) < slot.toMs;
      const now = book.openRun(key);
      return now?.attempts === before.attempts && now.outcome === before.outcome;
    };
    const decide = (): Draft[] => (isAsLeft() ? [{ kind: RUN_KIND, id: key, body: JSON.stringify(run) }] : []);
    const written: readonly Entry[] = await lease.write(SCHEDULER, decide);
    return written.length > 0;
  }
}
