import type { Command } from 'commander';
import { SchedulerJobs, type SchedulerRun, SchedulerRunPage, SchedulerRunsByHand } from '../../client/shapes/scheduler.ts';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

/** A run of many accounts is one call, which breathes while it goes on. */
const RUN_TIMEOUT_MS = 3_600_000;
const RUNS_DEFAULT = 20;

const EXAMPLES = `
What the server does by itself when it is due: charges days, makes invoices, reconciles. Each turn is of the accounts of a time
zone, and done once; who prefers cron sets UPTALLY_SCHEDULER=off and runs the jobs from there.

Examples:
  uptally scheduler                                  the jobs, when each is due next, and what is late
  uptally scheduler runs --outcome failed
  uptally scheduler run invoice-run --dry-run        what a turn would do
  uptally scheduler run invoice-run --slot 2026-03
  uptally scheduler run charge-days --account a1
`;

interface RunsOptions {
  job?: string;
  outcome?: string;
  zone?: string;
  limit?: string;
  json?: boolean;
}

interface RunOptions {
  slot?: string;
  account?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** `uptally scheduler`: what the server does by itself, and the same by hand. */
export function register(program: Command, context: CliContext): void {
  const scheduler = program
    .command('scheduler')
    .description('what the server does by itself when it is due, and the same by hand')
    .addHelpText('after', EXAMPLES);

  scheduler
    .command('jobs', { isDefault: true })
    .description('the jobs, when each is due next, and what is late')
    .option('--json', "print the server's answer as it is")
    .action(async (options: { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('GET', '/v1/scheduler/jobs');
        const lines = options.json === true ? [text.trim()] : jobLines(answerAs(SchedulerJobs, json));
        for (const line of lines) writeLine(context.stdout, line);
      });
    });

  scheduler
    .command('runs')
    .description('what became of runs, the latest first')
    .option('--job <name>', 'only of this job')
    .option('--outcome <outcome>', 'running, done, waiting, failed or skipped')
    .option('--zone <zone>', 'only of this time zone')
    .option('--limit <n>', `how many, ${RUNS_DEFAULT} by default`)
    .option('--json', "print the server's answer as it is")
    .action(async ({ json: asJson, limit = String(RUNS_DEFAULT), ...filters }: RunsOptions, command: Command) => {
      await withClient(command, context, async (client) => {
        const query = new URLSearchParams({ ...filters, limit });
        const { json, text } = await client.call('GET', `/v1/scheduler/runs?${query.toString()}`);
        const lines = asJson === true ? [text.trim()] : runLines(answerAs(SchedulerRunPage, json).rows);
        for (const line of lines) writeLine(context.stdout, line);
      });
    });

  scheduler
    .command('run <job>')
    .description('do a turn of a job now: charge-days, invoice-run, reconcile, standing')
    .option('--slot <slot>', 'the month, day or hour; left out: the newest that is over, in each time zone')
    .option('--account <id>', 'only this account')
    .option('--dry-run', 'say what would be done and record nothing')
    .option('--json', "print the server's answer as it is")
    .action(async (job: string, options: RunOptions, command: Command) => {
      await withClient(
        command,
        context,
        async (client) => {
          const body = {
            ...(options.slot === undefined ? {} : { slot: options.slot }),
            ...(options.account === undefined ? {} : { account: options.account }),
            dry_run: options.dryRun === true,
          };
          const { json, text } = await client.call('POST', `/v1/scheduler/jobs/${encodeURIComponent(job)}/run`, body);
          const { runs } = answerAs(SchedulerRunsByHand, json);
          if (options.json === true) writeLine(context.stdout, text.trim());
          else for (const line of byHandLines(runs)) writeLine(context.stdout, line);
          const failed = runs.reduce((sum, { accounts }) => sum + accounts.failed, 0);
          if (failed > 0 || runs.some(({ error }) => error !== null))
            throw new CommandFailure(
              failed === 0 ? 'the run failed' : `failed for ${failed} ${failed === 1 ? 'account' : 'accounts'}`,
              1,
            );
        },
        { timeoutMs: RUN_TIMEOUT_MS },
      );
    });
}

function jobLines({ on, holder, now, jobs }: SchedulerJobs): string[] {
  const state = on ? 'on' : 'off: the jobs are run by hand, or by cron';
  const rows = jobs.flatMap(({ name, does, every, late_ms: lateMs, done_at: doneAt, next }) => {
    const late = lateMs === 0 ? '' : `late by ${durationText(lateMs)}`;
    const first = [name, every, doneAt ?? 'never', late, does];
    const turns = next.map(({ zone, slot, due_at: dueAt }) => ['', '', '', '', `${slot} of ${zone} is due at ${dueAt}`]);
    return [first, ...turns];
  });
  return [
    `scheduler ${state}; ${holder === null ? 'nobody does what is due' : `${holder} does what is due`}; now ${now}`,
    ...tableLines(['job', 'every', 'last done', '', ''], rows),
  ];
}

function durationText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} days`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
    .join(', ');
}

function runLines(runs: readonly SchedulerRun[]): string[] {
  if (runs.length === 0) return ['no runs'];
  const rows = runs.map((run) => [
    run.started_at,
    run.job,
    run.slot,
    run.zone,
    run.trigger,
    run.outcome,
    [countsText(run.counts), ...whyOf(run)].filter((each) => each !== '').join('; '),
  ]);
  return tableLines(['started', 'job', 'slot', 'zone', '', 'outcome', ''], rows);
}

function whyOf({ error, problems, accounts }: SchedulerRun): string[] {
  const [first] = problems;
  if (error !== null) return [error];
  if (first === undefined) return [];
  const more = accounts.waiting + accounts.failed - 1;
  return [`${first.account}: ${first.reason}${more > 0 ? ` (and ${more} more)` : ''}`];
}

function byHandLines(runs: SchedulerRunsByHand['runs']): string[] {
  if (runs.length === 0) return ['there is no account that it is about'];
  return runs.flatMap((run) => {
    const { seen, changed, waiting, failed } = run.accounts;
    const would = run.dry_run ? 'would be changed' : 'changed';
    const done = countsText(run.counts);
    return [
      `${run.job} ${run.slot} of ${run.zone}: ${seen} ${seen === 1 ? 'account' : 'accounts'}, ${changed} ${would}, ${waiting} waiting, ${failed} failed${done === '' ? '' : `: ${done}`}`,
      ...run.parts.map(
        ({ account, outcome, counts, reason }) => `  ${account}: ${reason ?? `${outcome}, ${countsText(counts)}`}`,
      ),
    ];
  });
}
