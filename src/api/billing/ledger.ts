import { z } from 'zod';
import { formatAmount } from '../../domain/money.ts';
import { instant } from '../../domain/shapes.ts';
import { balanceAt, compareEntries, type LedgerEntry } from '../../ledger/entry.ts';
import type { Api } from '../../http/api.ts';
import { checked } from '../../http/api.ts';
import { ProblemError } from '../../problems/problem.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, instantShape, next } from '../shared/shapes.ts';
import { PAGE_ROWS_MAX, readLimit } from '../shared/window.ts';
import { entryJson, entryShape } from './ledger-shapes.ts';

const text = z.string();
/** A + that was not escaped arrives as a space; digits are milliseconds. */
const given = text.transform((value) => (/^\d+$/.test(value) ? Number(value) : value.replace(' ', '+'))).pipe(instant);
const bounds = z.strictObject({ from: given.optional(), to: given.optional() });

/** The entry that the page before ended with. */
const position = z.strictObject({ at: z.int(), seq: z.string().regex(/^\d{1,20}$/), id: z.string() });
type Position = z.infer<typeof position>;

const positionOf = ({ atMs, seq, id }: LedgerEntry): Position => ({ at: atMs, seq: seq.toString(), id });

/** Whether an entry comes after the one that a page ended with: new ones in between, booked late, are of the pages to come or of none. */
function isAfter(entry: LedgerEntry, { at, seq, id }: Position): boolean {
  return entry.atMs !== at ? entry.atMs > at : entry.seq !== BigInt(seq) ? entry.seq > BigInt(seq) : entry.id > id;
}

/** The book of money of an account, entry by entry. */
export function ledgerRoutes(api: Api, { catalog, books }: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/ledger',
      tag: 'billing',
      summary: 'The ledger of an account: every entry that holds in [from, to), with the balance after it',
      description:
        'Invoices and credit notes, payments, late fees and what left, in the order of the instants from which they hold. The balance is the sum of all entries ' +
        'up to an instant; nothing else stores money.',
      roles: ['billing', 'admin'],
      customer: { by: 'account', whole: true },
      params: accountParams,
      query: z.strictObject({
        from: text.optional().describe('Left out: from the first entry on.'),
        to: text.optional().describe('Left out: to the last one.'),
        limit: text.optional().describe(`Entries of a page, 1 to ${PAGE_ROWS_MAX}; the default is the most.`),
        cursor: text.optional().describe('`next` of the page before; the other parameters may then be left out.'),
      }),
      answers: {
        200: {
          description: 'Entries, ascending',
          schema: z.object({
            account: z.string(),
            currency: z.string(),
            from: instantShape.nullable(),
            to: instantShape.nullable(),
            opening_balance: z.string().describe('Of all entries before `from`.'),
            closing_balance: z.string().describe('Of all entries before `to`.'),
            entries: z.array(entryShape),
            next,
          }),
        },
      },
      problems: ['invalid_parameter', 'invalid_cursor', 'account_unknown', 'store_unavailable'],
    },
    ({ params: { account }, query: { limit, cursor, ...rest } }) => {
      const currency = catalog.account(account)?.body.currency;
      if (currency === undefined) throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const path = `/v1/accounts/${account}/ledger`;
      const texts = Object.fromEntries(Object.entries(rest).filter((each): each is [string, string] => each[1] !== undefined));
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, path, texts, position);
      const query = pinned?.query ?? texts;
      const { from, to } = checked('invalid_parameter', bounds, query) as z.infer<typeof bounds>;
      const rows = Math.min(readLimit(limit), PAGE_ROWS_MAX);
      const entries = books.ledgerOf(account).entries.toSorted(compareEntries);
      const amount = (nanos: bigint): string => formatAmount(nanos, currency);
      let balance = 0n;
      const found: { entry: LedgerEntry; balance: bigint }[] = [];
      for (const entry of entries) {
        balance += entry.amountNanos;
        if (from !== undefined && entry.atMs < from) continue;
        if (to !== undefined && entry.atMs >= to) continue;
        if (pinned !== undefined && !isAfter(entry, pinned.at)) continue;
        if (found.length <= rows) found.push({ entry, balance });
      }
      const page = found.slice(0, rows);
      const last = found.length > rows ? page.at(-1) : undefined;
      return Promise.resolve({
        ...{ account, currency, from: query['from'] ?? null, to: query['to'] ?? null },
        opening_balance: amount(from === undefined ? 0n : balanceAt(entries, from - 1)),
        closing_balance: amount(balanceAt(entries, to === undefined ? Infinity : to - 1)),
        entries: page.map((each) => entryJson(each.entry, currency, each.balance)),
        next: last === undefined ? null : encodeCursor(path, query, positionOf(last.entry)),
      });
    },
  );
}
