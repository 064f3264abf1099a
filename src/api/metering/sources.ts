/** Sources: what the series of a sender are, made and changed, with what became of what it sent. */
import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { instant } from '../../domain/shapes.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { mappingOf, PROTOCOLS, sourceBody } from '../../sources/mapping.ts';
import { preset, presets } from '../../sources/presets.ts';
import { TenureTable } from '../../sources/replicas/tenure-table.ts';
import type { SourceBook } from '../../sources/source-book.ts';
import type { Outcome } from '../../sources/source.ts';
import { outcomeOf } from '../../sources/value.ts';
import type { ApiContext } from '../shared/context.ts';
import { countsJson, countsShape } from '../shared/source-counts.ts';
import { BODY_PROBLEMS, exactInteger, idParams, instantShape, newIdParams } from '../shared/shapes.ts';

const READERS = ['billing', 'admin'] as const;

const sourceShape = z.object({
  id: z.string(),
  protocol: z.enum(PROTOCOLS),
  path: z.string().describe('Where its sender posts.'),
  mapping: z.looseObject({}).describe('What holds now, with everything filled in.'),
  versions: z.array(
    z.object({ from: instantShape, recorded_at: instantShape, recorded_by: z.string(), body: z.looseObject({}) }),
  ),
  counts: countsShape,
  replicas: z
    .array(z.object({ cluster: z.string(), heard: z.string(), until: instantShape, tenures: exactInteger }))
    .describe('Of senders that tell the same, which is heard, as far as is decided, and how many tenures there were so far.'),
});

const putBody = sourceBody.extend({
  from: instant
    .optional()
    .describe('From when on it holds, not before now; left out: from now. The first version holds for all that is sent.'),
});

const askBody = z.strictObject({
  series: z.string().min(1).max(256).describe('The name of the series, measurement or metric.'),
  labels: z
    .record(z.string().max(256), z.string().max(4096))
    .default({})
    .describe('Labels, tags or attributes; of a line its fields too.'),
  value: z.number().optional().describe('Of a series of one value; left out: the labels have fields.'),
  at: instant.optional(),
});

const outcomeShape = z.object({
  outcome: z.enum(['sample', 'left_out', 'rejected']),
  why: z.string().nullable(),
  code: z.string().nullable(),
  sample: z.looseObject({}).nullable(),
});

export function sourceRoutes(api: Api, { sources, store, businessNow }: ApiContext): void {
  const tenures = new TenureTable(store, businessNow);
  api.route(
    {
      method: 'GET',
      path: '/v1/sources',
      tag: 'sources',
      summary: 'The sources, and what became of what they sent',
      roles: READERS,
      answers: {
        200: {
          description: 'By id',
          schema: z.object({ sources: z.array(sourceShape.omit({ versions: true, replicas: true })) }),
        },
      },
      problems: [],
    },
    () => Promise.resolve({ sources: sources.ids().map((id) => listed(sourceJson(sources, id, businessNow()))) }),
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/source-presets',
      tag: 'sources',
      summary: 'Mappings that come with the product',
      roles: READERS,
      answers: {
        200: { description: 'By name', schema: z.object({ presets: z.array(z.looseObject({ id: z.string() })) }) },
      },
      problems: [],
    },
    () => Promise.resolve({ presets: [...presets()].map(([id, body]) => ({ id, ...body })) }),
  );
  api.route(
    {
      method: 'PUT',
      path: '/v1/sources/{id}',
      tag: 'sources',
      summary: 'Make a source or give it another version',
      description:
        'Usually `{"preset": "libvirt-exporter"}`, with whatever differs beside it. What was sent of before `from` means what it meant then.',
      roles: ['admin'],
      params: newIdParams,
      body: { 'application/json': putBody },
      answers: { 200: { description: 'The source', schema: sourceShape } },
      problems: [...BODY_PROBLEMS, 'source_conflict'],
    },
    async ({ params: { id }, body: { from, ...body }, request }) => {
      await sources.put(id, body, from ?? null, recorderOf(request));
      return { ...sourceJson(sources, id, businessNow()), replicas: await replicasJson(sources, tenures, id) };
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/sources/{id}',
      tag: 'sources',
      summary: 'A source, every version of it, and what became of what it sent',
      roles: READERS,
      params: idParams,
      answers: { 200: { description: 'The source', schema: sourceShape } },
      problems: ['invalid_parameter', 'source_unknown'],
    },
    async ({ params: { id } }) => ({
      ...sourceJson(sources, id, businessNow()),
      replicas: await replicasJson(sources, tenures, id),
    }),
  );
  api.route(
    {
      method: 'DELETE',
      path: '/v1/sources/{id}',
      tag: 'sources',
      summary: 'Delete a source: what it sends from then on is refused, what came of it stays',
      roles: ['admin'],
      params: idParams,
      answers: { 204: { description: 'It is deleted' } },
      problems: ['invalid_parameter', 'source_unknown', 'store_unavailable'],
    },
    async ({ params: { id }, request }) => {
      await sources.remove(id, recorderOf(request));
    },
  );
  api.route(
    {
      method: 'POST',
      path: '/v1/sources/{id}/series',
      tag: 'sources',
      summary: 'What becomes of a series',
      description: 'Whatever is posted becomes what this says: it depends on the point and the mapping alone.',
      roles: READERS,
      params: idParams,
      body: { 'application/json': askBody },
      answers: { 200: { description: 'A sample, or why not', schema: outcomeShape } },
      problems: [...BODY_PROBLEMS, 'source_unknown'],
    },
    async ({ params: { id }, body: { series, labels, value, at } }) => {
      sources.versions(id);
      const atMs = at ?? businessNow();
      const source = sources.find(id)?.at(atMs);
      const said = new Map(Object.entries(labels));
      const outcome =
        value === undefined ? source?.line(series, atMs, said) : source && outcomeOf(source.series(series, said), value, atMs);
      if (outcome?.kind !== 'sample' || outcome.candidate === null) return outcomeJson(outcome);
      const { candidate } = outcome;
      const { source: of, cluster } = candidate.group;
      candidate.group.take(await tenures.read(of, cluster, 0), true);
      const standing = candidate.standing(atMs);
      if (standing === 'passed_over') return outcomeJson({ kind: 'left_out', why: 'replica' });
      return { ...outcomeJson(outcome), why: standing === 'open' ? 'if this replica is the one heard, which is open' : null };
    },
  );
}

