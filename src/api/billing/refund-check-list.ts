import { z } from 'zod';
import { keptChecks, type KeptCheck } from '../../billing/refunds/kept-checks.ts';
import { formatInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import { instant } from '../../domain/shapes.ts';
import { type Api, checked } from '../../http/api.ts';
import { customerOf, seesVm } from '../../http/customer.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import { storedVmName } from '../../samples/names.ts';
import { vmsOfAccount } from '../metering/outages.ts';
import type { ApiContext } from '../shared/context.ts';
import { instantShape, pageOf } from '../shared/shapes.ts';
import { PAGE_ROWS_MAX, rangeQuery, readLimit } from '../shared/window.ts';

const PATH = '/v1/refund-checks';
const DECISIONS = ['eligible', 'not_eligible', 'needs_review'] as const;

const rowShape = z.object({
  id: z.string(),
  vm: z.string(),
  account: z.string().nullable().describe('Of the VM now; null where the catalog has it no more.'),
  at: instantShape,
  terms: z.string(),
  what_if: z.boolean(),
  decision: z.enum(DECISIONS),
  ground: z.string().nullable(),
  amount: z.string().nullable(),
  currency: z.string(),
  granted: z.boolean(),
  recorded_at: instantShape,
  recorded_by: z.string(),
});

const text = z.string();
/** A + that was not escaped arrives as a space; digits are milliseconds. */
const given = text.transform((value) => (/^\d+$/.test(value) ? Number(value) : value.replace(' ', '+'))).pipe(instant);
const filters = z.strictObject({
  account: identifier.optional(),
  vm: storedVmName.optional(),
  decision: z.enum(DECISIONS).optional(),
  granted: z.enum(['true', 'false']).optional(),
  from: given.optional(),
  to: given.optional(),
});
/** The check that the page before ended with. */
const position = z.strictObject({ seq: z.string().regex(/^\d{1,20}$/) });

/** Refund checks by page, in the order in which they were made. */
export function refundCheckListRoute(api: Api, context: ApiContext): void {
  const { books, catalog, store } = context;
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'billing',
      summary: 'Refund checks, in the order in which they were made',
      roles: ['billing', 'admin'],
      customer: { by: 'account_of_query' },
      query: z.strictObject({
        account: text.optional().describe('Only those of its VMs.'),
        vm: text.optional(),
        decision: text.optional().describe(`Only those that say so: ${DECISIONS.join(', ')}.`),
        granted: text.optional().describe('`true`: only those that were granted; `false`: only the others.'),
        from: text.optional().describe('Only those made at this instant or later.'),
        to: text.optional().describe('Only those made before this instant.'),
        limit: rangeQuery.limit.describe(`Rows of a page, 1 to ${PAGE_ROWS_MAX}; the default is the most.`),
        cursor: rangeQuery.cursor,
      }),
      answers: { 200: { description: 'Without their rules and evidence', schema: pageOf(rowShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'account_unknown', 'store_unavailable'],
    },
    async ({ query: { limit, cursor, ...rest }, request }) => {
      const customer = customerOf(request);
      const texts = Object.fromEntries(Object.entries(rest).filter((each): each is [string, string] => each[1] !== undefined));
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, PATH, texts, position);
      const query = pinned?.query ?? texts;
      const asked = checked('invalid_parameter', filters, query) as z.infer<typeof filters>;
      const own = asked.account === undefined ? undefined : new Set(vmsOfAccount(context, asked.account));
      const rows = Math.min(readLimit(limit), PAGE_ROWS_MAX);
      const accountOf = (vm: string): string | null => catalog.vm(vm)?.body.account ?? null;
      const isGranted = ({ id, vm }: KeptCheck): boolean => books.grants.ofCheck(accountOf(vm) ?? '', id) !== undefined;
      const found = await keptChecks(
        store,
        { after: BigInt(pinned?.at.seq ?? 0), rows: rows + 1, vm: asked.vm, decision: asked.decision },
        (check) =>
          (customer === undefined || seesVm(customer, catalog, check.vm)) &&
          (own === undefined || own.has(check.vm)) &&
          (asked.from === undefined || check.recordedAtMs >= asked.from) &&
          (asked.to === undefined || check.recordedAtMs < asked.to) &&
          (asked.granted === undefined || isGranted(check) === (asked.granted === 'true')),
      );
      const page = found.slice(0, rows);
      const last = found.length > rows ? page.at(-1) : undefined;
      return {
        rows: page.map((check) => ({
          ...{ id: check.id, vm: check.vm, account: accountOf(check.vm), at: formatInstant(check.atMs), terms: check.terms },
          ...{ what_if: check.whatIf, decision: check.decision, ground: check.ground, amount: check.amount },
          ...{ currency: check.currency, granted: isGranted(check), recorded_at: formatInstant(check.recordedAtMs) },
          recorded_by: check.recordedBy,
        })),
        next: last === undefined ? null : encodeCursor(PATH, query, { seq: last.seq.toString() }),
      };
    },
  );
}
