import { z } from 'zod';
import { anomalyPage } from '../../query/anomalies.ts';
import type { Page } from '../../query/context.ts';
import { minutePage } from '../../query/minutes.ts';
import { outagePage } from '../../query/outages.ts';
import { samplePage } from '../../query/samples.ts';
import { trafficMinutes } from '../../query/traffic.ts';
import { uptimeMinutes } from '../../query/uptime.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { parameterProblem, rangeQuery, readRange } from '../shared/window.ts';
import { anomalyPosition, minutePosition, outagePosition, samplePosition, trafficPosition } from '../shared/positions.ts';
import { outageJson, trafficJson, uptimeJson } from '../shared/rows.ts';
import { anomalyRow, outageRow, pageOf, sampleRow, trafficRow, uptimeRow, vmParams } from '../shared/shapes.ts';
import { pathOf } from './vm-metering.ts';

/** A cursor holds the names, and has to fit the address of a request. */
export const VMS_A_REQUEST_MAX = 40;

const vmText = z.object({ vm: z.string() });
export const vmsText = z
  .string()
  .optional()
  .describe(`Names of VMs with commas between them, 1 to ${VMS_A_REQUEST_MAX}. Required without cursor.`);
const vmsQuery = z.strictObject({ ...rangeQuery, vms: vmsText });
const TABLES = ['samples', 'minutes', 'uptime', 'traffic', 'outages', 'anomalies'] as const;
type Answer = (path: string, query: z.infer<typeof vmsQuery>) => Promise<{ rows: unknown[]; next: string | null }>;

/** What is told of one VM, of several at once: whoever reads a fleet need not ask for each of its VMs. */
export function rowsOfVmsRoute(api: Api, context: ApiContext): void {
  const answers: Record<(typeof TABLES)[number], Answer> = {
    samples: answerOf(samplePosition, (asked) => samplePage(context, asked), Object),
    minutes: answerOf(
      minutePosition,
      (asked) => minutePage(context, asked),
      (row) => ({ vm: row.vm, ...uptimeJson(row) }),
    ),
    uptime: answerOf(
      minutePosition,
      (asked) => uptimeMinutes(context, asked),
      (row) => ({ vm: row.vm, ...uptimeJson(row) }),
    ),
    traffic: answerOf(
      trafficPosition,
      (asked) => trafficMinutes(context, asked),
      (row) => ({ vm: row.vm, nic: row.group, ...trafficJson(row) }),
    ),
    outages: answerOf(
      outagePosition,
      (asked) => outagePage(context, asked),
      (row) => ({ vm: row.vm, ...outageJson(row) }),
    ),
    anomalies: answerOf(anomalyPosition, (asked) => anomalyPage(context, asked), Object),
  };
  api.route(
    {
      method: 'GET',
      path: '/v1/evidence/{table}',
      tag: 'evidence',
      summary: 'Rows of several VMs in one answer, VM by VM',
      description:
        'The rows of `/v1/vms/{vm}/samples`, `minutes`, `uptime` (by the minute, `incidents=raw`), `traffic` (by the minute and interface) and ' +
        '`outages`, and of `/v1/anomalies`, each with its `vm`: by name, and within a VM in the order of those calls. Of a VM that nothing ' +
        'is known of there are none. `uptally verify` reads a fleet by it.',
      roles: ['billing', 'admin'],
      params: z.object({ table: z.enum(TABLES) }),
      query: vmsQuery,
      answers: {
        200: {
          description: 'Rows of the table asked for',
          schema: pageOf(
            z.union([
              sampleRow,
              uptimeRow.extend(vmText.shape),
              trafficRow.extend({ ...vmText.shape, nic: z.string() }),
              outageRow.extend(vmText.shape),
              anomalyRow,
            ]),
          ),
        },
      },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    ({ params: { table }, query, request }) => answers[table](pathOf(request.url), query),
  );
}

interface Asked<P> {
  vms: readonly string[];
  fromMs: number;
  toMs: number;
  limit: number;
  after: P | undefined;
}

function answerOf<P, R>(
  position: z.ZodType<P>,
  page: (asked: Asked<P>) => Promise<Page<R, P>>,
  json: (row: R) => unknown,
): Answer {
  return async (path, query) => {
    const range = readRange(path, query, position);
    const { rows, next } = await page({ ...range, vms: readVms(range.given['vms']), after: range.at });
    return { rows: rows.map(json), next: range.next(next) };
  };
}

/** Throws `invalid_parameter`. */
export function readVms(text: string | undefined): string[] {
  if (text === undefined) throw parameterProblem('vms', 'is required');
  const vms = text.split(',', VMS_A_REQUEST_MAX + 1);
  if (vms.length > VMS_A_REQUEST_MAX) throw parameterProblem('vms', `must be at most ${VMS_A_REQUEST_MAX} names`);
  const bad = vms.find((vm) => !vmParams.shape.vm.safeParse(vm).success);
  if (bad !== undefined)
    throw parameterProblem('vms', `must be names of VMs with commas between them, not ${JSON.stringify(bad)}`);
  return vms;
}
