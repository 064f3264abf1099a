import { z } from 'zod';
import type { DebitState } from '../../books/debits.ts';
import { readDebit } from '../../books/ledger.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { idParams } from '../shared/shapes.ts';

const ROLES = ['billing', 'admin'] as const;

const partShape = z.object({
  line: z.int().nullable().describe('The index of the line in the invoice, from 0; null: the invoice has none.'),
  kind: z.string(),
  vm: z.string().nullable(),
  description: z.string(),
  amount: z.string(),
  before: z.string(),
  after: z.string(),
  unavailable_minutes: z.object({ before: z.int(), after: z.int() }),
  days: z.array(z.object({ date: z.string(), before: z.int(), after: z.int() })),
});
const debitShape = z.object({
  id: z.string(),
  account: z.string(),
  currency: z.string(),
  invoice: z.string().describe('The invoice that charged too little.'),
  number: z.int(),
  status: z
    .enum(['pending', 'charged', 'void'])
    .describe('pending: for the next invoice; void: the invoice it corrects is void.'),
  charged_on: z.string().nullable(),
  total: z.string(),
  reason: z.string(),
  parts: z.array(partShape),
  evidence_sha256: z.string(),
});

/** Debits: what final invoices charged too little, for the next invoice of the account. */
export function debitRoutes(api: Api, { books }: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/debits',
      tag: 'billing',
      summary: 'What final invoices charged too little, and which invoice charges it',
      roles: ROLES,
      query: z.strictObject({ account: identifier.optional() }),
      answers: { 200: { description: 'In the order they were recorded', schema: z.object({ debits: z.array(debitShape) }) } },
      problems: ['invalid_parameter'],
    },
    ({ query }) => Promise.resolve({ debits: books.debitsOf(query.account).map(debitJson) }),
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/debits/{id}',
      tag: 'billing',
      summary: 'A debit; `part=evidence` answers the bytes that `evidence_sha256` is the digest of',
      roles: ROLES,
      params: idParams,
      query: z.strictObject({ part: z.enum(['evidence']).optional() }),
      answers: { 200: { description: 'The debit', schema: debitShape } },
      problems: ['invalid_parameter', 'invoice_unknown', 'store_unavailable'],
    },
    async ({ params: { id }, query: { part }, reply }) => {
      const debit = books.debit(id);
      if (debit === undefined) throw new ProblemError('invoice_unknown', `there is no debit ${id}`);
      if (part === undefined) return debitJson(debit);
      return reply.type('application/json; charset=utf-8').send((await readDebit(books, id)).evidence);
    },
  );
}

function debitJson({ id, head, status, on }: DebitState): Record<string, unknown> {
  const amount = (nanos: bigint): string => formatAmount(nanos, head.currency);
  return {
    id,
    account: head.account,
    currency: head.currency,
    invoice: head.invoice,
    number: head.number,
    status,
    charged_on: on?.invoice ?? null,
    total: amount(head.parts.reduce((sum, part) => sum + BigInt(part.nanos), 0n)),
    reason: head.reason,
    parts: head.parts.map(({ line, kind, vm, description, nanos, before, after, minutes, days }) => ({
      line,
      kind,
      vm,
      description,
      amount: amount(BigInt(nanos)),
      before,
      after,
      unavailable_minutes: minutes,
      days,
    })),
    evidence_sha256: head.evidence_sha256,
  };
}
