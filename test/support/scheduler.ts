import { apiContextOf } from '../../src/app/api-context.ts';
import type { Records } from '../../src/app/records.ts';
import type { BillingContext } from '../../src/billing/context.ts';
import { Lease } from '../../src/journal/lease.ts';
import type { Job, JobContext } from '../../src/scheduler/job.ts';
import { JOBS } from '../../src/scheduler/jobs/jobs.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';

export interface SimulatedClock {
  nowMs: number;
}

type Given = Partial<Pick<BillingContext, 'termsLibrary' | 'issuer'>>;

/** What a simulated day's billing is made with: everything but the clock is as in a server. */
export function billingOn(
  { journal, catalog, books, leases, runs, sources, sessions, portalLinks, subscriptions }: Records,
  clock: SimulatedClock,
  { termsLibrary = loadTerms([shippedTermsFolder()]), issuer }: Given = {},
): BillingContext {
  return apiContextOf({
    ...{ store: journal.store, catalog, books, sources, sessions, portalLinks, subscriptions, now: () => clock.nowMs },
    ...{ config: { clock: 'wall', stalenessMs: 90_000 }, eventClockMs: () => null, watermarkMs: () => clock.nowMs - 120_000 },
    ...{ termsLibrary, issuer },
    scheduling: { journal, runs, leases, isOn: true, invoices: 'drafts' },
  });
}

export interface TestScheduler {
  readonly scheduler: Scheduler;
  readonly lease: Lease;
  readonly context: JobContext;
  /** Holds on to the lease and does what is due by now; how many turns. */
  readonly tick: () => Promise<number>;
}

/** A scheduler of its own process, on a clock that the test moves. */
export function schedulerOn(
  records: Records,
  clock: SimulatedClock,
  {
    holder = 'a',
    jobs = JOBS,
    invoices = 'drafts',
    ...given
  }: Given & { holder?: string; jobs?: readonly Job[]; invoices?: JobContext['invoices'] } = {},
): TestScheduler {
  const { journal, leases, runs } = records;
  const context = { billing: billingOn(records, clock, given), invoices };
  const lease = new Lease({ journal, book: leases, name: 'scheduler', holder });
  const freshen = (): Promise<void> => journal.refresh();
  const scheduler = new Scheduler({ context, book: runs, lease, freshen, jobs });
  return {
    ...{ scheduler, lease, context },
    tick: async () => ((await lease.keep()) ? await scheduler.tick() : 0),
  };
}
