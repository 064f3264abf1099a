import { z } from 'zod';
import { KEY_ROLES } from '../../catalog/keys.ts';
import { formatInstant } from '../../domain/instant.ts';
import { ProblemError } from '../../problems/problem.ts';
import { vmKnown } from '../../query/context.ts';
import { readAnchors } from '../../query/anchors.ts';
import { minutePage } from '../../query/minutes.ts';
import { rowsBehind } from '../../query/rows-behind.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { rangeQuery, readRange } from '../shared/window.ts';
import { minutePosition } from '../shared/positions.ts';
import { uptimeJson } from '../shared/rows.ts';
import { exactInteger, instantShape, pageOf, uptimeRow, vmParams } from '../shared/shapes.ts';
import { pathOf } from '../metering/vm-metering.ts';

const READERS = ['billing', 'admin'] as const;

const rowsOf = z.object({ rows: z.int(), version: exactInteger.describe('The log position of the newest row; 0 without rows.') });

/** What `uptally verify` reads beside the public rows: minute rows as they are stored, and what holds the whole together. */
export function evidenceRoutes(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/evidence/anchors',
      tag: 'evidence',
      summary: 'What holds the whole together',
      description:
        'Entries of the catalog are numbered without a gap, and the log knows of a number that was there: an entry that is taken away, the newest ' +
        'invoice too, is missed by these. Samples are of agents that had a key for their VM, and no row is later than the samples.',
      roles: READERS,
      answers: {
        200: {
          description: 'Counts, names and instants',
          schema: z.object({
            catalog: z.object({
              entries: exactInteger,
              last: exactInteger.describe('The highest number; as many as there are entries.'),
              marked: exactInteger.describe('The highest number that the log has told of; never above `last`.'),
            }),
            keys: z
              .array(z.object({ name: z.string(), role: z.enum(KEY_ROLES), vms: z.array(z.string()) }))
              .describe('Keys that there are or were; `vms`: patterns of the VMs that an agent may post for.'),
            latest: z.object({
              minutes: instantShape.nullable(),
              traffic: instantShape.nullable(),
              outages: instantShape.nullable(),
              samples: instantShape.nullable(),
            }),
          }),
        },
      },
      problems: ['store_unavailable'],
    },
    async () => {
      const { entries, lastSeq, markedSeq, keys, latestMs } = await readAnchors(context.store);
      const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
      return {
        catalog: { entries, last: lastSeq, marked: markedSeq },
        keys,
        latest: {
          minutes: shown(latestMs.minutes),
          traffic: shown(latestMs.traffic),
          outages: shown(latestMs.outages),
          samples: shown(latestMs.samples),
        },
      };
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/minutes',
      tag: 'evidence',
      summary: 'Minute rows as they are stored',
      description:
        'The latest version of each stored minute that starts in the range. Unlike `uptime` (which answers from outages), wholly ' +
        'silent minutes may be missing, and the end of service is not applied. `uptally verify` holds them against the raw samples.',
      roles: READERS,
      params: vmParams,
      query: z.strictObject(rangeQuery),
      answers: { 200: { description: 'Rows in order', schema: pageOf(uptimeRow, { vm: z.string() }) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'vm_unknown', 'store_unavailable'],
    },
    async ({ params: { vm }, query, request }) => {
      const range = readRange(pathOf(request.url), query, minutePosition);
      if (!(await vmKnown(context, vm))) throw new ProblemError('vm_unknown', `nothing is known of VM ${vm}`, { vm });
      const page = await minutePage(context, { ...range, vms: [vm], after: range.at });
      return { vm, rows: page.rows.map(uptimeJson), next: range.next(page.next) };
    },
  );

  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{vm}/rows',
      tag: 'evidence',
      summary: 'How many rows there are of a range, and the newest version among them',
      description:
        "An invoice's evidence holds the same figures: by them `uptally verify` tells rows that were restated since (a newer version) from " +
        'rows that were lost or changed behind our back. Minute rows that start in the range; outages that began before its end.',
      roles: READERS,
      params: vmParams,
      query: z.strictObject({ from: rangeQuery.from, to: rangeQuery.to }),
      answers: {
        200: {
          description: 'By table',
          schema: z.object({ vm: z.string(), uptime: rowsOf, traffic: rowsOf, outages: rowsOf }),
        },
      },
      problems: ['invalid_parameter', 'store_unavailable'],
    },
    async ({ params: { vm }, query, request }) => {
      const range = readRange(pathOf(request.url), query, z.never());
      return { vm, ...(await rowsBehind(context, [vm], range.fromMs, range.toMs)).get(vm) };
    },
  );
}
