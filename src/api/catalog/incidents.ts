import { z } from 'zod';
import type { Versioned } from '../../catalog/versioned.ts';
import type { BillingContext } from '../../billing/context.ts';
import { invoicesRestated } from '../../billing/corrections/restated.ts';
import { checkIncidentScope } from '../../catalog/references.ts';
import {
  type IncidentBody,
  type IncidentRequest,
  incidentRequest,
  type IncidentScope,
  incidentScope,
  incidentsOf,
} from '../../catalog/incidents.ts';
import { CAUSES } from '../../domain/condition.ts';
import { formatInstant, parseInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import { agreedTerms } from '../../terms/agreed.ts';
import { agentTimes } from '../../query/agent-scope.ts';
import { inParts, vmKnown } from '../../query/context.ts';
import { type Effect, effectOf, type IncidentChange, recorded, withdrawn } from '../../query/incident-effect.ts';
import { loadSpans } from '../../query/span.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { toJson } from '../../domain/json.ts';
import { storedVmName } from '../../samples/names.ts';
import { vmsOfAccount } from '../metering/outages.ts';
import type { ApiContext } from '../shared/context.ts';
import { exactInteger, idParams, instantShape } from '../shared/shapes.ts';
import { instantText, parameterProblem } from '../shared/window.ts';

const ROLES = ['billing', 'admin'] as const;

export const effectShape = z
  .array(z.object({ vm: z.string(), minutes: z.int().describe('Minutes that are restated.') }))
  .describe('The VMs in scope.');
export const invoicesShape = z
  .array(z.object({ id: z.string(), number: z.int(), account: z.string() }))
  .describe('Final invoices that rate to another amount then: `POST /v1/reconcile` corrects them.');
const incidentShape = z.object({
  id: z.string(),
  scope: incidentScope,
  from: instantShape,
  to: instantShape,
  cause: z.enum(CAUSES),
  asserts_down: z.boolean(),
  note: z.string(),
  announced_at: instantShape.nullable(),
  silence: z.string().nullable().describe('The silence that it decides on: it is then about the silent time of its VMs alone.'),
  by: z.string(),
  version: exactInteger.describe('Of the catalog: higher than that of everything recorded before, a withdrawal too.'),
  recorded_at: instantShape,
  withdrawn_at: instantShape.nullable(),
  withdrawn_by: z.string().nullable(),
});

/** What whoever records an incident says of it. */
function toldJson({
  scope,
  from,
  to,
  cause,
  asserts_down,
  note,
  announced_at: announcedAt,
}: IncidentRequest): Record<string, unknown> {
  return {
    scope,
    from: formatInstant(from),
    to: formatInstant(to),
    cause,
    asserts_down,
    note,
    announced_at: announcedAt === null ? null : formatInstant(announcedAt),
  };
}

function incidentJson({ id, body, seq }: Versioned<IncidentBody>): Record<string, unknown> {
  return {
    id,
    ...toldJson(body),
    silence: body.silence,
    by: body.recorded.by,
    version: seq,
    recorded_at: formatInstant(body.recorded.at),
    withdrawn_at: body.withdrawn === null ? null : formatInstant(body.withdrawn.at),
    withdrawn_by: body.withdrawn?.by ?? null,
  };
}

/** VMs in scope that nobody has named yet: their samples may be on the way, or the name is a slip of the pen. */
async function unknownVms(context: BillingContext, scope: IncidentScope): Promise<string[]> {
  if (!('vms' in scope)) return [];
  const strangers = scope.vms.filter((vm) => context.catalog.vm(vm) === undefined);
  const metered = await inParts(strangers, (some) => loadSpans(context, some));
  const unknown: string[] = [];
  for (const vm of strangers) if (!metered.has(vm) && !(await vmKnown(context, vm))) unknown.push(vm);
  return unknown;
}

/** What a change of incidents does: to minutes by VM, and to final invoices. */
export async function effectJson(
  context: BillingContext,
  change: IncidentChange,
): Promise<Record<string, unknown> & { effect: readonly Effect[] }> {
  const effect = await effectOf(context, change);
  const invoices = await invoicesRestated(context, effect, change);
  return {
    effect,
    minutes: effect.reduce((sum, each) => sum + each.minutes, 0),
    final_invoices: invoices.map(({ id, head }) => ({ id, number: head.number, account: head.account })),
  };
}

const lateShape = z
  .array(z.object({ account: z.string(), terms: z.string(), vms: z.int(), notice_ms: z.int() }))
  .describe(
    'Of maintenance: customers whose terms ask for an earlier announcement; for them it counts as the provider’s, and is credited or refunded as such.',
  );

/** Whose terms ask that maintenance is announced earlier than it was: it counts as the provider's there (SPEC §5). */
function announcedLate(
  context: BillingContext,
  { cause, from, announced_at: at }: IncidentRequest,
  vms: readonly string[],
): object[] {
  if (cause !== 'maintenance') return [];
  const late = new Map<string, { account: string; terms: string; vms: number; notice_ms: number }>();
  for (const vm of vms) {
    const body = context.catalog.vm(vm)?.body;
    const sheet = body === undefined ? undefined : agreedTerms(context, body, from);
    const noticeMs = sheet?.maintenance_notice ?? null;
    if (body === undefined || sheet === undefined || noticeMs === null || (at !== null && from - at >= noticeMs)) continue;
    const key = `${body.account} ${sheet.id}`;
    const one = late.get(key) ?? { account: body.account, terms: sheet.id, vms: 0, notice_ms: noticeMs };
    late.set(key, { ...one, vms: one.vms + 1 });
  }
  return [...late.values()];
}

/** When an incident is, seen from now. */
function stateAt({ body }: Versioned<IncidentBody>, nowMs: number): (typeof STATES)[number] {
  if (body.withdrawn !== null) return 'withdrawn';
  return body.from > nowMs ? 'upcoming' : body.to > nowMs ? 'running' : 'past';
}
const STATES = ['upcoming', 'running', 'past', 'withdrawn'] as const;

/** Incidents: recorded, shown before they are, withdrawn, listed. What agents reported stays as it is. */
export function incidentRoutes(api: Api, context: ApiContext): void {
  const { catalog } = context;
  api.route(
    {
      method: 'POST',
      path: '/v1/incidents',
      once: true,
      tag: 'incidents',
      summary: 'Restate the cause of what happened in a range',
      description:
        'Down and silent time of the VMs in scope counts as `cause`; with `asserts_down` up time too. Of incidents that overlap, the one ' +
        'recorded later counts. With `dry_run=true` nothing is recorded: the answer says which VMs and how many minutes would change.',
      roles: ROLES,
      query: z.strictObject({ dry_run: z.enum(['true', 'false']).optional() }),
      body: { 'application/json': incidentRequest },
      answers: {
        201: {
          description: 'The incident and what it changes; a dry run answers 200, without id',
          schema: incidentShape
            .partial({
              id: true,
              silence: true,
              by: true,
              version: true,
              recorded_at: true,
              withdrawn_at: true,
              withdrawn_by: true,
            })
            .extend({
              dry_run: z.boolean(),
              effect: effectShape,
              minutes: z.int(),
              final_invoices: invoicesShape,
              late_announcement: lateShape,
              unknown_vms: z.array(z.string()).describe('VMs of the scope of which nothing is known: is the name right?'),
            }),
        },
      },
      problems: [
        'bad_request',
        'invalid_parameter',
        'invalid_body',
        'invalid_reference',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    async ({ body, query, request, reply }) => {
      const by = recorderOf(request);
      const dryRun = query.dry_run === 'true';
      checkIncidentScope((id) => catalog.account(id) !== undefined, body);
      const reported = 'agent' in body.scope ? await agentTimes(context, body.scope.agent, body.from, body.to) : null;
      const unknown = await unknownVms(context, body.scope);
      const effect = await effectJson(context, recorded(context, body, { reported }));
      const inScope = effect.effect.map(({ vm }) => vm);
      const does = { ...effect, late_announcement: announcedLate(context, body, inScope), unknown_vms: unknown };
      if (dryRun) {
        reply.code(200).type('application/json; charset=utf-8');
        return reply.send(toJson({ ...toldJson(body), dry_run: true, ...does }));
      }
      return { ...incidentJson(await catalog.incidents.record(body, reported, by)), dry_run: false, ...does };
    },
  );
  api.route(
    {
      method: 'DELETE',
      path: '/v1/incidents/{id}',
      tag: 'incidents',
      summary: 'Withdraw an incident; it stays on record',
      description: 'With `dry_run=true` nothing is recorded: the answer says which VMs and how many minutes would change.',
      roles: ROLES,
      params: idParams,
      query: z.strictObject({ dry_run: z.enum(['true', 'false']).optional() }),
      answers: {
        204: { description: 'It is withdrawn' },
        200: {
          description: 'What a withdrawal would change',
          schema: z.object({
            id: z.string(),
            dry_run: z.boolean(),
            effect: effectShape,
            minutes: z.int(),
            final_invoices: invoicesShape,
          }),
        },
      },
      problems: ['invalid_parameter', 'incident_unknown', 'store_unavailable'],
    },
    async ({ params: { id }, query, request, reply }) => {
      if (query.dry_run !== 'true') {
        await catalog.incidents.withdraw(id, recorderOf(request));
        return reply.code(204).send();
      }
      const incident = catalog.incidents.all().find((each) => each.id === id);
      if (incident === undefined) throw new ProblemError('incident_unknown', `there is no incident ${id}`);
      const does = await effectJson(context, withdrawn(context, incident));
      reply.code(200).type('application/json; charset=utf-8');
      return reply.send(toJson({ id, dry_run: true, ...does }));
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/incidents',
      tag: 'incidents',
      summary: 'All incidents in the order they were recorded, withdrawn ones too',
      description: '`state=upcoming`: those that have not begun, announced maintenance windows among them.',
      roles: ROLES,
      query: z.strictObject({
        state: z.enum(STATES).optional(),
        cause: z.enum(CAUSES).optional(),
        account: identifier.optional().describe('Only those that are about a VM of it, or about all of it.'),
        vm: storedVmName.optional().describe('Only those that are about it.'),
        from: instantText.optional().describe('Only those that end after it.'),
        to: instantText.optional().describe('Only those that begin before it.'),
      }),
      answers: { 200: { description: 'Incidents', schema: z.object({ incidents: z.array(incidentShape) }) } },
      problems: ['invalid_parameter', 'account_unknown'],
    },
    ({ query: { state, cause, account, vm, from, to } }) => {
      const nowMs = context.businessNow();
      const own = account === undefined ? [] : vmsOfAccount(context, account);
      const [fromMs, toMs] = [instantGiven('from', from), instantGiven('to', to)];
      const asked = catalog.incidents
        .all()
        .filter(
          (each) =>
            (state === undefined || stateAt(each, nowMs) === state) &&
            (cause === undefined || each.body.cause === cause) &&
            (fromMs === undefined || each.body.to > fromMs) &&
            (toMs === undefined || each.body.from < toMs) &&
            (vm === undefined || isAbout(each.body, vm, catalog.vm(vm)?.body.account)) &&
            (account === undefined || isOfAccount(each.body, account) || own.some((id) => isAbout(each.body, id, account))),
        );
      return Promise.resolve({ incidents: asked.map(incidentJson) });
    },
  );
}

/** Whether an incident is about a VM, also where it was withdrawn. */
function isAbout(body: IncidentBody, vm: string, account: string | undefined): boolean {
  return incidentsOf([{ body: { ...body, withdrawn: null } }], vm, account).length > 0;
}

function isOfAccount({ scope }: IncidentBody, account: string): boolean {
  return 'account' in scope && scope.account === account;
}

/** Throws `invalid_parameter`. */
function instantGiven(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const ms = parseInstant(/^\d+$/.test(given) ? Number(given) : given.replace(' ', '+'));
  if (ms === undefined) throw parameterProblem(name, 'must be RFC 3339 with an offset, or integer milliseconds');
  return ms;
}
