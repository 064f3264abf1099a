import { IDENTIFIER } from '../../domain/identifier.ts';
import { z } from 'zod';
import { instant } from '../../domain/shapes.ts';
import { chargeDays } from '../../billing/charges/charge-days.ts';
import { standingOf } from '../../books/standing.ts';
import { BALANCE_STATES } from '../../books/balances.ts';
import { toJson } from '../../domain/json.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { answerInTime } from '../shared/slow-answer.ts';
import { entriesJson, entryShape, WRITING } from './balance.ts';

const ACCOUNTS_A_CALL = 20;
/** After this no further day is begun: a call is answered within seconds, and a client shows how far it is. */
const CALL_MS = 5_000;

const chargeRequest = z.strictObject({
  account: identifier.optional(),
  after: z
    .string()
    .regex(new RegExp(`^~?${IDENTIFIER}$`), 'must be `next` of an answer')
    .optional()
    .describe('Where a call goes on: the `next` of the one before.'),
  from: instant.optional().describe('The first day of an account that was never charged; else its service tells.'),
});
const runShape = z.object({
  account: z.string(),
  entries: z.array(entryShape),
  waiting: z.string().nullable().describe('The day that is not charged yet, since its usage is not complete.'),
  more: z.boolean().describe('Whether days that are over are left for the next call.'),
  state: z.enum(BALANCE_STATES),
  balance: z.string(),
});

/** The days that are over, charged to prepaid balances, some a call. */
export function chargeDaysRoute(api: Api, context: ApiContext): void {
  const { catalog, now, businessNow } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/charge-days',
      tag: 'billing',
      summary: 'Charge the days that are over to prepaid balances, each once',
      description:
        'For accounts whose terms charge by the day. Repeated, done twice at once or cut off anywhere, every day is charged once; what has since changed is corrected; ' +
        'the rest of final invoices and credit notes are settled; suspensions are recorded. A call is answered after some seconds, a day of an account at least done: ' +
        'ask again with `after` until `next` is null. With the event clock no day is over before a sample is newer.',
      roles: ['billing', 'admin'],
      body: { 'application/json': chargeRequest },
      answers: {
        200: {
          description: 'What was booked',
          schema: z.object({
            accounts: z.array(runShape),
            left: z.int().describe('Accounts after these, one with days left among them.'),
            next: z.string().nullable().describe('Give it as `after`; null: done.'),
          }),
        },
      },
      problems: WRITING,
    },
    ({ body, request, reply }) => {
      const { account, after, from } = body;
      if (account !== undefined && catalog.account(account) === undefined)
        throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const at = resumedAt(after);
      const all = (account === undefined ? catalog.accountIds() : [account]).filter((id) =>
        at === undefined || account !== undefined ? true : at.isBegun ? id >= at.account : id > at.account,
      );
      return answerInTime(reply, 200, async () => {
        const untilMs = now() + CALL_MS;
        const accounts: Record<string, unknown>[] = [];
        let next: string | null = null;
        for (const id of all.slice(0, ACCOUNTS_A_CALL)) {
          const nowMs = businessNow();
          const isBegun = at?.isBegun === true && at.account === id;
          const inTime = (): boolean => now() < untilMs;
          const run = await chargeDays(context, id, { nowMs, fromMs: from, by: recorderOf(request), isBegun, inTime });
          const { state, balanceNanos } = standingOf(context, id, nowMs);
          const made = entriesJson(context, id).filter((entry) => run.entries.includes(String(entry['id'])));
          const currency = catalog.account(id)?.body.currency ?? '';
          accounts.push({
            account: id,
            entries: made.reverse(),
            waiting: run.waiting,
            more: run.more,
            state,
            balance: formatAmount(balanceNanos, currency),
          });
          next = run.more ? `~${id}` : id;
          if (run.more || !inTime()) break;
        }
        const isMore = next?.startsWith('~') === true;
        const left = all.length - accounts.length + (isMore ? 1 : 0);
        return toJson({ accounts, left, next: left > 0 ? next : null });
      });
    },
  );
}

/** Where a call goes on: after an account, or (`~`) with one whose earlier days the call before has seen to. */
function resumedAt(after: string | undefined): { account: string; isBegun: boolean } | undefined {
  if (after === undefined) return undefined;
  return after.startsWith('~') ? { account: after.slice(1), isBegun: true } : { account: after, isBegun: false };
}
