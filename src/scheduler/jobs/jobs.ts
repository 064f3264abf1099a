import type { Job } from '../job.ts';
import { chargeDaysJob } from './charge-days.ts';
import { invoiceRunJob } from './invoice-run.ts';
import { reconcileJob } from './reconcile.ts';
import { standingJob } from './standing.ts';

/** All jobs; of those that are due at one instant the first here is done first. */
export const JOBS: readonly Job[] = [chargeDaysJob, invoiceRunJob, reconcileJob, standingJob];
