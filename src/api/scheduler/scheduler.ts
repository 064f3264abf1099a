import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { DAY_PATTERN } from '../../domain/shapes.ts';
import { toJson } from '../../domain/json.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import { runByHand } from '../../scheduler/by-hand.ts';
import { JOBS } from '../../scheduler/jobs/jobs.ts';
import { JOB_NAMES, OUTCOMES, SCHEDULER_LEASE } from '../../scheduler/run.ts';
import { latenessOf } from '../../scheduler/lateness.ts';
import { nextTurns } from '../../scheduler/next-turns.ts';
import { storedRuns } from '../../scheduler/stored-runs.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { answerInTime } from '../shared/slow-answer.ts';
import { instantShape, pageOf } from '../shared/shapes.ts';
import { PAGE_ROWS_MAX, readLimit } from '../shared/window.ts';
import { jobShape, runByHandShape, runJson, runShape } from './shapes.ts';

const RUNS = '/v1/scheduler/runs';
/** Parts of a run by hand that are told of. */
const PARTS_MAX = 1_000;
const position = z.strictObject({ seq: z.string().regex(/^\d{1,20}$/) });

/** What the server does by itself, when, and what became of it. */
export function schedulerRoutes(api: Api, context: ApiContext): void {
  const { catalog, businessNow, scheduling } = context;
  const { journal, runs, leases, isOn, invoices } = scheduling;

  api.route(
    {
      method: 'GET',
      path: '/v1/scheduler/jobs',
      tag: 'scheduler',
      summary: 'What the scheduler does, when it is due next, and since when it is late',
      roles: ['billing', 'admin'],
      answers: {
        200: {
          description: 'The jobs, in the order in which what is due at one instant is done',
          schema: z.object({
            on: z.boolean().describe('Whether the process that answers would do what is due (UPTALLY_SCHEDULER).'),
            holder: z.string().nullable().describe('The process that does what is due; null: none.'),
            now: instantShape.describe('By the clock that is billed by.'),
            invoices: z.enum(['none', 'drafts', 'finals']).describe('What becomes of a month where an account does not say.'),
            jobs: z.array(jobShape),
          }),
        },
      },
      problems: ['store_unavailable'],
    },
    () => {
      const nowMs = businessNow();
      const late = latenessOf(catalog, runs, JOBS, nowMs);
      return Promise.resolve({
        ...{ on: isOn, holder: leases.of(SCHEDULER_LEASE).holder, now: formatInstant(nowMs), invoices },
        jobs: JOBS.map((job) => {
          const doneMs = runs.doneAtMs(job.name);
          return {
            ...{ name: job.name, does: job.does, every: job.every, due_after_ms: job.delayMs },
            late_ms: late.get(job.name) ?? 0,
            done_at: doneMs === null ? null : formatInstant(doneMs),
            next: nextTurns(catalog, runs, job, nowMs).map(({ zone, slot, dueMs }) => ({
              ...{ zone, slot, due_at: formatInstant(dueMs) },
            })),
          };
        }),
      });
    },
  );

  api.route(
    {
      method: 'GET',
      path: RUNS,
      tag: 'scheduler',
      summary: 'Runs of jobs as they stand, by schedule and by hand, the latest first',
      roles: ['billing', 'admin'],
      query: z.strictObject({
        job: z.enum(JOB_NAMES).optional(),
        outcome: z.enum(OUTCOMES).optional(),
        zone: z.string().max(64).optional(),
        limit: z.string().optional().describe(`Rows of a page, 1 to ${PAGE_ROWS_MAX}; the default is the most.`),
        cursor: z.string().optional().describe('`next` of the page before; the other parameters may then be left out.'),
      }),
      answers: { 200: { description: 'Runs', schema: pageOf(runShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { limit, cursor, ...given } }) => {
      const texts = Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined));
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, RUNS, texts, position);
      const query = pinned?.query ?? texts;
      const rows = Math.min(readLimit(limit), PAGE_ROWS_MAX);
      const filter = {
        job: JOB_NAMES.find((name) => name === query['job']),
        outcome: OUTCOMES.find((outcome) => outcome === query['outcome']),
        zone: query['zone'],
        beforeSeq: pinned === undefined ? undefined : BigInt(pinned.at.seq),
      };
      const found = await storedRuns(journal.store, filter, rows + 1);
      const last = found.length > rows ? found[rows - 1] : undefined;
      return {
        rows: found
          .slice(0, rows)
          .map(({ id, recordedAtMs, run }) => ({ id, recorded_at: formatInstant(recordedAtMs), ...runJson(run) })),
        next: last === undefined ? null : encodeCursor(RUNS, query, { seq: last.seq.toString() }),
      };
    },
  );

  api.route(
    {
      method: 'POST',
      path: '/v1/scheduler/jobs/{job}/run',
      tag: 'scheduler',
      summary: 'Do a turn of a job now, or say what it would do',
      description:
        'In the process that answers, also where the scheduler is off: for cron, and for whoever will not wait. The schedule goes on as it would have; what was done is ' +
        'found done. The answer comes when the run is over: after ten seconds white space is sent, so that no proxy gives up. Cut off, the same again goes on.',
      roles: ['billing', 'admin'],
      params: z.object({ job: z.enum(JOB_NAMES) }),
      body: {
        'application/json': z.strictObject({
          slot: z
            .string()
            .max(40)
            .meta({ pattern: `^((19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])|(${DAY_PATTERN})(T([01][0-9]|2[0-3]):00:00Z)?)$` })
            .optional()
            .describe('The month, day or hour, as `2026-03`, `2026-03-01`; left out: in each zone the newest that is over.'),
          account: identifier.optional().describe('This account alone.'),
          dry_run: z.boolean().default(false).describe('Say what would be done and record nothing.'),
        }),
      },
      answers: { 200: { description: 'What became of it, a run a zone', schema: z.object({ runs: z.array(runByHandShape) }) } },
      problems: [
        'bad_request',
        'invalid_parameter',
        'invalid_body',
        'account_unknown',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    ({ params, body: { slot, account, dry_run: dryRun }, request, reply }) => {
      const job = JOBS.find(({ name }) => name === params.job);
      if (job === undefined) throw new Error(`there is no job ${params.job}`);
      if (account !== undefined && catalog.account(account) === undefined)
        throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const by = recorderOf(request);
      return answerInTime(reply, 200, async () => {
        const made = await runByHand(journal, { billing: context, invoices }, { job, account, slot, dryRun, by });
        return toJson({
          runs: made.map(({ id, run, parts }) => ({
            id,
            dry_run: dryRun,
            ...runJson(run),
            parts: parts.slice(0, PARTS_MAX).map(({ counts = {}, code = null, reason = null, ...part }) => ({
              ...part,
              ...{ counts, code, reason },
            })),
          })),
        });
      });
    },
  );
}
