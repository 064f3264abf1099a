import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import type { Api } from '../../http/api.ts';
import { changesIn } from '../../query/changes.ts';
import type { ApiContext } from '../shared/context.ts';
import { exactInteger, instantShape, pageOf } from '../shared/shapes.ts';
import { rangeQuery, readRange } from '../shared/window.ts';

const PATH = '/v1/audit';
const position = z.strictObject({ seq: z.string().regex(/^\d{1,19}$/) });
const text = z.string().min(1).max(200);

const changeShape = z.object({
  seq: exactInteger.describe(
    'Numbered without a gap in the journal: one that is missing here is of another kind or time, or a mark of the server.',
  ),
  at: instantShape,
  who: z.string().describe('Name and id of a key, `name#id`; of a portal link `portal#link:id`; or what of the server did it.'),
  what: z
    .string()
    .describe('Kind of what was recorded: plan, account, vm, key, session, portal_link, event, incident, invoice, payment, …'),
  id: z.string(),
});

/** Who changed what, and when. */
export function auditRoutes(api: Api, { store }: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'access',
      summary: 'Who changed what, and when: everything that was recorded, in its order',
      description:
        'Made from the journal itself, in which an entry is durable before its call is answered, and none is changed or taken away. What a plan, account or VM said then is in its `history`. Reads are not recorded.',
      roles: ['admin'],
      query: z.strictObject({
        ...rangeQuery,
        who: text.optional().describe('Only of this key: its name, its id, or both as `name#id`.'),
        what: text.optional().describe('Only of this kind.'),
        id: text.optional().describe('Only of this plan, account, VM, invoice, …'),
      }),
      answers: { 200: { description: 'Rows by number', schema: pageOf(changeShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query }) => {
      const range = readRange(PATH, query, position);
      const { fromMs, toMs, limit } = range;
      const afterSeq = BigInt(range.at?.seq ?? 0);
      const { who, what, id } = range.given;
      const found = await changesIn(store, { fromMs, toMs, afterSeq, limit: limit + 1, who, what, id });
      const rows = found.slice(0, limit);
      const last = found.length > limit ? rows.at(-1) : undefined;
      return {
        rows: rows.map(({ atMs, ...row }) => ({
          seq: row.seq,
          at: formatInstant(atMs),
          who: row.who,
          what: row.what,
          id: row.id,
        })),
        next: range.next(last === undefined ? undefined : { seq: last.seq.toString() }),
      };
    },
  );
}
