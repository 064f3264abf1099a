import { z } from 'zod';
import { type AccountResult, accountsUnder, backtest, CHECKS_MAX } from '../../billing/backtest/backtest.ts';
import type { Pair } from '../../billing/backtest/credits.ts';
import { type BacktestPeriod, backtestPeriod, MONTHS_MAX, monthsOf } from '../../billing/backtest/period.ts';
import type { Verdict } from '../../billing/backtest/refunds.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { DAY_PATTERN } from '../../domain/shapes.ts';
import { ProblemError } from '../../problems/problem.ts';
import { sameFault } from '../../problems/field-problems.ts';
import { LINE_KINDS } from '../../rating/line.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { inlineSheet, SHEET_COMPONENT, sheetInBody } from '../shared/inline-sheet.ts';
import { instantShape } from '../shared/shapes.ts';

/** Of one call: it is answered within seconds, and a client shows how far it is. */
const ACCOUNTS_MAX = 200;
const ACCOUNTS_DEFAULT = 25;
/** VMs times months. */
const VM_MONTHS_MAX = 1000;

const day = z
  .string()
  .max(10)
  .meta({ pattern: `^((19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])|${DAY_PATTERN})$` });
const backtestRequest = z.strictObject({
  sheet: sheetInBody.describe('The changed terms sheet, whole (schemas/terms.schema.json).'),
  replaces: identifier.optional().describe("The loaded sheet that it stands in for; left out: the one of the sheet's id."),
  from: day.describe("The first day, `2026-03-05`, or `2026-03` for the first of a month; each account's in its own time zone."),
  to: day.describe(`The day after the last one; at most ${MONTHS_MAX} calendar months.`),
  accounts: z.array(identifier).min(1).max(1000).optional().describe('Only these; left out: all that the sheet concerns.'),
  lines: z.boolean().default(false).describe('Also what differs by VM and kind of line.'),
  after: identifier.optional().describe('`next` of the answer before: go on after this account.'),
  limit: z.int().min(1).max(ACCOUNTS_MAX).default(ACCOUNTS_DEFAULT).describe('Accounts of this call at most.'),
});

const pairShape = z.object({ before: z.string(), after: z.string(), difference: z.string().describe('after − before') });
const verdictShape = z.object({
  decision: z.enum(['eligible', 'not_eligible', 'needs_review']),
  ground: z.string().nullable(),
  amount: z.string(),
  deciding: z
    .array(z.object({ id: z.string(), kind: z.enum(['ground', 'bar']), clause: z.string(), measured: z.string(), limit: z.string() }))
    .describe('The rules that it hangs on.'),
}); // prettier-ignore
const resultShape = z.object({
  account: z.string(),
  currency: z.string(),
  vms: z.int().describe('Its VMs under the sheet that is replaced.'),
  usage_complete: z.boolean(),
  credits: pairShape.describe('Given back for unavailability.'),
  unclaimed_credits: pairShape.describe('For who claims them, and not claimed in time.'),
  total: pairShape.describe('Of the invoices: fees, late fees and tax follow the terms too.'),
  lines: z
    .array(
      pairShape.extend({
        vm: z.string().nullable(),
        kind: z.enum(LINE_KINDS),
        from: instantShape,
        to: instantShape,
        unavailable_minutes: z.object({ before: z.int(), after: z.int() }),
      }),
    )
    .optional()
    .describe('Those that differ; credits are negative, as on the invoice.'),
  refunds: pairShape.describe('By the last check of each VM.'),
  refund_checks: z.array(
    z.object({
      id: z.string(),
      vm: z.string(),
      at: instantShape,
      recorded_at: instantShape,
      recorded: z.object({ decision: z.string(), ground: z.string().nullable(), amount: z.string().nullable() }),
      facts_changed: z.boolean().describe('Its own sheet no longer gives what was recorded: samples, events or incidents came since.'),
      before: verdictShape,
      after: verdictShape,
    }),
  ).describe(`Those recorded in the period under the sheet, made again on what is known now; the first ${CHECKS_MAX}.`),
  refund_checks_left_out: z.int(),
  code: z.string().nullable().describe('Of a failure; then everything is 0.'),
  reason: z.string().nullable(),
}); // prettier-ignore

