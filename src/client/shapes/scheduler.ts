/** What the server does by itself, as it is answered. */
import { z } from 'zod';

export const SchedulerJobs = z.looseObject({
  on: z.boolean(),
  holder: z.string().nullable(),
  now: z.string(),
  jobs: z.array(
    z.looseObject({
      name: z.string(),
      does: z.string(),
      every: z.string(),
      late_ms: z.number(),
      done_at: z.string().nullable(),
      next: z.array(z.looseObject({ zone: z.string(), slot: z.string(), due_at: z.string() })),
    }),
  ),
});
export type SchedulerJobs = z.infer<typeof SchedulerJobs>;

const run = {
  job: z.string(),
  zone: z.string(),
  slot: z.string(),
  trigger: z.string(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  outcome: z.string(),
  accounts: z.looseObject({ seen: z.number(), changed: z.number(), waiting: z.number(), failed: z.number() }),
  counts: z.record(z.string(), z.number()),
  problems: z.array(z.looseObject({ account: z.string(), code: z.string(), reason: z.string() })),
  next_try_at: z.string().nullable(),
  error: z.string().nullable(),
};
export const SchedulerRun = z.looseObject(run);
export type SchedulerRun = z.infer<typeof SchedulerRun>;
export const SchedulerRunPage = z.looseObject({ rows: z.array(SchedulerRun), next: z.string().nullable() });

export const SchedulerRunsByHand = z.looseObject({
  runs: z.array(
    z.looseObject({
      ...run,
      id: z.string().nullable(),
      dry_run: z.boolean(),
      parts: z.array(
        z.looseObject({
          account: z.string(),
          outcome: z.string(),
          counts: z.record(z.string(), z.number()),
          reason: z.string().nullable(),
        }),
      ),
    }),
  ),
});
export type SchedulerRunsByHand = z.infer<typeof SchedulerRunsByHand>;