type SourceJson = Omit<z.input<typeof sourceShape>, 'replicas'>;

function sourceJson(sources: SourceBook, id: string, nowMs: number): SourceJson {
  const versions = sources.versions(id);
  const body = (versions.findLast(({ from }) => from <= nowMs) ?? versions[0])?.body ?? {};
  const mapping = mappingOf(body, preset);
  const protocol = sources.find(id)?.protocol ?? 'prometheus';
  return {
    id,
    protocol,
    path: `/v1/receive/${protocol}/${id}`,
    mapping: 'protocol' in mapping ? { ...mapping } : {},
    versions: versions.map(({ body: given, from, recorded }) => ({
      from: formatInstant(from),
      recorded_at: formatInstant(recorded.at),
      recorded_by: recorded.by,
      body: { ...given },
    })),
    counts: countsJson(sources.countsOf(id)),
  };
}

/** Which replicas are heard; of sources that have any. */
async function replicasJson(
  sources: SourceBook,
  tenures: TenureTable,
  id: string,
): Promise<z.input<typeof sourceShape>['replicas']> {
  if (!(sources.find(id)?.hasReplicas ?? false)) return [];
  const clusters = await tenures.clusters(id);
  return clusters.map(({ cluster, replica, untilMs, tenure }) => ({
    ...{ cluster, heard: replica, until: formatInstant(untilMs), tenures: tenure },
  }));
}

/** As it stands in a list. */
function listed(source: SourceJson): object {
  const { id, protocol, path, mapping, counts } = source;
  return { id, protocol, path, mapping, counts };
}

function outcomeJson(outcome: Outcome | undefined): z.input<typeof outcomeShape> {
  if (outcome === undefined || outcome.kind === 'left_out')
    return { outcome: 'left_out', why: outcome?.why ?? null, code: null, sample: null };
  if (outcome.kind === 'rejected') return { outcome: 'rejected', why: outcome.why, code: outcome.code, sample: null };
  const { vm, nic, host, atMs, rxBytes, txBytes, epoch, startedAtMs, state, holdS, linkMbps, sum } = outcome.sample;
  const down = state !== 'up' && state !== 'none';
  const sample = {
    ...{ vm, nic, host, ts: formatInstant(atMs) },
    ...(rxBytes === null ? {} : { rx_bytes: rxBytes }),
    ...(txBytes === null ? {} : { tx_bytes: txBytes }),
    ...(epoch === 0 ? {} : { epoch }),
    ...(startedAtMs === null ? {} : { started_at: formatInstant(startedAtMs) }),
    ...(down ? { state: 'down', cause: state } : { state }),
    ...(holdS === null ? {} : { hold_s: holdS }),
    ...(linkMbps === null ? {} : { link_mbps: linkMbps }),
    ...(sum ? { sum } : {}),
  };
  return { outcome: 'sample', why: null, code: null, sample };
}
