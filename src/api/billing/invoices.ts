import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { instant } from '../../domain/shapes.ts';
import { contentOf, type StoredDocument } from '../../books/stored-document.ts';
import { type RatedDocument, rateDocument, refuseUnbilled } from '../../billing/document.ts';
import { invoiceFile, invoicePage, invoiceTable } from '../../print/forms/invoice.ts';
import type { ShownInvoice } from '../../print/invoice-shape.ts';
import { finalize, keepDraft, readDocument, voidInvoice } from '../../books/ledger.ts';
import { refuseWaiting } from '../../billing/waiting.ts';
import { checkPeriod } from '../../billing/period.ts';
import { invoiceJson, previewJson, shownInvoice } from '../../billing/shown.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import { keyOf, recorderOf } from '../../http/auth.ts';
import { accountHidden, customerOf } from '../../http/customer.ts';
import type { ApiContext } from '../shared/context.ts';
import { formAsked, sendFile, sendPage } from '../shared/forms.ts';
import { answerInTime } from '../shared/slow-answer.ts';
import { BODY_PROBLEMS, idParams } from '../shared/shapes.ts';
import { invoiceShape } from './invoice-shapes.ts';

const ROLES = ['billing', 'admin'] as const;
const JSON_TYPE = 'application/json; charset=utf-8';
/** The forms of a document, the one first that is given to who asks for none. */
const FORMS = { json: 'application/json', html: 'text/html', csv: 'text/csv', pdf: 'application/pdf' } as const;

const invoiceRequest = z
  .strictObject({ account: identifier, from: instant, to: instant, mode: z.enum(['preview', 'draft']).default('preview') })
  .refine((body) => body.from < body.to, { path: ['to'], message: 'must be after from' });

