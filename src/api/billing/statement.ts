import { z } from 'zod';
import { boundsIn, calendarOf } from '../../billing/run-period.ts';
import { entriesIn, firstEntryMs, statementOf } from '../../billing/statement.ts';
import { zoneOfAccount } from '../../billing/period.ts';
import { parseInstant } from '../../domain/instant.ts';
import type { Zone } from '../../domain/zone.ts';
import { ENTRY_KINDS } from '../../ledger/entry.ts';
import { statementFile, statementPage, statementTable } from '../../print/forms/statement.ts';
import { entryTeller } from '../../print/statement/entry-words.ts';
import type { Statement } from '../../print/statement/statement-shape.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { formAsked, sendFile, sendPage } from '../shared/forms.ts';
import { accountParams, instantShape } from '../shared/shapes.ts';
import { PAGE_ROWS_MAX, parameterProblem } from '../shared/window.ts';

const FORMS = { json: 'application/json', html: 'text/html', csv: 'text/csv', pdf: 'application/pdf' } as const;

const bound = z
  .string()
  .max(40)
  .describe(
    "An instant (RFC 3339 with offset, or milliseconds), or a day or month of the account's zone, which is its start: `2026-03-01`, `2026-03`.",
  );
const document = z.object({ type: z.string(), id: z.string(), number: z.string().nullable().describe('As it is written.') });

const statementShape = z.object({
  account: z.string(),
  currency: z.string(),
  time_zone: z.string(),
  from: instantShape,
  to: instantShape,
  opening_balance: z.string().describe('Carried forward: of all entries before `from`.'),
  entries: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(ENTRY_KINDS),
      at: instantShape,
      amount: z.string().describe("Signed as the customer's credit."),
      balance: z.string().describe('After this entry.'),
      document: document.nullable().describe('The invoice or credit note that it belongs to.'),
      words: z.string().describe("What it is, in the account's language."),
      vm: z.string().nullable(),
      day: z.string().nullable(),
      reference: z.string().nullable(),
      note: z.string(),
    }),
  ),
  credits: z.string().describe('The sum of what counts up.'),
  charges: z.string().describe('The sum of what counts down, without sign.'),
  closing_balance: z.string().describe('`opening_balance` + `credits` - `charges`.'),
});

/** Statements of account. */
export function statementRoutes(api: Api, context: ApiContext): void {
  const { catalog } = context;
  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/statement',
      tag: 'billing',
      summary: 'The statement of an account for [from, to), as JSON, HTML, CSV or PDF by Accept',
      description:
        "The balance carried forward, every entry with the number of its document and what it is in the account's language, the balance after each, and the balance at the end. " +
        `At most ${PAGE_ROWS_MAX} entries: the ledger has any number, by page.`,
      roles: ['billing', 'admin'],
      customer: { by: 'account', whole: true },
      params: accountParams,
      query: z.strictObject({
        from: bound.optional().describe('As `to`; left out: from the first entry on.'),
        to: bound
          .optional()
          .describe(
            'Not in it any more. Left out: up to now. An instant (RFC 3339 with offset, or milliseconds), or a day or month of the zone of the account.',
          ),
        bom: z.enum(['true', 'false']).default('false').describe('CSV with a byte order mark, by which Excel knows UTF-8.'),
      }),
      answers: {
        200: { description: 'The statement', schema: statementShape, otherTypes: [FORMS.html, FORMS.csv, FORMS.pdf] },
      },
      problems: ['invalid_parameter', 'account_unknown', 'not_acceptable', 'store_unavailable'],
    },
    async ({ params: { account }, query: { from, to, bom }, request, reply }) => {
      if (catalog.account(account) === undefined)
        throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const zone = zoneOfAccount(catalog, account);
      // What holds from this very instant is in it.
      const toMs = to === undefined ? context.businessNow() + 1 : boundOf('to', to, zone);
      const fromMs = from === undefined ? Math.min(firstEntryMs(context, account) ?? toMs, toMs) : boundOf('from', from, zone);
      if (from !== undefined && fromMs >= toMs) throw parameterProblem('to', 'must be after from');
      const span = { fromMs, toMs };
      const count = entriesIn(context, account, span);
      if (count > PAGE_ROWS_MAX)
        throw parameterProblem(
          'to',
          `would be a statement of ${count} entries: ask for a shorter time, at most ${PAGE_ROWS_MAX} entries`,
        );
      const statement = statementOf(context, account, span);
      reply.header('vary', 'accept');
      switch (formAsked(request, FORMS, 'a statement')) {
        case 'json':
          return statementJson(statement);
        case 'html': {
          const { html, policy } = statementPage(statement);
          return sendPage(reply, html, policy);
        }
        case 'pdf':
          return sendFile(reply, await statementFile(statement), `statement-${account.replace(/[^A-Za-z0-9-]/g, '-')}`);
        case 'csv':
          return reply
            .type('text/csv; charset=utf-8; header=present')
            .send((bom === 'true' ? '\ufeff' : '') + statementTable(statement));
      }
    },
  );
}

/** Throws `invalid_parameter`. */
function boundOf(name: string, text: string, zone: Zone): number {
  const calendar = calendarOf(text);
  if (calendar !== undefined) return boundsIn(zone, calendar).fromMs;
  // A + that was not escaped arrives as a space; digits are milliseconds.
  const ms = parseInstant(/^\d+$/.test(text) ? Number(text) : text.replace(' ', '+'));
  if (ms === undefined)
    throw parameterProblem(name, 'must be RFC 3339 with an offset, integer milliseconds, or a day or month such as 2026-03-01');
  return ms;
}

function statementJson(statement: Statement): Record<string, unknown> {
  const { account, currency, time_zone, from, to, opening, closing, credits, charges, entries } = statement;
  const tell = entryTeller(statement);
  return {
    ...{ account, currency, time_zone, from, to, opening_balance: opening },
    entries: entries.map((entry) => {
      const { id, kind, at, amount, balance, invoice, creditNote, vm, day, reference, note } = entry;
      return { id, kind, at, amount, balance, document: creditNote ?? invoice, words: tell(entry), vm, day, reference, note };
    }),
    ...{ credits, charges, closing_balance: closing },
  };
}
