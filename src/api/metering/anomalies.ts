import { z } from 'zod';
import { anomalyPage } from '../../query/anomalies.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { rangeQuery, readRange } from '../shared/window.ts';
import { anomalyPosition } from '../shared/positions.ts';
import { anomalyRow, pageOf, vmParams } from '../shared/shapes.ts';
import { pathOf } from './vm-metering.ts';

/** What was not believed: quarantined increases and conflicting samples. */
export function anomalyRoutes(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/anomalies',
      tag: 'evidence',
      summary: 'Quarantined increases and conflicts, with the two samples of each',
      roles: ['billing', 'admin'],
      query: z.strictObject({ ...rangeQuery, vm: vmParams.shape.vm.optional() }),
      answers: { 200: { description: 'Rows by ts', schema: pageOf(anomalyRow) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query, request }) => {
      const range = readRange(pathOf(request.url), query, anomalyPosition);
      const vm = range.given['vm'];
      const page = await anomalyPage(context, { ...range, vms: vm === undefined ? undefined : [vm], after: range.at });
      return { rows: page.rows, next: range.next(page.next) };
    },
  );
}
