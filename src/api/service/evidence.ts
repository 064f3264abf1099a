import { z } from 'zod';
import { KEY_ROLES } from '../../catalog/keys.ts';
import { formatInstant } from '../../domain/instant.ts';
import { ProblemError } from '../../problems/problem.ts';
import { vmKnown } from '../../query/context.ts';
import { readAnchors } from '../../query/anchors.ts';
import { storedEntries } from '../../journal/stored.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import { minutePage } from '../../query/minutes.ts';
import { rowsBehind } from '../../query/rows-behind.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { PAGE_ROWS_MAX, rangeQuery, readLimit, readRange } from '../shared/window.ts';
import { minutePosition } from '../shared/positions.ts';
import { uptimeJson } from '../shared/rows.ts';
import { exactInteger, instantShape, pageOf, uptimeRow, vmParams } from '../shared/shapes.ts';
import { pathOf } from '../metering/vm-metering.ts';

const READERS = ['billing', 'admin'] as const;

const rowsOf = z.object({ rows: z.int(), version: exactInteger.describe('The log position of the newest row; 0 without rows.') });

const BOOKS_PATH = '/v1/evidence/books';
const MONEY_KINDS = ['invoice', 'settlement', 'balance', 'grant', 'charge'];
const seqText = z.string().regex(/^\d{1,19}$/);
const moneyRow = z.object({
  seq: exactInteger.describe('The number of the row in the journal.'),
  kind: z.string(),
  id: z.string(),
  recorded_at: instantShape,
  by: z.string(),
  body: z.string().describe('JSON, as it is stored; of a document its head.'),
});

/** A draft has moved no money. */
function isMoney({ kind, body }: { kind: string; body: string }): boolean {
  return kind !== 'invoice' || (JSON.parse(body) as { final?: boolean }).final === true;
}

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
      path: BOOKS_PATH,
      tag: 'evidence',
      summary: 'What is on record of money, row by row, as it is stored',
      description:
        'Final invoices and credit notes (what is kept of them beside their content), payments and all other money, of all accounts, in the order in which ' +
        'it was recorded. `uptally verify` derives every ledger from it a second time. What bodies say is as they were written, by this version or one before.',
      roles: READERS,
      query: z.strictObject({
        limit: z.string().optional().describe(`Rows of a page, 1 to ${PAGE_ROWS_MAX}; the default is the most.`),
        cursor: z.string().optional().describe('`next` of the page before.'),
        after: z
          .string()
          .regex(/^\d{1,19}$/, 'must be the `seq` of a row')
          .optional()
          .describe('Only rows that were recorded after it.'),
      }),
      answers: { 200: { description: 'Rows in order', schema: pageOf(moneyRow) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { limit, cursor, after } }) => {
      const given = after === undefined ? {} : { after };
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, BOOKS_PATH, given, seqText);
      const rows = Math.min(readLimit(limit), PAGE_ROWS_MAX);
      const found = await storedEntries(context.store, MONEY_KINDS, ['invoice'], BigInt(pinned?.at ?? after ?? '0'), rows);
      const last = found.length < rows ? undefined : found.at(-1);
      return {
        rows: found.filter(isMoney).map(({ seq, kind, id, recordedAtMs, recordedBy, body }) => ({
          ...{ seq, kind, id, recorded_at: formatInstant(recordedAtMs), by: recordedBy, body },
        })),
        next: last === undefined ? null : encodeCursor(BOOKS_PATH, pinned?.query ?? given, last.seq.toString()),
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
      customer: { by: 'vm' },
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
      customer: { by: 'vm' },
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