/** Invoices and credit notes: rated, numbered, made void, read. */
export function invoiceRoutes(api: Api, context: ApiContext): void {
  const { catalog, books } = context;
  const answerJson = async (reply: FastifyReply, id: string, status = 200): Promise<FastifyReply> =>
    reply
      .code(status)
      .type(JSON_TYPE)
      .send(await invoiceJson(books, id));

  api.route(
    {
      method: 'POST',
      path: '/v1/invoices',
      once: true,
      tag: 'billing',
      summary: "Rate an account's period",
      description:
        'From and to are starts of local days in the time zone of one of its plans: a calendar day or month, or several days. `preview` keeps ' +
        'nothing; `draft` keeps a draft, or rates the draft of the same period again.',
      roles: [...ROLES, 'read'],
      customer: { by: 'handler', whole: true },
      body: { 'application/json': invoiceRequest },
      answers: { 201: { description: 'The draft; 200 with a preview', schema: invoiceShape } },
      problems: [...BODY_PROBLEMS, 'account_unknown', 'invoice_conflict', 'exchange_rate_missing'],
    },
    async ({ body, request, reply }) => {
      const customer = customerOf(request);
      if (customer !== undefined && body.account !== customer.account) throw accountHidden(body.account);
      if (catalog.account(body.account) === undefined)
        throw new ProblemError('account_unknown', `there is no account ${body.account}`, { account: body.account });
      checkPeriod(catalog, body.account, body.from, body.to);
      const isPreview = body.mode === 'preview';
      const { role } = keyOf(request);
      if (!isPreview && (role === 'read' || role === 'customer'))
        throw new ProblemError('forbidden', `a key of role ${role} may not keep a draft; it takes billing or admin`);
      return answerInTime(reply, isPreview ? 200 : 201, async () => {
        const document: RatedDocument = await rateDocument(context, body.account, body.from, body.to);
        if (!isPreview) refuseUnbilled(document);
        return isPreview ? previewJson(document) : invoiceJson(books, await keepDraft(books, document, recorderOf(request)));
      });
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/invoices/{id}',
      tag: 'billing',
      summary: 'An invoice or credit note, as JSON, HTML, CSV or PDF by Accept',
      description:
        '`part=content` and `part=evidence` answer the very bytes that `sha256.content` and `sha256.evidence` are the digests of; ' +
        '`part=copy` both as texts, with the digests: a copy that `uptally verify --invoice FILE` can check on any machine, at any time.',
      roles: ROLES,
      customer: { by: 'handler', whole: true },
      params: idParams,
      query: z.strictObject({
        part: z.enum(['content', 'evidence', 'copy']).optional(),
        bom: z.enum(['true', 'false']).default('false').describe('CSV with a byte order mark, by which Excel knows UTF-8.'),
      }),
      answers: {
        200: { description: 'The document', schema: invoiceShape, otherTypes: [FORMS.html, FORMS.csv, FORMS.pdf] },
      },
      problems: ['invalid_parameter', 'invoice_unknown', 'not_acceptable', 'store_unavailable'],
    },
    async ({ params: { id }, query: { part, bom }, request, reply }) => {
      refuseOthers(context, request, id);
      if (part !== undefined) {
        const document = await readDocument(books, id);
        return reply.type(JSON_TYPE).send(partOf(part, contentOf(id, document), document));
      }
      reply.header('vary', 'accept');
      const form = formAsked(request, FORMS, 'an invoice');
      if (form === 'json') return answerJson(reply, id);
      const invoice = await shownInvoice(books, id);
      switch (form) {
        case 'html': {
          const { html, policy } = invoicePage(invoice);
          return sendPage(reply, html, policy);
        }
        case 'pdf':
          return sendFile(reply, await invoiceFile(invoice), fileName(invoice));
        case 'csv':
          return reply
            .type('text/csv; charset=utf-8; header=present')
            .send((bom === 'true' ? '\ufeff' : '') + invoiceTable(invoice));
      }
    },
  );

  api.route(
    {
      method: 'POST',
      path: '/v1/invoices/{id}/finalize',
      once: true,
      tag: 'billing',
      summary: 'Give a draft its number; from then on nothing in it changes',
      description:
        'Once more is harmless: the answer is the same invoice under the same number. A draft without lines, of a period that is not over or not metered to its end, or with VMs that wait for repair is refused.',
      roles: ROLES,
      params: idParams,
      query: z.strictObject({
        allow_incomplete: z
          .enum(['true', 'false'])
          .default('false')
          .describe('Also before the period is over, or everything was metered to its end.'),
        without_issuer: z
          .enum(['true', 'false'])
          .default('true')
          .describe(
            '`false`: refuse a draft that names no seller, because the server has no issuer.json. The `warnings` of the draft say so, too.',
          ),
      }),
      answers: { 200: { description: 'The final invoice', schema: invoiceShape } },
      problems: [
        'invalid_parameter',
        'invoice_unknown',
        'invoice_conflict',
        'nothing_to_bill',
        'period_not_over',
        'issuer_missing',
        'store_unavailable',
      ],
    },
    async ({ params: { id }, query, request, reply }) => {
      const { head } = await readDocument(books, id);
      if (!head.final && query.allow_incomplete !== 'true') await refuseWaiting(context, head.account, head.to);
      await finalize(books, id, recorderOf(request), {
        allowIncomplete: query.allow_incomplete === 'true',
        withoutIssuer: query.without_issuer === 'true',
        nowMs: context.businessNow(),
      });
      return answerJson(reply, id);
    },
  );

  api.route(
    {
      method: 'POST',
      path: '/v1/invoices/{id}/void',
      once: true,
      tag: 'billing',
      summary: 'Make an invoice void; its number stays used',
      roles: ROLES,
      params: idParams,
      answers: { 200: { description: 'The void invoice', schema: invoiceShape } },
      problems: ['invalid_parameter', 'invoice_unknown', 'invoice_conflict', 'store_unavailable'],
    },
    async ({ params: { id }, request, reply }) => {
      await voidInvoice(books, id, { note: '', by: recorderOf(request), nowMs: context.businessNow() });
      return answerJson(reply, id);
    },
  );
}

/** A customer has the documents of its account that are not drafts. Throws `invoice_unknown`. */
function refuseOthers({ books }: ApiContext, request: FastifyRequest, id: string): void {
  const customer = customerOf(request);
  if (customer === undefined) return;
  const isOwn = books.statesOf(customer.account).some((state) => state.id === id && state.status !== 'draft');
  if (!isOwn) throw new ProblemError('invoice_unknown', `there is no invoice or credit note ${id}`, { invoice: id });
}

/** A name of letters that every system takes: invoice-12. */
function fileName({ type, number, id }: ShownInvoice): string {
  return `${type === 'credit_note' ? 'credit-note' : 'invoice'}-${number ?? id.replace(/[^A-Za-z0-9-]/g, '-')}`;
}

/** The texts of a document, as they are kept. */
function partOf(part: 'content' | 'evidence' | 'copy', content: string, { evidence, sha256 }: StoredDocument): string {
  if (part === 'copy') return JSON.stringify({ uptally: 'document', sha256, content, evidence });
  return part === 'content' ? content : evidence;
}
