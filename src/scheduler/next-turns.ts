import type { Catalog } from '../catalog/catalog.ts';
import type { Job } from './job.ts';
import type { RunBook } from './run-book.ts';
import { newestDue, slotAt } from './slots.ts';
import { zonesOfJob } from './turns.ts';

/** The next turn of a job in each of its zones that has not been begun. */
export function nextTurns(
  catalog: Catalog,
  book: RunBook,
  job: Job,
  nowMs: number,
): { zone: string; slot: string; dueMs: number }[] {
  return zonesOfJob(catalog, job).map((zone) => {
    const after = book.lastOf(job.name, zone.name)?.to ?? newestDue(zone, job.every, job.delayMs, nowMs).toMs;
    const { name, toMs } = slotAt(zone, job.every, after);
    return { zone: zone.name, slot: name, dueMs: toMs + job.delayMs };
  });
}
