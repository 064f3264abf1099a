import { z } from 'zod';
import { ProblemError } from '../../problems/problem.ts';
import { vmKnown } from '../../query/context.ts';
import { outagePage } from '../../query/outages.ts';
import { samplePage } from '../../query/samples.ts';
import { trafficPage } from '../../query/traffic.ts';
import { uptimePage } from '../../query/uptime.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { rangeQuery, readRange, readWindow, stepQuery } from '../shared/window.ts';
import { outagePosition, samplePosition } from '../shared/positions.ts';
import { outageJson, trafficJson, uptimeJson } from '../shared/rows.ts';
import { outageRow, pageOf, sampleRow, trafficRow, uptimeRow, vmParams } from '../shared/shapes.ts';

const READERS = ['billing', 'admin'] as const;
const PROBLEMS = ['invalid_parameter', 'invalid_cursor', 'vm_unknown', 'store_unavailable'] as const;
const STEPPED = { vm: z.string(), step: z.string() };

/** What has been metered of one VM: uptime, traffic, outages and the samples behind them. */
export function vmMeteringRoutes(api: Api, context: ApiContext): void {
  const known = async (vm: string): Promise<void> => {
    if (!(await vmKnown(context, vm))) throw new ProblemError('vm_unknown', `nothing is known of VM ${vm}`, { vm });
  };

  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/uptime',
      tag: 'metering',
      summary: 'Uptime, causes of downtime, and credit',
      description: 'Buckets before the first sample, after the end of service or not yet published have no row.',
      roles: READERS,
      customer: { by: 'vm' },
      params: vmParams,
      query: z.strictObject({
        ...stepQuery,
        incidents: z
          .enum(['raw', 'applied'])
          .optional()
          .describe(
            '`raw`: causes as the agents reported them, counted as the plan says. `applied` (the default): as incidents restate them, counted as the terms say.',
          ),
      }),
      answers: { 200: { description: 'Rows in order', schema: pageOf(uptimeRow, STEPPED) } },
      problems: PROBLEMS,
    },
    async ({ params: { vm }, query, request }) => {
      const window = readWindow(pathOf(request.url), query);
      await known(vm);
      const page = await uptimePage(context, { ...window, vms: [vm], by: 'sum', incidents: incidentsAsked(window.given) });
      return {
        vm,
        step: window.step,
        rows: page.rows.map(uptimeJson),
        next: window.next(page.next === undefined ? undefined : { m: page.next.m }),
      };
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/traffic',
      tag: 'metering',
      summary: 'Bytes received and sent, as the VM sees them',
      description: 'Buckets without traffic have no row. `by=nic` gives a row an interface, `nic` one interface only.',
      roles: READERS,
      customer: { by: 'vm' },
      params: vmParams,
      query: z.strictObject({ ...stepQuery, by: z.enum(['nic']).optional(), nic: z.string().max(32).optional() }),
      answers: {
        200: { description: 'Rows in order', schema: pageOf(trafficRow.extend({ nic: z.string().optional() }), STEPPED) },
      },
      problems: PROBLEMS,
    },
    async ({ params: { vm }, query, request }) => {
      const window = readWindow(pathOf(request.url), query);
      await known(vm);
      const byNic = window.given['by'] === 'nic';
      const page = await trafficPage(context, {
        ...window,
        vms: [vm],
        by: byNic ? 'nic' : 'sum',
        nic: window.given['nic'],
        afterGroup: window.at?.after,
      });
      const rows = page.rows.map((row) => (byNic ? { ...trafficJson(row), nic: row.group } : trafficJson(row)));
      return {
        vm,
        step: window.step,
        rows,
        next: window.next(page.next === undefined ? undefined : { m: page.next.m, after: page.next.g }),
      };
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/outages',
      tag: 'metering',
      summary: 'Outages that overlap the range, whole',
      roles: READERS,
      customer: { by: 'vm' },
      params: vmParams,
      query: z.strictObject(rangeQuery),
      answers: { 200: { description: 'Rows by start', schema: pageOf(outageRow, { vm: z.string() }) } },
      problems: PROBLEMS,
    },
    async ({ params: { vm }, query, request }) => {
      const range = readRange(pathOf(request.url), query, outagePosition);
      await known(vm);
      const page = await outagePage(context, { ...range, vms: [vm], after: range.at });
      return { vm, rows: page.rows.map(outageJson), next: range.next(page.next) };
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/samples',
      tag: 'evidence',
      summary: 'Raw samples, as posted, with the agent that posted them',
      description: 'Of samples in conflict, the one in force; `/v1/anomalies` has the other. Defaults are filled in.',
      roles: READERS,
      customer: { by: 'vm' },
      params: vmParams,
      query: z.strictObject(rangeQuery),
      answers: { 200: { description: 'Rows by ts and interface', schema: pageOf(sampleRow, { vm: z.string() }) } },
      problems: PROBLEMS,
    },
    async ({ params: { vm }, query, request }) => {
      const range = readRange(pathOf(request.url), query, samplePosition);
      await known(vm);
      const page = await samplePage(context, { ...range, vms: [vm], after: range.at });
      return { vm, rows: page.rows, next: range.next(page.next) };
    },
  );
}

/** Whether a question wants causes as reported, or as incidents restate them. */
export function incidentsAsked(given: Readonly<Record<string, string>>): 'raw' | 'applied' {
  return given['incidents'] === 'raw' ? 'raw' : 'applied';
}

/** The path of a request's address, which a cursor belongs to. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}
