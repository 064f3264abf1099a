import { z } from 'zod';
import { CAUSES, conditionCode } from '../../domain/condition.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import { fleetOutagePage } from '../../query/fleet-outages.ts';
import type { Api } from '../../http/api.ts';
import { customerOf } from '../../http/customer.ts';
import type { ApiContext } from '../shared/context.ts';
import { vmsSeenBy } from '../shared/customers-own.ts';
import { outagePosition } from '../shared/positions.ts';
import { outageJson } from '../shared/rows.ts';
import { outageRow, pageOf } from '../shared/shapes.ts';
import { parameterProblem, rangeQuery, readRange } from '../shared/window.ts';
import { incidentsAsked } from './vm-metering.ts';

const PATH = '/v1/outages';
const NOT_UP = [...CAUSES, 'silent'] as const;
export const agentName = z.string().min(1).max(64);
export const hostName = z.string().min(1).max(64);

/** Outages of the whole fleet. */
export function outageRoutes(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'metering',
      summary: 'Outages of all VMs that overlap the range, whole',
      description:
        'By name of the VM, then by start. Causes are as incidents restate them and terms count them, or as reported with `incidents=raw`.',
      roles: ['billing', 'admin'],
      customer: { by: 'account_of_query', without: ['agent', 'with'] },
      query: z.strictObject({
        ...rangeQuery,
        cause: z
          .string()
          .optional()
          .describe(`Of these causes only, with commas between them: ${NOT_UP.join(', ')}.`),
        agent: agentName.optional().describe('Only where this agent spoke for the VM.'),
        host: hostName.optional().describe('Only where the VM was on this host, as its samples said.'),
        account: identifier.optional().describe('Only of the VMs that now belong to this account.'),
        with: z.enum(['agent']).optional().describe('`agent`: each row says who spoke for the VM when it began.'),
        incidents: z.enum(['raw', 'applied']).optional(),
      }),
      answers: {
        200: {
          description: 'Rows by VM and start',
          schema: pageOf(
            z.object({
              vm: z.string(),
              account: z.string().nullable(),
              agent: z.string().nullable().optional().describe('Where it is asked for; null where its samples have expired.'),
              ...outageRow.shape,
            }),
          ),
        },
      },
      problems: ['invalid_parameter', 'invalid_cursor', 'account_unknown', 'store_unavailable'],
    },
    async ({ query, request }) => {
      const customer = customerOf(request);
      const range = readRange(PATH, query, outagePosition);
      const { account, agent, host, cause } = range.given;
      const page = await fleetOutagePage(context, {
        ...range,
        vms:
          customer !== undefined
            ? vmsSeenBy(context.catalog, customer)
            : account === undefined
              ? undefined
              : vmsOfAccount(context, account),
        conditions: cause === undefined ? undefined : causesOf(cause),
        agent,
        host,
        withAgent: range.given['with'] === 'agent',
        incidents: incidentsAsked(range.given),
        after: range.at,
      });
      return {
        rows: page.rows.map((row) => ({
          vm: row.vm,
          account: context.catalog.vm(row.vm)?.body.account ?? null,
          ...(row.agent === undefined ? {} : { agent: row.agent }),
          ...outageJson(row),
        })),
        next: range.next(page.next),
      };
    },
  );
}

/** Throws `account_unknown`. */
export function vmsOfAccount({ catalog }: ApiContext, account: string): string[] {
  if (catalog.account(account) === undefined)
    throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
  return catalog.vmsOf(account);
}

function causesOf(text: string): Set<number> {
  const names = text.split(',');
  const bad = names.find((name) => !NOT_UP.some((cause) => cause === name));
  if (bad !== undefined) throw parameterProblem('cause', `must be of ${NOT_UP.join(', ')}, not ${JSON.stringify(bad)}`);
  return new Set(NOT_UP.filter((cause) => names.includes(cause)).map(conditionCode));
}
