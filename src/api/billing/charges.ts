import { z } from 'zod';
import { HAND_CHARGE_KINDS } from '../../books/hand-charges.ts';
import { chargeNamed, recordCharge, withdrawCharge } from '../../books/record-charge.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { currency, decimalAbove0, identifier, percentage } from '../../domain/plan.ts';
import { instant } from '../../domain/shapes.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { ProblemError } from '../../problems/problem.ts';
import { storedVmName } from '../../samples/names.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, BODY_PROBLEMS, instantShape } from '../shared/shapes.ts';
import { amountAbove0, reference } from './payments.ts';

const ROLES = ['billing', 'admin'] as const;

const charge = z.strictObject({
  reference,
  kind: z
    .enum(['one_off', 'quoted', 'damage'])
    .default('one_off')
    .describe('`quoted` at a price that was quoted, `damage` for what the customer has caused.'),
  description: z.string().trim().min(1).max(500).describe('What the line says.'),
  amount: amountAbove0.describe('Net, in `currency`.'),
  currency: currency.nullable().default(null).describe("null: the account's."),
  rate: decimalAbove0
    .nullable()
    .default(null)
    .describe("What one unit of another currency is in the account's, as whoever records it says."),
  tax_percent: percentage.nullable().default(null).describe('A rate of its own; null: it is taxed as the account is.'),
  reason: z.string().trim().min(1).max(2000).describe('Why; it is printed under the line.'),
  clause: z
    .string()
    .trim()
    .min(1)
    .max(2000)
    .nullable()
    .default(null)
    .describe('The clause by which it is owed; printed as well.'),
  vm: storedVmName.nullable().default(null).describe('A VM of the account that it is about.'),
  at: instant.describe('When it came to be owed.'),
});

const chargeShape = z.object({
  id: z.string(),
  account: z.string(),
  reference: z.string(),
  kind: z.enum(HAND_CHARGE_KINDS).describe('`handling`: what a granted refund keeps.'),
  description: z.string(),
  amount: z.string().describe("Net, in the account's currency."),
  currency: z.string(),
  agreed: z.object({ amount: z.string(), currency: z.string(), rate: z.string() }).nullable(),
  tax_percent: z.string().nullable(),
  reason: z.string(),
  clause: z.string().nullable(),
  vm: z.string().nullable(),
  at: instantShape,
  refund_check: z.string().nullable(),
  status: z.enum(['pending', 'billed', 'withdrawn']).describe('`pending`: for the next invoice.'),
  invoice: z.object({ id: z.string(), number: z.int().nullable(), line: z.string() }).nullable(),
  recorded_at: instantShape,
  recorded_by: z.string(),
});

/** What accounts are charged by hand. */
export function chargeRoutes(api: Api, context: ApiContext): void {
  const { books, businessNow } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/accounts/{account}/charges',
      tag: 'billing',
      summary: 'Charge an account by hand: a line of its next invoice',
      description:
        'One-off, quoted or for damage, with a reason, a clause where there is one, and a rate of tax of its own where it has one. It is no money of the ledger until ' +
        'a final invoice has it. The same again, under its `reference`, is the same charge (200).',
      roles: ROLES,
      params: accountParams,
      body: { 'application/json': charge },
      answers: { 201: { description: 'The charge; 200 where it was there', schema: chargeShape } },
      problems: [...BODY_PROBLEMS, 'account_unknown', 'reference_taken', 'invalid_reference', 'exchange_rate_missing'],
    },
    async ({ params: { account }, body, request, reply }) => {
      refuseUnknown(context, account);
      const { at: atMs, tax_percent: taxPercent, ...rest } = body;
      const { id, isNew } = await recordCharge(context, account, {
        ...{ ...rest, atMs, taxPercent },
        by: recorderOf(request),
        nowMs: businessNow(),
      });
      return reply.code(isNew ? 201 : 200).send(chargeJson(chargeNamed({ books }, account, id)));
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/charges',
      tag: 'billing',
      summary: 'What an account was charged by hand, in the order in which it was recorded',
      description: '`status` says whether a final invoice has it, and `invoice` which one.',
      roles: ROLES,
      customer: { by: 'account', whole: true },
      params: accountParams,
      answers: { 200: { description: 'The charges', schema: z.object({ account: z.string(), charges: z.array(chargeShape) }) } },
      problems: ['bad_request', 'account_unknown', 'store_unavailable'],
    },
    ({ params: { account } }) => {
      refuseUnknown(context, account);
      return Promise.resolve({ account, charges: books.chargesOf(account).map(chargeJson) });
    },
  );

  api.route(
    {
      method: 'DELETE',
      path: '/v1/accounts/{account}/charges/{id}',
      tag: 'billing',
      summary: 'Withdraw a charge by hand that no final invoice has',
      description: 'It stays on record. What was billed is given back by a credit note.',
      roles: ROLES,
      params: accountParams.extend({ id: identifier }),
      answers: { 204: { description: 'It is charged no more' } },
      problems: ['bad_request', 'account_unknown', 'charge_unknown', 'invoice_conflict', 'store_unavailable'],
    },
    async ({ params: { account, id }, request, reply }) => {
      refuseUnknown(context, account);
      await withdrawCharge(context, account, id, { by: recorderOf(request), nowMs: businessNow() });
      return reply.code(204).send();
    },
  );
}

function refuseUnknown({ catalog }: ApiContext, account: string): void {
  if (catalog.account(account) === undefined)
    throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
}

function chargeJson(made: ReturnType<typeof chargeNamed>): z.infer<typeof chargeShape> {
  const { id, account, reference: under, kind, description, tax_percent, reason, clause, vm, refund_check, on, by } = made;
  return {
    ...{ id, account, reference: under, kind, description, currency: made.currency, agreed: made.foreign },
    ...{ tax_percent, reason, clause, vm, refund_check },
    amount: formatAmount(BigInt(made.amount_nanos), made.currency),
    at: formatInstant(made.at),
    status: on !== null ? 'billed' : made.withdrawn === null ? 'pending' : 'withdrawn',
    invoice: on === null ? null : { id: on.invoice, number: on.number, line: on.line.toString() },
    recorded_at: formatInstant(made.recordedAtMs),
    recorded_by: by,
  };
}
