import { z } from 'zod';
import { madeReference } from '../../books/made-reference.ts';
import type { Covers } from '../../books/balances.ts';
import { stateOf } from '../../books/ledger.ts';
import { invoiceNamed, recordPayment, recordRepayment } from '../../books/payments.ts';
import { balanceOfAccount } from '../../books/standing.ts';
import { invoiceJson } from '../../billing/shown.ts';
import { formatAmount, minorDigits, parseAmount } from '../../domain/money.ts';
import { decimalAbove0, identifier } from '../../domain/plan.ts';
import { instant } from '../../domain/shapes.ts';
import { toJson } from '../../domain/json.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import { ProblemError } from '../../problems/problem.ts';
import { storedVmName } from '../../samples/names.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, BODY_PROBLEMS, idParams } from '../shared/shapes.ts';
import { entryJson, entryShape } from './ledger-shapes.ts';
import { invoiceShape } from './invoice-shapes.ts';

const ROLES = ['billing', 'admin'] as const;
const JSON_TYPE = 'application/json; charset=utf-8';

/** An amount above 0. */
export const amountAbove0 = decimalAbove0;
export const reference = z.string().min(1).max(200).describe('Unique in the account: the same again is the same entry.');

const covers = z
  .union([
    z.strictObject({ invoice: z.union([identifier, z.int().positive()]).describe('Its id, or its number.') }),
    z
      .strictObject({ vm: storedVmName, from: instant, until: instant })
      .refine((term) => term.from < term.until, { path: ['until'], message: 'must be after from' }),
  ])
  .describe('What the money is for, and is kept for; what that does not need is free.');

const accountPayment = z.strictObject({
  reference,
  amount: amountAbove0,
  at: instant.describe('When it was paid.'),
  covers: covers.nullable().default(null),
  note: z.string().max(2000).default(''),
});
const invoicePayment = z.strictObject({
  reference: reference.optional(),
  amount: amountAbove0,
  at: instant.optional().describe('When it was paid; left out: now.'),
  kind: z.enum(['payment', 'refund']).default('payment').describe('refund: so much of what was paid on it went back.'),
  note: z.string().max(2000).default(''),
});

/** Reads an amount in a currency. Throws `invalid_body`. */
export function nanosIn(currency: string, amount: string): bigint {
  const nanos = parseAmount(amount, minorDigits(currency));
  if (nanos === undefined) throw oneFieldProblem('invalid_body', 'amount', `has more digits than ${currency} has`);
  return nanos;
}

/** Payments of accounts, with what they cover. */
export function paymentRoutes(api: Api, context: ApiContext): void {
  const { catalog, books, businessNow } = context;

  api.route(
    {
      method: 'POST',
      path: '/v1/accounts/{account}/payments',
      once: true,
      tag: 'billing',
      summary: 'Record a payment',
      description:
        'The same again, under its `reference`, is the same payment (200). Money that covers an invoice or a term of a VM is kept for it; what is free pays ' +
        'what is due, oldest first, and what comes to be due.',
      roles: ROLES,
      params: accountParams,
      query: z.strictObject({
        dry_run: z.enum(['true', 'false']).default('false').describe('Say what would become of it (200); nothing is recorded.'),
      }),
      body: { 'application/json': accountPayment },
      answers: {
        201: {
          description: 'The entry; 200 where it was there',
          schema: z.object({
            entry: entryShape.nullable().describe('null: a dry run of a payment that is not there.'),
            balance: z.string(),
            is_new: z.boolean().describe('Whether it was not there before.'),
          }),
        },
      },
      problems: [
        ...BODY_PROBLEMS,
        'account_unknown',
        'reference_taken',
        'invoice_unknown',
        'invoice_conflict',
        'invalid_reference',
      ],
    },
    async ({ params: { account }, query, body, request, reply }) => {
      const currency = catalog.account(account)?.body.currency;
      if (currency === undefined) throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const { id, isNew } = await recordPayment(context, account, {
        reference: body.reference,
        amountNanos: nanosIn(currency, body.amount),
        atMs: body.at,
        covers: coversOf(account, body.covers),
        note: body.note,
        by: recorderOf(request),
        nowMs: businessNow(),
        isDryRun: query.dry_run === 'true',
      });
      const entry = books.ledgerOf(account).entries.find((each) => each.id === id);
      const balance = formatAmount(balanceOfAccount(context, account), currency);
      const shown = entry === undefined ? null : entryJson(entry, currency);
      return reply
        .code(isNew && query.dry_run !== 'true' ? 201 : 200)
        .type(JSON_TYPE)
        .send(toJson({ entry: shown, balance, is_new: isNew }));
    },
  );

  function coversOf(account: string, given: z.infer<typeof covers> | null): Covers | null {
    if (given === null || 'vm' in given) return given;
    return { invoice: invoiceNamed(context, account, given.invoice) };
  }

  api.route(
    {
      method: 'POST',
      path: '/v1/invoices/{id}/payments',
      once: true,
      tag: 'billing',
      summary: 'Record a payment that covers a final invoice, or what of one went back',
      description:
        'As a payment of the account that covers this invoice. Without a `reference` its instant, amount and note are one: the same body again is the same ' +
        'payment (200), as long as it says `at`.',
      roles: ROLES,
      params: idParams,
      body: { 'application/json': invoicePayment },
      answers: { 201: { description: 'The invoice; 200 where the payment was there', schema: invoiceShape } },
      problems: [...BODY_PROBLEMS, 'invoice_unknown', 'invoice_conflict', 'reference_taken'],
    },
    async ({ params: { id }, body, request, reply }) => {
      const { account, currency } = stateOf(books, id).head;
      const amountNanos = nanosIn(currency, body.amount);
      const by = recorderOf(request);
      const { note, at } = body;
      let isNew = true;
      if (body.kind === 'refund') await recordRepayment(context, id, { atMs: at ?? businessNow(), amountNanos, note, by });
      else {
        const named = body.reference ?? (at === undefined ? null : madeReference(id, at, amountNanos, note));
        const payment = { reference: named, amountNanos, atMs: at, covers: { invoice: id }, note, by, nowMs: businessNow() };
        ({ isNew } = await recordPayment(context, account, payment));
      }
      return reply
        .code(isNew ? 201 : 200)
        .type(JSON_TYPE)
        .send(await invoiceJson(books, id));
    },
  );
}
