import { z } from 'zod';
import { comparePositions, positionOf } from '../../books/invoices.ts';
import { numberText } from '../../books/number-series.ts';
import { instant } from '../../domain/shapes.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { Api } from '../../http/api.ts';
import { checked } from '../../http/api.ts';
import { customerOf } from '../../http/customer.ts';
import type { ApiContext } from '../shared/context.ts';
import { PAGE_ROWS_MAX, readLimit } from '../shared/window.ts';
import { instantShape, next } from '../shared/shapes.ts';

const PATH = '/v1/invoices';

const summaryShape = z.object({
  id: z.string(),
  type: z.string(),
  number: z.int().nullable(),
  number_text: z.string().nullable().describe('The number as documents have it, with what the issuer puts around it.'),
  status: z.string(),
  account: z.string(),
  currency: z.string(),
  from: instantShape,
  to: instantShape,
  total: z.string(),
});

const text = z.string();
const listQuery = {
  account: identifier.optional(),
  from: text.optional().describe('Only periods that end after it.'),
  to: text.optional().describe('Only periods that begin before it.'),
  status: z.enum(['draft', 'final', 'paid', 'void']).optional(),
  type: z.enum(['invoice', 'credit_note']).optional(),
  number: z
    .string()
    .regex(/^[A-Za-z0-9./_ -]{1,80}$/, 'must be a number of an invoice or credit note')
    .optional()
    .describe('The count behind it, or the number as it is written.'),
};
const filters = z.strictObject({
  ...listQuery,
  from: z.string().transform(plus).pipe(instant).optional(),
  to: z.string().transform(plus).pipe(instant).optional(),
});

/** A + that was not escaped arrives as a space; digits are milliseconds. */
function plus(given: string): string | number {
  return /^\d+$/.test(given) ? Number(given) : given.replace(' ', '+');
}

/** The row that the page before ended with. */
const position = z.strictObject({ from: z.int(), note: z.int(), number: z.int(), id: identifier });

/** Invoices and credit notes without their lines, by page. */
export function invoiceListRoutes(api: Api, { books }: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'billing',
      summary: 'Invoices and credit notes by period',
      roles: ['billing', 'admin'],
      customer: { by: 'account_of_query', whole: true },
      query: z.strictObject({
        ...listQuery,
        limit: z.string().optional().describe(`Rows of a page, 1 to ${PAGE_ROWS_MAX}; the default is the most.`),
        cursor: z.string().optional().describe('`next` of the page before; the other parameters may then be left out.'),
      }),
      answers: { 200: { description: 'Without their lines', schema: z.object({ invoices: z.array(summaryShape), next }) } },
      problems: ['invalid_parameter', 'invalid_cursor'],
    },
    ({ query: { limit, cursor, ...given }, request }) => {
      const texts = Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined));
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, PATH, texts, position);
      const query = pinned?.query ?? texts;
      const { account, from, to, status, type, number } = checked('invalid_parameter', filters, query) as z.infer<typeof filters>;
      const rows = Math.min(readLimit(limit), PAGE_ROWS_MAX);
      const found = books
        .statesOf(account)
        .filter(
          (state) =>
            (state.status !== 'draft' || customerOf(request) === undefined) &&
            (from === undefined || state.head.to > from) &&
            (to === undefined || state.head.from < to) &&
            (status === undefined || state.status === status) &&
            (type === undefined || state.head.type === type) &&
            (number === undefined || number === state.head.number?.toString() || number === numberText(state.head)) &&
            (pinned === undefined || comparePositions(positionOf(state), pinned.at) > 0),
        );
      const last = found.length > rows ? found[rows - 1] : undefined;
      return Promise.resolve({
        invoices: found.slice(0, rows).map((state) => ({
          id: state.id,
          type: state.head.type,
          number: state.head.number,
          number_text: numberText(state.head),
          status: state.status,
          account: state.head.account,
          currency: state.head.currency,
          from: formatInstant(state.head.from),
          to: formatInstant(state.head.to),
          total: formatAmount(state.totalNanos, state.head.currency),
        })),
        next: last === undefined ? null : encodeCursor(PATH, query, positionOf(last)),
      });
    },
  );
}
