import { z } from 'zod';
import { recordPayout } from '../../books/payouts.ts';
import { balanceOfAccount } from '../../books/standing.ts';
import { toJson } from '../../domain/json.ts';
import { formatAmount } from '../../domain/money.ts';
import { instant } from '../../domain/shapes.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, BODY_PROBLEMS } from '../shared/shapes.ts';
import { entryJson, entryShape } from './ledger-shapes.ts';
import { amountAbove0, nanosIn, reference } from './payments.ts';

const payout = z.strictObject({
  reference,
  amount: amountAbove0,
  at: instant.describe('When it was paid out.'),
  note: z.string().max(2000).default(''),
});

/** Money that leaves accounts. */
export function payoutRoutes(api: Api, context: ApiContext): void {
  const { catalog, books, businessNow } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/accounts/{account}/payouts',
      once: true,
      tag: 'billing',
      summary: 'Record that free money of an account was paid out',
      description:
        'The same again, under its `reference`, is the same payout (200). Never more than is free at `at` and now; money that the terms give to the balance only, ' +
        'or whose sheet lets none be paid out, stays (`balance_bound`).',
      roles: ['billing', 'admin'],
      params: accountParams,
      body: { 'application/json': payout },
      answers: {
        201: { description: 'The entry; 200 where it was there', schema: z.object({ entry: entryShape, balance: z.string() }) },
      },
      problems: [...BODY_PROBLEMS, 'account_unknown', 'reference_taken', 'balance_bound', 'balance_conflict'],
    },
    async ({ params: { account }, body, request, reply }) => {
      const currency = catalog.account(account)?.body.currency;
      if (currency === undefined) throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const { id, isNew } = await recordPayout(context, account, {
        reference: body.reference,
        amountNanos: nanosIn(currency, body.amount),
        atMs: body.at,
        note: body.note,
        by: recorderOf(request),
        nowMs: businessNow(),
      });
      const entry = books.ledgerOf(account).entries.find((each) => each.id === id);
      const balance = formatAmount(balanceOfAccount(context, account), currency);
      return reply
        .code(isNew ? 201 : 200)
        .type('application/json; charset=utf-8')
        .send(toJson({ entry: entry === undefined ? null : entryJson(entry, currency), balance }));
    },
  );
}
