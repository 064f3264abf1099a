import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import { FINDING_KINDS, type Finding } from '../../findings/finding.ts';
import { findingPage } from '../../findings/page.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { parameterProblem } from '../shared/window.ts';
import { instantShape, pageOf } from '../shared/shapes.ts';

const ROWS_MAX = 1_000;
const ROWS_DEFAULT = 200;
/** After this no further part of the fleet is looked at: the page is answered with what there is. */
const CALL_MS = 5_000;
const PATH = '/v1/findings';
const position = z.strictObject({ s: z.int().nonnegative(), after: z.string().max(64) });

const findingShape = z.object({
  kind: z.enum(FINDING_KINDS),
  vm: z.string().nullable(),
  account: z.string().nullable(),
  since: instantShape.nullable().describe('From when on it is so; null: not known, or always.'),
  until: instantShape.nullable().describe('Until when, where it has ended.'),
  words: z.string(),
  what_to_do: z.string(),
});

/** What should worry the biller today. */
export function findingRoutes(api: Api, context: ApiContext): void {
  const { now } = context;
  api.route(
    {
      method: 'GET',
      path: PATH,
      tag: 'billing',
      summary: 'What should worry the biller today',
      description:
        'Computed from what is stored when it is asked, so a finding goes with its cause: VMs that are metered and in no account, samples after the end of a service, VMs ' +
        'that are served and not metered, or on no plan, names that the PDF cannot print, a server without issuer.json. Of the last 40 days, by kind, then by VM or account. ' +
        'A page may have fewer rows than asked for, and more to come.',
      roles: ['billing', 'admin'],
      query: z.strictObject({
        kind: z
          .string()
          .optional()
          .describe(`Of these kinds only, with commas between them: ${FINDING_KINDS.join(', ')}.`),
        account: identifier.optional(),
        vm: identifier.optional(),
        limit: z.string().optional().describe(`Rows of a page, 1 to ${ROWS_MAX}; ${ROWS_DEFAULT} by default.`),
        cursor: z.string().optional().describe('`next` of the page before; the other parameters may then be left out.'),
      }),
      answers: { 200: { description: 'Findings', schema: pageOf(findingShape) } },
      problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
    },
    async ({ query: { cursor, limit: limitText, ...filters } }) => {
      const texts = Object.fromEntries(Object.entries(filters).filter((each): each is [string, string] => each[1] !== undefined));
      const pinned = cursor === undefined ? undefined : decodeCursor(cursor, PATH, texts, position);
      const given = pinned?.query ?? texts;
      const limit = /^[1-9]\d{0,3}$/.test(limitText ?? String(ROWS_DEFAULT)) ? Number(limitText ?? ROWS_DEFAULT) : 0;
      if (limit < 1 || limit > ROWS_MAX) throw parameterProblem('limit', `must be an integer, 1 to ${ROWS_MAX}`);
      const untilMs = now() + CALL_MS;
      const { findings, next } = await findingPage(
        context,
        { kinds: kindsOf(given['kind']), vm: given['vm'], account: given['account'] },
        { from: pinned?.at ?? { s: 0, after: '' }, limit, inTime: () => now() < untilMs },
      );
      return { rows: findings.map(findingJson), next: next === undefined ? null : encodeCursor(PATH, given, next) };
    },
  );
}

function kindsOf(text: string | undefined): Set<Finding['kind']> {
  if (text === undefined) return new Set(FINDING_KINDS);
  const names = text.split(',');
  const known = FINDING_KINDS.filter((kind) => names.includes(kind));
  const bad = names.find((name) => !known.some((kind) => kind === name));
  if (bad !== undefined) throw parameterProblem('kind', `must be of ${FINDING_KINDS.join(', ')}, not ${JSON.stringify(bad)}`);
  return new Set(known);
}

function findingJson({ kind, vm, account, sinceMs, untilMs, words, whatToDo }: Finding): Record<string, unknown> {
  const instantOf = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  return { kind, vm, account, since: instantOf(sinceMs), until: instantOf(untilMs), words, what_to_do: whatToDo };
}
