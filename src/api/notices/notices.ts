import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import type { Api } from '../../http/api.ts';
import { Deliveries, DELIVERY_STATES } from '../../notices/delivery/deliveries.ts';
import { Outbox, type StoredNotice } from '../../notices/record/outbox.ts';
import { NOTICE_TYPES, NOTICES as NOTICES_BY_TYPE } from '../../notices/record/types.ts';
import { ProblemError } from '../../problems/problem.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { ApiContext } from '../shared/context.ts';
import { instantShape, pageOf } from '../shared/shapes.ts';
import { rangeQuery, readLimit } from '../shared/window.ts';
import { deliveryJson, deliveryShape, MANAGERS, noticeShape, TAG } from './shapes.ts';

const NOTICES = '/v1/notices';
const DELIVERIES = '/v1/deliveries';
const LIST_ROWS_MAX = 1_000;
const n = z.string().regex(/^\d{1,20}$/);
const noticePosition = z.strictObject({ n });
const deliveryPosition = z.strictObject({ n, subscription: z.string().max(64), round: z.string().max(64) });
const LIST = {
  limit: rangeQuery.limit.describe(`Rows of a page, 1 to ${LIST_ROWS_MAX}; the default is the most.`),
  cursor: rangeQuery.cursor,
};
const id = z.string().max(64);

/** What was told, and what became of it for each who was to be told. */
export function noticeRoutes(api: Api, { store, now }: ApiContext): void {
  const outbox = new Outbox(store, now);
  const deliveries = new Deliveries(store);

  for (const type of NOTICE_TYPES) {
    const { says, data } = NOTICES_BY_TYPE[type];
    api.events.push({ name: type, summary: says, tag: TAG, body: postedShape(type, data) });
  }

  api.route(
    {
      method: 'GET',
      path: NOTICES,
      tag: TAG,
      summary: 'Notices on record, the newest first, whoever was told of them',
      roles: MANAGERS,
      query: z.strictObject({ account: id.optional(), type: z.enum(NOTICE_TYPES).optional(), ...LIST }),
      answers: { 200: { description: 'Notices', schema: pageOf(noticeShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { limit, cursor, ...given } }) => {
      const { query, at, rows } = asked(NOTICES, given, cursor, limit, noticePosition);
      const before = at === undefined ? undefined : BigInt(at.n);
      const found = await outbox.list({ account: query['account'], type: query['type'], before }, rows + 1);
      const last = found.length > rows ? found[rows - 1] : undefined;
      return {
        rows: found.slice(0, rows).map(noticeJson),
        next: last === undefined ? null : encodeCursor(NOTICES, query, { n: last.n.toString() }),
      };
    },
  );
  api.route(
    {
      method: 'GET',
      path: `${NOTICES}/{id}`,
      tag: TAG,
      summary: 'A notice',
      roles: MANAGERS,
      params: z.object({ id }),
      answers: { 200: { description: 'The notice', schema: noticeShape } },
      problems: ['invalid_parameter', 'notice_unknown', 'store_unavailable'],
    },
    async ({ params }) => {
      const [notice] = await outbox.list({ id: params.id }, 1);
      if (notice === undefined) throw new ProblemError('notice_unknown', `there is no notice ${params.id}`);
      return noticeJson(notice);
    },
  );
  api.route(
    {
      method: 'GET',
      path: DELIVERIES,
      tag: TAG,
      summary: 'What became of notices for each who was to be told, the newest notices first',
      roles: MANAGERS,
      query: z.strictObject({
        subscription: id.optional().describe('Of this webhook, or subscription by mail.'),
        account: id.optional().describe('Of notices about this account.'),
        notice: id.optional(),
        state: z.enum(DELIVERY_STATES).optional(),
        ...LIST,
      }),
      answers: { 200: { description: 'Deliveries', schema: pageOf(deliveryShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { limit, cursor, ...given } }) => {
      const { query, at, rows } = asked(DELIVERIES, given, cursor, limit, deliveryPosition);
      const { subscription, account, notice } = query;
      const state = DELIVERY_STATES.find((each) => each === query['state']);
      const before = at === undefined ? undefined : { ...at, n: BigInt(at.n) };
      const found = await deliveries.list({ subscription, account, notice, state, before }, rows + 1);
      const last = found.length > rows ? found[rows - 1] : undefined;
      return {
        rows: found.slice(0, rows).map(deliveryJson),
        next:
          last === undefined
            ? null
            : encodeCursor(DELIVERIES, query, { n: last.n.toString(), subscription: last.subscription, round: last.round }),
      };
    },
  );
}

/** What is posted of a notice. */
function postedShape(type: string, data: z.ZodObject): z.ZodObject {
  return z.object({
    id: z.string().describe('The same as `webhook-id`, and however often it comes.'),
    type: z.literal(type),
    timestamp: instantShape.describe('When what it tells of was so.'),
    account: z.string().nullable().describe('null: staff’s business.'),
    data,
  });
}

/** What a list is asked for: by its parameters, or by the cursor that stands for them. */
function asked<P>(
  path: string,
  given: Readonly<Record<string, string | undefined>>,
  cursor: string | undefined,
  limit: string | undefined,
  position: z.ZodType<P>,
): { query: Record<string, string>; at: P | undefined; rows: number } {
  const texts = Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined));
  const pinned = cursor === undefined ? undefined : decodeCursor(cursor, path, texts, position);
  return { query: pinned?.query ?? texts, at: pinned?.at, rows: Math.min(readLimit(limit), LIST_ROWS_MAX) };
}

function noticeJson({ id: notice, type, atMs, account, data, recordedAtMs }: StoredNotice): Record<string, unknown> {
  return {
    ...{ id: notice, type, timestamp: formatInstant(atMs), account },
    data: JSON.parse(data) as unknown,
    recorded_at: formatInstant(recordedAtMs),
  };
}
