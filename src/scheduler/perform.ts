import { DAY_MS } from '../domain/zone.ts';
import type { Job, JobContext, Part } from './job.ts';
import type { RunBody } from './run.ts';
import type { Slot } from './slots.ts';

/** Problems that a run tells of, and accounts whose next attempt is for them alone. */
const PROBLEMS_MAX = 20;
const LEFT_MAX = 2_000;
const FIRST_RETRY_MS = 5 * 60_000;
const RETRY_MS_MAX = 6 * 3_600_000;
/** After this nobody waits any more: the run has failed. */
const PATIENCE_MS = 31 * DAY_MS;

/** The process ends, or another has the lease: what was begun is gone on with by whoever comes next. */
export class CutOffError extends Error {
  constructor() {
    super('the run was cut off: another process goes on with it');
    this.name = 'CutOffError';
  }
}

export interface Performance {
  readonly job: Job;
  readonly context: JobContext;
  readonly zone: string;
  readonly slot: Slot;
  readonly accounts: readonly string[];
  readonly trigger: RunBody['trigger'];
  /** Of a run by hand: for this account alone. */
  readonly account: string | null;
  readonly dryRun: boolean;
  readonly by: string;
  /** The run as it was left, where it was begun before. */
  readonly before: RunBody | undefined;
}

/** A run as it begins, or begins again. */
export function begun({ job, context, zone, slot, trigger, account, before }: Performance): RunBody {
  return {
    ...{ job: job.name, zone, slot: slot.name, from: slot.fromMs, to: slot.toMs, due_at: slot.toMs + job.delayMs },
    ...{ trigger, account, started_at: before?.started_at ?? context.billing.businessNow(), ended_at: null },
    outcome: 'running',
    attempts: (before?.attempts ?? 0) + 1,
    accounts: { seen: before?.accounts.seen ?? 0, changed: before?.accounts.changed ?? 0, waiting: 0, failed: 0 },
    counts: before?.counts ?? {},
    ...{ problems: [], left: before?.left ?? null, next_try_at: null, error: null },
  };
}

/**
 * Does a run that has begun: what it came to, and the parts that changed something or could not be done. `goOn` is asked before each account. Throws
 * CutOffError, StoreError.
 */
export async function perform(
  performance: Performance,
  run: RunBody,
  goOn: () => boolean,
): Promise<{ run: RunBody; parts: Part[] }> {
  const { job, context, slot, accounts, dryRun, by } = performance;
  const parts: Part[] = [];
  const counts: Record<string, number> = { ...run.counts };
  let seen = 0;
  if (!goOn()) throw new CutOffError();
  for await (const part of job.run(context, { slot, accounts, dryRun, by })) {
    seen += 1;
    for (const [name, count] of Object.entries(part.counts ?? {})) counts[name] = (counts[name] ?? 0) + count;
    if (part.outcome !== 'nothing') parts.push(part);
    if (!goOn()) throw new CutOffError();
  }
  const nowMs = context.billing.businessNow();
  const of = (outcome: Part['outcome']): Part[] => parts.filter((part) => part.outcome === outcome);
  const left = [...of('failed'), ...of('waiting')];
  const givesUp = nowMs - run.due_at >= PATIENCE_MS;
  const outcome = left.length === 0 ? 'done' : of('failed').length > 0 || givesUp ? 'failed' : 'waiting';
  const isTriedAgain = left.length > 0 && run.trigger === 'schedule' && !givesUp;
  const ended: RunBody = {
    ...run,
    ...{ ended_at: nowMs, outcome, counts },
    accounts: {
      seen: Math.max(run.accounts.seen, seen),
      changed: run.accounts.changed + of('changed').length,
      waiting: of('waiting').length,
      failed: of('failed').length,
    },
    problems: left.slice(0, PROBLEMS_MAX).map(({ account, code = '', reason = '' }) => ({ account, code, reason })),
    left: isTriedAgain && left.length <= LEFT_MAX ? left.map(({ account }) => account) : null,
    next_try_at: isTriedAgain ? nowMs + retryAfterMs(run.attempts) : null,
  };
  return { run: ended, parts };
}

/** A run that ended as a whole by an error that is no account's. */
export function failedWhole(run: RunBody, nowMs: number, error: unknown): RunBody {
  const isTriedAgain = run.trigger === 'schedule' && nowMs - run.due_at < PATIENCE_MS;
  return {
    ...run,
    ...{ ended_at: nowMs, outcome: 'failed', next_try_at: isTriedAgain ? nowMs + retryAfterMs(run.attempts) : null },
    error: error instanceof Error ? error.message : String(error),
  };
}

function retryAfterMs(attempts: number): number {
  return Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 16));
}
