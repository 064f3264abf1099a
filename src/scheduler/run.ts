import { z } from 'zod';
import type { Every } from './slots.ts';

/** What the scheduler does, in the order in which it does what is due at one instant. */
export const JOB_NAMES = ['charge-days', 'invoice-run', 'reconcile', 'standing'] as const;
export type JobName = (typeof JOB_NAMES)[number];

/** The lease whose holder does what is due. */
export const SCHEDULER_LEASE = 'scheduler';

/** The kind of the entries that runs are recorded as. */
export const RUN_KIND = 'scheduler_run';

/**
 * `running`: begun; who began it is at it, or died. `done`. `waiting`: some accounts have to wait, for usage as a rule. `failed`: some could not be done, or
 * all of it. `skipped`: was due before the scheduler was there for the first time.
 */
export const OUTCOMES = ['running', 'done', 'waiting', 'failed', 'skipped'] as const;
export type RunOutcome = (typeof OUTCOMES)[number];

/** A run as it is recorded: each version of it is an entry under its key. Instants by the clock that is billed by. */
export const runBody = z.strictObject({
  job: z.enum(JOB_NAMES),
  zone: z.string(),
  slot: z.string(),
  from: z.int(),
  to: z.int(),
  due_at: z.int(),
  trigger: z.enum(['schedule', 'hand']),
  /** Of a run by hand: for this account alone. */
  account: z.string().nullable(),
  started_at: z.int(),
  ended_at: z.int().nullable(),
  outcome: z.enum(OUTCOMES),
  /** How often it was begun. */
  attempts: z.int(),
  accounts: z.strictObject({ seen: z.int(), changed: z.int(), waiting: z.int(), failed: z.int() }),
  /** What was made, by what it is: `charges`, `drafts`, `credit_notes`, … */
  counts: z.record(z.string(), z.int()),
  /** The first of those that wait or failed. */
  problems: z.array(z.strictObject({ account: z.string(), code: z.string(), reason: z.string() })),
  /** Whom the next attempt is for; null: everybody. */
  left: z.array(z.string()).nullable(),
  next_try_at: z.int().nullable(),
  /** What ended the run as a whole. */
  error: z.string().nullable(),
});
export type RunBody = z.infer<typeof runBody>;

/** The key of a run of the schedule: of two that would begin one, in whatever processes, one does. */
export function runKey(job: JobName, zone: string, slot: string): string {
  return `${job}/${zone}/${slot}`;
}

/** What a job is, apart from doing it. */
export interface JobSchedule {
  readonly name: JobName;
  /** What it does, in a sentence. */
  readonly does: string;
  readonly every: Every;
  /** How long after the end of an hour, day or month it is due. */
  readonly delayMs: number;
  /** What it does follows from how things are, not from the time that a turn is about: turns that were missed are done as one. */
  readonly isTogether: boolean;
}
