/** Names that nobody needs: which there are, having them forgotten, and what was. */
import { z } from 'zod';
import { FORGOTTEN_NAMES_MAX } from '../../catalog/forgettings.ts';
import { instant } from '../../domain/shapes.ts';
import { formatInstant } from '../../domain/instant.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { QueryContext } from '../../query/context.ts';
import { forgottenPage, namePage, namesAmong, type StrayName } from '../../query/names.ts';
import { storedVmName, vmPattern } from '../../samples/names.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { ApiContext } from '../shared/context.ts';
import { BODY_PROBLEMS, instantShape, pageOf } from '../shared/shapes.ts';
import { rangeQuery, readLimit } from '../shared/window.ts';

const PATH = '/v1/names';
const FORGOTTEN_PATH = '/v1/names/forgotten';
/** Names that an answer shows one by one. */
const SHOWN_MAX = 100;

const nameShape = z.object({
  vm: z.string(),
  samples: z.int().describe('Raw samples that are stored, those among them that a conflict replaced.'),
  first_sample: instantShape.nullable().describe('null where all have expired.'),
  last_sample: instantShape.nullable(),
  nics: z.int(),
  agents: z.array(z.string()).describe('Names of the keys that posted them, at most 16.'),
});

const forgetRequest = z
  .strictObject({
    vms: z.array(storedVmName).min(1).max(FORGOTTEN_NAMES_MAX).optional().describe('These names.'),
    pattern: vmPattern.optional().describe('Names in no catalog that match, with * for any characters; at most 10,000 a call.'),
    before: instant.optional().describe('With a pattern: only those whose newest sample is older.'),
    dry_run: z.boolean().default(false).describe('Only tells what would go.'),
  })
  .refine((body) => (body.vms === undefined) !== (body.pattern === undefined), {
    path: ['vms'],
    message: 'give either vms or pattern',
  })
  .refine((body) => body.before === undefined || body.pattern !== undefined, {
    path: ['before'],
    message: 'goes with pattern only',
  })
  .meta({
    oneOf: [
      { required: ['vms'], properties: { pattern: false, before: false } },
      { required: ['pattern'], properties: { vms: false } },
    ],
  });

const forgetAnswer = z.object({
  dry_run: z.boolean(),
  names: z.int(),
  samples: z.int().describe('Raw samples that are stored of them now.'),
  shown: z.array(nameShape).describe('The first 100 of which samples are stored.'),
  more: z.boolean().describe('Further names match: call again.'),
});

const forgottenShape = z.object({
  vm: z.string(),
  forgotten_at: instantShape,
  forgotten_by: z.string(),
  samples: z.int(),
  conflicts: z.int().describe('Those of the samples that a later one had replaced.'),
  expired: z.boolean().describe('Some of its samples had expired before, and are not counted.'),
  first_sample: instantShape.nullable(),
  last_sample: instantShape.nullable(),
  agents: z.array(z.string()),
});

const text = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));

function nameJson({ vm, samples, firstMs, lastMs, nics, agents }: StrayName): object {
  return { vm, samples, first_sample: text(firstMs), last_sample: text(lastMs), nics, agents };
}

export function nameRoutes(api: Api, context: ApiContext): void {
  listRoute(api, context);
  forgetRoute(api, context);
  forgottenRoute(api, context);
}

function listRoute(api: Api, { store }: QueryContext): void {
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'names',
      summary: 'Names that are metered and in no catalog',
      roles: ['billing', 'admin'],
      query: z.strictObject({
        pattern: vmPattern.optional().describe('Only names that match, with * for any characters.'),
        limit: rangeQuery.limit,
        cursor: rangeQuery.cursor,
      }),
      answers: { 200: { description: 'By name', schema: pageOf(nameShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { cursor, limit, pattern } }) => {
      const texts: Record<string, string> = pattern === undefined ? {} : { pattern };
      const pinned =
        cursor === undefined ? undefined : decodeCursor(cursor, PATH, texts, z.strictObject({ vm: z.string().max(64) }));
      const given = pinned?.query ?? texts;
      const asked = { after: pinned?.at.vm ?? '', limit: readLimit(limit), pattern: given['pattern'], beforeMs: undefined };
      const page = await namePage(store, asked);
      return { rows: page.rows.map(nameJson), next: page.next === undefined ? null : encodeCursor(PATH, given, page.next) };
    },
  );
}

