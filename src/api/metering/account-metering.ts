import { z } from 'zod';
import { ProblemError } from '../../problems/problem.ts';
import { trafficPage } from '../../query/traffic.ts';
import { uptimePage } from '../../query/uptime.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { readWindow, stepQuery } from '../shared/window.ts';
import { trafficJson, uptimeJson } from '../shared/rows.ts';
import { accountParams, pageOf, trafficRow, uptimeRow } from '../shared/shapes.ts';
import { incidentsAsked, pathOf } from './vm-metering.ts';

const READERS = ['billing', 'admin'] as const;
const PROBLEMS = ['invalid_parameter', 'invalid_cursor', 'account_unknown', 'store_unavailable'] as const;
const STEPPED = { account: z.string(), step: z.string() };
const by = z.enum(['vm']).optional().describe('A row a bucket and VM instead of the sum.');

/** The same as for a VM, over the VMs that now belong to an account: summed, or VM by VM. */
export function accountMeteringRoutes(api: Api, context: ApiContext): void {
  const vmsOf = (account: string): string[] => {
    if (context.catalog.account(account) === undefined)
      throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
    return context.catalog.vmsOf(account);
  };

  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/uptime',
      tag: 'metering',
      summary: "Uptime of an account's VMs",
      roles: READERS,
      customer: { by: 'account', whole: true },
      params: accountParams,
      query: z.strictObject({ ...stepQuery, incidents: z.enum(['raw', 'applied']).optional(), by }),
      answers: {
        200: { description: 'Rows in order', schema: pageOf(uptimeRow.extend({ vm: z.string().optional() }), STEPPED) },
      },
      problems: PROBLEMS,
    },
    async ({ params: { account }, query, request }) => {
      const window = readWindow(pathOf(request.url), query);
      const byVm = window.given['by'] === 'vm';
      const after = window.at?.after;
      const page = await uptimePage(context, {
        ...window,
        vms: vmsOf(account),
        by: byVm ? 'vm' : 'sum',
        incidents: incidentsAsked(window.given),
        ...(after === undefined ? {} : { afterVm: after }),
      });
      const rows = page.rows.map((row) => (byVm ? { ...uptimeJson(row), vm: row.vm } : uptimeJson(row)));
      return {
        account,
        step: window.step,
        rows,
        next: window.next(page.next === undefined ? undefined : { m: page.next.m, after: byVm ? page.next.vm : undefined }),
      };
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/traffic',
      tag: 'metering',
      summary: "Traffic of an account's VMs",
      roles: READERS,
      customer: { by: 'account', whole: true },
      params: accountParams,
      query: z.strictObject({ ...stepQuery, by }),
      answers: {
        200: { description: 'Rows in order', schema: pageOf(trafficRow.extend({ vm: z.string().optional() }), STEPPED) },
      },
      problems: PROBLEMS,
    },
    async ({ params: { account }, query, request }) => {
      const window = readWindow(pathOf(request.url), query);
      const byVm = window.given['by'] === 'vm';
      const page = await trafficPage(context, {
        ...window,
        vms: vmsOf(account),
        by: byVm ? 'vm' : 'sum',
        afterGroup: window.at?.after,
      });
      const rows = page.rows.map((row) => (byVm ? { ...trafficJson(row), vm: row.group } : trafficJson(row)));
      return {
        account,
        step: window.step,
        rows,
        next: window.next(page.next === undefined ? undefined : { m: page.next.m, after: page.next.g }),
      };
    },
  );
}