/** A changed terms sheet over what has been. */
export function backtestRoutes(api: Api, context: ApiContext): void {
  const { catalog } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/terms/backtests',
      tag: 'billing',
      summary: 'What a changed terms sheet would have credited and refunded in a past period',
      description:
        'Rates the months of the period twice from the stored rows, under the terms in force and with the sheet in place of the one it replaces, whenever it is ' +
        'effective from; and makes the refund checks recorded in the period again. Nothing is recorded or changed. Ask again with `after` until `next` is null.',
      roles: ['billing', 'admin'],
      components: SHEET_COMPONENT,
      body: { 'application/json': backtestRequest },
      answers: {
        200: {
          description: 'What differs, account by account',
          schema: z.object({
            terms: z.string(),
            terms_version: z.int(),
            replaces: z.string(),
            from: z.string(),
            to: z.string(),
            accounts: z.int().describe('In the whole backtest.'),
            results: z.array(resultShape),
            next: z.string().nullable(),
          }),
        },
      },
      problems: [
        'bad_request',
        'invalid_body',
        'account_unknown',
        'terms_unknown',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    async ({ body }) => {
      const sheet = inlineSheet(body.sheet, 'sheet');
      const replaces = body.replaces ?? sheet.sheet.id;
      const { termsLibrary } = context;
      if (termsLibrary.versions(replaces).length === 0)
        throw new ProblemError(
          'terms_unknown',
          `there is no terms sheet ${replaces} to compare with: name the one it replaces; loaded are ${termsLibrary.ids().join(', ')}`,
        );
      const period = periodAsked(body.from, body.to);
      const all = accountsAsked(body.accounts, replaces);
      const { after } = body;
      const left = after === undefined ? all : all.filter((account) => account > after);
      const results = await backtest(context, pageOf(left.slice(0, body.limit), period), { sheet, replaces, period });
      return {
        terms: sheet.sheet.id,
        terms_version: sheet.sheet.version,
        replaces,
        from: body.from,
        to: body.to,
        accounts: all.length,
        results: results.map((result) => resultJson(result, body.lines)),
        next: results.length < left.length ? (results.at(-1)?.account ?? null) : null,
      };
    },
  );

  function accountsAsked(asked: readonly string[] | undefined, replaces: string): string[] {
    const unknown = asked?.find((account) => catalog.account(account) === undefined);
    if (unknown !== undefined) throw new ProblemError('account_unknown', `there is no account ${unknown}`, { account: unknown });
    // Who asks for an account is told of it, also that nothing there is under the sheet.
    return asked === undefined ? accountsUnder(context, replaces) : [...new Set(asked)].sort();
  }

  function pageOf(accounts: readonly string[], period: BacktestPeriod): string[] {
    const page: string[] = [];
    let vmMonths = 0;
    for (const account of accounts) {
      vmMonths += catalog.vmsOf(account).length * monthsOf(period).length;
      if (page.length > 0 && vmMonths > VM_MONTHS_MAX) break;
      page.push(account);
    }
    return page;
  }
}

function periodAsked(from: string, to: string): BacktestPeriod {
  const period = backtestPeriod(from, to);
  if (period !== undefined) return period;
  const message = `from and to must be days such as 2026-03-05 (or months, 2026-03, for their first day), from before to, over at most ${MONTHS_MAX} calendar months`;
  throw new ProblemError('invalid_body', message, sameFault(message, 'from', 'to'));
}

function resultJson(result: AccountResult, lines: boolean): Record<string, unknown> {
  const { account, currency, vms, complete, checks, checksLeftOut, failure } = result;
  const money = (nanos: bigint): string => formatAmount(nanos, currency);
  const pair = ({ before, after }: Pair): Record<string, string> => ({
    before: money(before),
    after: money(after),
    difference: money(after - before),
  });
  const verdict = ({ decision, ground, amountNanos, deciding }: Verdict): Record<string, unknown> => ({
    decision,
    ground,
    amount: money(amountNanos),
    deciding: deciding.map(({ id, kind, clause, measured, limit }) => ({ id, kind, clause, measured, limit })),
  });
  return {
    account,
    currency,
    vms,
    usage_complete: complete,
    credits: pair(result.creditNanos),
    unclaimed_credits: pair(result.unclaimedNanos),
    total: pair(result.totalNanos),
    ...(lines
      ? {
          lines: result.lines.map(({ fromMs, toMs, vm, kind, amountNanos, minutes }) => ({
            vm,
            kind,
            from: formatInstant(fromMs),
            to: formatInstant(toMs),
            ...pair(amountNanos),
            unavailable_minutes: minutes,
          })),
        }
      : {}),
    refunds: pair(result.refundNanos),
    refund_checks: checks.map(({ check, verdict: { before, after }, factsChanged }) => ({
      id: check.id,
      vm: check.vm,
      at: formatInstant(check.atMs),
      recorded_at: formatInstant(check.recordedAtMs),
      recorded: { decision: check.decision, ground: check.ground, amount: check.amount },
      facts_changed: factsChanged,
      before: verdict(before),
      after: verdict(after),
    })),
    refund_checks_left_out: checksLeftOut,
    code: failure?.code ?? null,
    reason: failure?.reason ?? null,
  };
}