function forgetRoute(api: Api, { store, catalog }: QueryContext): void {
  api.route(
    {
      method: 'POST',
      path: '/v1/names/forget',
      once: true,
      tag: 'names',
      summary: 'Have names forgotten, with all that is stored of them',
      description:
        "Their room is others' again; their raw samples, minutes, traffic, outages and anomalies are deleted, and no backup of the log brings them back. Never of a VM that the " +
        'catalog has or had, or that an event or incident names: those are refused by name, and left out of a pattern. Who had what forgotten stays on record. ' +
        'It is done when `catalog.applied` of /v1/status has come to `catalog.recorded`. A name that is posted again begins anew.',
      roles: ['admin'],
      body: { 'application/json': forgetRequest },
      answers: { 200: { description: 'What goes', schema: forgetAnswer } },
      problems: [...BODY_PROBLEMS, 'name_kept'],
    },
    async ({ body, request }) => {
      const { dry_run: dryRun, pattern } = body;
      const stray = pattern === undefined ? undefined : await strayNames(store, catalog, pattern, body.before);
      const vms = stray?.vms ?? [...new Set(body.vms ?? [])];
      const kept = vms.filter((vm) => catalog.forgettings.isKept(vm));
      if (kept.length > 0) throw keptProblem(kept);
      const names = stray?.names ?? (await namesAmong(store, vms));
      if (!dryRun && vms.length > 0) await catalog.forgettings.record(vms, keptProblem, recorderOf(request));
      return {
        dry_run: dryRun,
        names: vms.length,
        samples: names.reduce((sum, { samples }) => sum + samples, 0),
        shown: names.slice(0, SHOWN_MAX).map(nameJson),
        more: stray?.more ?? false,
      };
    },
  );
}

function keptProblem(kept: readonly string[]): ProblemError {
  const some = kept.slice(0, 5).join(', ');
  return new ProblemError(
    'name_kept',
    `the catalog, an event or an incident names ${some}${kept.length > 5 ? ` and ${kept.length - 5} more` : ''}: what is stored of them is evidence`,
    { vms: kept.slice(0, SHOWN_MAX) },
  );
}

/** What a pattern comes down to, page by page: those that something names are passed over. */
async function strayNames(
  store: QueryContext['store'],
  catalog: QueryContext['catalog'],
  pattern: string,
  beforeMs: number | undefined,
) {
  const names: StrayName[] = [];
  for (let after = ''; ;) {
    const page = await namePage(store, { after, limit: FORGOTTEN_NAMES_MAX - names.length, pattern, beforeMs });
    names.push(...page.rows.filter(({ vm }) => !catalog.forgettings.isKept(vm)));
    if (page.next === undefined || names.length >= FORGOTTEN_NAMES_MAX)
      return { names, vms: names.map(({ vm }) => vm), more: page.next !== undefined };
    after = page.next.vm;
  }
}

function forgottenRoute(api: Api, { store }: QueryContext): void {
  api.route(
    {
      method: 'GET',
      path: FORGOTTEN_PATH,
      tag: 'names',
      summary: 'Names that were forgotten, for ever: who, when, and how many samples',
      roles: ['billing', 'admin'],
      query: z.strictObject({ limit: rangeQuery.limit, cursor: rangeQuery.cursor }),
      answers: { 200: { description: 'In the order in which they were forgotten', schema: pageOf(forgottenShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { cursor, limit } }) => {
      const position = z.strictObject({ seq: z.string().regex(/^\d{1,19}$/), vm: z.string().max(64) });
      const at = cursor === undefined ? { seq: '0', vm: '' } : decodeCursor(cursor, FORGOTTEN_PATH, {}, position).at;
      const page = await forgottenPage(store, at, readLimit(limit));
      const rows = page.rows.map(({ vm, atMs, by, samples, conflicts, expired, firstMs, lastMs, agents }) => ({
        ...{ vm, forgotten_at: formatInstant(atMs), forgotten_by: by, samples, conflicts, expired },
        ...{ first_sample: text(firstMs), last_sample: text(lastMs), agents },
      }));
      return { rows, next: page.next === undefined ? null : encodeCursor(FORGOTTEN_PATH, {}, page.next) };
    },
  );
}
