import { z } from 'zod';
import { entriesOf, entryAt } from '../../journal/read.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import type { Entry } from '../../journal/entry.ts';
import { parseInstant } from '../../domain/instant.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { QueryContext } from '../../query/context.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { Api } from '../../http/api.ts';
import { type CustomerCut, type CustomerKey, customerOf } from '../../http/customer.ts';
import { instantText, parameterProblem, rangeQuery, readLimit } from '../shared/window.ts';
import { etagOf } from './catalog-writes.ts';
import { idParams, pageOf } from '../shared/shapes.ts';
import { pathOf } from '../metering/vm-metering.ts';

/** One kind of thing in the catalog, as it is read. */
export interface CatalogReads {
  kind: 'plan' | 'account' | 'vm';
  what: string;
  shape: z.ZodObject;
  problem: 'plan_unknown' | 'account_unknown' | 'vm_unknown';
  now: (id: string) => Versioned<object> | undefined;
  /** `body` may come as it was stored. */
  json: (entry: Versioned<unknown>) => Record<string, unknown>;
  /** As it is now, where more is known of it than was recorded with it; left out: as `json`. */
  jsonNow?: (entry: Versioned<unknown>) => Record<string, unknown>;
  /** How it is cut down for customers. */
  customer: CustomerCut;
  /** Where the handler sees to that: whether a customer sees it. */
  sees?: (customer: CustomerKey, id: string) => boolean;
}

const READERS = ['billing', 'admin'] as const;
const position = z.strictObject({ v: z.string().regex(/^\d{1,20}$/) });

/** The reads of a kind: as it is, as it was recorded at an instant, and every version there ever was. */
export function catalogReads(api: Api, { store }: QueryContext, reads: CatalogReads): void {
  const { kind, problem } = reads;
  const unknown = (id: string, when = ''): ProblemError =>
    new ProblemError(problem, `the catalog has no ${kind === 'vm' ? 'VM' : kind} ${id}${when}`, { [kind]: id });
  api.route(
    {
      method: 'GET',
      path: `/v1/${kind}s/{id}`,
      tag: 'catalog',
      summary: reads.what,
      description:
        'The `ETag` of what is in force now is what `If-Match` of a change takes. `at` asks what the catalog said at an instant of its own clock (recorded_at), whatever has been recorded since. ' +
        "From when on something is effective is another matter: that is in the bodies, as in a VM's `plans[].from`.",
      roles: READERS,
      customer: { ...reads.customer, without: ['at'] },
      params: idParams,
      query: z.strictObject({ at: instantText.optional().describe('The instant; left out: now.') }),
      answers: { 200: { description: reads.what, schema: reads.shape } },
      problems: ['invalid_parameter', problem, 'store_unavailable'],
    },
    async ({ params: { id }, query: { at }, request, reply }) => {
      const customer = customerOf(request);
      if (customer !== undefined && reads.sees?.(customer, id) === false) throw unknown(id);
      if (at === undefined) {
        const entry = reads.now(id);
        if (entry === undefined) throw unknown(id);
        reply.header('etag', etagOf(entry));
        return (reads.jsonNow ?? reads.json)(entry);
      }
      const atMs = parseInstant(at.replace(' ', '+'));
      if (atMs === undefined) throw parameterProblem('at', 'must be RFC 3339 with an offset, or integer milliseconds');
      const entry = await entryAt(store, kind, id, atMs);
      if (entry === undefined) throw unknown(id, reads.now(id) === undefined ? '' : ` at ${at}: it was recorded later`);
      return reads.json(versioned(entry));
    },
  );
  api.route(
    {
      method: 'GET',
      path: `/v1/${kind}s/{id}/history`,
      tag: 'catalog',
      summary: `${reads.what}: every version, in the order they were recorded`,
      description: 'Versions are only ever added: who recorded which body, and when. None is changed or taken away.',
      roles: READERS,
      params: idParams,
      query: z.strictObject({ limit: rangeQuery.limit, cursor: rangeQuery.cursor }),
      answers: { 200: { description: 'Versions, ascending', schema: pageOf(reads.shape, { id: z.string() }) } },
      problems: ['invalid_parameter', 'invalid_cursor', problem, 'store_unavailable'],
    },
    async ({ params: { id }, query: { cursor, limit: limitText }, request }) => {
      const path = pathOf(request.url);
      const after = cursor === undefined ? 0n : BigInt(decodeCursor(cursor, path, {}, position).at.v);
      const limit = Math.min(readLimit(limitText), HISTORY_ROWS_MAX);
      const found = await entriesOf(store, kind, id, after, limit + 1);
      if (found.length === 0 && cursor === undefined) throw unknown(id);
      const page = found.slice(0, limit);
      const last = page.at(-1)?.seq;
      const next = found.length > limit && last !== undefined ? encodeCursor(path, {}, { v: last.toString() }) : null;
      return { id, rows: page.map((entry) => reads.json(versioned(entry))), next };
    },
  );
}

/** Bodies may be large: a VM can have a thousand plans. */
const HISTORY_ROWS_MAX = 1_000;

function versioned({ id, seq, recordedAtMs, recordedBy, body }: Entry): Versioned<unknown> {
  return { id, seq, recordedAtMs, recordedBy, body: JSON.parse(body) as unknown };
}
