import { carryOut } from '../../billing/standing/carry-out.ts';
import { consequencesDue } from '../../billing/standing/plan.ts';
import { attempt } from '../failure.ts';
import type { Job, JobContext, Part, Turn } from '../job.ts';

/** What follows when something is due and not paid, or over and not renewed. */
export const standingJob: Job = {
  name: 'standing',
  does: 'reminds, suspends, resumes, ends and tells what may be deleted, as the terms say',
  every: 'hour',
  delayMs: 0,
  isTogether: true,
  async *run(context, turn) {
    for (const account of turn.accounts) yield await attempt(account, () => part(context, turn, account));
  },
};

async function part({ billing }: JobContext, { dryRun, by }: Turn, account: string): Promise<Part> {
  const nowMs = billing.businessNow();
  const done = dryRun ? consequencesDue(billing, account, nowMs) : await carryOut(billing, account, nowMs, by);
  const counts: Record<string, number> = {};
  for (const { kind } of done) counts[kind] = (counts[kind] ?? 0) + 1;
  return { account, outcome: done.length === 0 ? 'nothing' : 'changed', counts };
}
