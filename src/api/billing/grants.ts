import { z } from 'zod';
import { grantRefund } from '../../billing/refunds/grant.ts';
import type { Books } from '../../books/books.ts';
import type { Grant } from '../../books/grants.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { idParams, instantShape } from '../shared/shapes.ts';

const noteShape = z.object({
  id: z.string(),
  number: z.int().nullable(),
  invoice: z.string().describe('The invoice that it takes from.'),
  total: z.string().describe('Below 0, tax included.'),
});

const grantShape = z.object({
  refund: z.object({
    id: z.string(),
    refund_check: z.string(),
    account: z.string(),
    vm: z.string(),
    basis: z.enum(['full', 'remaining']),
    amount: z.string(),
    currency: z.string(),
    destination: z
      .enum(['balance', 'original_payment'])
      .describe('`balance`: it stays in the account and is never paid out. Else a `refund` entry of the ledger has let it go.'),
    from: instantShape.describe('The time that was given back.'),
    until: instantShape,
    ends_at: instantShape.describe('When the service ended.'),
    freed: z.string().describe('What of payments for a term is kept for that no longer.'),
    charge: z.string().nullable().describe('The charge by hand of what is kept for handling, for the next invoice.'),
    at: instantShape.describe('When it was granted, by the clock of business.'),
    recorded_at: instantShape,
    recorded_by: z.string(),
  }),
  credit_note: noteShape.nullable().describe('The first of `credit_notes`; null: no invoice has charged the time.'),
  credit_notes: z.array(noteShape),
  balance: z.string().describe("The account's balance once it was granted."),
});

/** Refunds that are granted. */
export function grantRoutes(api: Api, context: ApiContext): void {
  const { books, businessNow } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/refund-checks/{id}/grant',
      tag: 'billing',
      summary: 'Grant the refund that a check found due',
      description:
        'In one step: a credit note with its tax takes back what was invoiced of the time, what was paid for time that no invoice has charged is free, the service ' +
        'ends at the instant of the check, and the money stays in the account or leaves it, as the terms say. Asked again, also after a crash, it is the same grant (200). ' +
        'No more is granted than the ledger has of the payment.',
      roles: ['billing', 'admin'],
      params: idParams,
      answers: { 201: { description: 'The grant; 200 where it was there', schema: grantShape } },
      problems: ['bad_request', 'refund_check_unknown', 'nothing_to_grant', 'invoice_conflict', 'store_unavailable'],
    },
    async ({ params: { id }, request, reply }) => {
      const { grant, isNew } = await grantRefund(context, id, { by: recorderOf(request), nowMs: businessNow() });
      return reply.code(isNew ? 201 : 200).send(grantJson(books, grant));
    },
  );
}

function grantJson(books: Books, grant: Grant): z.infer<typeof grantShape> {
  const { id, refund_check, account, vm, basis, currency, destination, charge } = grant;
  const amount = (nanos: bigint): string => formatAmount(nanos, currency);
  const notes = grant.notes.flatMap((note): z.infer<typeof noteShape>[] => {
    const state = books.state(note);
    const { corrects, number = null } = state?.head ?? {};
    if (state === undefined || corrects === undefined || corrects === null) return [];
    return [{ id: note, number, invoice: corrects.invoice, total: amount(state.totalNanos) }];
  });
  return {
    refund: {
      ...{ id, refund_check, account, vm, basis, currency, destination, charge },
      amount: amount(BigInt(grant.amount_nanos)),
      from: formatInstant(grant.from),
      until: formatInstant(grant.until),
      ends_at: formatInstant(grant.ends_at),
      freed: amount(grant.freed.reduce((sum, { nanos }) => sum + BigInt(nanos), 0n)),
      at: formatInstant(grant.at),
      recorded_at: formatInstant(grant.recordedAtMs),
      recorded_by: grant.by,
    },
    credit_note: notes[0] ?? null,
    credit_notes: notes,
    balance: amount(BigInt(grant.balance_nanos)),
  };
}
