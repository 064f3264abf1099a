import { z } from 'zod';
import { type IncidentRequest, incidentRequest } from '../../catalog/incidents.ts';
import { incidentAbout, type SilentTimes } from '../../catalog/silence-book.ts';
import { formatInstant } from '../../domain/instant.ts';
import { instant } from '../../domain/shapes.ts';
import { toJson } from '../../domain/json.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import { ProblemError } from '../../problems/problem.ts';
import { recorded } from '../../query/incident-effect.ts';
import type { SilenceGroup } from '../../query/silences.ts';
import { storedVmName } from '../../samples/names.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { effectJson, effectShape, invoicesShape } from '../catalog/incidents.ts';
import type { ApiContext } from '../shared/context.ts';
import { BODY_PROBLEMS, idParams, instantShape } from '../shared/shapes.ts';
import { DECISIONS } from './shown.ts';
import { knownGroup } from './silences.ts';

const ROLES = ['billing', 'admin'] as const;

const decisionRequest = z.strictObject({
  decision: z
    .enum(DECISIONS)
    .describe(
      'What it was: recorded as an incident. `ignored`: nobody’s outage, the monitoring had a gap; it stays silent and earns nothing.',
    ),
  note: z.string().min(1).max(2000).describe('Why: with who and when it stays on record.'),
  vms: z.array(storedVmName).min(1).max(10_000).optional().describe('Of these of its VMs only; left out: of all.'),
  announced_at: instant.nullable().optional().describe('Of maintenance: when its customers were told.'),
});

const decidedShape = z.object({
  id: z.string().optional().describe('Of the incident, or of the decision; not in a dry run.'),
  silence: z.string(),
  decision: z.enum(DECISIONS),
  note: z.string(),
  times: z
    .record(z.string(), z.array(z.object({ from: instantShape, to: instantShape })))
    .describe('The silent time that it is about, by VM: what was open, and no other.'),
  dry_run: z.boolean(),
  effect: effectShape,
  minutes: z.int(),
  final_invoices: invoicesShape,
});

/** What people decide on silences. */
export function silenceDecisionRoutes(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'POST',
      path: '/v1/silences/{id}/decision',
      once: true,
      tag: 'silences',
      summary: 'Say what a silence was',
      description:
        'A cause is recorded as an incident about the silent time that is open, VM by VM, and no other time of theirs; `ignored` says that it was nobody’s outage. ' +
        'With `dry_run=true` nothing is recorded: the answer says which minutes and final invoices would change. `POST /v1/reconcile` corrects those.',
      roles: ROLES,
      params: idParams,
      query: z.strictObject({ dry_run: z.enum(['true', 'false']).optional() }),
      body: { 'application/json': decisionRequest },
      answers: {
        201: { description: 'The decision and what it changes; a dry run answers 200, without id', schema: decidedShape },
      },
      problems: [...BODY_PROBLEMS, 'silence_unknown', 'silence_decided'],
    },
    async ({ params: { id }, body, query, request, reply }) => {
      const times = openTimes(await knownGroup(context, id), body.vms);
      const incident = body.decision === 'ignored' ? undefined : incidentOf(body.decision, body, times);
      const does =
        incident === undefined
          ? { effect: [], minutes: 0, final_invoices: [] }
          : await effectJson(context, recorded(context, incident, incidentAbout(incident, id, times)));
      const shown = {
        silence: id,
        decision: body.decision,
        note: body.note,
        times: Object.fromEntries(
          Object.entries(times).map(([vm, runs]) => [
            vm,
            runs.map(([from, to]) => ({ from: formatInstant(from), to: formatInstant(to) })),
          ]),
        ),
      };
      if (query.dry_run === 'true') {
        reply.code(200).type('application/json; charset=utf-8');
        return reply.send(toJson({ ...shown, dry_run: true, ...does }));
      }
      const decided = await context.catalog.silences.decide(
        { silence: id, times, incident, note: body.note },
        recorderOf(request),
      );
      return { id: decided, ...shown, dry_run: false, ...does };
    },
  );

  api.route(
    {
      method: 'DELETE',
      path: '/v1/silences/{id}/decision/{decision}',
      tag: 'silences',
      summary: 'Withdraw a decision; it stays on record, and its time is open again',
      description: 'Of an incident the same as `DELETE /v1/incidents/{id}`, which shows with `dry_run=true` what that changes.',
      roles: ROLES,
      params: idParams.extend({ decision: idParams.shape.id }),
      answers: { 204: { description: 'It is withdrawn' } },
      problems: ['invalid_parameter', 'silence_unknown', 'store_unavailable'],
    },
    // A silence that late samples have closed may still have decisions to withdraw.
    async ({ params: { id, decision }, request }) => {
      await context.catalog.silences.withdraw(id, decision, recorderOf(request));
      return undefined;
    },
  );
}

/** What is open of a group, by VM. Throws `invalid_body` for a VM that is not in it, `silence_decided` where nothing is open. */
function openTimes({ id, silences }: SilenceGroup, vms: readonly string[] | undefined): SilentTimes {
  const stranger = vms?.find((vm) => !silences.some((each) => each.vm === vm));
  if (stranger !== undefined) throw oneFieldProblem('invalid_body', 'vms', `VM ${stranger} is not of silence ${id}`);
  const times: Record<string, [number, number][]> = {};
  for (const { vm, open } of silences)
    if (vms?.includes(vm) ?? true) for (const { fromMs, toMs } of open) (times[vm] ??= []).push([fromMs, toMs]);
  if (Object.keys(times).length === 0) throw new ProblemError('silence_decided', `nothing of silence ${id} is open`);
  return times;
}

function incidentOf(
  cause: IncidentRequest['cause'],
  { note, announced_at: announcedAt = null }: z.infer<typeof decisionRequest>,
  times: SilentTimes,
): IncidentRequest {
  const all = Object.values(times).flat();
  return incidentRequest.parse({
    scope: { vms: Object.keys(times).sort() },
    from: Math.min(...all.map(([fromMs]) => fromMs)),
    to: Math.max(...all.map(([, toMs]) => toMs)),
    cause,
    note,
    announced_at: announcedAt,
  });
}
