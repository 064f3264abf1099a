import { z } from 'zod';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import { type SilenceGroup, silenceGroup, silenceGroups } from '../../query/silences.ts';
import type { Api } from '../../http/api.ts';
import { agentName, hostName, vmsOfAccount } from '../metering/outages.ts';
import type { ApiContext } from '../shared/context.ts';
import { idParams, pageOf } from '../shared/shapes.ts';
import { rangeQuery, readRange } from '../shared/window.ts';
import { accountsOf, groupDetailJson, groupDetailShape, groupJson, groupShape, stateOf } from './shown.ts';

const PATH = '/v1/silences';
const READERS = ['billing', 'admin'] as const;
const position = z.strictObject({ s: z.int().nonnegative(), id: z.string().max(64) });

/** The queue of silences: what fell silent together, and whether somebody has said what it was. */
export function silenceRoutes(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'silences',
      summary: 'Silences that overlap the range, those that began together as one',
      description:
        'Of one agent, silences that begin within the staleness of the first of them, while that one is silent, are one row: likely one host, and to be decided on ' +
        'once. By start. `account`, `agent` and `host` choose rows; a row always has all of its VMs. A decision is about the silent time that was known then: ' +
        'what samples show or close afterwards is open again, or no longer there.',
      roles: READERS,
      query: z.strictObject({
        ...rangeQuery,
        agent: agentName.optional(),
        host: hostName.optional().describe('Only where a VM that was on this host fell silent.'),
        account: identifier.optional().describe('Only where a VM of this account fell silent.'),
        state: z.enum(['open', 'decided']).optional(),
      }),
      answers: { 200: { description: 'Rows by start', schema: pageOf(groupShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'account_unknown', 'store_unavailable'],
    },
    async ({ query }) => {
      const range = readRange(PATH, query, position);
      const { agent, host, account, state } = range.given;
      if (account !== undefined) vmsOfAccount(context, account);
      const { at } = range;
      const groups = (await silenceGroups(context, range)).filter(
        (group) =>
          (at === undefined || group.fromMs > at.s || (group.fromMs === at.s && group.id > at.id)) &&
          (agent === undefined || group.agent === agent) &&
          (host === undefined || group.hosts.includes(host)) &&
          (account === undefined || accountsOf(context, group).includes(account)) &&
          (state === undefined || stateOf(group) === state),
      );
      const rows = groups.slice(0, range.limit);
      const last = groups.length > rows.length ? rows.at(-1) : undefined;
      return {
        rows: rows.map((group) => groupJson(context, group)),
        next: range.next(last === undefined ? undefined : { s: last.fromMs, id: last.id }),
      };
    },
  );

  api.route(
    {
      method: 'GET',
      path: `${PATH}/{id}`,
      tag: 'silences',
      summary: 'One of them, with its VMs and what was decided on it',
      roles: READERS,
      params: idParams,
      answers: { 200: { description: 'The silence', schema: groupDetailShape } },
      problems: ['invalid_parameter', 'silence_unknown', 'store_unavailable'],
    },
    async ({ params: { id } }) => groupDetailJson(context, await knownGroup(context, id)),
  );
}

/** Throws `silence_unknown`. */
export async function knownGroup(context: ApiContext, id: string): Promise<SilenceGroup> {
  const group = await silenceGroup(context, id);
  if (group !== undefined) return group;
  const decided = context.catalog.silences.decisionsOn(id).length;
  const more = decided === 0 ? '' : `; what was decided on it stays on record (${decided}), for the time that it names`;
  throw new ProblemError('silence_unknown', `there is no silence ${id}${more}`);
}
