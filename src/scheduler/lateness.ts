import type { Catalog } from '../catalog/catalog.ts';
import type { Job } from './job.ts';
import type { JobName } from './run.ts';
import type { RunBook } from './run-book.ts';
import { turnsDue } from './turns.ts';

/** How long the oldest turn of each job that is due has not been done, in milliseconds; 0 where none is. */
export function latenessOf(catalog: Catalog, book: RunBook, jobs: readonly Job[], nowMs: number): Map<JobName, number> {
  const late = new Map<JobName, number>(jobs.map(({ name }) => [name, 0]));
  const add = (job: JobName, dueMs: number): void => {
    late.set(job, Math.max(late.get(job) ?? 0, nowMs - dueMs));
  };
  for (const { job, dueMs, skip } of turnsDue(catalog, book, jobs, nowMs)) if (!skip) add(job.name, dueMs);
  for (const [, run] of book.open()) if (late.has(run.job)) add(run.job, run.due_at);
  return late;
}
