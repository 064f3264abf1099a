import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Versioned } from '../../catalog/versioned.ts';
import { claimWindows } from '../../billing/claims.ts';
import { type EventBody, eventRequest } from '../../catalog/events.ts';
import { EVENT_KINDS } from '../../domain/event-kinds.ts';
import { formatInstant } from '../../domain/instant.ts';
import { toJson } from '../../domain/json.ts';
import { ProblemError } from '../../problems/problem.ts';
import { vmKnown } from '../../query/context.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { instantShape, vmParams } from '../shared/shapes.ts';
import { parameterProblem } from '../shared/window.ts';
import { eventListRoute } from './event-list.ts';

const ROLES = ['billing', 'admin'] as const;

const eventShape = z.object({
  id: z.string(),
  vm: z.string(),
  at: instantShape,
  kind: z.enum(EVENT_KINDS),
  note: z.string(),
  amount: z.string().nullable(),
  rate: z.string().optional(),
  from: instantShape.optional().describe('Of credit_claimed: the time whose unavailability is claimed.'),
  to: instantShape.optional(),
  windows: z
    .array(
      z.object({ month: instantShape, claim_by: instantShape.nullable(), in_time: z.boolean(), clause: z.string().nullable() }),
    )
    .optional()
    .describe('Of a credit_claimed just recorded: for each month claimed until when that was possible, and by which clause.'),
  withdrawn: z.boolean(),
  recorded_at: instantShape,
  recorded_by: z.string(),
});
const flag = z.enum(['true', 'false']).default('false');
const postQuery = z.strictObject({
  once: flag.describe('The same again (all that the body says) is the same event, 200, as long as that is not withdrawn.'),
  dry_run: flag.describe('With `once`: say what would become of it (200); nothing is recorded.'),
});
const wouldShape = z.object({
  dry_run: z.literal(true),
  is_new: z.boolean().describe('Whether it would be recorded; false: it is there.'),
});

function eventJson({ id, body, recordedAtMs, recordedBy }: Versioned<EventBody>): Record<string, unknown> {
  const { vm, at, kind, note, amount, rate, from, to, withdrawn } = body;
  return {
    id,
    vm,
    at: formatInstant(at),
    kind,
    note,
    amount,
    ...(rate === undefined ? {} : { rate }),
    ...(from === undefined || to === undefined ? {} : { from: formatInstant(from), to: formatInstant(to) }),
    withdrawn,
    recorded_at: formatInstant(recordedAtMs),
    recorded_by: recordedBy,
  };
}

function sent(reply: FastifyReply, status: 200 | 201, answer: object): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(toJson(answer));
}

/** What only people know of a VM: recorded, listed, withdrawn; never edited. */
export function eventRoutes(api: Api, context: ApiContext): void {
  eventListRoute(api, context, { shape: eventShape, json: eventJson });
  const { catalog } = context;
  const known = async (vm: string): Promise<void> => {
    if (!(await vmKnown(context, vm))) throw new ProblemError('vm_unknown', `nothing is known of VM ${vm}`, { vm });
  };

  api.route(
    {
      method: 'POST',
      path: '/v1/vms/{vm}/events',
      once: true,
      tag: 'catalog',
      summary: 'Record what only people know of a VM',
      description:
        'Each call records an event, but for `once`: fees and refund checks count them. An amount goes with `payment` and `refund`.',
      roles: ROLES,
      params: vmParams,
      query: postQuery,
      body: { 'application/json': eventRequest },
      answers: {
        201: {
          description: 'The event; 200 where it was there, and with `dry_run`',
          schema: z.union([eventShape, wouldShape]),
        },
      },
      problems: [
        'bad_request',
        'invalid_parameter',
        'invalid_body',
        'body_too_large',
        'unsupported_media_type',
        'vm_unknown',
        'invalid_reference',
        'store_unavailable',
      ],
    },
    async ({ params: { vm }, query, body, request, reply }) => {
      await known(vm);
      if (query.dry_run === 'true') {
        if (query.once !== 'true') throw parameterProblem('dry_run', 'goes with once=true');
        return sent(reply, 200, { dry_run: true, is_new: catalog.events.checkedSameAs(vm, body) === undefined });
      }
      const by = recorderOf(request);
      const { event, isNew } =
        query.once === 'true'
          ? await catalog.events.recordOnce(vm, body, by)
          : { event: await catalog.events.record(vm, body, by), isNew: true };
      if (!isNew || body.from === undefined || body.to === undefined) return sent(reply, isNew ? 201 : 200, eventJson(event));
      const windows = claimWindows(context, vm, { atMs: body.at, fromMs: body.from, toMs: body.to });
      return {
        ...eventJson(event),
        windows: windows.map(({ monthMs, claimByMs, inTime, clause }) => ({
          month: formatInstant(monthMs),
          claim_by: claimByMs === null ? null : formatInstant(claimByMs),
          in_time: inTime,
          clause,
        })),
      };
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/events',
      tag: 'catalog',
      summary: "A VM's recorded events, withdrawn ones among them",
      roles: ROLES,
      params: vmParams,
      answers: { 200: { description: 'Events by instant', schema: z.object({ vm: z.string(), rows: z.array(eventShape) }) } },
      problems: ['invalid_parameter', 'vm_unknown', 'store_unavailable'],
    },
    async ({ params: { vm } }) => {
      await known(vm);
      return { vm, rows: catalog.events.allOf(vm).map(eventJson) };
    },
  );
  api.route(
    {
      method: 'DELETE',
      path: '/v1/vms/{vm}/events/{event}',
      tag: 'catalog',
      summary: 'Withdraw an event recorded by mistake; it stays on record and counts no more',
      roles: ROLES,
      params: vmParams.extend({ event: z.string().max(64) }),
      answers: { 204: { description: 'It is withdrawn' } },
      problems: ['invalid_parameter', 'event_unknown', 'store_unavailable'],
    },
    async ({ params: { vm, event }, request }) => {
      await catalog.events.withdraw(vm, event, recorderOf(request));
    },
  );
}
