import { z } from 'zod';
import { comparePositions, type InvoiceState, positionOf } from '../../books/invoices.ts';
import type { BillingContext } from '../../billing/context.ts';
import type { Correction } from '../../billing/corrections/corrections.ts';
import { stateOf } from '../../books/ledger.ts';
import { finalInvoices, type Reconciled, reconcileInvoice } from '../../billing/corrections/reconcile.ts';
import { toJson } from '../../domain/json.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { answerInTime } from '../shared/slow-answer.ts';

/** After this no further invoice is begun: a call is answered within seconds. */
const CALL_MS = 5_000;

const correctionShape = z.object({
  line: z.int().nullable().describe('The index of the line in the invoice, from 0.'),
  kind: z.string(),
  vm: z.string().nullable(),
  before: z.string().describe('The line less what was credited on it, credits for unavailability included.'),
  after: z.string(),
  unavailable_minutes: z.object({ before: z.int(), after: z.int() }),
  days: z
    .array(z.object({ date: z.string(), before: z.int(), after: z.int() }))
    .describe('Days or months whose minutes changed.'),
});
/** What reconciling finds on an invoice. */
export const reconciledShape = z.object({
  invoice: z.string(),
  number: z.int(),
  account: z.string(),
  reason: z.string(),
  credits: z.array(correctionShape),
  debits: z.array(correctionShape).describe('What was charged too little.'),
  credit_notes: z.array(z.string()).describe('On this invoice, and on those that charged debits of it.'),
  credit_note: z.string().nullable().describe('The first of them.'),
  debit: z.string().nullable().describe('The debit for the next invoice of the account.'),
  lowered_debits: z.array(z.string()).describe('Debits that were lowered before an invoice charged them.'),
});

/** Final invoices held against what their periods rate to now. */
export function reconcileRoutes(api: Api, context: ApiContext): void {
  const { now } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/reconcile',
      tag: 'billing',
      summary: 'Rate the periods of final invoices again, and correct what they charged',
      description:
        'Final invoices are never edited: what is too high goes on a credit note, what is too low on a debit that the next invoice of the account charges, ' +
        'each naming invoice, line, minutes and reason. What was corrected before counts. With `dry_run` nothing is written. ' +
        'A call is answered after some seconds: ask again with `after` until `next` is null.',
      roles: ['billing', 'admin'],
      body: {
        'application/json': z.strictObject({
          account: identifier.optional(),
          dry_run: z.boolean().default(false),
          after: identifier.optional().describe('`next` of the answer before: go on after this invoice.'),
        }),
      },
      answers: {
        200: {
          description: 'How many invoices were looked at, and those that differ',
          schema: z.object({
            checked: z.int(),
            dry_run: z.boolean(),
            invoices: z.array(reconciledShape),
            left: z.int().describe('Invoices after these.'),
            next: z.string().nullable().describe('Give it as `after`; null: done.'),
          }),
        },
      },
      problems: [
        'bad_request',
        'invalid_body',
        'account_unknown',
        'invoice_unknown',
        'invoice_conflict',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    ({ body, request, reply }) => {
      const { account, dry_run: dryRun, after } = body;
      if (account !== undefined && context.catalog.account(account) === undefined)
        throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const states = invoicesAfter(context, account, after);
      return answerInTime(reply, 200, async () => {
        const untilMs = now() + CALL_MS;
        const invoices: Record<string, unknown>[] = [];
        let checked = 0;
        for (const state of states) {
          if (checked > 0 && now() >= untilMs) break;
          const found = await reconcileInvoice(context, state, !dryRun, recorderOf(request));
          checked += 1;
          if (found.credits.length > 0 || found.debits.length > 0) invoices.push(reconciledJson(found));
        }
        const left = states.length - checked;
        return toJson({ checked, dry_run: dryRun, invoices, left, next: left > 0 ? (states[checked - 1]?.id ?? null) : null });
      });
    },
  );
}

/** Final invoices in the order of lists, after one of them. */
function invoicesAfter(context: BillingContext, account: string | undefined, after: string | undefined): InvoiceState[] {
  const states = finalInvoices(context, account);
  if (after === undefined) return states;
  const from = positionOf(stateOf(context.books, after));
  return states.filter((state) => comparePositions(positionOf(state), from) > 0);
}

/** What reconciling found on an invoice, as the API shows it. */
export function reconciledJson({
  state,
  reason,
  credits,
  debits,
  creditNotes,
  debit,
  lowered,
}: Reconciled): Record<string, unknown> {
  const json = (each: Correction): Record<string, unknown> => ({
    line: each.line,
    kind: each.kind,
    vm: each.vm,
    before: formatAmount(each.beforeNanos, state.head.currency),
    after: formatAmount(each.afterNanos, state.head.currency),
    unavailable_minutes: each.minutes,
    days: each.days,
  });
  return {
    invoice: state.id,
    number: state.head.number,
    account: state.head.account,
    reason,
    credits: credits.map(json),
    debits: debits.map(json),
    credit_notes: creditNotes,
    credit_note: creditNotes[0] ?? null,
    debit,
    lowered_debits: lowered,
  };
}
