import { z } from 'zod';
import { instant } from '../../domain/shapes.ts';
import { CAUSES } from '../../domain/condition.ts';
import { formatInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import { storedVmName } from '../../samples/names.ts';
import { limitSay, measuredSay, reasonOfRefund } from '../../terms/measured-say.ts';
import { partiesOf } from '../../billing/refunds/parties.ts';
import { formAsked, sendFile, sendPage } from '../shared/forms.ts';
import { decisionFile, decisionPage } from '../../print/forms/decision.ts';
import { checkRefund } from '../../billing/refunds/check.ts';
import { type Api, rolesOf } from '../../http/api.ts';
import { customerOf, seesVm, vmHidden } from '../../http/customer.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import { ProblemError } from '../../problems/problem.ts';
import { recorderOf } from '../../http/auth.ts';
import { toJson } from '../../domain/json.ts';
import type { ApiContext } from '../shared/context.ts';
import { inlineSheet, sheetInBody } from '../shared/inline-sheet.ts';
import { exactInteger, idParams, instantShape, outageRow } from '../shared/shapes.ts';

const ROLES = ['billing', 'admin'] as const;
/** The forms of a decision, the one first that is given to who asks for none. */
const FORMS = { json: 'application/json', html: 'text/html', pdf: 'application/pdf' } as const;

const refundRequest = z.strictObject({
  vm: storedVmName,
  at: instant.optional().describe('The instant of the check; now if left out.'),
  terms: z
    .union([identifier, sheetInBody])
    .optional()
    .describe('What if: the id of another terms sheet, or a whole sheet (schemas/terms.schema.json).'),
});

const ruleShape = z.object({
  id: z.string(),
  kind: z.enum(['ground', 'bar']),
  clause: z.string(),
  outcome: z
    .enum(['pass', 'fail', 'unknown'])
    .describe('pass speaks for a refund: a ground that holds, a bar that does not stand in the way.'),
  measured: z.string(),
  limit: z.string(),
  only: z.array(z.string()).optional().describe('The grounds that a bar is about; left out: all.'),
  conditions: z
    .array(z.object({ measured: measuredSay, limit: limitSay }))
    .optional()
    .describe('What was measured and the limit in codes, a condition each; left out by decisions of before.'),
});

const answerShape = z.object({
  id: z.string(),
  vm: z.string(),
  at: instantShape,
  terms: z.string(),
  terms_version: z.int(),
  what_if: z.boolean().describe("Other terms than the VM's own were asked about."),
  decision: z.enum(['eligible', 'not_eligible', 'needs_review']),
  ground: z.string().nullable(),
  amount: z.string().nullable(),
  currency: z.string(),
  destination: z.enum(['balance', 'original_payment']),
  destination_clause: z.string(),
  reason: z.string(),
  reason_say: reasonOfRefund.optional().describe('The same in a code.'),
  calculation: z
    .object({
      basis: z.enum(['full', 'remaining']),
      paid_amount: z.string(),
      share_of: exactInteger,
      share_by: exactInteger,
      handling_fee: z.string(),
      refunded_before: z.string(),
    })
    .nullable()
    .describe('amount = paid_amount × share_of / share_by − handling_fee − refunded_before, rounded once.'),
  clauses: z.array(ruleShape),
  evidence: z.object({
    from: instantShape,
    to: instantShape,
    samples: z.int(),
    first_sample: instantShape.nullable(),
    last_sample: instantShape.nullable(),
    metered_to: instantShape.nullable(),
    outages: z
      .array(outageRow.extend({ cause: z.enum([...CAUSES, 'silent']) }))
      .describe('Causes after incidents; the first 1,000.'),
    outages_total: z.int(),
    traffic_bytes: z.unknown().meta({ type: ['integer', 'null'] }),
    rx_bytes: z.unknown().meta({ type: ['integer', 'null'] }),
    tx_bytes: z.unknown().meta({ type: ['integer', 'null'] }),
  }),
  silences: z
    .array(z.string())
    .optional()
    .describe('Of a check that needs review: the silences of the VM that nobody has decided on (`/v1/silences/{id}`).'),
  facts: z.looseObject({}).describe('What was known besides the metered data.'),
  sheet: z.looseObject({}).describe('The terms sheet that was applied, whole.'),
  document: z.looseObject({}).optional().describe('Whom it is from and to, as it is printed; left out by decisions of before.'),
  recorded_at: instantShape,
  recorded_by: z.string(),
});

/** Refund checks: made and kept with their evidence, and read again. */
export function refundRoutes(api: Api, context: ApiContext): void {
  const { books, termsLibrary, now } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/refund-checks',
      once: true,
      tag: 'billing',
      summary: 'Check by its terms whether a VM may be refunded',
      description:
        'Every ground and every bar with what was measured, the limit and the clause. Nothing is paid; the decision is kept, and another check is another decision.',
      roles: ROLES,
      customer: { by: 'handler' },
      body: { 'application/json': refundRequest },
      answers: { 200: { description: 'The decision', schema: answerShape } },
      problems: [
        'bad_request',
        'invalid_body',
        'body_too_large',
        'unsupported_media_type',
        'vm_unknown',
        'terms_unknown',
        'invalid_reference',
        'store_unavailable',
      ],
    },
    async ({ body, request }) => {
      const { vm, at } = body;
      const customer = customerOf(request);
      if (customer !== undefined) {
        if (!seesVm(customer, context.catalog, vm)) throw vmHidden(vm);
        if (body.terms !== undefined) throw oneFieldProblem('invalid_body', 'terms', 'is not taken of a key of role customer');
      }
      const by = recorderOf(request);
      const terms = typeof body.terms === 'object' ? inlineSheet(body.terms, 'terms') : body.terms;
      const answer = await checkRefund(context, termsLibrary, { vm, atMs: at ?? now(), terms });
      let kept: Record<string, unknown> = answer;
      await books.refundChecks.record((id, recordedAtMs) => {
        kept = {
          id,
          ...answer,
          document: partiesOf(context, vm, at ?? now()),
          recorded_at: formatInstant(recordedAtMs),
          recorded_by: by,
        };
        return toJson(kept);
      }, by);
      return kept;
    },
  );

  const read = {
    method: 'GET',
    path: '/v1/refund-checks/{id}',
    tag: 'billing',
    summary: 'A refund check as it was answered, as JSON, HTML or PDF by Accept',
    description:
      'HTML and PDF are a letter to the customer, in the language of the account: each rule in words, measured value, limit, outcome.',
    roles: ROLES,
    customer: { by: 'handler' },
    params: idParams,
    answers: { 200: { description: 'The decision', schema: answerShape, otherTypes: [FORMS.html, FORMS.pdf] } },
    problems: ['refund_check_unknown', 'not_acceptable', 'store_unavailable'],
  } as const;
  api.document(read);
  // The kept text goes out as it is: reading it would round its integers.
  api.app.get<{ Params: { id: string } }>(
    '/v1/refund-checks/:id',
    { onRequest: api.requireRole(...rolesOf(read)) },
    async (request, reply) => {
      const { id } = request.params;
      const text = await books.refundChecks.read(id);
      const customer = customerOf(request);
      if (customer !== undefined && !seesVm(customer, context.catalog, vmOfCheck(text)))
        throw new ProblemError('refund_check_unknown', `there is no refund check ${id}`);
      reply.header('vary', 'accept');
      switch (formAsked(request, FORMS, 'a refund check')) {
        case 'html': {
          const { html, policy } = decisionPage(text);
          return sendPage(reply, html, policy);
        }
        case 'pdf':
          return sendFile(reply, await decisionFile(text), `refund-decision-${request.params.id.replace(/[^A-Za-z0-9-]/g, '-')}`);
        default:
          return reply.type('application/json; charset=utf-8').send(text);
      }
    },
  );
}

function vmOfCheck(text: string): string {
  return z.looseObject({ vm: z.string() }).parse(JSON.parse(text)).vm;
}
