import type { Catalog } from '../catalog/catalog.ts';
import { zoneOfAccount } from '../billing/period.ts';
import type { Zone } from '../domain/zone.ts';
import { zoneOf } from '../domain/zone.ts';
import type { Job } from './job.ts';
import { type RunBody, runKey } from './run.ts';
import type { RunBook } from './run-book.ts';
import { dueSince, dueTogether, newestDue, type Slot } from './slots.ts';

/** A turn that is due: of a job in a zone. */
export interface DueTurn {
  readonly key: string;
  readonly job: Job;
  readonly zone: Zone;
  readonly slot: Slot;
  readonly dueMs: number;
  /** The run as it was left, where it was begun before. */
  readonly before: RunBody | undefined;
  /** It was due before the scheduler was there for the first time: it is passed over, on record. */
  readonly skip: boolean;
}

/** Turns of one job and zone that are looked at together: after years of standstill memory stays flat. */
const TOGETHER = 50;

/** Where hours are counted, which belong to no zone. */
const HOURS_ZONE = 'UTC';

/** The accounts of each zone, by id: a turn's are those of its zone. */
export function accountsByZone(catalog: Catalog): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const account of catalog.accountIds()) {
    const { name } = zoneOfAccount(catalog, account);
    found.set(name, [...(found.get(name) ?? []), account]);
  }
  return found;
}

/** The accounts that a job's turn in a zone is about. */
export function accountsOf(catalog: Catalog, job: Pick<Job, 'every'>, zone: string): readonly string[] {
  return job.every === 'hour' ? catalog.accountIds() : (accountsByZone(catalog).get(zone) ?? []);
}

/** Zones in which a job has turns. */
export function zonesOfJob(catalog: Catalog, { every }: Pick<Job, 'every'>): Zone[] {
  const zones = accountsByZone(catalog);
  const names = every === 'hour' ? (zones.size === 0 ? [] : [HOURS_ZONE]) : [...zones.keys()].sort();
  return names.flatMap((name) => zoneOf(name) ?? []);
}

/**
 * What is due: turns that were begun and are to be tried again, and those that have become due since the last one, in the order in which they fell due. Of
 * a job that has never been there the newest turn is passed over; of a zone that is new to a job the newest one is done.
 */
export function turnsDue(catalog: Catalog, book: RunBook, jobs: readonly Job[], nowMs: number): DueTurn[] {
  const due: (DueTurn & { order: number })[] = [];
  for (const [order, job] of jobs.entries()) {
    const knows = book.knows(job.name);
    for (const zone of zonesOfJob(catalog, job)) {
      const last = book.lastOf(job.name, zone.name);
      const slots =
        last === undefined
          ? [newestDue(zone, job.every, job.delayMs, nowMs)]
          : job.isTogether
            ? dueTogether(zone, job.every, job.delayMs, last.to, nowMs)
            : dueSince(zone, job.every, job.delayMs, last.to, nowMs, TOGETHER);
      for (const slot of slots) {
        const key = runKey(job.name, zone.name, slot.name);
        due.push({ key, job, zone, slot, dueMs: slot.toMs + job.delayMs, before: undefined, skip: !knows, order });
      }
    }
  }
  for (const [key, before] of book.open()) {
    const order = jobs.findIndex(({ name }) => name === before.job);
    const job = jobs[order];
    const zone = zoneOf(before.zone);
    if (job === undefined || zone === undefined || (before.next_try_at ?? 0) > nowMs) continue;
    const slot = { name: before.slot, fromMs: before.from, toMs: before.to };
    due.push({ key, job, zone, slot, dueMs: before.due_at, before, skip: false, order });
  }
  return due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
}
