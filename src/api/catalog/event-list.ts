import { z } from 'zod';
import type { EventBody } from '../../catalog/events.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { EVENT_KINDS } from '../../domain/event-kinds.ts';
import { identifier } from '../../domain/plan.ts';
import { instant } from '../../domain/shapes.ts';
import { type Api, checked } from '../../http/api.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { ApiContext } from '../shared/context.ts';
import { pageOf } from '../shared/shapes.ts';
import { parameterProblem, rangeQuery, readLimit } from '../shared/window.ts';
import { LIST_ROWS_MAX } from './catalog-lists.ts';

const PATH = '/v1/events';
const text = z.string();
/** A + that was not escaped arrives as a space; digits are milliseconds. */
const given = text.transform((value) => (/^\d+$/.test(value) ? Number(value) : value.replace(' ', '+'))).pipe(instant);
const filters = z.strictObject({
  account: identifier.optional(),
  kind: z.enum(EVENT_KINDS).optional(),
  from: given.optional(),
  to: given.optional(),
  withdrawn: z.enum(['true', 'false']).optional(),
});
/** The event that the page before ended with. */
const position = z.strictObject({ vm: z.string().max(64), at: z.int(), id: z.string().max(64) });

/** Events of all VMs by page: by VM, then by instant. */
export function eventListRoute(
  api: Api,
  { catalog }: ApiContext,
  shown: { readonly shape: z.ZodObject; readonly json: (event: Versioned<EventBody>) => Record<string, unknown> },
): void {
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'catalog',
      summary: 'Events of all VMs, withdrawn ones among them',
      roles: ['billing', 'admin'],
      query: z.strictObject({
        account: text.optional().describe('Only those of its VMs.'),
        kind: text.optional().describe('Only those of this kind.'),
        from: text.optional().describe('Only those at this instant or later.'),
        to: text.optional().describe('Only those before this instant.'),
        withdrawn: text.optional().describe('`true`: only those that were withdrawn; `false`: only the others.'),
        limit: rangeQuery.limit.describe(`Rows of a page, 1 to ${LIST_ROWS_MAX}; the default is the most.`),
        cursor: rangeQuery.cursor,
      }),
      answers: { 200: { description: 'By VM, then by instant', schema: pageOf(shown.shape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    ({ query: { limit, cursor, ...rest } }) => {
      const texts = Object.fromEntries(Object.entries(rest).filter((each): each is [string, string] => each[1] !== undefined));
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, PATH, texts, position);
      const query = pinned?.query ?? texts;
      const asked = checked('invalid_parameter', filters, query) as z.infer<typeof filters>;
      if (asked.account !== undefined && catalog.account(asked.account) === undefined)
        throw parameterProblem('account', `names an account that the catalog has not: ${asked.account}`);
      const after = pinned?.at;
      const takes = ({ body }: Versioned<EventBody>): boolean =>
        (asked.kind === undefined || body.kind === asked.kind) &&
        (asked.from === undefined || body.at >= asked.from) &&
        (asked.to === undefined || body.at < asked.to) &&
        (asked.withdrawn === undefined || body.withdrawn === (asked.withdrawn === 'true'));
      const rows = Math.min(readLimit(limit), LIST_ROWS_MAX);
      const found: Versioned<EventBody>[] = [];
      for (const vm of catalog.events.vms()) {
        if (found.length > rows) break;
        if (after !== undefined && vm < after.vm) continue;
        if (asked.account !== undefined && catalog.vm(vm)?.body.account !== asked.account) continue;
        const events = catalog.events.allOf(vm).sort((a, b) => a.body.at - b.body.at || (a.id < b.id ? -1 : 1));
        found.push(...events.filter((event) => takes(event) && isAfter(event, after)));
      }
      const page = found.slice(0, rows);
      const last = found.length > rows ? page.at(-1) : undefined;
      return Promise.resolve({
        rows: page.map(shown.json),
        next: last === undefined ? null : encodeCursor(PATH, query, { vm: last.body.vm, at: last.body.at, id: last.id }),
      });
    },
  );
}

function isAfter({ id, body }: Versioned<EventBody>, after: z.infer<typeof position> | undefined): boolean {
  if (after?.vm !== body.vm) return true;
  return body.at !== after.at ? body.at > after.at : id > after.id;
}
