import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { JOB_NAMES, OUTCOMES, type RunBody } from '../../scheduler/run.ts';
import { instantShape } from '../shared/shapes.ts';

export const jobShape = z.object({
  name: z.enum(JOB_NAMES),
  does: z.string(),
  every: z.enum(['hour', 'day', 'month']),
  due_after_ms: z.int().describe('How long after the end of an hour, local day or local month it is due.'),
  late_ms: z.int().describe('How long the oldest turn that is due has not been done; 0: none is.'),
  done_at: instantShape.nullable().describe('When it was last done without anything left.'),
  next: z
    .array(z.object({ zone: z.string(), slot: z.string(), due_at: instantShape }))
    .describe('The next turn of each time zone that has accounts.'),
});

const runMembers = {
  job: z.enum(JOB_NAMES),
  zone: z.string().describe('The turn is about the accounts of this time zone; hours are UTC and about all.'),
  slot: z.string().describe('The month, day or hour that it is about.'),
  from: instantShape,
  to: instantShape,
  due_at: instantShape,
  trigger: z.enum(['schedule', 'hand']),
  account: z.string().nullable().describe('Of a run by hand for one account alone.'),
  started_at: instantShape.describe('By the clock that is billed by.'),
  ended_at: instantShape.nullable(),
  outcome: z
    .enum(OUTCOMES)
    .describe(
      'running: begun; whoever began it is at it, or died, and another goes on. waiting: some accounts have to wait. failed: some could not be done, or all. ' +
        'skipped: due before the scheduler was there for the first time.',
    ),
  attempts: z.int(),
  accounts: z.object({ seen: z.int(), changed: z.int(), waiting: z.int(), failed: z.int() }),
  counts: z.record(z.string(), z.int()).describe('What was made, by what it is.'),
  problems: z
    .array(z.object({ account: z.string(), code: z.string(), reason: z.string() }))
    .describe('The first of those that wait or failed.'),
  next_try_at: instantShape.nullable().describe('When those are tried again; null: never.'),
  error: z.string().nullable().describe('What ended the run as a whole.'),
};

export const runShape = z.object({ id: z.string(), recorded_at: instantShape, ...runMembers });
export const runByHandShape = z.object({
  id: z.string().nullable().describe('null: nothing was recorded.'),
  dry_run: z.boolean(),
  ...runMembers,
  parts: z
    .array(
      z.object({
        account: z.string(),
        outcome: z.enum(['changed', 'waiting', 'failed']),
        counts: z.record(z.string(), z.int()),
        code: z.string().nullable(),
        reason: z.string().nullable(),
      }),
    )
    .describe('Accounts that something was done for, or could not be: the first thousand.'),
});

/** A run as the API shows it. */
export function runJson(run: RunBody): Record<string, unknown> {
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  const { job, zone, slot, trigger, account, outcome, attempts, accounts, counts, problems, error } = run;
  return {
    ...{ job, zone, slot, trigger, account, outcome, attempts, accounts, counts, problems, error },
    ...{ from: shown(run.from), to: shown(run.to), due_at: shown(run.due_at), started_at: shown(run.started_at) },
    ...{ ended_at: shown(run.ended_at), next_try_at: shown(run.next_try_at) },
  };
}
