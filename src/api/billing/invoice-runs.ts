import { z } from 'zod';
import { type AccountOutcome, refuseUnfit, runAccounts } from '../../billing/run.ts';
import { calendarOf } from '../../billing/run-period.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { identifier } from '../../domain/plan.ts';
import { DAY_PATTERN } from '../../domain/shapes.ts';
import { toJson } from '../../domain/json.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { answerInTime } from '../shared/slow-answer.ts';
import { instantShape } from '../shared/shapes.ts';

const ACCOUNTS_MAX = 200;
const ACCOUNTS_DEFAULT = 50;
/** What is read together. */
const TOGETHER_ACCOUNTS = 25;
const TOGETHER_VMS = 250;
/** After this nothing more is begun: a call is answered within seconds, and a client shows how far the run is. */
const CALL_MS = 5_000;

const runRequest = z.strictObject({
  period: z
    .string()
    .refine((text) => calendarOf(text) !== undefined, 'must be a month such as 2026-03 or a day such as 2026-03-05')
    .meta({ pattern: `^((19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])|${DAY_PATTERN})$` })
    .describe("A calendar month or day, each account's in its own time zone."),
  accounts: z.array(identifier).min(1).max(1000).optional().describe('Only these; left out: all.'),
  finalize: z.boolean().default(false).describe('Invoices become final at once; otherwise drafts are kept.'),
  dry_run: z.boolean().default(false).describe('Say what would be done and write nothing.'),
  allow_incomplete: z.boolean().default(false).describe('Make final also what has not been metered to the end of the period.'),
  without_issuer: z
    .boolean()
    .default(false)
    .describe('Make final also documents that name no seller, because the server has no issuer.json.'),
  after: identifier.optional().describe('`next` of the answer before: go on after this account.'),
  limit: z
    .int()
    .min(1)
    .max(ACCOUNTS_MAX)
    .default(ACCOUNTS_DEFAULT)
    .describe('Accounts of this call at most; after some seconds it is answered with fewer.'),
});

const outcomeShape = z.object({
  account: z.string(),
  outcome: z
    .enum(['created', 'updated', 'unchanged', 'finalized', 'kept', 'nothing', 'failed'])
    .describe(
      'Of the draft: created, updated, unchanged. finalized: it has its number now. kept: it had a final invoice of the period already. nothing: nothing to bill.',
    ),
  invoice: z.string().nullable(),
  number: z.int().nullable(),
  currency: z.string(),
  from: instantShape.nullable(),
  to: instantShape.nullable(),
  total: z.string().nullable(),
  warnings: z
    .array(z.string())
    .describe('What its invoice says that whoever bills has to know: what was not measured, above all.'),
  code: z.string().nullable().describe('Of a failure.'),
  reason: z.string().nullable(),
});

/** The invoices of a period for all accounts, some at a time. */
export function invoiceRunRoutes(api: Api, context: ApiContext): void {
  const { catalog, now } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/invoice-runs',
      tag: 'billing',
      summary: 'Bill a calendar period of all accounts, a part at a time',
      description:
        'Ask again with `after` until `next` is null. A run keeps no state but the books: cut off anywhere it can be run again from the start, and makes nothing ' +
        'twice. What is wrong with one account is its outcome and stops no other.',
      roles: ['billing', 'admin'],
      body: { 'application/json': runRequest },
      answers: {
        200: {
          description: 'What became of these accounts',
          schema: z.object({
            period: z.string(),
            dry_run: z.boolean(),
            accounts: z.int().describe('In the whole run.'),
            outcomes: z.array(outcomeShape),
            next: z.string().nullable(),
          }),
        },
      },
      problems: [
        'bad_request',
        'invalid_body',
        'account_unknown',
        'issuer_missing',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    ({ body, request, reply }) => {
      const calendar = calendarOf(body.period);
      if (calendar === undefined) throw new Error(`the period ${body.period} passed its check`);
      const unknown = body.accounts?.find((account) => catalog.account(account) === undefined);
      if (unknown !== undefined)
        throw new ProblemError('account_unknown', `there is no account ${unknown}`, { account: unknown });
      const all = body.accounts === undefined ? catalog.accountIds() : [...new Set(body.accounts)].sort();
      const { after } = body;
      const left = after === undefined ? all : all.filter((account) => account > after);
      const runOf = {
        calendar,
        finalize: body.finalize,
        dryRun: body.dry_run,
        allowIncomplete: body.allow_incomplete,
        withoutIssuer: body.without_issuer,
        by: recorderOf(request),
      };
      refuseUnfit(context, runOf);
      return answerInTime(reply, 200, async () => {
        const outcomes: AccountOutcome[] = [];
        const untilMs = now() + CALL_MS;
        let at = 0;
        while (at < Math.min(left.length, body.limit) && (at === 0 || now() < untilMs)) {
          const some = together(catalog, left.slice(at, body.limit));
          outcomes.push(...(await runAccounts(context, some, runOf)));
          at += some.length;
        }
        return toJson({
          period: body.period,
          dry_run: body.dry_run,
          accounts: all.length,
          outcomes,
          next: at < left.length ? (left[at - 1] ?? null) : null,
        });
      });
    },
  );
}

/** The first accounts, as many as are read together; one of many VMs goes alone. */
function together(catalog: Catalog, accounts: readonly string[]): string[] {
  const some: string[] = [];
  let vms = 0;
  for (const account of accounts.slice(0, TOGETHER_ACCOUNTS)) {
    vms += catalog.vmsOf(account).length;
    if (some.length > 0 && vms > TOGETHER_VMS) break;
    some.push(account);
  }
  return some;
}
