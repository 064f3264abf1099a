/** The scheduler in a process with the role api: of all processes one does what is due. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { ApiContext } from '../api/shared/context.ts';
import { hold, type Holding } from '../journal/hold.ts';
import { Lease } from '../journal/lease.ts';
import { JOBS } from '../scheduler/jobs/jobs.ts';
import { latenessOf } from '../scheduler/lateness.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { SCHEDULER_LEASE } from '../scheduler/run.ts';
import { repeat } from './parts.ts';

/** How often it is looked whether something is due. */
const TICK_MS = 2_000;

export interface SchedulingSetup {
  readonly context: ApiContext;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Takes in what other processes have stored and recorded. */
  readonly freshen: () => Promise<void>;
}

/** Begins to do what is due, where that is on; the returned function ends it after the account that it is at. */
export function startScheduling({ context, logger, registry, freshen }: SchedulingSetup): () => Promise<void> {
  const { journal, leases, runs, isOn, invoices } = context.scheduling;
  const holder = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const lease = new Lease({ journal, book: leases, name: SCHEDULER_LEASE, holder });
  gauges(registry, context, lease);
  if (!isOn) return () => Promise.resolve();
  const onError = (error: unknown): void => {
    logger.error({ err: error }, 'the scheduler could not do what is due; it tries again');
  };
  const begin = (): Promise<Holding> => {
    const scheduler = new Scheduler({ context: { billing: context, invoices }, book: runs, lease, freshen, jobs: JOBS });
    let ticking: Promise<unknown> = Promise.resolve();
    const tick = async (): Promise<void> => {
      ticking = scheduler.tick();
      await ticking;
    };
    const stop = repeat(TICK_MS, tick, onError);
    return Promise.resolve({
      end: async () => {
        stop();
        scheduler.close();
        await ticking.catch(() => undefined);
      },
    });
  };
  return hold(lease, { begin, onError });
}

function gauges(registry: Registry, { scheduling, catalog, businessNow }: ApiContext, lease: Lease): void {
  const registers = [registry];
  // `job` is Prometheus' own label
  const labelNames = ['task'];
  new Gauge({
    ...{ name: 'uptally_scheduler_late_seconds', registers, labelNames },
    help: 'How long the oldest turn of a job that is due has not been done; 0 where none is. Left out where the scheduler is off',
    collect() {
      this.reset();
      if (!scheduling.isOn) return;
      for (const [job, ms] of latenessOf(catalog, scheduling.runs, JOBS, businessNow())) this.set({ task: job }, ms / 1000);
    },
  });
  new Gauge({
    ...{ name: 'uptally_scheduler_done_seconds', registers, labelNames },
    help: 'When a job was last done without anything left, in seconds since the epoch, by the clock that is billed by',
    collect() {
      this.reset();
      for (const { name } of JOBS) {
        const doneMs = scheduling.runs.doneAtMs(name);
        if (doneMs !== null) this.set({ task: name }, doneMs / 1000);
      }
    },
  });
  new Gauge({
    ...{ name: 'uptally_scheduler_holder', registers },
    help: '1 in the process that does what is due',
    collect() {
      this.set(lease.isHeld ? 1 : 0);
    },
  });
}
