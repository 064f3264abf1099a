import { z } from 'zod';
import {
  type ColumnsRequest,
  minuteColumns,
  sampleColumns,
  samplesBefore,
  trafficColumns,
  uptimeColumns,
} from '../../query/columns.ts';
import type { QueryContext } from '../../query/context.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { parameterProblem, rangeQuery, readRange } from '../shared/window.ts';
import { readVms, VMS_A_REQUEST_MAX, vmsText } from './rows-of-vms.ts';
import { pathOf } from './vm-metering.ts';

/** Rows of one answer: some megabytes, and a moment of the event loop. */
const ROWS_MAX = 100_000;

const query = z.strictObject({
  vms: vmsText.describe(`Names of VMs with commas between them, 1 to ${VMS_A_REQUEST_MAX}.`).meta({ 'x-required': true }),
  from: rangeQuery.from,
  to: rangeQuery.to,
  limit: z
    .string()
    .meta({ pattern: '^([1-9][0-9]{0,4}|100000)$' })
    .optional()
    .describe(
      `Rows of the answer, 1 to ${ROWS_MAX}; the default is the most. One more means that there are more: ask for a part of the range.`,
    ),
});
const TABLES = ['samples', 'before', 'minutes', 'uptime', 'traffic'] as const;
const ANSWERS: Readonly<Record<(typeof TABLES)[number], (context: QueryContext, asked: ColumnsRequest) => Promise<Uint8Array>>> =
  {
    samples: sampleColumns,
    before: samplesBefore,
    minutes: minuteColumns,
    uptime: uptimeColumns,
    traffic: trafficColumns,
  };

/** The rows of several VMs by the column: a tenth of the bytes of `/v1/evidence/{table}`, and of the work on both sides. */
export function columnsOfVmsRoute(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/evidence/{table}/columns',
      tag: 'evidence',
      summary: 'Rows of several VMs by the column, for whoever reads a fleet',
      description:
        'A line of JSON a VM (of `samples`, `before` and `traffic`: a VM and interface), by name, with `rows` and an array a column. Instants of ' +
        'samples, positions and counters begin with `first_…` (digits in a text), and the array holds what each is more than the one before it, the ' +
        'first 0; `minute` too, in minutes since 1970. Any other array has one value where all rows have the same. `agent` is a place in `agents`, ' +
        '`condition` a code: 0 up, 1 provider, 2 third_party, 3 maintenance, 4 force_majeure, 5 attack, 6 customer, 7 arrears, 8 silent. ' +
        '`samples` has every version that is archived, by time and position; the one with the highest `pos` is in force; `as_told` is 0 where ' +
        'agent and host are not those that the row was stored with. `before` has, of each ' +
        'interface, the last sample in the range and the last one with counters. `minutes`, `uptime` and `traffic` are those of `/v1/evidence/{table}`.',
      roles: ['billing', 'admin'],
      params: z.object({ table: z.enum(TABLES) }),
      query,
      answers: { 200: { description: 'Lines of JSON', type: 'application/x-ndjson' } },
      problems: ['invalid_parameter', 'store_unavailable'],
    },
    async ({ params: { table }, query: given, request, reply }) => {
      const { limit: limitText, ...rest } = given;
      const { fromMs, toMs } = readRange(pathOf(request.url), rest, z.never());
      const limit = limitText === undefined ? ROWS_MAX : readRowsMax(limitText);
      const lines = await ANSWERS[table](context, { vms: readVms(given.vms), fromMs, toMs, limit });
      return reply.type('application/x-ndjson').send(lines);
    },
  );
}

function readRowsMax(text: string): number {
  const limit = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > ROWS_MAX) throw parameterProblem('limit', `must be an integer, 1 to ${ROWS_MAX}`);
  return limit;
}
