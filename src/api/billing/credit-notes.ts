import { z } from 'zod';
import { invoiceJson } from '../../billing/shown.ts';
import { noteByHand } from '../../billing/corrections/by-hand.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { BODY_PROBLEMS, idParams } from '../shared/shapes.ts';
import { invoiceShape } from './invoice-shapes.ts';
import { amountAbove0, reference } from './payments.ts';

const LINES_MAX = 1000;

const creditNote = z.strictObject({
  reason: z.string().trim().min(1).max(2000).describe('It is printed on the note.'),
  reference: reference.nullable().default(null),
  lines: z
    .array(
      z.strictObject({
        line: z.string().min(1).max(200).describe('The `id` of a line of the invoice; no tax.'),
        amount: amountAbove0.describe('Net: tax follows at the rate of the line.'),
      }),
    )
    .min(1)
    .max(LINES_MAX),
});

/** Credit notes that somebody decides on. */
export function creditNoteRoutes(api: Api, context: ApiContext): void {
  const { books, businessNow } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/invoices/{id}/credit-notes',
      once: true,
      tag: 'billing',
      summary: 'Give back a part of a final invoice: goodwill, or a cancellation',
      description:
        'A credit note with a reason, of net amounts by line; tax follows at the rate of the line. Never more than a line still holds. It pays the invoice from ' +
        'its issue on, what that does not need is free, and reconciling leaves it as it is. Under a `reference` the same again is the same note (200).',
      roles: ['billing', 'admin'],
      params: idParams,
      body: { 'application/json': creditNote },
      answers: { 201: { description: 'The credit note; 200 where it was there', schema: invoiceShape } },
      problems: [
        ...BODY_PROBLEMS,
        'invoice_unknown',
        'invoice_conflict',
        'invalid_reference',
        'line_holds_less',
        'reference_taken',
      ],
    },
    async ({ params: { id }, body, request, reply }) => {
      const { id: note, isNew } = await noteByHand(books, id, { ...body, by: recorderOf(request), nowMs: businessNow() });
      return reply
        .code(isNew ? 201 : 200)
        .type('application/json; charset=utf-8')
        .send(await invoiceJson(books, note));
    },
  );
}
