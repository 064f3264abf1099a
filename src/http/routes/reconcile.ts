import { z } from 'zod';
import type { Correction } from '../../billing/corrections.ts';
import type { BillingContext } from '../../billing/facts.ts';
import { finalInvoices, reconcileInvoice } from '../../billing/reconcile.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../errors.ts';
import type { Api } from '../api.ts';
import { recorderOf } from '../auth.ts';

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
const reconciledShape = z.object({
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
export function reconcileRoutes(api: Api, context: BillingContext): void {
  api.route(
    {
      method: 'POST',
      path: '/v1/reconcile',
      tag: 'billing',
      summary: 'Rate the periods of final invoices again, and correct what they charged',
      description:
        'Final invoices are never edited: what is too high goes on a credit note, what is too low on a debit that the next invoice of the account charges, ' +
        'each naming invoice, line, minutes and reason. What was corrected before counts. With `dry_run` nothing is written.',
      roles: ['billing', 'admin'],
      body: { 'application/json': z.strictObject({ account: identifier.optional(), dry_run: z.boolean().default(false) }) },
      answers: {
        200: {
          description: 'How many invoices were looked at, and those that differ',
          schema: z.object({ checked: z.int(), dry_run: z.boolean(), invoices: z.array(reconciledShape) }),
        },
      },
      problems: [
        'bad_request',
        'invalid_body',
        'account_unknown',
        'invoice_conflict',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    async ({ body, request }) => {
      const { account, dry_run: dryRun } = body;
      if (account !== undefined && context.catalog.account(account) === undefined)
        throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const states = finalInvoices(context, account);
      const invoices: Record<string, unknown>[] = [];
      for (const state of states) {
        const found = await reconcileInvoice(context, state, !dryRun, recorderOf(request));
        if (found.credits.length === 0 && found.debits.length === 0) continue;
        const json = (each: Correction): Record<string, unknown> => ({
          line: each.line,
          kind: each.kind,
          vm: each.vm,
          before: formatAmount(each.beforeNanos, state.head.currency),
          after: formatAmount(each.afterNanos, state.head.currency),
          unavailable_minutes: each.minutes,
          days: each.days,
        });
        invoices.push({
          invoice: state.id,
          number: state.head.number,
          account: state.head.account,
          reason: found.reason,
          credits: found.credits.map(json),
          debits: found.debits.map(json),
          credit_notes: found.creditNotes,
          credit_note: found.creditNotes[0] ?? null,
          debit: found.debit,
          lowered_debits: found.lowered,
        });
      }
      return { checked: states.length, dry_run: dryRun, invoices };
    },
  );
}
