import type { Journal } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Job, JobContext, Part } from './job.ts';
import { begun, failedWhole, perform } from './perform.ts';
import { RUN_KIND, type RunBody } from './run.ts';
import { newestDue, type Slot, slotNamed } from './slots.ts';
import { accountsOf, zonesOfJob } from './turns.ts';
import type { Zone } from '../domain/zone.ts';

export interface ByHand {
  readonly job: Job;
  /** For this account alone. */
  readonly account: string | undefined;
  /** The hour, day or month; left out: in each zone the newest that is due. */
  readonly slot: string | undefined;
  readonly dryRun: boolean;
  readonly by: string;
}

/** A run by hand, with its id (null: nothing was recorded) and the parts that changed something or could not be done. */
export interface RunByHand {
  readonly id: string | null;
  readonly run: RunBody;
  readonly parts: readonly Part[];
}

/**
 * Does a turn of a job now, in this process, in each zone that has accounts for it; the schedule goes on as it would have. Recorded as it ends. Throws
 * `invalid_body` for a turn that is not over or no zone has, StoreError.
 */
export async function runByHand(
  journal: Journal,
  context: JobContext,
  { job, account, slot, dryRun, by }: ByHand,
): Promise<RunByHand[]> {
  const { catalog, businessNow } = context.billing;
  const runs: RunByHand[] = [];
  for (const zone of zonesOfJob(catalog, job)) {
    const accounts = accountsOf(catalog, job, zone.name).filter((id) => account === undefined || id === account);
    const turn = turnOf(job, zone, slot, businessNow());
    if (accounts.length === 0 || turn === undefined) continue;
    const performance = {
      ...{ job, context, zone: zone.name, slot: turn, accounts, dryRun, by },
      ...({ trigger: 'hand', account: account ?? null, before: undefined } as const),
    };
    const run = begun(performance);
    const ended = await perform(performance, run, () => true).catch((error: unknown) => ({
      run: failedWhole(run, businessNow(), error),
      parts: [],
    }));
    const id = dryRun ? null : `${job.name}/hand/${journal.newId()}`;
    if (id !== null) await journal.write(by, () => [{ kind: RUN_KIND, id, body: JSON.stringify(ended.run) }]);
    runs.push({ id, ...ended });
  }
  if (runs.length === 0 && slot !== undefined)
    throw new ProblemError('invalid_parameter', `${slot} is no ${job.every} of this job's zones that is over`);
  return runs;
}

function turnOf(job: Job, zone: Zone, name: string | undefined, nowMs: number): Slot | undefined {
  if (name === undefined) return newestDue(zone, job.every, 0, nowMs);
  const slot = slotNamed(zone, job.every, name);
  return slot === undefined || slot.toMs > nowMs ? undefined : slot;
}
